"""At which address the client reaches us, for the absolute links in answers."""

import re

from starlette.requests import HTTPConnection, Request

from api.network import by_a_trusted_proxy
from geo.settings import Settings

# A name, an IPv4 or a bracketed IPv6 address, and a port: nothing that could end a URL early.
_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?")


def public_base(request: HTTPConnection, settings: Settings) -> str:
    """Scheme and host that the client reaches us at, without a slash at the end.

    `PINWARD_PUBLIC_URL` when it is set. Else what the request says; of a trusted proxy
    also its `X-Forwarded-Proto` and `X-Forwarded-Host`, when they look like a scheme and a host.
    Anybody else could write another's name into answers that caches keep.
    """
    if settings.public_url:
        return settings.public_url.rstrip("/")
    if not by_a_trusted_proxy(request, settings):
        host = request.headers.get("host", "")
        return (
            f"{request.scope['scheme']}://{host if _HOST.fullmatch(host) else request.url.netloc}"
        )
    scheme = request.headers.get("x-forwarded-proto", "").split(",")[0].strip().lower()
    if scheme not in ("http", "https"):
        scheme = request.scope["scheme"]
    host = request.headers.get("x-forwarded-host", "").split(",")[0].strip()
    if not _HOST.fullmatch(host):
        host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        host = request.url.netloc
    return f"{scheme}://{host}"


def next_page(
    request: Request, settings: Settings, cursor: str | None
) -> tuple[str | None, dict[str, str]]:
    """Address of the page that begins at `cursor`, all filters kept, and a `Link` header with it.

    Without a cursor there is no such page: `(None, {})`.
    """
    if cursor is None:
        return None, {}
    url = request.url.include_query_params(cursor=cursor)
    address = f"{public_base(request, settings)}{url.path}?{url.query}"
    return address, {"Link": f'<{address}>; rel="next"'}
