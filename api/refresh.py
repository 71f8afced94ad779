"""Keeps what a process holds in memory equal to the database: today the dated wards.

One connection of its own listens for the commit's NOTIFY; after every (re)connect the wards are
loaded anew, so that nothing said while nobody listened is missed.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import psycopg
from fastapi import FastAPI

from api.session import today
from geo.store import wards
from geo.wards.directory import WardDirectory

log = logging.getLogger("pinward.refresh")

RETRY_S = 1.0


async def load(app: FastAPI) -> None:
    """Load the wards into `app.state.wards`; lookups go on with the old ones meanwhile."""
    async with app.state.engine.connect() as conn:
        app.state.wards = await WardDirectory.load(conn, today(app.state.settings))


async def _listen(app: FastAPI, url: str) -> None:
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
                await conn.execute(f"LISTEN {wards.CHANNEL}")
                await load(app)
                async for _ in conn.notifies():
                    await load(app)
        except (psycopg.OperationalError, OSError) as error:
            log.warning("the database went away (%s); listening again soon", error)
        except Exception:
            # Keep serving the wards we have rather than dying silently with a dead task.
            log.exception("the wards could not be refreshed")
        await asyncio.sleep(RETRY_S)


@contextlib.asynccontextmanager
async def kept_fresh(app: FastAPI, url: str) -> AsyncIterator[None]:
    """Load once, then keep fresh until the block ends."""
    await load(app)
    task = asyncio.create_task(_listen(app, url))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
