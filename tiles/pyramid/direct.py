"""Counts read row by row: of changes not folded yet, of parts of hours, of wards of today."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Integer, SmallInteger, Text, TextClause, bindparam
from sqlalchemy.dialects.postgresql import ARRAY

from geo.store.database import AsyncConnection, load_sql
from geo.store.tables.reports import STATUSES
from tiles.address import CELL_ZOOM, TileAddress
from tiles.pyramid.span import moment
from tiles.pyramid.store import State
from tiles.pyramid.wanted import Table, Wanted, nothing

_TYPES: dict[str, Any] = {
    "categories": ARRAY(SmallInteger),
    "statuses": ARRAY(Text),
    "kinds": ARRAY(Text),
    "wards": ARRAY(Integer),
    "todays": ARRAY(Integer),
    "counted": ARRAY(BigInteger),
    **{name: DateTime(timezone=True) for name in ("since", "until", "since_2", "until_2")},
}


async def pending(
    conn: AsyncConnection,
    address: TileAddress,
    fine: int,
    wanted: Wanted,
    state: State,
    ends: tuple[int | None, int | None],
) -> Table:
    """What the changes that are not in the counts add, between two microseconds of time."""
    since, until = ends
    times = {
        "since": None if since is None else moment(since),
        "until": None if until is None else moment(until),
    }
    more = {"folded": state.folded_seq, "counted": list(state.counted)}
    return await _read(conn, "pending", address, fine, wanted, times | more)


async def part_hours(
    conn: AsyncConnection,
    address: TileAddress,
    fine: int,
    wanted: Wanted,
    times: list[tuple[datetime, datetime]],
) -> Table:
    """What lies in one or two short times."""
    (since, until), (since_2, until_2) = times[0], times[-1]
    ends = {"since": since, "until": until, "since_2": since_2, "until_2": until_2}
    return await _read(conn, "part_hours", address, fine, wanted, ends)


async def _read(
    conn: AsyncConnection,
    name: str,
    address: TileAddress,
    fine: int,
    wanted: Wanted,
    more: dict[str, Any],
) -> Table:
    values = {**conditions(address, wanted), **_fine(address, fine), **more}
    table = nothing(fine)
    for row in await conn.execute(bound(name, values)):
        table[row.fine, STATUSES.index(row.status)] += row.n
    return table


def _fine(address: TileAddress, fine: int) -> dict[str, int]:
    return {"shift": 2 * (CELL_ZOOM - fine - address.z), "mask": (1 << 2 * fine) - 1}


def conditions(address: TileAddress, wanted: Wanted) -> dict[str, Any]:
    """What a statement has to know of tile and filter, but for times."""
    first, last = address.cells
    return {
        "first": first,
        "last": last,
        "categories": None if wanted.categories is None else list(wanted.categories),
        "statuses": list(wanted.statuses) or None,
        "kinds": list(wanted.kinds) or None,
        "wards": None if wanted.wards is None else list(wanted.wards),
    }


def bound(name: str, values: dict[str, Any]) -> TextClause:
    """A statement of this folder with its values."""
    # Whole numbers are written into the statement, so that it is planned for this tile: the plan
    # for any tile would read the index for the whole world too.
    return load_sql("tiles.pyramid", name).bindparams(
        *(
            bindparam(key, value, BigInteger, literal_execute=True)
            if isinstance(value, int)
            else bindparam(key, value, _TYPES[key])
            for key, value in values.items()
        )
    )
