"""What reporters change of their own reports, row by row; who calls holds the report's row."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update

from geo.store.database import AnyRow, AsyncConnection, load_sql
from geo.store.tables import categories, idempotency_keys, report_events, report_texts, reports


async def row(conn: AsyncConnection, report_id: UUID) -> AnyRow:
    """The report as it is to be changed.

    `id, code, status, category_code, text, answers, accuracy_m, lon, lat, ward_id, organisation_id,
    created_at, content_gone_at, withheld, edited_at, resolved_at, closed_at, rating`, what its
    deadlines follow from (`geo.reports.workflow.timing.dues`), its category's `questions,
    deadlines, family, category_vi, category_en` (its name), and what its events add up to: `counts`
    (kind → how many) and `moved_m` (metres the pin was moved in all).
    """
    events = (
        select(report_events.c.kind, func.count().label("n"))
        .where(report_events.c.report_id == report_id)
        .group_by(report_events.c.kind)
        .subquery("counted")
    )
    counts = select(func.jsonb_object_agg(events.c.kind, events.c.n)).scalar_subquery()
    moved = (
        select(func.sum(report_events.c.data["moved_m"].as_float()))
        .where(report_events.c.report_id == report_id, report_events.c.kind == "pin_moved")
        .scalar_subquery()
    )
    query = (
        select(
            *(
                reports.c[name]
                for name in (
                    *("id", "code", "status", "category_code", "text", "answers", "accuracy_m"),
                    *("ward_id", "organisation_id", "created_at", "content_gone_at"),
                    *("withheld", "edited_at", "resolved_at", "closed_at", "rating"),
                    *("due_at", "warn_at", "escalated", "first_due_at", "first_warn_at"),
                    *("first_escalated", "replied_at", "reopened", "runs_since", "paused"),
                )
            ),
            func.ST_X(reports.c.geom).label("lon"),
            func.ST_Y(reports.c.geom).label("lat"),
            categories.c.questions,
            categories.c.deadlines,
            categories.c.parent_code.label("family"),
            categories.c.name_vi.label("category_vi"),
            categories.c.name_en.label("category_en"),
            func.coalesce(counts, text("'{}'::jsonb")).label("counts"),
            func.coalesce(moved, 0.0).label("moved_m"),
        )
        .select_from(reports.join(categories, categories.c.code == reports.c.category_code))
        .where(reports.c.id == report_id)
    )
    return (await conn.execute(query)).one()


async def put(
    conn: AsyncConnection, report_id: UUID, values: dict[str, Any], now: datetime
) -> None:
    """Change columns of the report; `lon` and `lat` stand for `geom`; `reasons` and
    `promised` are JSON text.

    Triggers write what of it the public sees into the log of changes, and the cell follows.
    """
    given = dict(values)
    if "lon" in given:
        point = func.ST_MakePoint(given.pop("lon"), given.pop("lat"))
        given["geom"] = func.ST_SetSRID(point, 4326)
    for name in ("reasons", "promised"):
        if given.get(name):
            given[name] = json.loads(given[name])
    await conn.execute(
        update(reports).where(reports.c.id == report_id).values(**given, updated_at=now)
    )


async def leave_reforms(conn: AsyncConnection, report_id: UUID) -> None:
    """Forget what reforms of boundaries noted of the report's place of before."""
    for table in ("reform_moves", "reports_today"):
        await conn.execute(text(f"DELETE FROM {table} WHERE report_id = :id"), {"id": report_id})


async def tell(
    conn: AsyncConnection,
    report_id: UUID,
    events: Sequence[dict[str, Any]],
    now: datetime,
    *,
    public: bool = True,
) -> None:
    """Add events (`kind, vi, en`, and `data` where there is some) to the report's history."""
    rows = [
        {
            "report_id": report_id,
            "at": now,
            "kind": event["kind"],
            "text_vi": event["vi"],
            "text_en": event["en"],
            "public": public,
            "data": event.get("data", {}),
        }
        for event in events
    ]
    await conn.execute(report_events.insert(), rows)


async def hidden_additions(conn: AsyncConnection, report_id: UUID) -> Sequence[str]:
    """The Vietnamese lines of what the reporter added and the staff hid."""
    query = select(report_events.c.text_vi).where(
        report_events.c.report_id == report_id,
        report_events.c.kind == "added",
        ~report_events.c.public,
    )
    return (await conn.execute(query)).scalars().all()


async def replaced_texts(conn: AsyncConnection, report_id: UUID) -> Sequence[str]:
    """What the report said before the staff edited it."""
    query = select(report_texts.c.text).where(report_texts.c.report_id == report_id)
    return (await conn.execute(query)).scalars().all()


async def touch(conn: AsyncConnection, report_id: UUID, now: datetime) -> None:
    """Let open maps and pages look at the report anew, though nothing that is counted changed."""
    await conn.execute(load_sql("geo.store", "own_touch"), {"id": report_id, "now": now})


async def first_use(conn: AsyncConnection, key_hash: bytes) -> AnyRow | None:
    """`body_hash, answer` of what was sent first with this Idempotency-Key; None: nothing yet."""
    query = select(idempotency_keys.c.body_hash, idempotency_keys.c.answer).where(
        idempotency_keys.c.key_hash == key_hash
    )
    return (await conn.execute(query)).one_or_none()


async def claim(
    conn: AsyncConnection, key_hash: bytes, body_hash: bytes, answer: dict[str, Any], now: datetime
) -> bool:
    """Keep the answer a replay will get; False: another request took the key meanwhile."""
    statement = text(
        "INSERT INTO idempotency_keys (key_hash, body_hash, answer, created_at) "
        "VALUES (:key_hash, :body_hash, CAST(:answer AS jsonb), :now) "
        "ON CONFLICT (key_hash) DO NOTHING"
    )
    values = {"key_hash": key_hash, "body_hash": body_hash, "now": now}
    done = await conn.execute(statement, {**values, "answer": json.dumps(answer)})
    return done.rowcount == 1
