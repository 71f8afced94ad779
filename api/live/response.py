"""A stream as an answer: headers at once, then events until either side ends it."""

import asyncio
import contextlib
import logging
import random

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.live import sockets
from api.live.events import encoded
from api.live.hub import Hub, Stream

log = logging.getLogger("pinward.live")

MEDIA_TYPE = "text/event-stream"
HEADERS = {
    "Cache-Control": "no-store",
    # nginx passes on what it gets, as it gets it
    "X-Accel-Buffering": "no",
}
# Readers come back after so long, each at a time of its own: they may have been cut off together.
_BACK_MS = (1_000, 4_000)
_AGAIN_S = 1.0
_LAST_WORD_S = 1.0


class EventStream(Response):
    """The events of one stream."""

    media_type = MEDIA_TYPE

    def __init__(self, hub: Hub, stream: Stream) -> None:
        super().__init__(headers=HEADERS)
        # It has no end, so no length.
        del self.headers["content-length"]
        self._hub = hub
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        stream = self._stream
        with self._hub.held(stream):
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            sockets.prepare(scope)
            sender = stream.task = asyncio.create_task(self._send(send))
            gone = asyncio.create_task(_gone(receive))
            if stream.ended:
                sender.cancel()
            try:
                await asyncio.wait({sender, gone}, return_when=asyncio.FIRST_COMPLETED)
                left = gone.done()
            finally:
                for task in (sender, gone):
                    task.cancel()
                await asyncio.gather(sender, gone, return_exceptions=True)
        if stream.dropped:
            sockets.cut(scope)
        elif not left:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WORD_S):
                    await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, send: Send) -> None:
        hub, stream = self._hub, self._stream
        clock = asyncio.get_running_loop().time

        async def out(body: bytes) -> None:
            stream.sending_since = clock()
            await send({"type": "http.response.body", "body": body, "more_body": True})
            stream.sending_since = None
            stream.sent_at = clock()

        begin = f"retry: {random.randint(*_BACK_MS)}\n".encode()
        await out(begin + encoded("ready", stream.position, {"seq": stream.position}))
        while not hub.join(stream):
            try:
                body = await hub.missed(stream)
            except Exception as error:
                log.warning("cannot read what a stream missed yet (%s)", type(error).__name__)
                # The database is away. An error would end an EventSource for good: wait with it.
                await out(b":\n\n")
                await asyncio.sleep(_AGAIN_S)
                continue
            if body:
                await out(body)
        while True:
            await out(await stream.next())


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
