"""Hotspot runs in the database: the points they look at, what they found, and looking it up."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    any_,
    case,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.sql.expression import not_

from geo.period import Period
from geo.store.area import Bbox
from geo.store.database import AnyRow, AsyncConnection
from geo.store.reports import public_point
from geo.store.tables import categories as category_rows
from geo.store.tables import hotspot_runs, hotspots, reports

# A report that is no independent sign of a problem there.
_NOT_COUNTED = ("duplicate", "rejected", "withdrawn")


async def categories(conn: AsyncConnection, category: str | None) -> list[tuple[str, str]]:
    """(code, family) of one category and its children, or of all of them."""
    table = category_rows.c
    chosen = select(table.code, func.coalesce(table.parent_code, table.code)).order_by(table.code)
    if category is not None:
        chosen = chosen.where(or_(table.code == category, table.parent_code == category))
    return [(code, family) for code, family in await conn.execute(chosen)]


async def points(conn: AsyncConnection, category: str, period: Period) -> Sequence[AnyRow]:
    """`lon, lat, created_at` of the reports that count, in the order they came in.

    Of a blurred category where the public sees them: a hull around one true address would tell it.
    """
    table = reports.c
    place = case((category_rows.c.visibility == "blurred", public_point()), else_=table.geom)
    chosen = (
        select(func.ST_X(place).label("lon"), func.ST_Y(place).label("lat"), table.created_at)
        .join_from(reports, category_rows, table.category_code == category_rows.c.code)
        .where(table.category_code == category)
        .where(table.created_at >= period.since, table.created_at < period.until)
        .where(table.status.not_in(_NOT_COUNTED))
        .where(not_(literal("default-point") == any_(table.flags)))
        .order_by(table.created_at, table.id)
    )
    found: Sequence[AnyRow] = (await conn.execute(chosen)).all()
    return found


async def has_runs(conn: AsyncConnection, category: str) -> bool:
    """Whether the category was ever run."""
    found = select(hotspot_runs.c.id).where(hotspot_runs.c.category_code == category).limit(1)
    return (await conn.execute(found)).first() is not None


async def insert_run(conn: AsyncConnection, **columns: Any) -> int:
    """A row of `hotspot_runs`; returns its id."""
    made = await conn.execute(insert(hotspot_runs).values(**columns).returning(hotspot_runs.c.id))
    return int(made.scalar_one())


async def insert_hotspots(conn: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    """Rows of `hotspots`; `geom` is WKT in WGS 84 degrees."""
    if rows:
        wkt = [{**row, "geom": f"SRID=4326;{row['geom']}"} for row in rows]
        await conn.execute(insert(hotspots), wkt)


async def prune(conn: AsyncConnection, category: str, kept_runs: int) -> None:
    """Delete a category's runs but the newest `kept_runs`, with their hotspots."""
    kept = (
        select(hotspot_runs.c.id)
        .where(hotspot_runs.c.category_code == category)
        .order_by(hotspot_runs.c.id.desc())
        .limit(kept_runs)
    )
    await conn.execute(
        delete(hotspot_runs)
        .where(hotspot_runs.c.category_code == category)
        .where(hotspot_runs.c.id.not_in(kept))
    )


def latest_runs(
    wanted: Sequence[str] | None, since: datetime | None = None, until: datetime | None = None
) -> Select[Any]:
    """The runs the public sees: of each category the one that reaches farthest, made last.

    `wanted` are categories or families. With `since` and `until` only runs that looked at some of
    that time count. Hidden categories are left out.
    """
    run, category = hotspot_runs.c, category_rows.c
    chosen = (
        select(
            run.id,
            run.category_code,
            func.coalesce(category.parent_code, category.code).label("family"),
            run.since,
            run.until,
            run.eps_m,
            run.min_points,
            run.n_reports,
            run.finished_at,
        )
        .join_from(hotspot_runs, category_rows, run.category_code == category.code)
        .where(category.visibility != "hidden")
        .ext(distinct_on(run.category_code))
        .order_by(run.category_code, run.until.desc(), run.id.desc())
    )
    if wanted:
        chosen = chosen.where(or_(category.code.in_(wanted), category.parent_code.in_(wanted)))
    if since is not None:
        chosen = chosen.where(run.until > since)
    if until is not None:
        chosen = chosen.where(run.since < until)
    return chosen


async def runs(conn: AsyncConnection, chosen: Select[Any]) -> Sequence[AnyRow]:
    """The runs themselves, by category."""
    found: Sequence[AnyRow] = (await conn.execute(chosen)).all()
    return found


async def page(
    conn: AsyncConnection,
    chosen: Select[Any],
    bbox: Bbox | None,
    limit: int,
    before_id: int | None,
) -> Sequence[AnyRow]:
    """The newest `limit` hotspots of these runs with an id below `before_id`."""
    run = chosen.subquery("run")
    spot = hotspots.c
    conditions: list[ColumnElement[bool]] = []
    if bbox is not None:
        conditions.append(bbox.touches(spot.geom))
    if before_id is not None:
        conditions.append(spot.id < before_id)
    found = (
        select(
            spot.id,
            run.c.category_code,
            run.c.family,
            run.c.since,
            run.c.until,
            spot.n,
            spot.area_m2,
            spot.first_report_at,
            spot.last_report_at,
            func.ST_AsGeoJSON(spot.geom, 6).label("geojson"),
        )
        .join_from(hotspots, run, spot.run_id == run.c.id)
        .where(*conditions)
        .order_by(spot.id.desc())
        .limit(limit)
    )
    return (await conn.execute(found)).all()
