"""Identities of sign-in services in the database: whose account they reach, and flows used up."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as pg_insert

from geo.errors import Conflict, Invalid, NotFound
from geo.store import sessions
from geo.store.database import AsyncConnection
from geo.store.tables import oidc_states, user_identities, users

LONGEST_SUB = 255


async def email_of(conn: AsyncConnection, issuer: str, sub: str) -> str | None:
    """The address of the account that this identity reaches, closed or not; None: it has none."""
    query = (
        select(users.c.email)
        .join(user_identities, user_identities.c.user_id == users.c.id)
        .where(user_identities.c.issuer == issuer, user_identities.c.sub == sub)
    )
    found: str | None = (await conn.execute(query)).scalar()
    return found


async def reaches(conn: AsyncConnection, issuer: str, sub: str, user_id: int) -> bool:
    """Whether the identity reaches this account."""
    query = select(user_identities.c.user_id).where(
        user_identities.c.issuer == issuer,
        user_identities.c.sub == sub,
        user_identities.c.user_id == user_id,
    )
    return (await conn.execute(query)).scalar() is not None


async def link(conn: AsyncConnection, email: str, issuer: str, sub: str, now: datetime) -> None:
    """Let an identity reach the account of this address.

    Raises `NotFound` without such an account, and `Conflict` when the account has one of this
    service already, or the identity another account: neither is ever replaced.
    """
    if not issuer.startswith(("https://", "http://")):
        raise Invalid.of("issuer", "must be the address that the sign-in service calls itself by")
    # OpenID Connect Core 2: at most 255 ASCII characters, case counts.
    if not 0 < len(sub) <= LONGEST_SUB or not sub.isascii() or not sub.isprintable():
        raise Invalid.of("sub", f"must be 1 to {LONGEST_SUB} ASCII characters")
    wanted = users.c.email == email.strip().lower()
    user_id = (await conn.execute(select(users.c.id).where(wanted))).scalar()
    if user_id is None:
        raise NotFound(f"there is no account for {email}")
    values = {"issuer": issuer, "sub": sub, "user_id": user_id, "linked_at": now}
    linked = await conn.execute(
        pg_insert(user_identities)
        .values(values)
        .on_conflict_do_nothing()
        .returning(user_identities.c.user_id)
    )
    if linked.scalar() is None:
        raise Conflict(
            f"{email} is linked with {issuer} already, or this identity with another account; "
            "`pinward users unlink` takes the link away"
        )


async def unlink(conn: AsyncConnection, email: str, issuer: str) -> None:
    """Take away the identity by which a service reaches an account, and end the account's sign-ins.

    Raises `NotFound`.
    """
    # Locked: a sign-in that is being made meanwhile is there to be ended, or finds no link.
    wanted = select(users.c.id).where(users.c.email == email.strip().lower()).with_for_update()
    whose = (await conn.execute(wanted)).scalar()
    if whose is None:
        raise NotFound(f"there is no account for {email}")
    gone = await conn.execute(
        delete(user_identities).where(
            user_identities.c.user_id == whose, user_identities.c.issuer == issuer
        )
    )
    if gone.rowcount == 0:
        raise NotFound(f"{email} is not linked with {issuer}")
    await sessions.end_all(conn, whose)


async def take_state(
    conn: AsyncConnection, state_hash: bytes, now: datetime, ends_at: datetime
) -> bool:
    """Use up a sign-in's state; False: it was used before. Drops those that count no more."""
    await conn.execute(delete(oidc_states).where(oidc_states.c.ends_at <= now))
    taken = await conn.execute(
        pg_insert(oidc_states)
        .values(state_hash=state_hash, ends_at=ends_at)
        .on_conflict_do_nothing()
        .returning(oidc_states.c.state_hash)
    )
    return taken.scalar() is not None
