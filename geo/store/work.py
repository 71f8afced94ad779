"""Reports as those who work on them need them, row by row."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Integer, and_, case, cast, func, select

from geo.store.database import AnyRow, AsyncConnection, load_sql
from geo.store.tables import categories, organisations, report_events, reports, users, wards

TOLD_BY_TIME: Final = "escalated"
"""Kind of the events that say that time runs out (`escalate.sql`): nobody changed anything, so
whoever looked at the report before has seen it as it is."""

_COLUMNS = (
    *("id", "code", "status", "category_code", "created_at", "runs_since", "waits_since"),
    *("paused", "due_at", "warn_at", "escalated", "first_due_at", "first_warn_at"),
    *("first_escalated", "replied_at", "resolved_at"),
    *("closed_at", "reopened", "holder_id", "parent_id", "organisation_id", "ward_id"),
    *("priority", "promised", "reasons", "rating", "withheld", "supports"),
    "content_gone_at",
)


async def locked(conn: AsyncConnection, code: str) -> AnyRow | None:
    """The report, locked until the transaction ends; None: there is none by this code.

    Its columns of work; its category's `family, category_vi, category_en, deadlines,
    photo_wanted`; `ward_code`, and `ward`, the id of its ward's first version; `holder_name`;
    `version`, the number of the newest event that somebody made.
    """
    version = (
        select(func.coalesce(func.max(report_events.c.id), 0))
        .where(report_events.c.report_id == reports.c.id, report_events.c.kind != TOLD_BY_TIME)
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
            categories.c.name_vi.label("category_vi"),
            categories.c.name_en.label("category_en"),
            categories.c.deadlines,
            # Of a report whose content was deleted nothing is shown any more.
            and_(categories.c.photo_wanted, reports.c.content_gone_at.is_(None)).label(
                "photo_wanted"
            ),
            wards.c.code.label("ward_code"),
            func.coalesce(wards.c.same_as, wards.c.id).label("ward"),
            users.c.name.label("holder_name"),
            version.label("version"),
        )
        .select_from(
            reports.join(categories, categories.c.code == reports.c.category_code)
            .outerjoin(wards, wards.c.id == reports.c.ward_id)
            .outerjoin(users, users.c.id == reports.c.holder_id)
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


async def rest(conn: AsyncConnection, report_id: UUID) -> AnyRow:
    """What a list of tasks does not show: times, `answers`, `rating`, the `parent`'s code."""
    parent = reports.alias("parent")
    names = ("resolved_at", "closed_at", "observed_at", "answers")
    query = (
        select(*(reports.c[name] for name in (*names, "rating")), parent.c.code.label("parent"))
        .select_from(reports.outerjoin(parent, parent.c.id == reports.c.parent_id))
        .where(reports.c.id == report_id)
    )
    return (await conn.execute(query)).one()


async def history(conn: AsyncConnection, report_id: UUID) -> Sequence[AnyRow]:
    """All lines of a report, oldest first: `at, kind, text_vi, text_en, public, data`, and the
    `name` of whoever of the staff did it."""
    table = report_events.c
    by = table.data["account"]
    account = case(
        (func.jsonb_typeof(by) == "number", cast(by.astext, Integer)),
    )
    query = (
        select(
            *(table[name] for name in ("at", "kind", "text_vi", "text_en", "public", "data")),
            users.c.name,
        )
        .select_from(report_events.outerjoin(users, users.c.id == account))
        .where(table.report_id == report_id)
        .order_by(table.id)
    )
    return (await conn.execute(query)).all()


async def escalate(
    conn: AsyncConnection, promise: str, told: int, said: dict[str, str], now: datetime, most: int
) -> int:
    """Tell the staff of those of whom that was told so often of a promise (`first_reply`,
    `resolve`), and whose next moment has come; how many."""
    values = {"told": told, "now": now, "most": most, **said}
    name = {"resolve": "escalate", "first_reply": "escalate_first"}[promise]
    return (await conn.execute(load_sql("geo.store", name), values)).rowcount


async def silent(conn: AsyncConnection, until: datetime, most: int) -> Sequence[str]:
    """Codes of reports that were resolved until then, locked, the oldest first; not those that
    somebody else has in hand just now."""
    query = (
        select(reports.c.code)
        .where(reports.c.status == "resolved", reports.c.resolved_at <= until)
        .order_by(reports.c.resolved_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return (await conn.execute(query)).scalars().all()
