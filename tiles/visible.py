"""The reports a public tile may show, at the place it may show them, as one SQL expression."""

from typing import Any

from sqlalchemy import CTE, BigInteger, Select, bindparam, case, func, or_, select

from geo.store.reports import public_point
from geo.store.tables import categories, reports, wards
from tiles.address import TileAddress
from tiles.filters import Filter


def in_tile(address: TileAddress, chosen: Filter) -> CTE:
    """`visible`: the public rows of one tile, with their `cell` and place `lon lat`.

    A report is in the tile whose cells hold it. The public point of a blurred report lies in the
    same cell as the true one, so blurring counts no report in two tiles or in none.
    """
    # Written into the statement, so that it is planned for this tile: a plan shared by all tiles
    # would read the index for the whole world too.
    first, last = (
        bindparam(name, number, BigInteger, literal_execute=True)
        for name, number in zip(("first_cell", "last_cell"), address.cells, strict=True)
    )
    rows = visible(chosen).where(reports.c.cell.between(first, last))
    # Read by the count, and then by one of the two answers: let the planner see through it.
    return rows.cte("visible").prefix_with("NOT MATERIALIZED")


def visible(chosen: Filter) -> Select[Any]:
    """Every public row that passes the filter, at the `lon lat` at which the public sees it."""
    table, category = reports.c, categories.c
    # The same point as `public_point` for all, without a function call for each of the many.
    point = case((category.visibility == "public", table.geom), else_=public_point())
    rows = (
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
        .join_from(reports, categories, table.category_code == category.code)
        .where(category.visibility != "hidden")
    )
    if chosen.category:
        wanted = chosen.category
        rows = rows.where(or_(category.code.in_(wanted), category.parent_code.in_(wanted)))
    if chosen.status:
        rows = rows.where(table.status.in_(chosen.status))
    if chosen.kind:
        rows = rows.where(table.kind.in_(chosen.kind))
    if chosen.ward:
        # a code's every dated version: a report keeps the ward of its day
        of_code = select(wards.c.id).where(wards.c.code.in_(chosen.ward))
        rows = rows.where(table.ward_id.in_(of_code))
    if chosen.since is not None:
        rows = rows.where(table.created_at >= chosen.since)
    if chosen.until is not None:
        rows = rows.where(table.created_at < chosen.until)
    return rows
