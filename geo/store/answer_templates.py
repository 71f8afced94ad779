"""Answers written once, in the database: of the whole city, each with the number of its changes."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from geo.store.database import AnyRow, AsyncConnection
from geo.store.tables import answer_templates as templates
from geo.store.tables import users

MOST = 200
_LOCK = 7_320_032


async def every(conn: AsyncConnection) -> list[AnyRow]:
    """`id, name, text_vi, text_en, version, changed_at, changed_by` (a name), in order of names."""
    query = (
        select(
            *(templates.c[name] for name in ("id", "name", "text_vi", "text_en", "version")),
            templates.c.changed_at,
            users.c.name.label("changed_by"),
        )
        .select_from(templates.outerjoin(users, users.c.id == templates.c.changed_by))
        .order_by(func.lower(templates.c.name), templates.c.id)
    )
    return list((await conn.execute(query)).all())


async def locked(conn: AsyncConnection) -> None:
    """Keep others from changing any until the transaction ends: they are few, and rarely changed,
    and so neither two of one name come about nor more than `MOST`."""
    await conn.execute(select(func.pg_advisory_xact_lock(_LOCK)))


async def add(conn: AsyncConnection, values: dict[str, Any], account: int, now: datetime) -> int:
    """Keep one; returns its id."""
    query = insert(templates).values(**values, changed_by=account, changed_at=now)
    return int((await conn.execute(query.returning(templates.c.id))).scalar_one())


async def change(
    conn: AsyncConnection, id: int, values: dict[str, Any], account: int, now: datetime
) -> None:
    """Replace what one says."""
    query = update(templates).where(templates.c.id == id)
    version = templates.c.version + 1
    await conn.execute(query.values(**values, version=version, changed_by=account, changed_at=now))


async def drop(conn: AsyncConnection, id: int) -> bool:
    """Whether there was one."""
    return (await conn.execute(delete(templates).where(templates.c.id == id))).rowcount > 0
