"""One connection of a process that listens to the database, and whoever must then catch up.

A notice says only that something happened. Whoever follows a channel is called after every notice
and after every (re)connect, and brings itself up to date then: nothing said while nobody listened
is missed, and ten notices in a row are one call.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import psycopg
from psycopg.conninfo import make_conninfo

log = logging.getLogger("pinward.listener")

RETRY_S = 1.0

# A server that vanished without a word is noticed in 20 s, not after the system's two hours.
_ALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 2}


def alive(url: str) -> str:
    """The same database for a connection that waits: a server that vanished is noticed."""
    return make_conninfo(url, **_ALIVE)


class Listener:
    """Listens to the channels of `followers` until the block `listening` ends.

    `on_lost` is called (from the event loop) whenever the connection is gone.
    """

    def __init__(
        self,
        url: str,
        followers: Mapping[str, Callable[[], Awaitable[None]]],
        on_lost: Callable[[], None],
    ) -> None:
        self._url = url
        self._followers = followers
        self._on_lost = on_lost
        self._wakes = {channel: asyncio.Event() for channel in followers}
        self.connected = False

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Connect, let every follower catch up once, then keep on in the background.

        Raises what the first connection or the first catching up raises.
        """
        conn = await self._connect()
        tasks = []
        try:
            for follower in self._followers.values():
                await follower()
            tasks = [asyncio.create_task(self._listen(conn))]
            tasks += [asyncio.create_task(self._follow(channel)) for channel in self._followers]
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await conn.close()

    async def _connect(self) -> psycopg.AsyncConnection:
        conn = await psycopg.AsyncConnection.connect(alive(self._url), autocommit=True)
        for channel in self._followers:
            await conn.execute(f"LISTEN {channel}")
        self.connected = True
        return conn

    async def _listen(self, conn: psycopg.AsyncConnection) -> None:
        while True:
            try:
                async with conn:
                    async for notice in conn.notifies():
                        self._wakes[notice.channel].set()
            except Exception as error:
                log.warning("the database went away (%s); listening again soon", error)
            finally:
                self.connected = False
                self._on_lost()
            conn = await self._again()
            for wake in self._wakes.values():
                wake.set()

    async def _again(self) -> psycopg.AsyncConnection:
        while True:
            await asyncio.sleep(RETRY_S)
            try:
                return await self._connect()
            except (psycopg.Error, OSError) as error:
                log.warning("the database is still away (%s)", error)

    async def _follow(self, channel: str) -> None:
        wake = self._wakes[channel]
        while True:
            await wake.wait()
            wake.clear()
            if not self.connected:
                # It will be called after the reconnect; before, it could miss what comes between.
                continue
            try:
                await self._followers[channel]()
            except Exception as error:
                # Go on with what we have rather than dying silently with a dead task.
                log.warning("could not catch up with %s (%s)", channel, type(error).__name__)
                await asyncio.sleep(RETRY_S)
                wake.set()
