"""The real things the tests run on: a throw-away PostGIS cluster, the real service on a port.

A template database is migrated once per worker process and cloned for each test or module.
"""

import asyncio
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest
from hypothesis import HealthCheck, settings

import builders
from geo.store import migrate
from geo.store.cluster import Cluster
from geo.store.database import AsyncConnection, AsyncEngine, create_engine

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"
_numbers = itertools.count()

# What is slow is no wrong: measures are in `benchmarks/`.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")

# Started in the background of a shell the tests are deaf to Ctrl-C, and so is what they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data beside the checkout; tests that need it are skipped where it is not."""
    if not SHARED.is_dir():
        pytest.skip("the real data of ../shared/data are not here")
    return SHARED


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("cluster"), durable=False)
    made.start()
    yield made
    made.remove()


@pytest.fixture(scope="session")
def clone(cluster: Cluster) -> Callable[[str], str]:
    """`clone(template) -> url` of a fresh copy of a database of the cluster."""

    def copy(template: str) -> str:
        name = f"test_{next(_numbers)}"
        with psycopg.connect(cluster.url("postgres"), autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return cluster.url(name)

    return copy


@pytest.fixture(scope="session")
def empty_template(cluster: Cluster) -> str:
    """Name of a database with tables and categories and nothing else."""
    name = "template_empty"
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    migrate.upgrade(cluster.url(name))
    _work(cluster.url(name), builders.categories)
    return name


@pytest.fixture(scope="session")
def city_template(cluster: Cluster, clone: Callable[[str], str], empty_template: str) -> str:
    """Name of a database that also holds the small city of `builders.CITY`."""
    url = clone(empty_template)
    _work(url, builders.import_city)
    name = "template_city"
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {url.split('/')[3].split('?')[0]} RENAME TO {name}")
    return name


@pytest.fixture
def url(clone: Callable[[str], str], empty_template: str) -> str:
    """A database of this test's own: tables and categories, no wards."""
    return clone(empty_template)


@pytest.fixture
def city_url(clone: Callable[[str], str], city_template: str) -> str:
    """A database of this test's own with the small city."""
    return clone(city_template)


@pytest.fixture
async def engine(city_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine on a fresh small city."""
    made = create_engine(city_url, pool_size=5)
    yield made
    await made.dispose()


@pytest.fixture
async def conn(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection to a fresh small city, in a transaction that is rolled back at the end."""
    async with engine.connect() as made:
        yield made


class Service:
    """The real service in processes of its own: `http` talks to it, `url` is its database."""

    def __init__(self, base: str, url: str, log: Path, pid: int) -> None:
        self.base = base
        self.url = url
        self.log = log
        self.pid = pid
        # As a client that is no browser says that it means what it changes.
        meant = {"Pinward-Request": "1"}
        self.http = httpx.Client(base_url=base, timeout=30, headers=meant)


@contextmanager
def serving(
    url: str, folder: Path, workers: int = 1, *options: str, **settings: str
) -> Iterator[Service]:
    """Serve a database on a free port until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {name: v for name, v in os.environ.items() if not name.startswith("PINWARD_")}
    environment |= {"PINWARD_DATABASE_URL": url, "PINWARD_STATE": str(folder / "state")}
    # A night's hotspots would take the place of those that a test puts there.
    environment |= {"PINWARD_HOTSPOTS_HOUR": "24", "PINWARD_RETENTION_HOUR": "24"}
    # Most tests send more from this one address than anybody should.
    environment |= {"PINWARD_LIMITS": "no", **settings}
    log = folder / "service.log"
    pinward = Path(sys.executable).with_name("pinward")
    with log.open("ab") as out:
        process = subprocess.Popen(
            [pinward, "serve", "--port", str(port), "--workers", str(workers), *options],
            env=environment,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    service = Service(f"http://127.0.0.1:{port}", url, log, process.pid)
    try:
        for _ in range(1200):
            try:
                # 503 is an answer too: a service without wards is up.
                service.http.get("/readyz")
                break
            except httpx.TransportError:
                if process.poll() is not None:
                    break
                time.sleep(0.1)
        else:
            pytest.fail(f"the service did not come up:\n{log.read_text()}")
        if process.poll() is not None:
            pytest.fail(f"the service ended:\n{log.read_text()}")
        yield service
    finally:
        service.http.close()
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)


@pytest.fixture(scope="module")
def service(
    clone: Callable[[str], str], city_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The service on a small city, shared by a module's tests."""
    with serving(clone(city_template), tmp_path_factory.mktemp("service")) as made:
        yield made


@pytest.fixture
def pinward(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`pinward(*words, url=…, **env)` runs the real command and returns what it said."""
    return command(tmp_path)


def command(folder: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """As the fixture `pinward`, in a folder."""
    program = Path(sys.executable).with_name("pinward")

    def run(
        *words: str | Path,
        url: str = "",
        stdin: str | None = None,
        timeout: float = 300,
        **env: str,
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, *map(str, words)],
            capture_output=True,
            text=True,
            timeout=timeout,
            input=stdin,
            check=False,
            cwd=folder,
            env={
                **os.environ,
                "PINWARD_DATABASE_URL": url,
                "PINWARD_STATE": str(folder / "state"),
                "COLUMNS": "200",
                **env,
            },
        )

    return run


def _work(url: str, work: Callable[[AsyncConnection], object]) -> None:
    async def run() -> None:
        engine = create_engine(url)
        async with engine.begin() as conn:
            await work(conn)  # type: ignore[misc]
        await engine.dispose()

    asyncio.run(run())
