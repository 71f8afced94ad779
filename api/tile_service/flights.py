"""One query for all who ask for the same tile at the same time, and none for nobody.

A flight is one tile being made. Whoever asks for the same joins it; when the last who waited is
gone, its query is cancelled. A change that touches the tile makes the flight stale: those who asked
before get its answer, those who ask afterwards start another, and nobody keeps it.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

from starlette.types import Receive

from api.client import done_or_gone

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Flight(Generic[V]):
    """One tile being made. `stale`: something changed since its query began."""

    __slots__ = ("began", "stale", "task", "waiting")

    def __init__(self) -> None:
        self.task: asyncio.Task[V]
        self.began = time.monotonic()
        self.waiting = 0
        self.stale = False


class Flights(Generic[K, V]):
    """The flights of one process (one event loop)."""

    def __init__(self) -> None:
        self._flying: dict[K, Flight[V]] = {}

    def __len__(self) -> int:
        return len(self._flying)

    async def join(
        self,
        key: K,
        make: Callable[[Flight[V]], Coroutine[Any, Any, V]],
        receive: Receive,
        not_older_s: float,
    ) -> V:
        """The answer of the flight for `key`, begun now unless one flies since `not_older_s`.

        Raises what `make` raises, and `ClientGone` when the client leaves first.
        """
        flight = self._flying.get(key)
        if flight is None or time.monotonic() - flight.began > not_older_s:
            flight = self._begin(key, make)
        flight.waiting += 1
        try:
            return await done_or_gone(flight.task, receive)
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():
                self._forget(key, flight)
                flight.task.cancel()

    def outdate(self, touched: Callable[[K], bool]) -> None:
        """Make stale, and open to nobody else, the flights of which this is true."""
        for key, flight in [item for item in self._flying.items() if touched(item[0])]:
            flight.stale = True
            self._forget(key, flight)

    def _begin(self, key: K, make: Callable[[Flight[V]], Coroutine[Any, Any, V]]) -> Flight[V]:
        older = self._flying.get(key)
        if older is not None:
            # Out of sight of `outdate` from now on, so it may not be kept.
            older.stale = True
        flight = self._flying[key] = Flight[V]()
        flight.task = asyncio.create_task(make(flight))

        def landed(task: asyncio.Task[V]) -> None:
            self._forget(key, flight)
            # Asked for, so that an error nobody waited for is not reported as forgotten.
            if not task.cancelled():
                task.exception()

        flight.task.add_done_callback(landed)
        return flight

    def _forget(self, key: K, flight: Flight[V]) -> None:
        if self._flying.get(key) is flight:
            del self._flying[key]
