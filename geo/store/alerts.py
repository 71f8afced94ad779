"""Alerts in the database."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import shapely
from sqlalchemy import (
    ColumnElement,
    LargeBinary,
    Select,
    and_,
    case,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy import cast as sql_cast

from geo.store.area import Bbox
from geo.store.database import AnyRow, AsyncConnection
from geo.store.tables import alerts, organisations, ward_shapes, wards

# Coarser and coarser shapes of wards (their last zoom, see geo.wards.shapes) for joined areas.
_SHAPES = (13, 10, 7)

_listed = (
    alerts.c.id,
    alerts.c.identifier,
    alerts.c.kind,
    alerts.c.severity,
    alerts.c.urgency,
    alerts.c.certainty,
    alerts.c.headline_vi,
    alerts.c.headline_en,
    alerts.c.description_vi,
    alerts.c.description_en,
    alerts.c.area_vi,
    alerts.c.area_en,
    alerts.c.ward_codes,
    alerts.c.sent_at,
    alerts.c.effective_at,
    alerts.c.expires_at,
    alerts.c.cancelled_at,
    alerts.c.sender,
    alerts.c.sender_vi,
    alerts.c.sender_en,
    alerts.c.user_id,
    organisations.c.code.label("organisation_code"),
    func.ST_AsGeoJSON(alerts.c.geom, 6).label("geojson"),
)


def in_force(since: datetime, until: datetime | None = None) -> ColumnElement[bool]:
    """Condition: in force at `since`, or at some time of `since <= t < until`.

    Nobody was warned before the alert was sent, and nobody is after it was cancelled.
    """
    table = alerts.c
    begins = func.greatest(table.effective_at, table.sent_at)
    return and_(
        begins <= since if until is None else begins < until,
        table.expires_at > since,
        or_(table.cancelled_at.is_(None), table.cancelled_at > since),
    )


def current(now: datetime, kinds: Sequence[str] = ()) -> Select[Any]:
    """The rows of `alerts` in force now; no kinds means every kind."""
    chosen = select(alerts).where(in_force(now))
    return chosen.where(alerts.c.kind.in_(kinds)) if kinds else chosen


async def page(
    conn: AsyncConnection,
    when: ColumnElement[bool],
    kinds: Sequence[str],
    bbox: Bbox | None,
    limit: int,
    before_id: int | None,
) -> Sequence[AnyRow]:
    """The newest `limit` alerts with an id below `before_id`; no kinds means every kind."""
    chosen = _select().where(when).order_by(alerts.c.id.desc()).limit(limit)
    if kinds:
        chosen = chosen.where(alerts.c.kind.in_(kinds))
    if bbox is not None:
        chosen = chosen.where(bbox.touches(alerts.c.geom))
    if before_id is not None:
        chosen = chosen.where(alerts.c.id < before_id)
    found: Sequence[AnyRow] = (await conn.execute(chosen)).all()
    return found


async def one(conn: AsyncConnection, alert_id: int) -> AnyRow | None:
    """The alert of this id, whether in force or over."""
    found: AnyRow | None = (
        await conn.execute(_select().where(alerts.c.id == alert_id))
    ).one_or_none()
    return found


async def add(conn: AsyncConnection, geom: shapely.MultiPolygon, **values: Any) -> int:
    """Write an alert (columns by name) with its area in WGS 84 degrees; returns its id."""
    shape = func.ST_GeomFromWKB(sql_cast(shapely.to_wkb(geom), LargeBinary), 4326)
    made = await conn.execute(insert(alerts).values(geom=shape, **values).returning(alerts.c.id))
    return int(made.scalar_one())


async def cancel(conn: AsyncConnection, alert_id: int, now: datetime, user_id: int) -> bool:
    """End an alert that is neither over nor cancelled; whether it was so."""
    table = alerts.c
    done = await conn.execute(
        update(alerts)
        .where(table.id == alert_id, table.cancelled_at.is_(None), table.expires_at > now)
        .values(cancelled_at=now, cancelled_by=user_id)
        .returning(table.id)
    )
    return done.first() is not None


_NAMED = (
    wards.c.id,
    wards.c.code,
    wards.c.name,
    wards.c.name_en,
    wards.c.kind,
    wards.c.organisation_id,
    func.coalesce(wards.c.same_as, wards.c.id).label("ward"),
)


async def wards_touched(
    conn: AsyncConnection, area: shapely.Geometry, day: date
) -> Sequence[AnyRow]:
    """The wards of a day that an area (WGS 84) covers some of, the largest part first.

    Rows as of `wards_named` with `share`, the part of the area inside the ward (0 to 1).
    """
    shape = func.ST_GeomFromWKB(sql_cast(shapely.to_wkb(area), LargeBinary), 4326)
    # Cutting is slow, and most wards of a large area lie wholly in it.
    inside = case(
        (func.ST_CoveredBy(wards.c.geom, shape), func.ST_Area(wards.c.geom)),
        else_=func.ST_Area(func.ST_Intersection(wards.c.geom, shape)),
    )
    share = (inside / func.ST_Area(shape)).label("share")
    query = (
        select(*_NAMED, share)
        .where(wards.c.valid.contains(day), func.ST_Intersects(wards.c.geom, shape))
        .order_by(share.desc(), wards.c.code)
    )
    # A common edge is no part of the area.
    return [row for row in await conn.execute(query) if row.share > 0]


async def wards_named(conn: AsyncConnection, codes: Sequence[str], day: date) -> Sequence[AnyRow]:
    """The wards of a day with these codes, by code.

    Rows of `id, code, name, name_en, kind, organisation_id` and `ward`, the id of the first version
    of that ward.
    """
    query = (
        select(*_NAMED)
        .where(wards.c.code.in_(codes), wards.c.valid.contains(day))
        .order_by(wards.c.code)
    )
    return (await conn.execute(query)).all()


async def joined(conn: AsyncConnection, ward_ids: Sequence[int], most: int) -> shapely.Geometry:
    """The wards' areas as one (WGS 84): the finest shapes that make at most `most` vertices.

    They are simplified as a coverage, so that no slivers stay between neighbours; where even the
    coarsest have more vertices, those are taken.
    """
    shape = ward_shapes.c
    found: shapely.Geometry = shapely.MultiPolygon()
    for max_zoom in _SHAPES:
        union = func.ST_Transform(func.ST_Union(shape.geom_3857), 4326)
        query = select(func.ST_AsBinary(union)).where(
            shape.ward_id.in_(ward_ids), shape.max_zoom == max_zoom
        )
        found = shapely.from_wkb(bytes((await conn.execute(query)).scalar_one()))
        if shapely.get_num_coordinates(found) <= most:
            break
    return found


def _select() -> Select[Any]:
    return select(*_listed).select_from(
        alerts.outerjoin(organisations, organisations.c.id == alerts.c.organisation_id)
    )
