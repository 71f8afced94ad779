"""`pinward worker`: what goes on behind the service."""

import asyncio
import logging
import os
import signal
from typing import Annotated

import typer

from api import entrance
from api.orphaned import when_orphaned
from geo.settings import Settings
from geo.store import service_role


def worker(
    parent: Annotated[
        int | None, typer.Option(hidden=True, help="End when this process is no longer the parent.")
    ] = None,
) -> None:
    """Number and count what changes, and do the jobs: hotspots each night (`serve` starts one).

    Several may run; one works, the others stand by.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    settings = Settings()
    url = entrance.service_database_url(settings)
    service_role.check(url)
    asyncio.run(_work(url, settings, parent))
    # Not the interpreter's own end, which would wait for whatever a thread still computes.
    os._exit(0)


async def _work(url: str, settings: Settings, parent: int | None) -> None:
    # Here, not above: what folds takes a second to import, and every command would wait.
    from api.worker import Worker

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for ending in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(ending, stop.set)
    if parent:
        when_orphaned(parent, lambda: loop.call_soon_threadsafe(stop.set))
    await Worker(url, settings, stop).run()
