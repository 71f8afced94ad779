"""All that is kept on a report, column by column, for the person who sent it."""

from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, case, exists, func, null, or_, select

from geo.store.database import AsyncConnection
from geo.store.reports import OWN_EVENTS
from geo.store.tables import (
    audit_log,
    categories,
    citizen_reports,
    idempotency_keys,
    organisations,
    photos,
    report_devices,
    report_events,
    report_texts,
    reports,
    wards,
)

# What says nothing of the person: our numbers for things, and hashes of what only they know.
_INNER = (
    *("id", "geom", "cell", "secret_hash", "ward_id", "organisation_id"),
    *("holder_id", "parent_id"),
)
TOLD_AS = {
    "reports": "report",
    # for as long as a live page may ask what changed: its code, and what the public saw
    "changes": "report",
    "idempotency_keys": "known_if_sent_again",
    "audit_log": "looked_at_by_staff",
    "photos": "photos",
    # where it lay before a reform of the wards, and whose it is today: lines of the history, too
    "reform_moves": "history",
    "reports_today": "history",
    "report_contacts": "contact",
    "report_events": "history",
    "report_texts": "earlier_texts",
    "report_devices": "device_known",
    "citizen_reports": "kept_as_mine",
    # marks of others, each of this report alone: what they say is how many
    "report_supports": "report",
    "report_merges": "history",
    # for the seconds until it is counted: that it changed, and to what
    "statistics_log": "report",
}
"""The tables that name a report, by its id or its code, and the member of a person's own copy that
says what they hold."""

# That it waits, or waited, for a look, and what became of its device, is told to the staff alone.
_STAFF_ONLY = ("withheld", "released", "device_barred", "device_unbarred")
_STAFF_ACTS = ("device.bar", "device.unbar")
# Lines of the history that the reporter may see.
_TOLD = report_events.c.public | report_events.c.kind.in_(OWN_EVENTS)
_PHOTO = ("n", "media_type", "width", "height", "hidden", "created_at")


async def report(conn: AsyncConnection, report_id: UUID, *, inner: bool) -> RowMapping | None:
    """All columns of a report that say something, its exact point as `lon, lat`, and the names of
    its category, ward and organisation. Not `inner`: nothing of that it waits for a look."""
    withheld = (
        reports.c.withheld
        if inner
        else case((reports.c.withheld == "review", null()), else_=reports.c.withheld)
    )
    query = (
        select(
            *(column for column in reports.c if column.name not in (*_INNER, "withheld")),
            withheld.label("withheld"),
            func.ST_X(reports.c.geom).label("lon"),
            func.ST_Y(reports.c.geom).label("lat"),
            categories.c.name_vi.label("category_vi"),
            categories.c.name_en.label("category_en"),
            wards.c.name.label("ward"),
            wards.c.code.label("ward_code"),
            organisations.c.name_vi.label("organisation_vi"),
            organisations.c.name_en.label("organisation_en"),
        )
        .select_from(
            reports.join(categories, categories.c.code == reports.c.category_code)
            .outerjoin(wards, wards.c.id == reports.c.ward_id)
            .outerjoin(organisations, organisations.c.id == reports.c.organisation_id)
        )
        .where(reports.c.id == report_id)
    )
    return (await conn.execute(query)).mappings().one_or_none()


async def events(conn: AsyncConnection, report_id: UUID, *, inner: bool) -> list[RowMapping]:
    """Its history, oldest first: `at, kind, text_vi, text_en, public`; `inner`: all of it."""
    query = select(
        report_events.c.at,
        report_events.c.kind,
        report_events.c.text_vi,
        report_events.c.text_en,
        report_events.c.public,
    ).where(report_events.c.report_id == report_id)
    if not inner:
        query = query.where(_TOLD)
    return list((await conn.execute(query.order_by(report_events.c.id))).mappings())


async def count_inner_events(conn: AsyncConnection, report_id: UUID) -> int:
    """How many lines of its history are the staff's own, but for those of moderation."""
    query = select(func.count()).where(
        report_events.c.report_id == report_id,
        ~_TOLD,
        report_events.c.kind.not_in(_STAFF_ONLY),
    )
    return int((await conn.execute(query)).scalar_one())


async def looked_at(
    conn: AsyncConnection, report_id: UUID, code: str, *, inner: bool
) -> list[RowMapping]:
    """What the staff did about its personal data, oldest first: `at, action, reason`; `inner`: also
    what its reporter is not told."""
    query = select(audit_log.c.at, audit_log.c.action, audit_log.c.reason).where(
        audit_log.c.subject == code
    )
    if not inner:
        shown = exists().where(
            report_events.c.report_id == report_id,
            report_events.c.kind == "shown",
            report_events.c.at == audit_log.c.at,
        )
        query = query.where(
            audit_log.c.action.not_in(_STAFF_ACTS),
            # A look that ended well is released, too, and told to nobody.
            or_(audit_log.c.action != "report.release", shown),
        )
    return list((await conn.execute(query.order_by(audit_log.c.n))).mappings())


async def earlier_texts(conn: AsyncConnection, report_id: UUID) -> list[RowMapping]:
    """What it said before the staff edited it, the first one first: `n, text, replaced_at,
    reason`."""
    query = (
        select(*(report_texts.c[name] for name in ("n", "text", "replaced_at", "reason")))
        .where(report_texts.c.report_id == report_id)
        .order_by(report_texts.c.n)
    )
    return list((await conn.execute(query)).mappings())


async def linked(conn: AsyncConnection, report_id: UUID) -> RowMapping:
    """Whether it is kept which device it came from (`device`), and as whose it counts (`mine`)."""
    query = select(
        exists().where(report_devices.c.report_id == report_id).label("device"),
        exists().where(citizen_reports.c.report_id == report_id).label("mine"),
    )
    return (await conn.execute(query)).mappings().one()


async def sent_with_key(conn: AsyncConnection, code: str, created_at: Any) -> bool:
    """Whether what was sent is still known by an Idempotency-Key, so that sent again it is one."""
    query = select(func.count()).where(
        idempotency_keys.c.created_at == created_at,
        idempotency_keys.c.answer["code"].astext == code,
        func.octet_length(idempotency_keys.c.body_hash) > 0,
    )
    return bool((await conn.execute(query)).scalar())


async def of_photos(conn: AsyncConnection, report_id: UUID) -> list[RowMapping]:
    """Its photos: `n, media_type, width, height, hidden, created_at`, in their order."""
    query = (
        select(*(photos.c[name] for name in _PHOTO))
        .where(photos.c.report_id == report_id)
        .order_by(photos.c.n)
    )
    return list((await conn.execute(query)).mappings())
