"""What changed on the map, told to the parts of this process as it is numbered.

    feed.subscribe(callback, on_gap)            # told what was touched
    feed.follow(callback, on_gap, anybody)      # told the changes, while `anybody()` wants them

`callback(batch)` gets every one once and in order; `on_gap()` says that some were missed (they
are no longer kept, or too many to be told one by one), so that whatever was remembered may be
wrong. Both are plain functions, called from the event loop, and must be quick.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

from geo.store import changes
from geo.store.changes import Change, Touch
from geo.store.database import AsyncConnection, AsyncEngine

__all__ = ["Change", "Feed", "Touch"]

log = logging.getLogger("pinward.feed")

BATCH = 500
"""Changes read, and told, at once."""

MOST_BEHIND = 10_000
"""More than these are not told one by one: an import of a million reports is a gap."""

# After a gap others usually follow; between them those told get time to read anew.
_AFTER_GAP_S = 0.5
_LOOK_EVERY_S = 0.4
# Numbering takes changes every 0.15 s; one this old is waiting for somebody who does not come.
_LONGEST_FRESH_S = 0.5


@dataclass(eq=False)
class _Subscriber:
    callback: Callable[[Sequence[Touch | Change]], None]
    on_gap: Callable[[], None]


@dataclass(eq=False)
class _Follower:
    callback: Callable[[Sequence[Change]], None]
    on_gap: Callable[[], None]
    anybody: Callable[[], bool]


class Feed:
    """The changes after those there were when it began; `engine` is its own, of one connection."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._subscribers: list[_Subscriber] = []
        self._followers: list[_Follower] = []
        self._reading = asyncio.Lock()
        self._losses = 0
        self._current = False
        self._numbered = True
        self._begun = False
        self.seq = 0
        self.pending_s = 0.0

    @property
    def connected(self) -> bool:
        """Whether everything committed more than about a second ago has been told.

        False while the database is away, before the first catching up after that, and while
        changes wait for a number because no worker runs or more came than it can take. What is
        remembered must not be answered from then; it is right again when this is True again,
        unless `on_gap` was called meanwhile.
        """
        return self._current and self._numbered

    def subscribe(
        self, callback: Callable[[Sequence[Touch | Change]], None], on_gap: Callable[[], None]
    ) -> Callable[[], None]:
        """Be told what is touched from now on; call the function returned to be told no more."""
        one = _Subscriber(callback, on_gap)
        self._subscribers.append(one)
        return lambda: self._subscribers.remove(one)

    def follow(
        self,
        callback: Callable[[Sequence[Change]], None],
        on_gap: Callable[[], None],
        anybody: Callable[[], bool],
    ) -> Callable[[], None]:
        """Be told the changes themselves, of every batch for which `anybody()` is true at the time
        of telling; what nobody wants is not read. Ended like `subscribe`."""
        one = _Follower(callback, on_gap, anybody)
        self._followers.append(one)
        return lambda: self._followers.remove(one)

    def lost(self) -> None:
        """Nobody listens any more."""
        self._losses += 1
        self._current = False

    async def catch_up(self) -> None:
        """Read and tell what came since; call it after every connect and every notice."""
        async with self._reading:
            losses = self._losses
            try:
                while await self._read():
                    pass
            except BaseException:
                self._current = False
                raise
            # The connection may have gone meanwhile: then the next catching up decides.
            self._current = losses == self._losses

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Keep an eye on whether changes are numbered, until the block ends."""
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _read(self) -> bool:
        """Read one batch; returns whether there may be more."""
        gap, newest = False, self.seq
        async with self._engine.connect() as conn:
            if not self._begun:
                self.seq, self._begun = await changes.newest(conn), True
                return False
            batch = await self._batch(conn)
            follows = bool(batch) and batch[0].seq == self.seq + 1
            # Mostly it does, and is all there is.
            if not follows or len(batch) == BATCH:
                newest = await changes.newest(conn)
                gap = newest - self.seq > MOST_BEHIND
            if not gap and not follows and (batch or newest != self.seq):
                # Asked after reading: what is forgotten between the two has been read.
                gap = not await changes.reaches_back(conn, self.seq)
        if gap:
            self.seq = newest
            for one in self._all():
                self._tell(one.on_gap)
            await asyncio.sleep(_AFTER_GAP_S)
            return True
        if batch:
            if self._wanted() and not isinstance(batch[0], Change):
                # Somebody came while it was read: once more, with all that is to be told.
                return True
            self.seq = batch[-1].seq
            for one in self._all():
                if isinstance(one, _Follower) and not one.anybody():
                    continue
                # A batch of touches is there only where no follower wants more.
                if not self._tell(partial(one.callback, cast(list[Change], batch))):
                    self._tell(one.on_gap)
        return len(batch) == BATCH

    async def _batch(self, conn: AsyncConnection) -> Sequence[Touch | Change]:
        if self._wanted():
            return await changes.after(conn, self.seq, BATCH)
        return await changes.touched_after(conn, self.seq, BATCH)

    def _wanted(self) -> bool:
        return any(one.anybody() for one in self._followers)

    def _all(self) -> list[_Subscriber | _Follower]:
        return [*self._subscribers, *self._followers]

    def _tell(self, call: Callable[[], None]) -> bool:
        try:
            call()
        except Exception:
            # One that fails must not keep the others from being told.
            log.exception("a subscriber of the changes failed")
            return False
        return True

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            try:
                async with self._engine.connect() as conn:
                    self.pending_s = await changes.oldest_fresh_s(conn) or 0.0
                if self.pending_s > _LONGEST_FRESH_S:
                    self._numbered = False
                elif not self._numbered:
                    # Numbered by now, but perhaps not yet told.
                    if self._current:
                        await self.catch_up()
                    self._numbered = True
            except Exception as error:
                log.warning("cannot see whether changes are numbered (%s)", type(error).__name__)
                self._numbered = False
