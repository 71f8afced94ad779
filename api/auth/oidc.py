"""Signing in by another service: OpenID Connect 1.0, authorization code flow with PKCE (S256)."""

import asyncio
import base64
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc.jwk import Key

from api.auth import id_tokens
from api.auth.oidc_flow import Flow, Kind
from api.auth.oidc_words import away, refused
from api.outgoing import Answer, Outgoing
from geo.errors import Invalid, OutgoingFailed, OutgoingRefused, SignInAway
from geo.settings import Settings

log = logging.getLogger("pinward.oidc")

# What we ask to be told: of citizens nothing but that it is the same person.
SCOPES: dict[Kind, str] = {"staff": "openid email", "citizen": "openid"}
ASKING_S = 5.0
"""For each question to the service; `IN_ALL_S`: for all of one sign-in."""
IN_ALL_S = 10.0
# How a client shows that it is itself (OpenID Connect Core, 9).
_IN_HEADER, _IN_BODY = "client_secret_basic", "client_secret_post"
_LASTS_S = 3600.0
_RESTS_S = 5.0
_KEYS_AGAIN_S = 60.0
_LARGEST = 300_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Registration:
    """As what we are registered with a sign-in service."""

    kind: Kind
    issuer: str
    client_id: str
    client_secret: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signed in: `sub` is the service's own name for the person, and no other's.

    `email` only where the service says that it verified it; `methods`: how it made sure (`amr`).
    """

    issuer: str
    sub: str
    email: str | None
    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Discovery:
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    by_post: bool
    says_issuer: bool


class Provider:
    """One sign-in service, as this process knows it."""

    def __init__(self, registration: Registration, outgoing: Outgoing) -> None:
        self.registration = registration
        self._outgoing = outgoing
        self._discovery = _Kept(self._discover)
        self._keys = _Kept(self._fetch_keys)

    async def address(self, flow: Flow) -> str:
        """Where to send the browser to sign in; raises `SignInAway`."""
        found = await self._discovery.get()
        asked = {
            "response_type": "code",
            "client_id": self.registration.client_id,
            "redirect_uri": flow.redirect_uri,
            "scope": SCOPES[self.registration.kind],
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": create_s256_code_challenge(flow.verifier),
            "code_challenge_method": "S256",
        }
        at = found.authorization_endpoint
        return f"{at}{'&' if urlsplit(at).query else '?'}{urlencode(asked)}"

    async def identity(
        self, flow: Flow, code: str, said_issuer: str | None, now: datetime
    ) -> Identity:
        """Who it was that came back with this code; raises `SignInRefused`, `SignInAway`.

        `said_issuer`: the parameter `iss` of the way back (RFC 9207).
        """
        try:
            async with asyncio.timeout(IN_ALL_S):
                return await self._identity(flow, code, said_issuer, now)
        except TimeoutError:
            raise self._away("took too long in all") from None

    async def _identity(
        self, flow: Flow, code: str, said_issuer: str | None, now: datetime
    ) -> Identity:
        found = await self._discovery.get()
        own = self.registration
        if said_issuer != own.issuer and (said_issuer is not None or found.says_issuer):
            log.warning("%s: another service's answer came back", own.kind)
            raise refused("wrong-service")
        tokens = await self._redeem(found, flow, code)
        id_token, access_token = tokens.get("id_token"), tokens.get("access_token")
        if not isinstance(id_token, str) or not isinstance(access_token, str):
            log.warning("%s: %s gave no ID token", own.kind, own.issuer)
            raise refused("not-believed")
        expected = id_tokens.Expected(own.issuer, own.client_id, flow.nonce, access_token, now)
        try:
            claims = await self._claims(id_token, expected)
        except id_tokens.Refused as why:
            log.warning("%s: an ID token of %s is not believed: %s", own.kind, own.issuer, why)
            raise refused("not-believed") from None
        email, methods = claims.get("email"), claims.get("amr")
        verified = claims.get("email_verified") is True and isinstance(email, str)
        return Identity(
            own.issuer,
            claims["sub"],
            email if verified else None,
            tuple(str(m) for m in methods) if isinstance(methods, list) else (),
        )

    async def _claims(self, id_token: str, expected: id_tokens.Expected) -> Any:
        try:
            return id_tokens.claims_of(id_token, await self._keys.get(), expected)
        except id_tokens.UnknownKey:
            # Not at every such token: else whoever makes some up has us ask and ask.
            keys = await self._keys.get(newer_than_s=_KEYS_AGAIN_S)
            return id_tokens.claims_of(id_token, keys, expected)

    async def _redeem(self, found: _Discovery, flow: Flow, code: str) -> dict[str, Any]:
        own = self.registration
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": flow.redirect_uri,
            "code_verifier": flow.verifier,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if not own.client_secret or found.by_post:
            form["client_id"] = own.client_id
        if own.client_secret and found.by_post:
            form["client_secret"] = own.client_secret
        elif own.client_secret:
            # RFC 6749, 2.3.1: both encoded as in a form first.
            pair = f"{quote(own.client_id, safe='')}:{quote(own.client_secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        answer = await self._ask("POST", found.token_endpoint, urlencode(form).encode(), headers)
        said = self._object(answer) if answer.status in (200, 400) else {}
        if answer.status == 200:
            return said
        if answer.status == 400 and said.get("error") == "invalid_grant":
            raise refused("code-refused")
        raise self._away(f"its token endpoint answered {answer.status} to us")

    async def _discover(self) -> _Discovery:
        issuer = self.registration.issuer
        at = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        found = self._object(await self._ask("GET", at))
        if found.get("issuer") != issuer:
            raise self._away("it calls itself by another name than PINWARD_OIDC_…_ISSUER")
        places = {}
        # Without TLS where the service is so itself, which `Outgoing` takes on this machine alone.
        schemes = ("https",) if issuer.startswith("https:") else ("https", "http")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            place = found.get(name)
            if not isinstance(place, str) or urlsplit(place).scheme not in schemes:
                raise self._away(f"its {name} is no address over TLS")
            places[name] = place
        ways = found.get("token_endpoint_auth_methods_supported")
        ways = ways if isinstance(ways, list) else [_IN_HEADER]
        by_post = _IN_HEADER not in ways and _IN_BODY in ways
        says_issuer = found.get("authorization_response_iss_parameter_supported") is True
        return _Discovery(**places, by_post=by_post, says_issuer=says_issuer)

    async def _fetch_keys(self) -> Sequence[Key]:
        found = await self._discovery.get()
        return id_tokens.usable_keys(self._object(await self._ask("GET", found.jwks_uri)))

    async def _ask(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        try:
            answer = await self._outgoing.send(
                method,
                url,
                headers={"Accept": "application/json", **(headers or {})},
                body=body,
                timeout_s=ASKING_S,
                largest=_LARGEST,
            )
        except (OutgoingFailed, OutgoingRefused) as error:
            raise self._away(error.detail) from None
        if method == "GET" and answer.status != 200:
            raise self._away(f"{urlsplit(url).path} answered {answer.status}")
        return answer

    def _object(self, answer: Answer) -> dict[str, Any]:
        try:
            found = answer.json()
        except OutgoingFailed as error:
            raise self._away(error.detail) from None
        if not isinstance(found, dict):
            raise self._away("it answered with something else than an object")
        return found

    def _away(self, why: str) -> SignInAway:
        # What exactly is wrong is for the operator, not for whoever tries to sign in.
        log.warning("%s: %s: %s", self.registration.kind, self.registration.issuer, why)
        return away()


class _Kept(Generic[T]):
    """Something asked for once for all who wait, kept for an hour; what fails rests 5 s."""

    def __init__(self, fetch: Callable[[], Awaitable[T]]) -> None:
        self._fetch = fetch
        self._kept: tuple[T, float] | None = None
        self._failed_at: float | None = None
        self._running: asyncio.Task[None] | None = None

    async def get(self, newer_than_s: float = _LASTS_S) -> T:
        """The value, at most so many seconds old; raises `SignInAway`."""
        now = time.monotonic()
        if self._kept is not None and now - self._kept[1] < newer_than_s:
            return self._kept[0]
        if self._failed_at is None or now - self._failed_at >= _RESTS_S:
            if self._running is None:
                self._running = asyncio.create_task(self._renew())
            # Who gives up waiting leaves the others their answer.
            await asyncio.shield(self._running)
        if self._failed_at is not None or self._kept is None:
            raise away()
        return self._kept[0]

    async def _renew(self) -> None:
        try:
            self._kept, self._failed_at = (await self._fetch(), time.monotonic()), None
        except SignInAway:
            self._failed_at = time.monotonic()
        finally:
            self._running = None


def providers(settings: Settings) -> dict[Kind, Provider]:
    """The sign-in services that are set up; raises `Invalid` on half of one."""
    outgoing = Outgoing(settings.outgoing_allowed)
    found: dict[Kind, Provider] = {}
    kinds: tuple[Kind, ...] = ("staff", "citizen")
    for kind in kinds:
        name = f"PINWARD_OIDC_{kind.upper()}"
        issuer = getattr(settings, f"oidc_{kind}_issuer")
        client_id = getattr(settings, f"oidc_{kind}_client_id")
        secret = getattr(settings, f"oidc_{kind}_client_secret").get_secret_value()
        if not issuer and not client_id:
            continue
        split = urlsplit(issuer)
        if split.scheme not in ("https", "http") or not split.hostname or split.query:
            raise Invalid(
                f"{name}_ISSUER must be the address the service calls itself by: https://…"
            )
        if not client_id:
            raise Invalid(f"{name}_ISSUER needs {name}_CLIENT_ID, as we are registered there")
        found[kind] = Provider(Registration(kind, issuer, client_id, secret), outgoing)
    return found
