"""The cookies of staff: their names, and how browsers are told to keep them.

Behind TLS their names begin with `__Host-`: a browser takes such a cookie from this very host
alone, so neither another service of the city's domain nor somebody on the line without TLS can
plant one. There the names without it count for nothing.
"""

from datetime import timedelta
from typing import Literal

from starlette.requests import HTTPConnection
from starlette.responses import Response

from api.addresses import public_base
from geo.settings import Settings

SESSION = "pinward_session"
DEVICE = "pinward_device"
_HOST = "__Host-"

SESSION_NAMES = (SESSION, _HOST + SESSION)


def secure(request: HTTPConnection, settings: Settings) -> bool:
    """Whether people reach us over TLS."""
    return public_base(request, settings).startswith("https:")


def read(request: HTTPConnection, settings: Settings, name: Literal["session", "device"]) -> str:
    """What the cookie says; empty where there is none."""
    plain = SESSION if name == "session" else DEVICE
    wanted = _HOST + plain if secure(request, settings) else plain
    return request.cookies.get(wanted, "")


def keep(
    response: Response,
    request: HTTPConnection,
    settings: Settings,
    name: Literal["session", "device"],
    value: str,
    lasts: timedelta,
) -> None:
    """Tell the browser to keep a cookie; without a time left, to forget it."""
    over_tls = secure(request, settings)
    plain = SESSION if name == "session" else DEVICE
    response.set_cookie(
        _HOST + plain if over_tls else plain,
        value,
        max_age=max(0, int(lasts.total_seconds())),
        path="/",
        httponly=True,
        samesite="strict",
        secure=over_tls,
    )


def drop(response: Response, request: HTTPConnection, settings: Settings) -> None:
    """Tell the browser to forget the sign-in."""
    keep(response, request, settings, "session", "", timedelta(0))
