"""The short way: a tile in memory is answered before anything else looks at the request."""

import asyncio
from collections import Counter

from starlette.types import ASGIApp, Receive, Scope, Send

from api import metrics
from api.tile_service.source import TileSource

ROUTE = "/tiles/{layer}/{z}/{x}/{y}.mvt"
"""The route whose answers are given here again, as the numbers name it."""

# Prometheus' own counting takes longer than answering, so hits are added up first.
_ADD_UP_S = 0.5


class FromMemory:
    """Answers GET and HEAD for exactly the addresses whose tile is in memory, as the route would.

    An address is known here only after the route has checked and answered it, so there is nothing
    to check again; whatever else comes goes on to the app.
    """

    def __init__(self, app: ASGIApp, source: TileSource) -> None:
        self.app = app
        self.source = source
        self._hits: Counter[tuple[str, int, str]] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        source = self.source
        if (
            scope["type"] != "http"
            or (method := scope["method"]) not in ("GET", "HEAD")
            or not source.trusted
            or (found := source.cache.find((scope["path"], scope["query_string"]))) is None
        ):
            await self.app(scope, receive, send)
            return
        key, tile = found
        status, headers, body = tile.reply(scope["headers"])
        if not self._hits:
            asyncio.get_running_loop().call_later(_ADD_UP_S, self._count)
        self._hits[method, status, key.layer] += 1
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})

    def _count(self) -> None:
        for (method, status, layer), n in self._hits.items():
            metrics.REQUESTS.labels(method, ROUTE, str(status)).inc(n)
            metrics.TILE_HITS.labels(layer).inc(n)
        self._hits.clear()
