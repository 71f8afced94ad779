"""What wards of today add to the counts by the wards of reports' rows: the reports that have an
answer of their own (`reports_today`), which the pyramid knows nothing of."""

import psycopg
from sqlalchemy import (
    BigInteger,
    DateTime,
    Integer,
    Subquery,
    Text,
    column,
    func,
    literal_column,
    select,
)

from geo.store.database import AsyncConnection
from geo.store.tables.reports import STATUSES
from tiles.address import CELL_ZOOM, TileAddress
from tiles.pyramid.direct import bound, conditions
from tiles.pyramid.span import moment
from tiles.pyramid.wanted import Counted, Spot, Wanted


async def correct(
    conn: AsyncConnection, address: TileAddress, wanted: Wanted, made: Counted
) -> None:
    """Take from the counts what is elsewhere today, and add what is here."""
    own = _own(address, wanted)
    # No finer than the counts that it is taken from, in the middle of whose cells they count.
    fine = min(made.fine, made.level - address.z) if made.level < CELL_ZOOM else made.fine
    finer = made.fine - fine
    # Written out: a number that is handed over is a bigint, by which nothing is shifted.
    shift, mask = 2 * (CELL_ZOOM - fine - address.z), (1 << 2 * fine) - 1
    place = literal_column(f"own.cell >> {shift} & {mask}", BigInteger).label("place")
    query = select(place, own.c.status, func.sum(own.c.sign)).group_by("place", own.c.status)
    middle = 3 << 2 * (finer - 1) if finer else 0
    for at, status, n in await conn.execute(query):
        made.table[at << 2 * finer | middle, STATUSES.index(status)] += n


async def spots(conn: AsyncConnection, address: TileAddress, wanted: Wanted) -> list[Spot]:
    """Where and when the reports that are here by their own answer alone are found."""
    own = _own(address, wanted)
    query = select(own.c.cell, own.c.created_at).where(own.c.sign > 0)
    return [Spot(cell, cell, at) for cell, at in await conn.execute(query)]


async def many(raw: psycopg.AsyncConnection, wanted: Wanted, most: int) -> int:
    """How many reports have an answer of their own in these wards, or `most` and one more."""
    some = "SELECT FROM reports_today WHERE ward_id = ANY (%s) LIMIT %s"
    query = f"SELECT count(*) FROM ({some}) AS found"
    row = await (await raw.execute(query, [list(wanted.todays or ()), most + 1])).fetchone()
    assert row is not None
    return int(row[0])


def _own(address: TileAddress, wanted: Wanted) -> Subquery:
    since, until = wanted.span.us
    values = {
        **conditions(address, wanted),
        "todays": list(wanted.todays or ()),
        "since": None if since is None else moment(since),
        "until": None if until is None else moment(until),
    }
    columns = (
        column("sign", Integer),
        column("cell", BigInteger),
        column("status", Text),
        column("created_at", DateTime(timezone=True)),
    )
    return bound("of_today", values).columns(*columns).subquery("own")
