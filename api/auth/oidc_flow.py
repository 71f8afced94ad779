"""One sign-in on its way to another service and back: what the browser keeps meanwhile.

Its state, nonce and PKCE verifier lie in a cookie, sealed (AES-256-GCM), so that only the browser
that began can end it, and nobody can make one up or read the verifier. The cookie is
`SameSite=Lax`: the way back is a navigation that the other site begins, with which `Strict` would
not be sent; with whatever else other sites send, forms and pictures, `Lax` is not sent either.
Behind TLS its name begins with `__Host-`, so that no other host of the domain can plant one of its
own making in a browser and have somebody signed in as somebody else.
"""

import base64
import binascii
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any, Literal
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from starlette.requests import Request
from starlette.responses import Response

from api.addresses import public_base
from api.auth.oidc_words import refused
from geo.errors import Invalid, NotReady
from geo.reports.codes import derived_key
from geo.settings import Settings

Kind = Literal["staff", "citizen"]

LASTS = timedelta(minutes=10)
LONGEST_RETURN = 500
_NONCE = 12


@dataclass(frozen=True, slots=True)
class Flow:
    """A sign-in under way; `redirect_uri`: where it returns, `back`: our page after that.

    `before`: hash (in hex) of the sign-in that the browser has, which this one replaces; empty
    without one. Its cookie is `Strict`, so it does not come along when the other site sends back.
    """

    kind: Kind
    state: str
    nonce: str
    verifier: str
    back: str
    redirect_uri: str
    before: str
    ends_s: int

    @property
    def state_hash(self) -> bytes:
        """By which it is known to have been used."""
        return hashlib.sha256(self.state.encode()).digest()

    @property
    def ends_at(self) -> datetime:
        """When it counts no more."""
        return datetime.fromtimestamp(self.ends_s, UTC)


def begin(kind: Kind, back: str, redirect_uri: str, now: datetime, before: str = "") -> Flow:
    """A new one, with 256 random bits each for state, nonce and verifier."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    ends_s = int((now + LASTS).timestamp())
    return Flow(kind, state, nonce, verifier, back, redirect_uri, before, ends_s)


def own_path(value: str) -> str:
    """A path of our own pages to go on to after a sign-in; raises `Invalid` on any other address.

    Browsers read `//host`, `/\\host` and addresses with control characters in them as another
    site's.
    """
    fit = (
        value.startswith("/")
        and not value.startswith(("//", "/api/"))
        and len(value) <= LONGEST_RETURN
        and value.isascii()
        and value.isprintable()
        and not set(value) & set("\\ \"'<>")
    )
    if not fit:
        raise Invalid.of(
            "return",
            f"must be a path of this service's pages, e.g. /desk, at most {LONGEST_RETURN}",
        )
    return value


def redirect_uri(request: Request, settings: Settings, kind: Kind) -> str:
    """Where the other service sends people back to, as it is registered there.

    Never by a request's header alone, which could name another's host; without PINWARD_PUBLIC_URL
    only on this very machine. Raises `NotReady`.
    """
    base = public_base(request, settings)
    if not settings.public_url and not _loopback(urlsplit(base).hostname or ""):
        raise NotReady(
            "signing in by another service needs PINWARD_PUBLIC_URL, the address that people reach "
            "this service at and that is registered there"
        )
    return f"{base}/api/v1/session/oidc/{kind}/callback"


def keep(response: Response, request: Request, settings: Settings, key: bytes, flow: Flow) -> None:
    """Have the browser keep it."""
    keep_sealed(response, request, settings, flow.kind, seal(key, flow.kind, asdict(flow)), LASTS)


def seal(key: bytes, what: str, said: Mapping[str, Any]) -> str:
    """What only we can have written, and nobody else read; good for nothing but `what`."""
    plain = json.dumps(said, separators=(",", ":")).encode()
    nonce = os.urandom(_NONCE)
    sealed = nonce + _cipher(key).encrypt(nonce, plain, what.encode())
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def unseal(key: bytes, what: str, value: str) -> dict[str, Any]:
    """The way back; raises `SignInRefused` on anything else, also on nothing."""
    try:
        sealed = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
        plain = _cipher(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], what.encode())
    except (binascii.Error, ValueError, InvalidTag):
        raise refused("not-begun-here") from None
    said: dict[str, Any] = json.loads(plain)
    return said


def drop(response: Response, request: Request, settings: Settings, what: str) -> None:
    """Have the browser forget it."""
    keep_sealed(response, request, settings, what, "", timedelta(0))


def sealed_of(request: Request, settings: Settings, what: str) -> str:
    """What the browser keeps; empty where there is none."""
    return request.cookies.get(_name(request, settings, what), "")


def kept(
    request: Request, settings: Settings, key: bytes, kind: Kind, state: str, now: datetime
) -> Flow:
    """The one that this browser began with this state; raises `SignInRefused`."""
    flow = Flow(**unseal(key, kind, sealed_of(request, settings, kind)))
    if not hmac.compare_digest(flow.state.encode(), state.encode()):
        raise refused("not-begun-here")
    if now >= flow.ends_at:
        raise refused("took-too-long")
    return flow


def keep_sealed(
    response: Response,
    request: Request,
    settings: Settings,
    what: str,
    value: str,
    lasts: timedelta,
) -> None:
    """Have the browser keep what `seal` made."""
    response.set_cookie(
        _name(request, settings, what),
        value,
        max_age=int(lasts.total_seconds()),
        path="/",
        httponly=True,
        samesite="lax",
        secure=public_base(request, settings).startswith("https:"),
    )


def _name(request: Request, settings: Settings, what: str) -> str:
    over_tls = public_base(request, settings).startswith("https:")
    return f"{'__Host-' if over_tls else ''}pinward_oidc_{what}"


def _cipher(key: bytes) -> AESGCM:
    return AESGCM(derived_key(key, "oidc flow"))


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
