"""Sign-ins of staff in the database, known by the sha256 of their token.

A sign-in ends 12 h after it was made, or when it was not used for 2 h. Its token is replaced while
it is used; the one before stays good for some seconds, for requests that are under way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, insert, or_, select, update

from geo.store.database import AnyRow, AsyncConnection
from geo.store.tables import sessions, users

LASTS = timedelta(hours=12)
IDLE = timedelta(hours=2)
ROTATES = timedelta(hours=1)
GRACE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class NewSession:
    """A sign-in to be; `device` is phone, computer or other."""

    user_id: int
    token_hash: bytes
    device: str = "other"
    limited: bool = False


async def start(conn: AsyncConnection, new: NewSession, now: datetime) -> None:
    """Keep a sign-in, and drop those that have run out by `now`."""
    await conn.execute(
        delete(sessions).where(or_(sessions.c.expires_at <= now, sessions.c.seen_at <= now - IDLE))
    )
    await conn.execute(
        insert(sessions).values(
            token_hash=new.token_hash,
            user_id=new.user_id,
            device=new.device,
            limited=new.limited,
            made_at=now,
            seen_at=now,
            rotated_at=now,
            expires_at=now + LASTS,
        )
    )


def live(token_hash: bytes, now: datetime) -> ColumnElement[bool]:
    """Condition on `sessions`: the sign-in of this token, if it has not run out."""
    return and_(
        or_(
            sessions.c.token_hash == token_hash,
            and_(sessions.c.before_hash == token_hash, sessions.c.before_until > now),
        ),
        sessions.c.expires_at > now,
        sessions.c.seen_at > now - IDLE,
    )


async def seen(conn: AsyncConnection, token_hash: bytes, now: datetime) -> None:
    """Note that a sign-in is used."""
    await conn.execute(update(sessions).where(live(token_hash, now)).values(seen_at=now))


async def rotate(
    conn: AsyncConnection,
    token_hash: bytes,
    new_hash: bytes,
    now: datetime,
    *,
    older_than: timedelta = timedelta(0),
) -> datetime | None:
    """Replace a token that is `older_than`; returns when the sign-in ends, None if it was not.

    Of several requests at once one replaces it: for the others the token is the one before.
    """
    row = await conn.execute(
        update(sessions)
        .where(
            live(token_hash, now),
            sessions.c.token_hash == token_hash,
            sessions.c.rotated_at <= now - older_than,
        )
        .values(
            token_hash=new_hash,
            before_hash=token_hash,
            before_until=now + GRACE,
            rotated_at=now,
            seen_at=now,
        )
        .returning(sessions.c.expires_at)
    )
    ends: datetime | None = row.scalar()
    return ends


async def replace(
    conn: AsyncConnection, id: int, new_hash: bytes, now: datetime
) -> datetime | None:
    """Give a sign-in another token at once, as after its second step was set up: returns its end.

    The old token is worth nothing.
    """
    row = await conn.execute(
        update(sessions)
        .where(sessions.c.id == id)
        .values(
            token_hash=new_hash, before_hash=None, before_until=None, rotated_at=now, limited=False
        )
        .returning(sessions.c.expires_at)
    )
    ends: datetime | None = row.scalar()
    return ends


async def of_user(conn: AsyncConnection, user_id: int, now: datetime) -> Sequence[AnyRow]:
    """The sign-ins of an account that have not run out, the last used first."""
    query = (
        select(sessions)
        .where(sessions.c.user_id == user_id)
        .where(sessions.c.expires_at > now, sessions.c.seen_at > now - IDLE)
        .order_by(sessions.c.seen_at.desc(), sessions.c.id.desc())
    )
    return (await conn.execute(query)).all()


async def end(conn: AsyncConnection, token_hash: bytes) -> None:
    """End a sign-in, also by the token before; quiet when there is none."""
    await conn.execute(
        delete(sessions).where(
            or_(sessions.c.token_hash == token_hash, sessions.c.before_hash == token_hash)
        )
    )


async def end_one(conn: AsyncConnection, user_id: int, id: int) -> bool:
    """End a sign-in of this account; whether there was one."""
    gone = await conn.execute(
        delete(sessions)
        .where(sessions.c.user_id == user_id, sessions.c.id == id)
        .returning(sessions.c.id)
    )
    return gone.scalar() is not None


async def end_all(conn: AsyncConnection, user_id: int, *, but: int | None = None) -> None:
    """End all sign-ins of an account, `but` the one with this id."""
    query = delete(sessions).where(sessions.c.user_id == user_id)
    await conn.execute(query if but is None else query.where(sessions.c.id != but))


async def lock_user(conn: AsyncConnection, user_id: int) -> AnyRow | None:
    """The account's secrets, locked until the commit; None when it is gone or disabled."""
    query = (
        select(
            users.c.id,
            users.c.email,
            users.c.role,
            users.c.password_hash,
            users.c.totp_sealed,
            users.c.totp_since,
        )
        .where(users.c.id == user_id, ~users.c.disabled)
        .with_for_update()
    )
    return (await conn.execute(query)).one_or_none()
