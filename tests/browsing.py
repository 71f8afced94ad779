"""A real browser for the tests and the README's picture: chromium, headless, with WebGL."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # No graphics card here or in CI: WebGL is drawn by the processor.
    "--enable-unsafe-swiftshader",
]
_MAC = "/Applications/Chromium.app/Contents/MacOS/Chromium"


def chromium() -> str | None:
    """Path of the browser, or None where there is none."""
    named = os.environ.get("PINWARD_CHROMIUM")
    found = [named, shutil.which("chromium"), shutil.which("chromium-browser"), _MAC]
    return next((path for path in found if path and os.access(path, os.X_OK)), None)


@contextmanager
def browser() -> Iterator[Browser]:
    """A headless browser with a fresh profile, closed at the end of the block."""
    path = chromium()
    if path is None:
        raise RuntimeError("no chromium found: `make test` installs one, or set PINWARD_CHROMIUM")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=path, headless=True, args=ARGUMENTS)
        try:
            yield made
        finally:
            made.close()
