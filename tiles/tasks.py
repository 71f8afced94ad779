"""The tasks a tile shows to one account, as one SQL expression."""

from datetime import date

from sqlalchemy import CTE, BigInteger, bindparam, or_, select

from geo.reports.tasks.conditions import conditions
from geo.store import wards
from geo.store.tables import categories, reports
from tiles.address import TileAddress
from tiles.filters import Filter


def in_tile(address: TileAddress, chosen: Filter, today: date) -> CTE:
    """`task`: the rows of `reports` in one tile that are tasks of `chosen.scope` today."""
    assert chosen.scope is not None
    table = reports.c
    # Written into the statement, so that it is planned for this tile.
    first, last = (
        bindparam(name, number, BigInteger, literal_execute=True)
        for name, number in zip(("first_cell", "last_cell"), address.cells, strict=True)
    )
    rows = select(
        table.code, table.category_code, table.status, table.due_at, table.cell, table.geom
    ).where(table.cell.between(first, last), *conditions(chosen.scope))
    if chosen.category:
        of_family = select(categories.c.code).where(
            or_(
                categories.c.code.in_(chosen.category),
                categories.c.parent_code.in_(chosen.category),
            )
        )
        rows = rows.where(table.category_code.in_(of_family))
    if chosen.status:
        rows = rows.where(table.status.in_(chosen.status))
    if chosen.ward:
        rows = rows.where(table.ward_id.in_(wards.named(chosen.ward, chosen.on)))
    # Read by the count, and then by one of the two answers: let the planner see through it.
    return rows.cte("task").prefix_with("NOT MATERIALIZED")
