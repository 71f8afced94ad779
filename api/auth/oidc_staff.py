"""Whose account it is that another service signed in. None is ever made: accounts and roles are
ours."""

from datetime import datetime

from api.auth.oidc import Identity
from api.auth.oidc_words import unknown_person
from geo import audit
from geo.errors import Conflict
from geo.store import identities, users
from geo.store.database import AnyRow, AsyncConnection


async def account(
    conn: AsyncConnection, who: Identity, *, link_by_email: bool, now: datetime
) -> AnyRow:
    """The account (with its password hash) that the identity reaches; raises `UnknownPerson`.

    With `link_by_email` a verified e-mail address links it with the account of this address, the
    first time and in the caller's transaction.
    """
    email = await identities.email_of(conn, who.issuer, who.sub)
    fresh = email is None
    # In ASCII only: other letters become these by lower-casing (the sign for kelvin, a k).
    if email is None and link_by_email and who.email is not None and who.email.isascii():
        email = who.email
    found = await users.by_email(conn, email) if email else None
    if found is None:
        raise unknown_person()
    if fresh:
        try:
            await identities.link(conn, found.email, who.issuer, who.sub, now)
        except Conflict:
            # Linked with another person of that service: the address went from hand to hand.
            raise unknown_person() from None
        await audit.write(
            conn,
            actor=found.email,
            action="user.link",
            subject=found.email,
            reason=f"first sign-in by {who.issuer[:300]}, which verified the e-mail address",
            now=now,
        )
    return found
