"""What is to be done near by: by geodesic distance, or the most urgent within a radius.

The index knows degrees, and a degree of longitude is shorter than one of latitude. So a few more
are taken than are asked for and measured on the ellipsoid, until none that was left out can be
nearer than the last one that is told.
"""

import math
from collections.abc import Sequence
from typing import Any, Final, Literal
from uuid import UUID

import numpy as np
from sqlalchemy import ColumnElement, or_

from geo.crs import GEOD
from geo.reports.tasks.wanted import Wanted
from geo.store import tasks as store
from geo.store.database import AnyRow, AsyncConnection
from geo.store.tables import reports

Order = Literal["distance", "deadline", "priority"]
FARTHEST_M: Final = 50_000.0
# So many are measured in a few milliseconds.
_MANY: Final = 1500

# Of WGS 84, the least of all latitudes: metres of a radian along the meridian, and to its axis.
_MERIDIAN_M, _AXIS_M = 6_335_439.0, 6_378_137.0
_ORDERS: Final[dict[str, tuple[ColumnElement[Any], ...]]] = {
    "deadline": (reports.c.due_at,),
    "priority": (reports.c.priority, reports.c.due_at),
}


async def nearby(
    conn: AsyncConnection,
    wanted: Wanted,
    at: tuple[float, float],
    *,
    radius_m: float = FARTHEST_M,
    order: Order = "distance",
    limit: int = 50,
) -> list[tuple[AnyRow, float]]:
    """Up to `limit` tasks (`geo.store.tasks.read`) around lon, lat in WGS 84 degrees, each with its
    geodesic metres from there; none is farther than `radius_m`.

    By `distance`; or by `deadline` or `priority` (equally urgent ones by deadline), of all those
    within the radius, what has no deadline last.
    """
    if order == "distance":
        return await _nearest(conn, wanted, at, radius_m, limit)
    found = await _urgent(conn, wanted, at, radius_m, order, limit)
    rows = await store.read(conn, found)
    told = [rows[each] for each in found if each in rows]
    return list(zip(told, _metres(at, told), strict=True))


async def _nearest(
    conn: AsyncConnection, wanted: Wanted, at: tuple[float, float], radius_m: float, limit: int
) -> list[tuple[AnyRow, float]]:
    lon, lat = at
    box = reach(lat, radius_m)
    # As many more as the degrees of here are out of proportion, and a few.
    take = int(1.05 * limit / max(math.cos(math.radians(lat)), 0.1)) + 4
    whole, scope = True, (wanted.scope.organisation_id, wanted.scope.ward)
    while True:
        rows: list[AnyRow] = []
        left_out = math.inf
        for origin in _origins(lon, box[0]):
            some = await store.nearest(
                conn, *scope, wanted.chosen(), (origin, lat), box, take, whole=whole
            )
            rows += some
            if len(some) == take:
                left_out = min(left_out, at_least_m(lat, max(row.apart for row in some)))
        found = _first(at, rows, radius_m, limit)
        enough = found[-1][1] if len(found) == limit else radius_m
        if enough < left_out:
            break
        # From far away, or where there is a heap of them, many are about equally near.
        take, whole = max(4 * take, _MANY), False
    if whole:
        return found
    read = await store.read(conn, [row.id for row, _ in found])
    return [(read[row.id], metres) for row, metres in found if row.id in read]


def _first(
    at: tuple[float, float], rows: Sequence[AnyRow], radius_m: float, limit: int
) -> list[tuple[AnyRow, float]]:
    """Those within the radius with their metres, the nearest first."""
    both = zip(rows, _metres(at, rows), strict=True)
    near = [each for each in both if each[1] <= radius_m]
    return sorted(near, key=lambda each: (each[1], each[0].id.int))[:limit]


async def _urgent(
    conn: AsyncConnection,
    wanted: Wanted,
    at: tuple[float, float],
    radius_m: float,
    order: Order,
    limit: int,
) -> Sequence[UUID]:
    boxes = _boxes(at, radius_m)
    return await store.within(
        conn, wanted.heads(), wanted.where(), at, radius_m, boxes, _ORDERS[order], limit
    )


def _boxes(at: tuple[float, float], radius_m: float) -> ColumnElement[bool]:
    """What holds for all within geodesic metres."""
    lon, lat = at
    box = reach(lat, radius_m)
    return or_(*(store.box(origin, lat, box) for origin in _origins(lon, box[0])))


def reach(lat: float, radius_m: float) -> tuple[float, float]:
    """Degrees (east, north) of a box around a point that holds all within geodesic metres."""
    north = math.degrees(radius_m / _MERIDIAN_M) * (1 + 1e-9)
    farthest = abs(lat) + north
    if farthest >= 90:
        return 180.0, north
    east = math.degrees(radius_m / (_AXIS_M * math.cos(math.radians(farthest)))) * (1 + 1e-9)
    return min(east, 180.0), north


def at_least_m(lat: float, degrees: float) -> float:
    """Geodesic metres that whatever lies so many degrees away, as if they were a plane's, is away
    at the least."""
    farthest = abs(lat) + degrees
    if farthest >= 90:
        return 0.0
    shortest = min(_MERIDIAN_M, _AXIS_M * math.cos(math.radians(farthest)))
    return math.radians(degrees) * shortest * (1 - 1e-9)


def _origins(lon: float, east: float) -> list[float]:
    """The point's longitude and, where 180° is in reach, the same seen from the other side."""
    if lon + east > 180:
        return [lon, lon - 360]
    return [lon, lon + 360] if lon - east < -180 else [lon]


def _metres(at: tuple[float, float], rows: Sequence[AnyRow]) -> list[float]:
    n = len(rows)
    _, _, metres = GEOD.inv(
        np.full(n, at[0]), np.full(n, at[1]), [r.lon for r in rows], [r.lat for r in rows]
    )
    return [float(each) for each in metres]
