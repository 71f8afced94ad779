"""Who of the staff is asking: the account behind the cookie of a sign-in, or behind an API key."""

import hashlib
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request
from starlette.requests import HTTPConnection

from api.auth import cookies
from api.session import Read
from geo.errors import Invalid, NotAllowed, NotSignedIn
from geo.settings import Settings
from geo.store import api_keys, users
from geo.store.database import AnyRow, AsyncConnection

COOKIE = cookies.SESSION


class ApiKey(str):
    """A credential that came as an API key."""

    __slots__ = ()


def credential(request: HTTPConnection, settings: Settings) -> str | None:
    """The token of a cookie, or an `ApiKey`; None without either, raises `Invalid` with both."""
    token = cookies.read(request, settings, "session")
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer":
        return token or None
    if token:
        raise Invalid(
            "this request comes with a sign-in's cookie and with an API key, and may be meant for "
            "either; send one of them"
        )
    return ApiKey(value.strip())


async def _credential(request: Request) -> str | None:
    return credential(request, request.app.state.settings)


Token = Annotated[str | None, Depends(_credential)]
"""What the request is signed in by (see `signed_in`), as a route's parameter."""


def token_hash(token: str) -> bytes:
    """What the database keeps of a token or key: 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).digest()


async def signed_in(conn: AsyncConnection, token: str | None) -> AnyRow:
    """The account (see `geo.store.users`) behind a token or key.

    Raises `NotSignedIn`, and `NotAllowed` while the account must set up its second step first.
    """
    found = await _account(conn, token)
    if found.limited:
        raise NotAllowed(
            "an account of this role needs a second step of sign-in; set it up by "
            "POST /api/v1/session/totp first"
        )
    return found


async def _account(conn: AsyncConnection, token: str | None) -> AnyRow:
    found = None
    if token:
        look = api_keys.account if isinstance(token, ApiKey) else users.signed_in
        found = await look(conn, token_hash(token), datetime.now(UTC))
    if found is None:
        if isinstance(token, ApiKey):
            raise NotSignedIn(
                "this API key is not known, has run out, was revoked, or may do more than its owner"
            )
        raise NotSignedIn("nobody is signed in; sign in by POST /api/v1/session")
    return found


def require(account: AnyRow, *roles: str) -> None:
    """Raise `NotAllowed` when the account has none of these roles."""
    if account.role not in roles:
        raise NotAllowed(
            f"this is for the roles {', '.join(roles)}; you are signed in as {account.role}"
        )


async def _staff(conn: Read, token: Token = None) -> AnyRow:
    return await signed_in(conn, token)


Staff = Annotated[AnyRow, Depends(_staff, scope="function")]
"""The account that is signed in; a route that asks for it answers 401 to anybody else."""


async def _person(conn: Read, token: Token = None) -> AnyRow:
    if isinstance(token, ApiKey):
        raise NotAllowed("an API key may not manage sign-ins; sign in with a password")
    return await _account(conn, token)


Person = Annotated[AnyRow, Depends(_person, scope="function")]
"""Somebody signed in with a password, even if the second step is still to be set up."""


async def _manager(person: Person) -> AnyRow:
    if person.limited:
        raise NotAllowed("set up the second step of your sign-in first")
    return person


Manager = Annotated[AnyRow, Depends(_manager, scope="function")]
"""Somebody wholly signed in with a password, so no API key: who may manage sign-ins and keys."""
