"""Reports as those who work on them need them, row by row."""

from sqlalchemy import func, select

from geo.store.database import AnyRow, AsyncConnection
from geo.store.tables import categories, organisations, report_events, reports, wards

_COLUMNS = (
    *("id", "code", "status", "category_code", "created_at", "runs_since", "waits_since"),
    *("paused", "due_at", "warn_at", "escalated", "first_due_at", "replied_at", "resolved_at"),
    *("closed_at", "reopened", "holder_id", "parent_id", "organisation_id", "ward_id"),
    *("priority", "promised", "rating", "withheld"),
)


async def locked(conn: AsyncConnection, code: str) -> AnyRow | None:
    """The report, locked until the transaction ends; None: there is none by this code.

    Its columns of work; its category's `family, deadlines, photo_wanted`; `ward_code`, and `ward`,
    the id of its ward's first version; `version`, the number of its newest event.
    """
    version = (
        select(func.coalesce(func.max(report_events.c.id), 0))
        .where(report_events.c.report_id == reports.c.id)
        .correlate(reports)
        .scalar_subquery()
    )
    lock = select(reports.c.id).where(reports.c.code == code).with_for_update()
    if (await conn.execute(lock)).one_or_none() is None:
        return None
    # A statement of its own: it sees what whoever held the lock before has committed.
    query = (
        select(
            *(reports.c[name] for name in _COLUMNS),
            categories.c.parent_code.label("family"),
            categories.c.deadlines,
            categories.c.photo_wanted,
            wards.c.code.label("ward_code"),
            func.coalesce(wards.c.same_as, wards.c.id).label("ward"),
            version.label("version"),
        )
        .select_from(
            reports.join(categories, categories.c.code == reports.c.category_code).outerjoin(
                wards, wards.c.id == reports.c.ward_id
            )
        )
        .where(reports.c.code == code)
    )
    return (await conn.execute(query)).one()


async def organisation(conn: AsyncConnection, code: str) -> AnyRow | None:
    """`id, code, name_vi, name_en`."""
    query = select(*(organisations.c[name] for name in ("id", "code", "name_vi", "name_en"))).where(
        organisations.c.code == code
    )
    return (await conn.execute(query)).one_or_none()
