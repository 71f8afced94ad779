"""Headers that tell browsers what an answer of ours may never do.

Every answer has them, errors too. The pages run our own files alone: no script or style in the
document, none from elsewhere, in nobody's frame. Whatever is no page may do nothing at all, should
a browser ever be brought to show it as one. (W3C Content Security Policy Level 3; RFC 6797.)
"""

from functools import cache
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.addresses import public_base
from geo.settings import Settings

NOSNIFF = (b"x-content-type-options", b"nosniff")

NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
FORM_ALONE = NOTHING.replace("form-action 'none'", "form-action 'self'")
"""Of a page that is nothing but a form of ours."""

# A year. Not `includeSubDomains`: a city's other services are not ours to bind.
_HSTS = "max-age=31536000"

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": NOTHING,
    # A report's address has its code in it. The secret is in the fragment, which is never sent.
    "Referrer-Policy": "strict-origin",
    # Another window that opened ours, or that ours opened, gets no hold of it.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(self), camera=(self), microphone=(), payment=(), usb=()",
}


@cache
def of_pages(basemap: str) -> str:
    """The Content-Security-Policy of the pages; `basemap` is the setting, whose host the map may
    ask for pictures."""
    split = urlsplit(basemap)
    elsewhere = f" {split.scheme}://{split.netloc}" if split.netloc else ""
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            # data: the icons that the map and the API's documentation draw; blob: a photo chosen.
            f"img-src 'self' data: blob:{elsewhere}",
            "font-src 'self'",
            "media-src 'self' blob:",
            f"connect-src 'self'{elsewhere}",
            "worker-src 'self'",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )


class SecurityHeaders:
    """Adds the headers where an answer has none of that name.

    A tile says `nosniff` itself and is left as it is: from memory it does not come by here, and it
    is to be the same answer.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if "x-content-type-options" in headers and scope["path"].endswith(".mvt"):
                    await send(message)
                    return
                for name, value in _ALWAYS.items():
                    headers.setdefault(name, value)
                # Browsers take it over TLS only, and so does who reads headers in a test.
                if public_base(Request(scope), self.settings).startswith("https:"):
                    headers.setdefault("Strict-Transport-Security", _HSTS)
            await send(message)

        await self.app(scope, receive, with_headers)
