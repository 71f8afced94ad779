"""Who said "me too" of which report, as marks that name nobody."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from geo.store import own
from geo.store import reports as report_store
from geo.store.database import AnyRow, AsyncConnection
from geo.store.tables import categories, report_supports, reports
from geo.store.tables.reports import OPEN_STATUSES


async def seen(conn: AsyncConnection, code: str, *, locked: bool = False) -> AnyRow | None:
    """`id, code, status, supports, parent` (its code, where the public may know of it) of a report
    that the public may know of; `locked` until the transaction ends."""
    query = (
        select(
            *(reports.c[name] for name in ("id", "code", "status", "supports")),
            report_store.parent_code().label("parent"),
        )
        .select_from(reports.join(categories, categories.c.code == reports.c.category_code))
        .where(reports.c.code == code, report_store.is_public())
    )
    if locked:
        query = query.with_for_update(of=reports)
    return (await conn.execute(query)).one_or_none()


async def is_counted(conn: AsyncConnection, report_id: UUID, mark: bytes) -> bool:
    """Whether whoever the mark stands for has said so already."""
    query = select(report_supports.c.mark).where(
        report_supports.c.report_id == report_id, report_supports.c.mark == mark
    )
    return (await conn.execute(query)).one_or_none() is not None


async def add(conn: AsyncConnection, report_id: UUID, mark: bytes, now: datetime) -> bool:
    """Count a mark, once; whether it was counted now."""
    statement = insert(report_supports).values(report_id=report_id, mark=mark, at=now)
    done = await conn.execute(statement.on_conflict_do_nothing())
    if not done.rowcount:
        return False
    await conn.execute(
        update(reports).where(reports.c.id == report_id).values(supports=reports.c.supports + 1)
    )
    await own.touch(conn, report_id, now)
    return True


async def forget(conn: AsyncConnection, report_ids: Sequence[UUID]) -> int:
    """Forget the marks of reports that have ended, where nobody can count twice any more; how many.

    Their number stays, which is nobody's.
    """
    ended = select(reports.c.id).where(
        reports.c.id.in_(report_ids), reports.c.status.not_in(OPEN_STATUSES)
    )
    return (
        await conn.execute(delete(report_supports).where(report_supports.c.report_id.in_(ended)))
    ).rowcount
