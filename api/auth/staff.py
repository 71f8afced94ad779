"""Who of the staff is asking: the account behind the cookie of a sign-in."""

import hashlib
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Cookie, Depends

from api.session import Read
from geo.errors import NotAllowed, NotSignedIn
from geo.store import users
from geo.store.database import AnyRow, AsyncConnection

COOKIE = "pinward_session"

Token = Annotated[str | None, Cookie(alias=COOKIE, include_in_schema=False)]
"""The cookie's token, as a route's parameter."""


def token_hash(token: str) -> bytes:
    """What the database keeps of a token."""
    return hashlib.sha256(token.encode()).digest()


async def signed_in(conn: AsyncConnection, token: str | None) -> AnyRow:
    """The account (see `geo.store.users`) behind a token; raises `NotSignedIn`."""
    found = None
    if token:
        found = await users.signed_in(conn, token_hash(token), datetime.now(UTC))
    if found is None:
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
