"""A tile of the reports layer: points where few, cells with counts where many; never both.

Which of the two is a matter of the tile and the filter alone: points when at most `most_points`
reports pass, and when these can be read at once, that is when the tile's node is a leaf, or when
category, ward and dates alone leave few enough anywhere.
"""

from typing import Any

import numpy as np
import psycopg
from sqlalchemy import CTE, BigInteger, Integer, bindparam, column, select
from sqlalchemy.dialects.postgresql import ARRAY

from geo.store import report_wards, wards
from geo.store.database import AsyncConnection, driver, load_sql
from geo.store.tables import categories
from geo.store.tables.reports import OPEN_STATUSES, STATUSES
from tiles import visible
from tiles.address import CELL_ZOOM, TileAddress, columns
from tiles.filters import Filter
from tiles.layers import MOST_POINTS, MOST_POINTS_AFAR, NEAR_ZOOM
from tiles.pyramid.count import candidates, count, spots
from tiles.pyramid.packing import STATUS_SLOTS
from tiles.pyramid.span import Span
from tiles.pyramid.wanted import Counted, Spot, Wanted

# 8 x 8 cells a tile: 64 pixels on the screen, room for a count.
CELLS = 3
# Reports that a filter may leave for its points to be looked up in the table.
MOST_CANDIDATES = 2_000

_EXTENT = 4096


def most_points(z: int) -> int:
    """How many reports a tile of this zoom carries one by one."""
    return MOST_POINTS if z >= NEAR_ZOOM else MOST_POINTS_AFAR


async def tile(conn: AsyncConnection, address: TileAddress, chosen: Filter, timezone: str) -> bytes:
    """The tile's bytes; none when nothing passes the filter."""
    raw = await driver(conn)
    wanted = await in_numbers(conn, chosen)
    counted = await count(conn, address, wanted)
    if not counted.total:
        return b""
    if counted.total <= most_points(address.z):
        found = None
        if counted.matched is not None:
            found = await spots(conn, address, wanted, counted)
        if found is not None or await _few(raw, wanted):
            return await _points(conn, address, chosen, found, timezone)
    return await _cells(conn, address, counted)


async def in_numbers(conn: AsyncConnection, chosen: Filter) -> Wanted:
    """The filter in the pyramid's words."""
    known = (
        await conn.execute(
            select(
                categories.c.number,
                categories.c.code,
                categories.c.parent_code,
                categories.c.visibility,
            )
        )
    ).all()
    numbers = ward_ids = todays = None
    if chosen.category:
        numbers = tuple(
            row.number
            for row in known
            if row.code in chosen.category or row.parent_code in chosen.category
        )
    if chosen.ward:
        # every dated version of these wards: a report keeps the ward of its day
        meant = await wards.named_ids(conn, chosen.ward, chosen.on)
        held = await conn.execute(report_wards.holding(meant, chosen.wards))
        ward_ids = tuple(held.scalars())
        todays = tuple(meant) if chosen.wards else None
    return Wanted(
        categories=numbers,
        blurred=frozenset(row.number for row in known if row.visibility == "blurred"),
        statuses=chosen.status,
        kinds=chosen.kind,
        wards=ward_ids,
        todays=todays,
        span=Span(chosen.since, chosen.until),
    )


async def _few(raw: psycopg.AsyncConnection, wanted: Wanted) -> bool:
    if wanted.categories is None and wanted.wards is None and wanted.span.always:
        return False
    return await candidates(raw, wanted, MOST_CANDIDATES) <= MOST_CANDIDATES


async def _points(
    conn: AsyncConnection,
    address: TileAddress,
    chosen: Filter,
    found: list[Spot] | None,
    timezone: str,
) -> bytes:
    rows: CTE = visible.in_tile(address, chosen, found)
    statement = (
        load_sql("tiles", "report_points")
        .bindparams(
            *(
                bindparam(name, getattr(address, name), Integer, literal_execute=True)
                for name in ("z", "x", "y")
            ),
            timezone=timezone,
        )
        .columns(column("tile"))
        .add_cte(rows)
    )
    return bytes((await conn.execute(statement)).scalar_one())


async def _cells(conn: AsyncConnection, address: TileAddress, counted: Counted) -> bytes:
    """Cells of `CELLS` more zooms than the tile's, or of the finest the counts know."""
    zoom = min(address.z + CELLS, counted.level)
    within = 1 << 2 * (address.z + counted.fine - zoom)
    table = counted.table.reshape(-1, within, STATUS_SLOTS)
    weight = table.sum(axis=2).astype(np.float64)
    total = weight.sum(axis=1)
    held = np.flatnonzero(total)
    # The middle of what is in the cell, as far as the fine cells tell.
    fine = np.arange(1 << 2 * counted.fine)
    x, y = (
        ((columns(fine >> axis) + 0.5) * (_EXTENT >> counted.fine)).reshape(weight.shape)
        for axis in (0, 1)
    )
    by_status = table.sum(axis=1)[held]
    here = address.cells[0] >> 2 * (CELL_ZOOM - zoom)
    values: dict[str, Any] = {
        "cell": (1 << 2 * zoom) + here + held,
        "x": ((x * weight).sum(axis=1)[held] / total[held]).astype(np.int64),
        "y": ((y * weight).sum(axis=1)[held] / total[held]).astype(np.int64),
        "point_count": total[held].astype(np.int64),
        "open_count": by_status[:, [STATUSES.index(one) for one in OPEN_STATUSES]].sum(axis=1),
        **{status: by_status[:, i] for i, status in enumerate(STATUSES)},
    }
    statement = load_sql("tiles", "report_cells").bindparams(
        *(bindparam(name, many.tolist(), ARRAY(BigInteger)) for name, many in values.items())
    )
    return bytes((await conn.execute(statement.columns(column("tile")))).scalar_one())
