"""The second step of sign-ins in the database. Secrets arrive sealed, recovery codes hashed."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, insert, select, update

from geo.store.database import AnyRow, AsyncConnection
from geo.store.tables import recovery_codes, users


async def of_user(conn: AsyncConnection, user_id: int) -> AnyRow | None:
    """An open account's id, email, password_hash, totp_sealed and totp_since."""
    columns = ("id", "email", "password_hash", "totp_sealed", "totp_since")
    query = select(*(users.c[name] for name in columns))
    return (await conn.execute(query.where(users.c.id == user_id, ~users.c.disabled))).one_or_none()


async def begin(conn: AsyncConnection, user_id: int, sealed: bytes) -> bool:
    """Keep a secret that is still to be confirmed; False where one is in use."""
    done = await conn.execute(
        update(users)
        .where(users.c.id == user_id, users.c.totp_since.is_(None))
        .values(totp_sealed=sealed)
        .returning(users.c.id)
    )
    return done.scalar() is not None


async def confirm(
    conn: AsyncConnection, user_id: int, sealed: bytes, codes: Sequence[bytes], now: datetime
) -> bool:
    """From now on the second step is asked for; False where it was set up or begun anew."""
    done = await conn.execute(
        update(users)
        .where(users.c.id == user_id, users.c.totp_since.is_(None), users.c.totp_sealed == sealed)
        .values(totp_since=now)
        .returning(users.c.id)
    )
    if done.scalar() is None:
        return False
    await conn.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user_id))
    values = [{"user_id": user_id, "code_hash": code} for code in codes]
    await conn.execute(insert(recovery_codes), values)
    return True


async def use_step(conn: AsyncConnection, user_id: int, step: int) -> bool:
    """Use the code of a time step up; False where it, or a later one, was used before.

    Of two at once one waits for the other and then finds it used.
    """
    done = await conn.execute(
        update(users)
        .where(users.c.id == user_id, users.c.totp_step < step)
        .values(totp_step=step)
        .returning(users.c.id)
    )
    return done.scalar() is not None


async def use_recovery(conn: AsyncConnection, user_id: int, code_hash: bytes) -> bool:
    """Use a recovery code up; False where there is none such."""
    gone = await conn.execute(
        delete(recovery_codes)
        .where(recovery_codes.c.user_id == user_id, recovery_codes.c.code_hash == code_hash)
        .returning(recovery_codes.c.user_id)
    )
    return gone.scalar() is not None
