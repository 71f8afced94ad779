"""Rows of the category tree."""

from typing import Any

from sqlalchemy import RowMapping, select
from sqlalchemy.dialects.postgresql import insert

from geo.store.database import AsyncConnection
from geo.store.tables import categories

_SYNCED = ("parent_code", "name_vi", "name_en", "icon", "questions", "deadlines", "visibility")


async def upsert(conn: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    """Insert or rewrite whole rows, parents before their children.

    Whether a row that is there already is offered stays as the city has it.
    """
    if not rows:
        return
    statement = insert(categories)
    changed = {name: statement.excluded[name] for name in (*_SYNCED, "position")}
    await conn.execute(
        statement.on_conflict_do_update(index_elements=[categories.c.code], set_=changed), rows
    )


async def add_missing(conn: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    """Insert rows; codes that are there already stay as they are."""
    if rows:
        await conn.execute(insert(categories).on_conflict_do_nothing(), rows)


async def every(conn: AsyncConnection, offered_only: bool = False) -> list[RowMapping]:
    """All categories in the order they are shown."""
    query = select(categories).order_by(categories.c.position, categories.c.code)
    if offered_only:
        query = query.where(categories.c.offered)
    return list((await conn.execute(query)).mappings())
