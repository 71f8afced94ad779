"""Citizens who sign in, which nobody has to: to see the reports they chose to have kept as theirs.

Of who it is only a mark is kept, a hash of issuer and sub under the service's key: no name, no
number of a document, nothing that leads to a person without both that key and the sign-in service.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Depends, Header
from starlette.requests import Request
from starlette.responses import Response

from api.addresses import public_base
from api.auth.oidc import Identity
from api.session import Read
from geo.errors import NotSignedIn
from geo.reports.codes import derived_key
from geo.settings import Settings
from geo.store import citizens
from geo.store.database import AsyncConnection

LASTS = timedelta(hours=12)
COOKIES = ("pinward_citizen", "__Host-pinward_citizen")


def marks(keys: Sequence[bytes], who: Identity) -> list[bytes]:
    """The marks (32 bytes) of a person under each of the service's keys, today's first."""
    said = json.dumps([who.issuer, who.sub]).encode()
    return [
        hmac.new(derived_key(key, "citizen mark"), said, hashlib.sha256).digest() for key in keys
    ]


async def begin_session(
    request: Request, response: Response, settings: Settings, who: Identity, before: bytes
) -> None:
    """Sign a citizen in: a token of its own, set as a cookie; the one with hash `before` ends."""
    token, now = secrets.token_urlsafe(32), datetime.now(UTC)
    async with request.app.state.engine.begin() as conn:
        if before:
            await citizens.sign_out(conn, before)
        found = marks(request.app.state.keys.secrets, who)
        await citizens.sign_in(conn, found, _hashed(token), now, now + LASTS)
    _set(response, request, settings, token, LASTS)
    response.headers["Cache-Control"] = "no-store"


async def end_session(
    conn: AsyncConnection, request: Request, response: Response, settings: Settings
) -> None:
    """Sign out; quiet when nobody was signed in."""
    token = token_of(request)
    if token:
        await citizens.sign_out(conn, _hashed(token))
    drop(request, response, settings)


def drop(request: Request, response: Response, settings: Settings) -> None:
    """Have the browser forget the sign-in."""
    _set(response, request, settings, "", timedelta(0))


def hash_of(request: Request) -> bytes:
    """The hash of the sign-in that the browser has; empty without one."""
    token = token_of(request)
    return _hashed(token) if token else b""


def token_of(request: Request) -> str:
    """What the cookie says; empty where there is none."""
    return request.cookies.get(_name(request, request.app.state.settings), "")


async def mark_of(conn: AsyncConnection, request: Request) -> bytes | None:
    """The mark of the citizen who is signed in; None: nobody is."""
    token = token_of(request)
    return await citizens.signed_in(conn, _hashed(token), datetime.now(UTC)) if token else None


async def _citizen(request: Request, conn: Read) -> bytes:
    mark = await mark_of(conn, request)
    if mark is None:
        raise NotSignedIn(
            "no citizen is signed in; GET /api/v1/session/oidc/citizen begins, where the city has "
            "set it up. Nobody has to: a report's secret shows it, too"
        )
    return mark


Citizen = Annotated[bytes, Depends(_citizen, scope="function")]
"""The mark of the citizen who is signed in; a route that asks for it answers 401 to others."""

Mine = Annotated[
    bool,
    Header(
        alias="Pinward-Mine",
        description="`1`: keep the report as mine, for the citizen who is signed in; without it a "
        "report is anonymous, whoever is signed in",
    ),
]
"""Also what no other site can have a browser send: a header of our own needs our leave (CORS)."""


def _set(
    response: Response, request: Request, settings: Settings, value: str, lasts: timedelta
) -> None:
    response.set_cookie(
        _name(request, settings),
        value,
        max_age=int(lasts.total_seconds()),
        path="/",
        httponly=True,
        samesite="strict",
        secure=public_base(request, settings).startswith("https:"),
    )


def _name(request: Request, settings: Settings) -> str:
    over_tls = public_base(request, settings).startswith("https:")
    return COOKIES[1] if over_tls else COOKIES[0]


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
