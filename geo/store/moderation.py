"""What the staff do with reports that should not stand as they are: rows, and no rules."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    and_,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.dialects.postgresql import insert as upsert

from geo.store.database import AnyRow, AsyncConnection
from geo.store.tables import (
    banned_devices,
    categories,
    photos,
    report_devices,
    report_events,
    report_texts,
    reports,
    wards,
)

WHY = ("withheld", "hidden")
"""Kinds of events whose `data` say for what `reasons` the public does not see a report."""

MOST_COUNTED = 1000
"""What was hidden only grows; nobody counts it one by one."""

LOOKED_AT = (
    *("received", "imported", "withheld", "released", "hidden", "shown", "erased"),
    *("corrected", "added", "pin_moved", "edited", "addition_hidden", "addition_shown"),
    # Another category may show the place exactly.
    *("photo_hidden", "photo_shown", "photo_boxed", "recategorised"),
)
"""Kinds of events after which a report is another one to whoever is to let the public see it; so it
is after any that brought photos."""

_SOURCE = reports.join(categories, categories.c.code == reports.c.category_code).outerjoin(
    wards, wards.c.id == reports.c.ward_id
)


def _seen() -> list[ColumnElement[Any]]:
    why = (
        select(report_events.c.data["reasons"])
        .where(report_events.c.report_id == reports.c.id, report_events.c.kind.in_(WHY))
        .order_by(report_events.c.id.desc())
        .limit(1)
        .correlate(reports)
        .scalar_subquery()
    )
    version = (
        select(func.coalesce(func.max(report_events.c.id), 0))
        .where(
            report_events.c.report_id == reports.c.id,
            or_(
                report_events.c.kind.in_(LOOKED_AT),
                report_events.c.data.has_key("photos"),
            ),
        )
        .correlate(reports)
        .scalar_subquery()
    )
    device = (
        select(report_devices.c.device)
        .where(report_devices.c.report_id == reports.c.id)
        .correlate(reports)
        .scalar_subquery()
    )
    names = ("id", "code", "organisation_id", "text", "answers", "withheld", "created_at")
    return [
        *(reports.c[name] for name in (*names, "edited_at", "content_gone_at")),
        func.ST_X(reports.c.geom).label("lon"),
        func.ST_Y(reports.c.geom).label("lat"),
        categories.c.code.label("category_code"),
        categories.c.name_vi.label("category_vi"),
        categories.c.name_en.label("category_en"),
        func.coalesce(wards.c.same_as, wards.c.id).label("ward"),
        wards.c.code.label("ward_code"),
        wards.c.name.label("ward_name"),
        why.label("reasons"),
        version.label("version"),
        _additions().label("additions"),
        _photos().label("photos"),
        device.label("device"),
    ]


def _additions() -> ScalarSelect[Any]:
    """What the reporter added, as `[[vi, en, public], …]` in its order, or null."""
    line = func.jsonb_build_array(
        report_events.c.text_vi, report_events.c.text_en, report_events.c.public
    )
    return (
        select(func.jsonb_agg(aggregate_order_by(line, report_events.c.id)))
        .where(report_events.c.report_id == reports.c.id, report_events.c.kind == "added")
        .correlate(reports)
        .scalar_subquery()
    )


def _photos() -> ScalarSelect[Any]:
    """All photos, as `[{n, media_type, width, height, hidden}, …]` in their order, or null."""
    names = ("n", "media_type", "width", "height", "hidden")
    photo = func.jsonb_build_object(*(part for name in names for part in (name, photos.c[name])))
    return (
        select(func.jsonb_agg(aggregate_order_by(photo, photos.c.n)))
        .where(photos.c.report_id == reports.c.id)
        .correlate(reports)
        .scalar_subquery()
    )


async def lock(conn: AsyncConnection, code: str) -> bool:
    """Keep others from changing the report until the transaction ends; whether there is one."""
    query = select(reports.c.id).where(reports.c.code == code).with_for_update()
    return (await conn.execute(query)).one_or_none() is not None


async def by_code(conn: AsyncConnection, code: str) -> AnyRow | None:
    """The report as the staff see it: its exact place, `withheld` and `reasons`, `additions`,
    `photos`, sealed `device`, and its `version`, which is another one after each event of
    `LOOKED_AT`."""
    query = select(*_seen()).select_from(_SOURCE).where(reports.c.code == code)
    return (await conn.execute(query)).one_or_none()


async def queue(
    conn: AsyncConnection,
    state: str,
    limit: int,
    after: tuple[datetime, UUID] | None,
    scope: Sequence[ColumnElement[bool]],
) -> Sequence[AnyRow]:
    """Reports that are withheld in this state, newest first; `scope`: conditions on `reports`."""
    conditions = [
        reports.c.withheld.is_not(None),
        reports.c.withheld == state,
        *scope,
    ]
    if after:
        conditions.append(tuple_(reports.c.created_at, reports.c.id) < after)
    query = (
        select(*_seen())
        .select_from(_SOURCE)
        .where(and_(*conditions))
        .order_by(reports.c.created_at.desc(), reports.c.id.desc())
        .limit(limit)
    )
    return (await conn.execute(query)).all()


async def counts(conn: AsyncConnection, scope: Sequence[ColumnElement[bool]]) -> dict[str, int]:
    """How many reports are withheld in each state, up to `MOST_COUNTED`; `scope`: conditions on
    `reports`."""
    return {state: await _count(conn, state, scope) for state in ("review", "hidden")}


async def _count(conn: AsyncConnection, state: str, scope: Sequence[ColumnElement[bool]]) -> int:
    conditions = (reports.c.withheld.is_not(None), reports.c.withheld == state, *scope)
    some = select(reports.c.id).where(*conditions).limit(MOST_COUNTED).subquery()
    return (await conn.execute(select(func.count()).select_from(some))).scalar_one()


async def change(conn: AsyncConnection, report_id: UUID, now: datetime, **values: Any) -> None:
    """Set columns of a report."""
    statement = update(reports).where(reports.c.id == report_id)
    await conn.execute(statement.values(updated_at=now, **values))


async def tell(
    conn: AsyncConnection,
    report_id: UUID,
    kind: str,
    words: dict[str, str],
    now: datetime,
    *,
    public: bool,
    data: dict[str, Any] | None = None,
) -> None:
    """Add a line to a report's history; not `public`: for the staff alone."""
    await conn.execute(
        insert(report_events).values(
            report_id=report_id,
            at=now,
            kind=kind,
            text_vi=words["vi"],
            text_en=words["en"],
            public=public,
            data=data or {},
        )
    )


async def history(conn: AsyncConnection, report_id: UUID) -> Sequence[AnyRow]:
    """All that happened to a report, oldest first, also what only the staff are told."""
    columns = (report_events.c[name] for name in ("at", "kind", "text_vi", "text_en", "public"))
    query = select(*columns).where(report_events.c.report_id == report_id)
    return (await conn.execute(query.order_by(report_events.c.id))).all()


async def hide_addition(
    conn: AsyncConnection, report_id: UUID, n: int, hidden: bool
) -> bool | None:
    """Keep the `n`th addition, from 1, from the public, or show it; whether that changed it, None:
    there is no such."""
    found = (
        select(report_events.c.id, report_events.c.public)
        .where(report_events.c.report_id == report_id, report_events.c.kind == "added")
        .order_by(report_events.c.id)
        .offset(n - 1)
        .limit(1)
    )
    line = (await conn.execute(found)).one_or_none()
    if line is None or line.public is not hidden:
        return None if line is None else False
    change = update(report_events).where(report_events.c.id == line.id)
    await conn.execute(change.values(public=not hidden))
    return True


async def restored_at(conn: AsyncConnection, report_id: UUID) -> datetime | None:
    """When the staff last put the text back as its reporter had it."""
    query = select(func.max(report_events.c.at)).where(
        report_events.c.report_id == report_id,
        report_events.c.kind == "edited",
        report_events.c.data["restored"].as_boolean(),
    )
    found: datetime | None = (await conn.execute(query)).scalar()
    return found


async def texts(conn: AsyncConnection, report_id: UUID) -> Sequence[AnyRow]:
    """Texts that were replaced, the first one first."""
    query = select(report_texts).where(report_texts.c.report_id == report_id)
    return (await conn.execute(query.order_by(report_texts.c.n))).all()


async def keep_text(
    conn: AsyncConnection, report_id: UUID, said: str, by: str, reason: str, now: datetime
) -> None:
    """Keep a text that is about to be replaced."""
    newest = select(func.coalesce(func.max(report_texts.c.n), 0) + 1).where(
        report_texts.c.report_id == report_id
    )
    await conn.execute(
        insert(report_texts).values(
            report_id=report_id,
            n=newest.scalar_subquery(),
            text=said,
            replaced_at=now,
            replaced_by=by,
            reason=reason,
        )
    )


async def bar(
    conn: AsyncConnection, device: bytes, until: datetime, by: str, reason: str, now: datetime
) -> None:
    """Bar a device, or bar it longer or shorter than before."""
    values = {"until": until, "banned_at": now, "banned_by": by, "reason": reason}
    statement = upsert(banned_devices).values(device=device, **values)
    await conn.execute(statement.on_conflict_do_update(index_elements=["device"], set_=values))


async def unbar(conn: AsyncConnection, device: bytes) -> bool:
    """Let a device send again; whether it was barred."""
    gone = banned_devices.delete().where(banned_devices.c.device == device)
    return (await conn.execute(gone)).rowcount > 0


async def barred(conn: AsyncConnection, now: datetime) -> Sequence[AnyRow]:
    """The devices that are barred, the newest first: rows of `banned_devices`."""
    query = select(banned_devices).where(banned_devices.c.until > now)
    return (await conn.execute(query.order_by(banned_devices.c.banned_at.desc()))).all()
