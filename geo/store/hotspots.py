"""Looking up hotspots: the answers the public sees, the hotspots in them, one through its days."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, exists, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on

from geo.store.area import Bbox
from geo.store.database import AnyRow, AsyncConnection
from geo.store.tables import categories as category_rows
from geo.store.tables import (
    hotspot_answers,
    hotspot_artefacts,
    hotspot_beginnings,
    hotspot_hexagons,
    hotspot_quiet,
    hotspots,
)


async def categories(conn: AsyncConnection, category: str | None = None) -> Sequence[AnyRow]:
    """`code family number visibility name_vi name_en` of one and its children, or of all."""
    table = category_rows.c
    chosen = select(
        table.code,
        func.coalesce(table.parent_code, table.code).label("family"),
        table.number,
        table.visibility,
        table.name_vi,
        table.name_en,
    ).order_by(table.code)
    if category is not None:
        chosen = chosen.where(or_(table.code == category, table.parent_code == category))
    return (await conn.execute(chosen)).all()


def _public_answers() -> Select[Any]:
    """All answers that were made for the public, but those of categories that are hidden now, and
    of blurred ones those made from exact places.

    A category whose visibility was changed shows nothing until it is looked for anew.
    """
    answer, category = hotspot_answers.c, category_rows.c
    return (
        select(
            answer.id,
            answer.category_code,
            func.coalesce(category.parent_code, category.code).label("family"),
            answer.as_of,
            answer.since,
            answer.until,
            answer.n_reports,
            answer.n_events,
            answer.n_left_out,
            answer.made_at,
        )
        .join_from(hotspot_answers, category_rows, answer.category_code == category.code)
        .where(
            or_(
                # What was found of a hidden one was measured against other hidden ones.
                and_(category.visibility == "public", answer.visibility != "hidden"),
                and_(category.visibility == "blurred", answer.visibility == "blurred"),
            )
        )
    )


def latest_answers(
    wanted: Sequence[str] | None,
    since: datetime | None = None,
    until: datetime | None = None,
    on: date | None = None,
) -> Select[Any]:
    """The answers the public sees: of each category the newest one.

    `wanted` are categories or families. With `since` and `until` only answers that looked at some
    of that time count; with `on` those as of that day or before: what was said then. Hidden
    categories are left out.
    """
    answer, category = hotspot_answers.c, category_rows.c
    chosen = (
        _public_answers()
        .ext(distinct_on(answer.category_code))
        .order_by(answer.category_code, answer.as_of.desc())
    )
    if wanted:
        chosen = chosen.where(or_(category.code.in_(wanted), category.parent_code.in_(wanted)))
    if since is not None:
        chosen = chosen.where(answer.until > since)
    if until is not None:
        chosen = chosen.where(answer.since < until)
    if on is not None:
        chosen = chosen.where(answer.as_of <= on)
    return chosen


async def answers(conn: AsyncConnection, chosen: Select[Any]) -> Sequence[AnyRow]:
    """The answers themselves, by category."""
    found: Sequence[AnyRow] = (await conn.execute(chosen)).all()
    return found


def _listed(answer: Any) -> Select[Any]:
    spot = hotspots.c
    return select(
        spot.key,
        spot.id,
        answer.c.category_code,
        answer.c.family,
        answer.c.as_of,
        answer.c.since,
        answer.c.until,
        spot.seen,
        spot.parents,
        spot.born_on,
        spot.seen_since,
        spot.seen_until,
        spot.n,
        spot.n_open,
        spot.events,
        spot.expected,
        spot.relative_risk,
        spot.risk_low,
        spot.risk_high,
        spot.p_value,
        spot.scale_m,
        spot.trend,
        spot.months,
        spot.said,
        spot.ward_code,
        spot.near,
        spot.area_m2,
        spot.first_report_at,
        spot.last_report_at,
        func.ST_AsGeoJSON(spot.geom, 6).label("geojson"),
    ).join_from(hotspots, answer, spot.answer_id == answer.c.id)


async def page(
    conn: AsyncConnection,
    chosen: Select[Any],
    bbox: Bbox | None,
    at_most_p: float | None,
    limit: int,
    before_key: int | None,
) -> Sequence[AnyRow]:
    """The newest `limit` hotspots of these answers with a key below `before_key`.

    Those seen only: the dormant are not on the map. `at_most_p` limits their p.
    """
    spot = hotspots.c
    conditions: list[ColumnElement[bool]] = [spot.seen != "dormant"]
    if bbox is not None:
        conditions.append(bbox.touches(spot.geom))
    if at_most_p is not None:
        conditions.append(spot.p_value <= at_most_p)
    if before_key is not None:
        conditions.append(spot.key < before_key)
    listed = _listed(chosen.subquery("answer")).where(*conditions)
    found: Sequence[AnyRow] = (
        await conn.execute(listed.order_by(spot.key.desc()).limit(limit))
    ).all()
    return found


async def beginnings(
    conn: AsyncConnection, chosen: Select[Any], bbox: Bbox | None
) -> Sequence[AnyRow]:
    """What began, of these answers, the most certain first, with `geojson`."""
    one = hotspot_beginnings.c
    listed = _shapes(hotspot_beginnings, chosen, bbox)
    likely = listed.order_by(one.p_value, one.expected / one.observed, one.key)
    found: Sequence[AnyRow] = (await conn.execute(likely)).all()
    return found


async def hexagons(
    conn: AsyncConnection, chosen: Select[Any], bbox: Bbox | None, limit: int, after_key: int | None
) -> Sequence[AnyRow]:
    """The first `limit` hexagons of these answers with a key above `after_key`, with `geojson`."""
    key = hotspot_hexagons.c.key
    listed = _shapes(hotspot_hexagons, chosen, bbox).order_by(key).limit(limit)
    if after_key is not None:
        listed = listed.where(key > after_key)
    found: Sequence[AnyRow] = (await conn.execute(listed)).all()
    return found


def _shapes(table: Table, chosen: Select[Any], bbox: Bbox | None) -> Select[Any]:
    """What these answers hold in a table, with `category_code family as_of` and `geojson`."""
    answer = chosen.subquery("answer")
    listed = select(
        answer.c.category_code,
        answer.c.family,
        answer.c.as_of,
        *(each for each in table.columns if each.name != "geom"),
        func.ST_AsGeoJSON(table.c.geom, 6).label("geojson"),
    ).join_from(table, answer, table.c.answer_id == answer.c.id)
    return listed if bbox is None else listed.where(bbox.touches(table.c.geom))


async def quiet(conn: AsyncConnection, on: date | None) -> AnyRow | None:
    """Where few report as of the newest day up to `on`, with `days` and `geojson`."""
    mask = hotspot_quiet.c
    newest = (
        select(
            mask.as_of,
            func.extract("day", mask.until - mask.since).label("days"),
            mask.least_events,
            mask.reach_m,
            func.ST_AsGeoJSON(mask.geom, 6).label("geojson"),
        )
        .order_by(mask.as_of.desc())
        .limit(1)
    )
    if on is not None:
        newest = newest.where(mask.as_of <= on)
    return (await conn.execute(newest)).first()


async def through_time(conn: AsyncConnection, hotspot_id: str) -> Sequence[AnyRow]:
    """Every answer's row of one hotspot the public may see, the newest first."""
    public = _public_answers().subquery("answer")
    listed = _listed(public).where(hotspots.c.id == hotspot_id).order_by(public.c.as_of.desc())
    found: Sequence[AnyRow] = (await conn.execute(listed)).all()
    return found


async def end_of(conn: AsyncConnection, hotspot_id: str) -> AnyRow | None:
    """`as_of into_id` of the answer that says a hotspot is over; None while it is not."""
    answer = hotspot_answers.c
    found = await conn.execute(
        select(answer.as_of, answer.ended.op("->>")(hotspot_id).label("into_id"))
        .where(answer.ended.has_key(hotspot_id))
        .order_by(answer.as_of.desc())
        .limit(1)
    )
    return found.first()


async def artefacts(conn: AsyncConnection, on: date | None) -> tuple[date | None, Sequence[AnyRow]]:
    """(day, artefacts): those named as of the newest day up to `on`, the fullest first.

    Without those that hold a report of a category whose exact places nobody may know by now.
    """
    table = hotspot_artefacts.c
    day = await _newest_day(conn, on)
    if day is None:
        return None, []
    found = (
        select(
            table.kind,
            table.n,
            table.left_out,
            table.why,
            func.ST_AsGeoJSON(table.geom, 6).label("geojson"),
        )
        .where(
            table.as_of == day,
            ~exists().where(
                category_rows.c.code == func.any(table.category_codes),
                category_rows.c.visibility != "public",
            ),
        )
        .order_by(table.n.desc(), table.id)
    )
    return day, (await conn.execute(found)).all()


async def _newest_day(conn: AsyncConnection, on: date | None) -> date | None:
    chosen = select(func.max(hotspot_answers.c.as_of))
    if on is not None:
        chosen = chosen.where(hotspot_answers.c.as_of <= on)
    found: date | None = (await conn.execute(chosen)).scalar_one()
    return found
