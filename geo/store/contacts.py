"""Sealed contact data in the database.

Only `geo.reports.contacts` may use this: it writes down who read. A test looks.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from geo.store.database import AnyRow, AsyncConnection
from geo.store.retention import ENDED, RULES, Limits
from geo.store.tables import report_contacts as table
from geo.store.tables import reports


async def sealed(conn: AsyncConnection, report_id: UUID) -> bytes | None:
    """The sealed contact of a report; None: it has none."""
    query = select(table.c.sealed).where(table.c.report_id == report_id)
    found = (await conn.execute(query)).scalar()
    return None if found is None else bytes(found)


async def put(conn: AsyncConnection, values: dict[str, Any]) -> None:
    """Give a report the contact of `values` (all columns), instead of any that it had."""
    new = insert(table).values(values)
    others = {name: new.excluded[name] for name in values if name != "report_id"}
    await conn.execute(new.on_conflict_do_update(index_elements=["report_id"], set_=others))


async def forget(conn: AsyncConnection, report_ids: Sequence[UUID]) -> int:
    """Take away the contacts of these reports; how many there were."""
    gone = await conn.execute(delete(table).where(table.c.report_id.in_(report_ids)))
    return gone.rowcount


async def by_marks(
    conn: AsyncConnection, phones: Sequence[bytes], emails: Sequence[bytes]
) -> list[UUID]:
    """Reports with one of these marks of a phone or an e-mail address, newest first."""
    query = (
        select(table.c.report_id)
        .join(reports, reports.c.id == table.c.report_id)
        .where(or_(table.c.phone_mark.in_(phones), table.c.email_mark.in_(emails)))
        .order_by(reports.c.created_at.desc(), reports.c.id)
    )
    return list((await conn.execute(query)).scalars())


def _other(front: bytes) -> Any:
    return func.substring(table.c.sealed, 1, len(front)) != front


async def count_other(conn: AsyncConnection, front: bytes) -> int:
    """How many are sealed under another key than the one whose rows begin with `front`."""
    query = select(func.count()).select_from(table).where(_other(front))
    return int((await conn.execute(query)).scalar_one())


async def some_other(
    conn: AsyncConnection, front: bytes, after: UUID | None, most: int
) -> list[AnyRow]:
    """Up to `most` of those, `report_id, sealed`, by id from `after` on, locked."""
    query = select(table.c.report_id, table.c.sealed).where(_other(front))
    if after is not None:
        query = query.where(table.c.report_id > after)
    query = query.order_by(table.c.report_id).limit(most).with_for_update()
    return list((await conn.execute(query)).all())


async def reseal(conn: AsyncConnection, values: dict[str, Any]) -> None:
    """Put what `values` (all columns) say instead of what the report has."""
    given = {name: value for name, value in values.items() if name != "report_id"}
    await conn.execute(update(table).where(table.c.report_id == values["report_id"]).values(given))


_DUE = f"""
FROM report_contacts AS c
JOIN reports AS r ON r.id = c.report_id
JOIN {RULES} ON rule.code = r.category_code
WHERE {ENDED}
"""


async def count_due(conn: AsyncConnection, limits: Limits) -> dict[str, int]:
    """How many contacts of each category were kept long enough."""
    statement = text(f"SELECT r.category_code, count(*) {_DUE} GROUP BY 1")
    return {row[0]: row[1] for row in await conn.execute(statement, limits.values())}


async def due(conn: AsyncConnection, limits: Limits, after: UUID, most: int) -> list[AnyRow]:
    """Up to `most` of those, `report_id, category_code`, by report id from `after` on, locked."""
    statement = text(
        f"SELECT c.report_id, r.category_code {_DUE} AND c.report_id > :after "
        "ORDER BY c.report_id LIMIT :most FOR UPDATE OF c"
    )
    values = {**limits.values(), "after": after, "most": most}
    return list((await conn.execute(statement, values)).all())
