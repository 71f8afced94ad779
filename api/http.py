"""HTTP manners that FastAPI leaves out: HEAD wherever GET is answered, gzip only when wanted."""

import re

from starlette.datastructures import Headers, QueryParams
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import of_subject
from geo.errors import Invalid

_ONCE = ("/api/", "/tiles/", "/styles/")

# What any site may show its visitors, and the sending of a report. A new address is none of them
# until it stands here: what staff see and do is for our own pages.
_PUBLIC = re.compile(
    r"/api/v1/(?:categories|reports|uploads|wards|facilities|hotspots|alerts|statistics|live)(?:/.*)?"
    r"|/(?:tiles|styles)/.*|/openapi\.json"
)


class HeadFromGet:
    """Answers HEAD by running GET and keeping its headers only."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        # Told, so that an answer without end can leave out what is kept from the client anyway.
        asked = {**scope, "method": "GET", "pinward.head": True}
        await self.app(asked, receive, without_body)


class Once:
    """Refuses a parameter of the query that is given twice: one of the two would be dropped.

    Of `/api/`, `/tiles/` and `/styles/`, where several values are one parameter with commas.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        if (
            scope["type"] == "http"
            and b"&" in scope["query_string"]
            and scope["path"].startswith(_ONCE)
        ):
            names = [name for name, _ in QueryParams(scope["query_string"]).multi_items()]
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                message = "is given more than once; several values go into one, with commas"
                found = [{"field": name, "message": message} for name in twice]
                refused = Invalid(f"{', '.join(twice)} {message}", errors=found)
                await of_subject(refused)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding allows gzip (RFC 9110: names, `*`, and q=0 forbids)."""
    weights: dict[str, float] = {}
    for part in header.lower().split(","):
        coding, _, parameters = part.partition(";")
        name, _, value = parameters.strip().partition("=")
        try:
            weights[coding.strip()] = float(value) if name.strip() == "q" else 1.0
        except ValueError:
            weights[coding.strip()] = 0.0
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0))) > 0


class Compressed(GZipMiddleware):
    """Starlette's compression, which looks for the word gzip, asked only where gzip is wanted."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        if scope["type"] == "http" and not accepts_gzip(
            # A header given twice is one list.
            ",".join(Headers(scope=scope).getlist("accept-encoding"))
        ):
            others = [(k, v) for k, v in scope["headers"] if k != b"accept-encoding"]
            scope = {**scope, "headers": others}
        await super().__call__(scope, receive, send)


class CrossOrigin(CORSMiddleware):
    """Starlette's CORS, for public data only, and where an answer does not say itself who may read.

    Starlette makes every answer vary by `Origin`, so that caches keep one for each site that asks.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        public = scope["type"] == "http" and _PUBLIC.fullmatch(scope["path"])
        await (super().__call__ if public else self.app)(scope, receive, send)

    async def send(self, message: Message, send: Send, request_headers: Headers) -> None:
        """Add the headers of CORS where the answer has none."""
        if message["type"] == "http.response.start" and any(
            name == b"access-control-allow-origin" for name, _ in message.get("headers", ())
        ):
            await send(message)
        else:
            await super().send(message, send, request_headers)
