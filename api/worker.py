"""The worker: numbers what changed, folds it into pyramid and statistics, forgets what is
old, does the jobs.

One at a time works, whoever holds the lock; any number of others stand by, and one of them takes
over within a second when it ends. It keeps nothing in memory that matters: killed at any point, it
leaves transactions that were committed and others that were not.
"""

import asyncio
import contextlib
import logging
import threading
import time
from datetime import UTC, datetime, timedelta

from api import jobs
from api.listener import alive
from geo.settings import Settings
from geo.store import changes
from geo.store.database import AsyncConnection, AsyncEngine, create_engine
from geo.store.statistics.fold import Folding
from tiles.pyramid import fold

log = logging.getLogger("pinward.worker")

NUMBER_EVERY_S = 0.15
STAND_BY_S = 0.5
FOLD_EVERY_S = 0.5
PURGE_EVERY_S = 60.0
RETRY_S = 1.0
# A fold may be busy; what it had begun is rolled back.
_PATIENCE_S = 3.0


class Worker:
    """Works on the database at `url` until `stop` is set."""

    def __init__(self, url: str, settings: Settings, stop: asyncio.Event) -> None:
        self._url = url
        self._settings = settings
        self._kept = timedelta(hours=settings.changes_kept_h)
        self._stop = stop

    async def run(self) -> None:
        """Lead, or stand by to lead; a database that goes away is waited for."""
        engine = create_engine(alive(self._url), pool_size=2)
        try:
            while not self._stop.is_set():
                try:
                    async with engine.connect() as conn:
                        try:
                            await self._lead(conn, engine)
                        finally:
                            # The lock is the connection's: it must not live on in the pool.
                            await conn.invalidate()
                except Exception as error:
                    log.warning("interrupted (%s: %s); trying again", type(error).__name__, error)
                    await self._wait(RETRY_S)
        finally:
            await engine.dispose()

    async def _lead(self, conn: AsyncConnection, engine: AsyncEngine) -> None:
        waiting = False
        while True:
            async with conn.begin():
                if await changes.lead(conn):
                    break
            if not waiting:
                log.info("another worker leads; this one stands by")
                waiting = True
            if await self._wait(STAND_BY_S):
                return
        log.info("this worker leads")
        async with contextlib.AsyncExitStack() as stack:
            stack.enter_context(_Folding(self._url, self._settings.timezone))
            purging = asyncio.create_task(self._purge(engine))
            stack.push_async_callback(_cancelled, purging)
            await stack.enter_async_context(jobs.working(self._url, self._settings))
            await self._number(conn)

    async def _number(self, conn: AsyncConnection) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            began = clock()
            async with conn.begin():
                last = await changes.number(conn)
            spent = clock() - began
            # A look in vain costs little as long as the index is clean; when it is not (a long
            # transaction keeps dead rows alive), looking takes half of the time at most.
            rest = NUMBER_EVERY_S - spent if last else max(NUMBER_EVERY_S, spent)
            if await self._wait(max(rest, 0.0)):
                return

    async def _purge(self, engine: AsyncEngine) -> None:
        while True:
            try:
                gone = 1
                while gone:
                    async with engine.begin() as conn:
                        gone = await changes.purge(conn, datetime.now(UTC) - self._kept)
            except Exception as error:
                log.warning("old changes stay for now (%s)", type(error).__name__)
            await asyncio.sleep(PURGE_EVERY_S)

    async def _wait(self, seconds: float) -> bool:
        """Wait, but not past the end; returns whether that has come."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return self._stop.is_set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        return self._stop.is_set()


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


class _Folding:
    """Folds in a thread with an event loop of its own: folding computes, numbering cannot wait."""

    def __init__(self, url: str, timezone: str) -> None:
        self._url, self._timezone = url, timezone
        self._ended = threading.Event()
        # A daemon: the process may end over a fold, as it may be killed over it.
        self._thread = threading.Thread(target=self._run, name="fold", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    def __enter__(self) -> "_Folding":
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._ended.set()
        if self._loop and self._task:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(_PATIENCE_S)

    def _run(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(self._fold())

    async def _fold(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        engine = create_engine(alive(self._url), pool_size=2)
        counted = Folding(engine, self._timezone, time.monotonic)
        try:
            while not self._ended.is_set():
                try:
                    folded = await fold.fold_if_due(engine)
                    pause = 0.0 if await counted.fold_if_due() or folded else FOLD_EVERY_S
                except Exception:
                    log.exception("could not fold")
                    pause = RETRY_S
                await asyncio.sleep(pause)
        finally:
            await engine.dispose()
