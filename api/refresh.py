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


async def _listening(url: str) -> psycopg.AsyncConnection:
    conn = await psycopg.AsyncConnection.connect(url, autocommit=True)
    await conn.execute(f"LISTEN {wards.CHANNEL}")
    return conn


async def _listen(app: FastAPI, url: str, conn: psycopg.AsyncConnection) -> None:
    """Reload at each notice; when the connection breaks, make another and load what was missed."""
    while True:
        try:
            async with conn:
                async for _ in conn.notifies():
                    await load(app)
        except (psycopg.OperationalError, OSError) as error:
            log.warning("the database went away (%s); listening again soon", error)
        except Exception:
            # Keep serving the wards we have rather than dying silently with a dead task.
            log.exception("the wards could not be refreshed")
        conn = await _again(app, url)


async def _again(app: FastAPI, url: str) -> psycopg.AsyncConnection:
    while True:
        await asyncio.sleep(RETRY_S)
        try:
            conn = await _listening(url)
        except (psycopg.OperationalError, OSError) as error:
            log.warning("the database is still away (%s)", error)
            continue
        try:
            await load(app)
        except Exception:
            log.exception("the wards could not be loaded again yet")
            await conn.close()
            continue
        return conn


@contextlib.asynccontextmanager
async def kept_fresh(app: FastAPI, url: str) -> AsyncIterator[None]:
    """Listen, load once, then keep fresh until the block ends."""
    conn = await _listening(url)
    await load(app)
    task = asyncio.create_task(_listen(app, url, conn))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
