"""Which reports are held to be the same as which, row by row; who calls holds the reports' rows.

Whoever locks several takes parents before their duplicates, and each of them by its id; and which
of two is the parent does not change meanwhile, as merges are made one at a time (`alone`). So two
who merge the same reports wait for each other in one order only.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update

from geo.store import reports as report_store
from geo.store.database import AnyRow, AsyncConnection
from geo.store.locks import Lock
from geo.store.tables import categories, report_merges, reports


async def alone(conn: AsyncConnection) -> None:
    """Wait until nobody else merges or parts reports; nobody does until the transaction ends."""
    await conn.execute(select(func.pg_advisory_xact_lock(int(Lock.MERGES))))


async def named(conn: AsyncConnection, codes: Sequence[str]) -> dict[str, AnyRow]:
    """Code → `id, code, parent_id` as they are now, not locked."""
    query = select(reports.c.id, reports.c.code, reports.c.parent_id).where(
        reports.c.code.in_(codes)
    )
    return {row.code: row for row in (await conn.execute(query)).all()}


async def lock(conn: AsyncConnection, ids: Sequence[UUID]) -> None:
    """Lock reports until the transaction ends, by their ids."""
    query = select(reports.c.id).where(reports.c.id.in_(ids))
    await conn.execute(query.order_by(reports.c.id).with_for_update())


async def code_of(conn: AsyncConnection, report_id: UUID) -> str:
    """The code of a report that is there."""
    query = select(reports.c.code).where(reports.c.id == report_id)
    return str((await conn.execute(query)).scalar_one())


async def duplicates(
    conn: AsyncConnection, parent_id: UUID, statuses: Sequence[str] = ("duplicate",)
) -> Sequence[AnyRow]:
    """`id, code, status, supports, replied_at` of a report's duplicates of these statuses, locked,
    by their ids."""
    lock = (
        select(reports.c.id)
        .where(reports.c.parent_id == parent_id, reports.c.status.in_(statuses))
        .order_by(reports.c.id)
        .with_for_update()
    )
    ids = (await conn.execute(lock)).scalars().all()
    if not ids:
        return []
    names = ("id", "code", "status", "supports", "replied_at")
    query = select(*(reports.c[name] for name in names)).where(
        reports.c.id.in_(ids), reports.c.parent_id == parent_id
    )
    return (await conn.execute(query.order_by(reports.c.id))).all()


async def standing(conn: AsyncConnection, report_id: UUID) -> AnyRow | None:
    """`id, parent_id, status_before, carried, merged_at` of the merge that holds now."""
    names = ("id", "parent_id", "status_before", "carried", "merged_at")
    query = select(*(report_merges.c[name] for name in names)).where(
        report_merges.c.report_id == report_id, report_merges.c.undone_at.is_(None)
    )
    return (await conn.execute(query)).one_or_none()


async def carried(conn: AsyncConnection, parent_id: UUID) -> int:
    """How many "me too" of a report came with its duplicates."""
    query = select(func.coalesce(func.sum(report_merges.c.carried), 0)).where(
        report_merges.c.parent_id == parent_id, report_merges.c.undone_at.is_(None)
    )
    return int((await conn.execute(query)).scalar_one())


async def note(
    conn: AsyncConnection,
    report_id: UUID,
    parent_id: UUID,
    *,
    status_before: str,
    carried: int,
    now: datetime,
) -> None:
    """That a report was merged into another."""
    values = {"report_id": report_id, "parent_id": parent_id, "status_before": status_before}
    await conn.execute(report_merges.insert().values(**values, carried=carried, merged_at=now))


async def undo(conn: AsyncConnection, merge_id: int, now: datetime) -> None:
    """That a merge holds no more."""
    await conn.execute(
        update(report_merges).where(report_merges.c.id == merge_id).values(undone_at=now)
    )


async def point(conn: AsyncConnection, from_id: UUID, to_id: UUID, now: datetime) -> None:
    """All duplicates of one report are another's from now on."""
    await conn.execute(
        update(reports)
        .where(reports.c.parent_id == from_id)
        .values(parent_id=to_id, updated_at=now)
    )
    await conn.execute(
        update(report_merges)
        .where(report_merges.c.parent_id == from_id, report_merges.c.undone_at.is_(None))
        .values(parent_id=to_id)
    )


async def count(conn: AsyncConnection, report_id: UUID, more: int, now: datetime) -> None:
    """So many more (or fewer) said "me too" of a report."""
    await conn.execute(
        update(reports)
        .where(reports.c.id == report_id)
        .values(supports=func.greatest(0, reports.c.supports + more), updated_at=now)
    )


async def is_public(conn: AsyncConnection, report_id: UUID) -> bool:
    """Whether the public may know of the report."""
    query = (
        select(report_store.is_public())
        .select_from(reports.join(categories, categories.c.code == reports.c.category_code))
        .where(reports.c.id == report_id)
    )
    return bool((await conn.execute(query)).scalar_one())
