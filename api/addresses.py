"""At which address the client reaches us, for the absolute links in answers."""

import re

from starlette.requests import Request

from geo.settings import Settings

# A name, an IPv4 or a bracketed IPv6 address, and a port: nothing that could end a URL early.
_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?")


def public_base(request: Request, settings: Settings) -> str:
    """Scheme and host that the client reaches us at, without a slash at the end.

    `PINWARD_PUBLIC_URL` when it is set. Else what the request says, a proxy's `X-Forwarded-Proto`
    and `X-Forwarded-Host` before the rest when they look like a scheme and a host.
    """
    if settings.public_url:
        return settings.public_url.rstrip("/")
    scheme = request.headers.get("x-forwarded-proto", "").split(",")[0].strip().lower()
    if scheme not in ("http", "https"):
        scheme = request.url.scheme
    host = request.headers.get("x-forwarded-host", "").split(",")[0].strip()
    if not _HOST.fullmatch(host):
        host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        host = request.url.netloc
    return f"{scheme}://{host}"
