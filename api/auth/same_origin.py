"""No other site can make a browser change something here with the cookie of a sign-in.

`SameSite=Strict` is the first lock; this is the second, also against other services under the
city's own domain, which are the same site. A browser says itself where a request comes from
(`Sec-Fetch-Site`, `Origin`; W3C Fetch Metadata, WHATWG Fetch), and no page can make it say
otherwise. Who says neither is no browser of today: it says with `Pinward-Request: 1` that it means
it, a header that no other site can have a browser send. API keys and requests without a sign-in
need none of it: no browser adds those by itself.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.addresses import public_base
from api.auth import cookies
from api.errors import of_subject
from geo.errors import NotAllowed
from geo.settings import Settings

MEANT = "pinward-request"

_SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")
# To be signed in as somebody else by another site is an attack, too.
_SIGN_IN = ("/api/v1/session", "/api/v1/session/code")
_PORTS = {"http": 80, "https": 443}


class SameOrigin:
    """Answers 403 to a change that comes with a cookie and from elsewhere."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        if scope["type"] == "http" and scope["method"] not in _SAFE:
            why = _refused(Request(scope), self.settings)
            if why:
                await of_subject(NotAllowed(why))(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _refused(request: Request, settings: Settings) -> str:
    """Why the request is refused; empty: it is not."""
    with_cookie = any(name in request.cookies for name in cookies.SESSION_NAMES)
    if not with_cookie and request.url.path not in _SIGN_IN:
        return ""
    headers: Headers = request.headers
    sites, origins = headers.getlist("sec-fetch-site"), headers.getlist("origin")
    if any(site.strip().lower() != "same-origin" for site in sites):
        return "this request comes from another site, which may change nothing for who is signed in"
    here = public_base(request, settings)
    if any(_origin(origin) != _origin(here) for origin in origins):
        return (
            "this request's Origin is not this service's own address, so it may change nothing for "
            f"who is signed in; should {here} not be where people reach the service, set "
            "PINWARD_PUBLIC_URL"
        )
    if with_cookie and not sites and not origins and headers.get(MEANT) != "1":
        return (
            "a change by the cookie of a sign-in needs the header Origin or Sec-Fetch-Site, as "
            "browsers send them; other clients send Pinward-Request: 1, or use an API key"
        )
    return ""


def _origin(address: str) -> tuple[str, str, int] | None:
    """Scheme, host and port; None of `null` and whatever else is no origin (equal to no other)."""
    try:
        split = urlsplit(address.strip().lower())
        port = split.port or _PORTS[split.scheme]
    except (ValueError, KeyError):
        return None
    return (split.scheme, split.hostname or "", port)
