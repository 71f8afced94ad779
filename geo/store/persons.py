"""All that is kept on a report, column by column, for the person who sent it."""

from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, func, select

from geo.store.database import AsyncConnection
from geo.store.reports import OWN_EVENTS
from geo.store.tables import (
    audit_log,
    categories,
    idempotency_keys,
    organisations,
    photos,
    report_events,
    report_texts,
    reports,
    wards,
)

# What says nothing of the person: our numbers for things, and hashes of what only they know.
_INNER = ("id", "geom", "cell", "secret_hash", "ward_id", "organisation_id")
# Lines of the history that the reporter may see.
_TOLD = report_events.c.public | report_events.c.kind.in_(OWN_EVENTS)
_PHOTO = ("n", "media_type", "width", "height", "hidden", "created_at")


async def report(conn: AsyncConnection, report_id: UUID) -> RowMapping | None:
    """All columns of a report that say something, its exact point as `lon, lat`, and the names of
    its category, ward and organisation."""
    query = (
        select(
            *(column for column in reports.c if column.name not in _INNER),
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
    """How many lines of its history are the staff's own."""
    query = select(func.count()).where(report_events.c.report_id == report_id, ~_TOLD)
    return int((await conn.execute(query)).scalar_one())


async def looked_at(conn: AsyncConnection, code: str) -> list[RowMapping]:
    """What the staff did about its personal data, oldest first: `at, action, reason`."""
    query = (
        select(audit_log.c.at, audit_log.c.action, audit_log.c.reason)
        .where(audit_log.c.subject == code)
        .order_by(audit_log.c.n)
    )
    return list((await conn.execute(query)).mappings())


async def sent_with_key(conn: AsyncConnection, code: str, created_at: Any) -> bool:
    """Whether what was sent is still known by an Idempotency-Key, so that sent again it is one."""
    query = select(func.count()).where(
        idempotency_keys.c.created_at == created_at,
        idempotency_keys.c.answer["code"].astext == code,
        func.octet_length(idempotency_keys.c.body_hash) > 0,
    )
    return bool((await conn.execute(query)).scalar())


async def texts(conn: AsyncConnection, report_id: UUID) -> list[RowMapping]:
    """What it said before the staff edited it: `replaced_at, text, reason`, oldest first."""
    columns = (report_texts.c[name] for name in ("replaced_at", "text", "reason"))
    query = select(*columns).where(report_texts.c.report_id == report_id)
    return list((await conn.execute(query.order_by(report_texts.c.n))).mappings())


async def of_photos(conn: AsyncConnection, report_id: UUID) -> list[RowMapping]:
    """Its photos: `n, media_type, width, height, hidden, created_at`, in their order."""
    query = (
        select(*(photos.c[name] for name in _PHOTO))
        .where(photos.c.report_id == report_id)
        .order_by(photos.c.n)
    )
    return list((await conn.execute(query)).mappings())
