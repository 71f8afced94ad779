"""Layer + address + filter → the bytes of a Mapbox Vector Tile 2.1.

Empty bytes mean an empty tile. Equal data give equal bytes: features are ordered, ids are fixed.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import CTE, BigInteger, BindParameter, Text, bindparam, column
from sqlalchemy.dialects.postgresql import ARRAY

from geo.facilities.kinds import GROUPS
from geo.store import alerts, hotspots
from geo.store.database import AsyncConnection, load_sql
from geo.wards.shapes import LEVELS
from tiles import reports, tasks
from tiles.address import TileAddress
from tiles.filters import Filter
from tiles.layers import (
    FACILITY_POINTS_ZOOM,
    HULLS_ZOOM,
    LABELS_ZOOM,
    MOST_POINTS,
    MOST_POINTS_AFAR,
    NAMES_ZOOM,
    NEAR_ZOOM,
    Layer,
)

# Candidates by lon/lat come from a box this much wider (degrees, 0.1 m): rounding must not lose a
# point on the tile's very edge. Cells decide.
_EDGE = 1e-6


@dataclass(frozen=True, slots=True)
class Clock:
    """What day it is, and the zone in which days are named."""

    now: datetime
    timezone: str

    @property
    def today(self) -> date:
        """The day in the city."""
        return self.now.astimezone(ZoneInfo(self.timezone)).date()


async def tile(
    conn: AsyncConnection, layer: Layer, address: TileAddress, chosen: Filter, clock: Clock
) -> bytes:
    """One tile; raises `NotFound` outside the layer's zooms and `Invalid` on a wrong filter.

    A private layer's tile is of `chosen.scope`; without one it raises `NotSignedIn`.
    """
    layer.check_zoom(address)
    if not conn.in_transaction():
        # all that a tile is read from is of one moment
        await conn.execution_options(isolation_level="REPEATABLE READ")
    await chosen.check(conn, layer)
    if chosen.ward and chosen.on is None:
        chosen = replace(chosen, on=clock.today)
    if layer.id == "reports":
        return await reports.tile(conn, address, chosen, clock.timezone)
    ctes: list[CTE] = []
    values: dict[str, Any] = {}
    if layer.id == "wards":
        values = {
            "day": chosen.on or clock.today,
            "labels_zoom": LABELS_ZOOM,
            "names_zoom": NAMES_ZOOM,
            # Half a pixel is fine enough for a country's wards, and a quarter of the bytes.
            "extent": 1024 if address.z < 10 else 4096,
            "level": _level(layer, address),
        }
    elif layer.id == "hotspots":
        ctes.append(hotspots.latest_answers(chosen.category, on=chosen.on).cte("answer"))
        values = {"hulls_zoom": HULLS_ZOOM}
    elif layer.id == "alerts":
        ctes.append(alerts.current(clock.now, chosen.kind).cte("current"))
    elif layer.id == "tasks":
        ctes.append(tasks.in_tile(address, chosen, clock.today))
        most = MOST_POINTS if address.z >= NEAR_ZOOM else MOST_POINTS_AFAR
        values = {"most": most, "now": clock.now, "timezone": clock.timezone}
    else:
        values = {
            "kinds": list(chosen.kind) or None,
            "schools": list(GROUPS["schools"]),
            "clinics": list(GROUPS["clinics"]),
            "most": MOST_POINTS,
            "points_zoom": FACILITY_POINTS_ZOOM,
        }
    return await _bytes(conn, layer, address, ctes, values)


def _level(layer: Layer, address: TileAddress) -> int:
    """Which shapes of wards (`geo.wards.shapes`) a tile is drawn with.

    They are good to half a pixel at their last zoom, so to one at the next. Tiles of the layer's
    last zoom are drawn at all further ones too.
    """
    finest = address.z - 1 if address.z < layer.max_zoom else address.z
    return next(level for level in LEVELS if level >= finest)


async def _bytes(
    conn: AsyncConnection,
    layer: Layer,
    address: TileAddress,
    ctes: list[CTE],
    values: dict[str, Any],
) -> bytes:
    text = load_sql("tiles", layer.id)
    first, last = address.cells
    west, south, east, north = address.bounds
    here = {
        "z": address.z,
        "x": address.x,
        "y": address.y,
        "first": first,
        "last": last,
        "west": west - _EDGE,
        "south": south - _EDGE,
        "east": east + _EDGE,
        "north": north + _EDGE,
    }
    asked = set(text._bindparams)
    # Whole numbers of the address are written into the statement, so that it is planned for this
    # tile and no plan of another one is used again.
    binds: list[BindParameter[Any]] = [
        bindparam(name, value, BigInteger, literal_execute=True)
        if isinstance(value, int)
        else bindparam(name, value)
        for name, value in here.items()
        if name in asked
    ]
    for name, value in values.items():
        kind = ARRAY(Text) if isinstance(value, list) else None
        binds.append(bindparam(name, value, kind))
    statement = text.bindparams(*binds).columns(column("tile"))
    if ctes:
        statement = statement.add_cte(*ctes)
    made = (await conn.execute(statement)).scalar_one()
    return bytes(made)
