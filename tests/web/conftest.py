"""The built pages in a real browser, on the real service with the small city of `builders`."""

import asyncio
import fcntl
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import browsing
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from geo.store.database import AsyncConnection, create_engine

WEB = Path(__file__).resolve().parent.parent.parent / "web"
PHONE = {"width": 360, "height": 740}

Opened = Callable[..., Page]

# Machines stall; what is fast is measured in `benchmarks/`.
expect.set_options(timeout=20_000)


def _sources() -> Iterator[Path]:
    for path in WEB.rglob("*"):
        if path.is_file() and not {"node_modules", "dist"} & set(path.relative_to(WEB).parts):
            yield path


def _is_built() -> bool:
    document = WEB / "dist" / "index.html"
    if not document.exists():
        return False
    return document.stat().st_mtime >= max(path.stat().st_mtime for path in _sources())


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`web/dist`, built when it is missing or older than its sources."""
    # Several test processes share one folder: one builds, the others wait.
    lock = tmp_path_factory.getbasetemp().parent / "pages.lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not _is_built():
            # Node and npm come with the Python environment.
            path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
            environment = {**os.environ, "PATH": path}
            if not (WEB / "node_modules").is_dir():
                subprocess.run(["npm", "ci", "--silent"], cwd=WEB, env=environment, check=True)
            subprocess.run(["npm", "run", "build"], cwd=WEB, env=environment, check=True)
    return WEB / "dist"


# Not of the session: while it is open its driver's event loop runs, and no async test can.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if browsing.chromium() is None:
        pytest.skip("no chromium here")
    with browsing.browser() as made:
        yield made


@pytest.fixture
def opened(chromium: Browser, pages: Path) -> Iterator[Opened]:
    """`opened(service, path, size=…, at=(lon, lat), …)` opens a page in a fresh profile.

    Everything the page asked for is in `page.asked`, what it complained of in `page.complaints`.
    The service worker is left out, as it asks by itself, past `page.route`, unless the test says
    `service_workers="allow"`.
    """
    contexts: list[BrowserContext] = []

    def open_page(
        service: object,
        path: str = "/",
        size: dict[str, int] = PHONE,
        at: tuple[float, float] | None = None,
        **options: object,
    ) -> Page:
        if at is not None:
            position = {"longitude": at[0], "latitude": at[1], "accuracy": 20}
            options |= {"geolocation": position, "permissions": ["geolocation"]}
        options.setdefault("service_workers", "block")
        context = chromium.new_context(viewport=size, locale="en-US", **options)
        contexts.append(context)
        context.set_default_timeout(30_000)
        page = context.new_page()
        page.asked = []
        page.complaints = []
        page.on("request", lambda request: page.asked.append(request))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("console", lambda said: page.complaints.extend(_forbidden(said.text)))
        page.goto(service.base + path)
        return page

    yield open_page
    for context in contexts:
        context.close()


def _forbidden(said: str) -> list[str]:
    """What the browser did not do because the page's policy forbids it."""
    return [said] if "Content Security Policy" in said else []


@pytest.fixture
def in_database() -> Callable[..., None]:
    """`in_database(service, work)` awaits `work(connection)` in the service's database."""

    def run(service: object, work: Callable[[AsyncConnection], Awaitable[object]]) -> None:
        async def there() -> None:
            engine = create_engine(service.url)
            async with engine.begin() as conn:
                await work(conn)
            await engine.dispose()

        # The browser's own loop runs in this thread.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, there()).result()

    return run
