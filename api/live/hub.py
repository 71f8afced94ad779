"""All open streams of a process: who hears what, who is too slow, who missed something."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime

from api import metrics
from api.feed import Change, Feed
from api.live import ENDING
from api.live.events import Event, Wanted, event_of, reset
from geo.errors import NotReady
from geo.store import changes
from geo.store.database import AsyncEngine

log = logging.getLogger("pinward.live")

# Waiting for one reader, beside what the system's buffers hold for it; more is too slow.
MOST_QUEUED = 524_288
# As long as nothing at all of one send is taken.
STALLED_S = 30.0
# Who missed more reads everything anew quicker than being told it.
MOST_REPLAYED = 50_000
_REPLAY_BATCH = 500
# So few streams at a time read what they missed: the others keep the connections.
_REPLAYS = 2


class Stream:
    """One open stream; everything up to `position` was sent to it, is queued, or is not for it."""

    def __init__(self, wanted: Wanted, position: int, fresh: bool) -> None:
        self.wanted = wanted
        self.position = position
        # Begun here, or what it said it had reached was looked up.
        self.known = fresh
        self.named = position
        self.ended = False
        self.task: asyncio.Task[None] | None = None
        self.dropped = False
        self.sending_since: float | None = None
        self.sent_at = asyncio.get_running_loop().time()
        self._queue: list[bytes] = []
        self._queued = 0
        self._wake = asyncio.Event()

    def push(self, body: bytes) -> None:
        """Queue bytes; a reader that is too far behind is dropped."""
        self._queued += len(body)
        if self._queued > MOST_QUEUED:
            self.drop()
            return
        self._queue.append(body)
        self._wake.set()

    async def next(self) -> bytes:
        """Everything queued, waiting for something."""
        await self._wake.wait()
        self._wake.clear()
        body = b"".join(self._queue)
        self._queue.clear()
        self._queued = 0
        return body

    def drop(self) -> None:
        """End it and cut the connection: the reader comes back and is told what it missed."""
        self.dropped = True
        metrics.LIVE_DROPPED.inc()
        self.end()

    def end(self) -> None:
        """End it, whatever it waits for."""
        self.ended = True
        self._queue.clear()
        if self.task:
            self.task.cancel()


class Hub:
    """Tells the feed's changes to the streams; `engine` reads what a returning stream missed."""

    def __init__(self, feed: Feed, engine: AsyncEngine, most: int, heartbeat_s: float) -> None:
        self._feed = feed
        self._engine = engine
        self._most = most
        self._heartbeat_s = heartbeat_s
        self._open: set[Stream] = set()
        self._hearing: dict[Wanted, set[Stream]] = {}
        self._replays = asyncio.Semaphore(_REPLAYS)
        self._closed = False

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow the feed and look after the streams until the block ends; then they end."""
        with contextlib.suppress(RuntimeError, ValueError):
            # Only a process's first thread can; in another nobody sends it either.
            asyncio.get_running_loop().add_signal_handler(ENDING, self.close)
        leave = self._feed.follow(self._tell, self._tell_gap, lambda: bool(self._hearing))
        task = asyncio.create_task(self._look_after())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            leave()
            self.close()

    def close(self) -> None:
        """End all streams; no other begins."""
        self._closed = True
        for stream in list(self._open):
            stream.end()

    def stream(self, wanted: Wanted, after: int | None) -> Stream:
        """A stream from number `after` on, or from now; raises `NotReady` when there are too many.

        It is open while it is `held`.
        """
        if self._closed:
            raise NotReady("the service is about to end; come again in a moment")
        if len(self._open) >= self._most:
            raise NotReady(f"as many live streams are open as may be ({self._most}); come later")
        return Stream(wanted, self._feed.seq if after is None else after, after is None)

    @contextlib.contextmanager
    def held(self, stream: Stream) -> Iterator[None]:
        """Count the stream as open; it hears nothing more after the block."""
        self._open.add(stream)
        metrics.LIVE_STREAMS.inc()
        try:
            yield
        finally:
            self._open.discard(stream)
            metrics.LIVE_STREAMS.dec()
            hearing = self._hearing.get(stream.wanted, set())
            hearing.discard(stream)
            if not hearing:
                self._hearing.pop(stream.wanted, None)

    def join(self, stream: Stream) -> bool:
        """Let it hear what comes, once it has been told all that was: no hole and no overlap.

        Nothing is awaited between the two, so no change can come between.
        """
        if not stream.known or stream.position < self._feed.seq:
            return False
        self._hearing.setdefault(stream.wanted, set()).add(stream)
        return True

    async def missed(self, stream: Stream) -> bytes:
        """The next of what it has not been told, from the database."""
        until = self._feed.seq
        async with self._replays, self._engine.connect() as conn:
            found = await changes.after(conn, stream.position, _REPLAY_BATCH)
            # Asked after reading: what is forgotten between the two is missed by nobody.
            kept = await changes.reaches_back(conn, stream.position)
        stream.known = True
        if not kept or until - stream.position > MOST_REPLAYED:
            stream.position = stream.named = until
            return reset(until)
        told = [event for event in _events(found) if stream.wanted.takes(event)]
        # All up to `until` were there to be read.
        last = found[-1].seq if found else stream.position
        stream.position = last if len(found) == _REPLAY_BATCH else max(last, until)
        stream.named = told[-1].seq if told else stream.named
        return b"".join(event.body for event in told)

    def _tell(self, batch: Sequence[Change]) -> None:
        events = _events(batch)
        first, last = batch[0].seq, batch[-1].seq
        for wanted, streams in self._hearing.items():
            mine = [event for event in events if wanted.takes(event)]
            body = b"".join(event.body for event in mine)
            for stream in list(streams):
                if stream.position < first:
                    _push(stream, mine, body)
                else:
                    # It came back from another process, which was ahead of this one.
                    rest = [event for event in mine if event.seq > stream.position]
                    _push(stream, rest, b"".join(event.body for event in rest))
                stream.position = max(stream.position, last)

    def _tell_gap(self) -> None:
        seq = self._feed.seq
        for streams in self._hearing.values():
            for stream in list(streams):
                stream.position = stream.named = seq
                stream.push(reset(seq))

    async def _look_after(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(1.0, self._heartbeat_s / 2))
            metrics.CHANGES_PENDING.set(self._feed.pending_s)
            now = loop.time()
            for stream in list(self._open):
                if stream.sending_since is not None:
                    if now - stream.sending_since > STALLED_S:
                        stream.drop()
                elif now - stream.sent_at >= self._heartbeat_s:
                    stream.push(self._heartbeat(stream))

    def _heartbeat(self, stream: Stream) -> bytes:
        """A comment; with the number reached, if only changes that are not for it came since."""
        if stream.position <= stream.named:
            return b":\n\n"
        stream.named = stream.position
        return f":\nid: {stream.position}\n\n".encode()


def _events(batch: Sequence[Change]) -> list[Event]:
    now = datetime.now(UTC)
    return [event for change in batch if (event := event_of(change, now))]


def _push(stream: Stream, events: list[Event], body: bytes) -> None:
    if events:
        stream.named = events[-1].seq
        stream.push(body)
