"""The reports a public tile may show, at the place it may show them, as one SQL expression."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    DateTime,
    FromClause,
    Select,
    bindparam,
    case,
    column,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY

from geo.store import report_wards, wards
from geo.store.tables import categories, reports
from tiles.address import TileAddress
from tiles.filters import Filter
from tiles.pyramid.wanted import Spot


def in_tile(address: TileAddress, chosen: Filter, spots: Sequence[Spot] | None = None) -> CTE:
    """`visible`: the public rows of one tile, with their `cell` and place `lon lat`.

    A report is in the tile whose cells hold it. The public point of a blurred report lies in the
    same cell of zoom 18 as the true one, so blurring counts no report in two tiles or in none.
    With `spots`, which hold all of them, they are looked up there; without, the filter has to leave
    few in the whole table.
    """
    if spots is not None:
        return visible(chosen, _at(spots)).cte("visible")
    # No index on the cell for this one: the tile holds many that do not pass the filter.
    cell = reports.c.cell + 0
    return visible(chosen, reports).where(cell.between(*address.cells)).cte("visible")


def _at(spots: Sequence[Spot]) -> FromClause:
    """The reports of some spots, looked up one spot after the other."""
    times = DateTime(timezone=True)
    spot = (
        func.unnest(
            bindparam("firsts", [one.first for one in spots], ARRAY(BigInteger)),
            bindparam("lasts", [one.last for one in spots], ARRAY(BigInteger)),
            bindparam("ats", [one.at for one in spots], ARRAY(times)),
        )
        .table_valued(column("first", BigInteger), column("last", BigInteger), column("at", times))
        .render_derived("spot")
    )
    # OFFSET 0 keeps the planner, which cannot guess how few these are, from reading them otherwise.
    found = (
        select(reports)
        .where(reports.c.cell.between(spot.c.first, spot.c.last))
        # As a range, so that the index that begins with the cell is taken: a tile's reports lie
        # side by side in it, and anywhere in the index on the time.
        .where(reports.c.created_at.between(spot.c.at, spot.c.at))
        .offset(0)
        .lateral()
    )
    return select(found).select_from(spot.join(found, true())).subquery("reports")


def visible(chosen: Filter, rows: FromClause) -> Select[Any]:
    """Every public row of `rows` that passes the filter, at the place where the public sees it."""
    table, category = rows.c, categories.c
    # The same point as `public_point` for all, without a function call for each of the many.
    blurred = func.pinward_public_point(table.geom, category.visibility, type_=table.geom.type)
    point = case((category.visibility == "public", table.geom), else_=blurred)
    found = (
        select(
            table.code,
            table.category_code.label("category"),
            func.coalesce(category.parent_code, category.code).label("family"),
            table.status,
            table.kind,
            table.created_at,
            table.cell,
            func.ST_X(point).label("lon"),
            func.ST_Y(point).label("lat"),
        )
        .join_from(rows, categories, table.category_code == category.code)
        .where(category.visibility != "hidden", table.withheld.is_(None))
    )
    if chosen.category:
        wanted = chosen.category
        found = found.where(or_(category.code.in_(wanted), category.parent_code.in_(wanted)))
    if chosen.status:
        found = found.where(table.status.in_(chosen.status))
    if chosen.kind:
        found = found.where(table.kind.in_(chosen.kind))
    if chosen.ward:
        # every dated version of these wards: a report keeps the ward of its day
        named = wards.named(chosen.ward, chosen.on)
        found = found.where(
            *report_wards.in_today(named, table, category.visibility == "public")
            if chosen.wards
            else [table.ward_id.in_(named)]
        )
    if chosen.since is not None:
        found = found.where(table.created_at >= chosen.since)
    if chosen.until is not None:
        found = found.where(table.created_at < chosen.until)
    return found
