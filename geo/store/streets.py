"""Streets in the database."""

from collections.abc import Sequence

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import delete, func, insert, select

from geo.store.database import AnyRow, AsyncConnection
from geo.store.tables import streets, wards

_BATCH = 5000
# Some ten kilometres: streets of a neighbouring town are no mistake.
_NEAR_DEGREES = 0.1


async def replace(
    conn: AsyncConnection, source: str, names: Sequence[str], lines: Sequence[BaseGeometry]
) -> int:
    """Write a source's streets, WGS 84 degrees, in place of all it had; returns how many it had."""
    gone = await remove(conn, source)
    for start in range(0, len(names), _BATCH):
        await conn.execute(
            insert(streets),
            [
                {"source": source, "name": name, "geom": f"SRID=4326;{_multi(line).wkt}"}
                for name, line in zip(
                    names[start : start + _BATCH], lines[start : start + _BATCH], strict=True
                )
            ],
        )
    return gone


async def around_wards(conn: AsyncConnection) -> tuple[float, float, float, float] | None:
    """West, south, east, north of all wards of any day and `_NEAR_DEGREES` more; None of none."""
    found = await conn.execute(
        select(
            *(
                func.min(func.ST_XMin(wards.c.geom)) - _NEAR_DEGREES,
                func.min(func.ST_YMin(wards.c.geom)) - _NEAR_DEGREES,
                func.max(func.ST_XMax(wards.c.geom)) + _NEAR_DEGREES,
                func.max(func.ST_YMax(wards.c.geom)) + _NEAR_DEGREES,
            )
        )
    )
    west, south, east, north = found.one()
    return None if west is None else (west, south, east, north)


async def sources(conn: AsyncConnection) -> Sequence[AnyRow]:
    """`source n` of each source, by name."""
    found = await conn.execute(
        select(streets.c.source, func.count().label("n"))
        .group_by(streets.c.source)
        .order_by(streets.c.source)
    )
    return found.all()


async def remove(conn: AsyncConnection, source: str) -> int:
    """Take away a source's streets; returns how many it had."""
    gone = await conn.execute(delete(streets).where(streets.c.source == source))
    return int(gone.rowcount)


def _multi(line: BaseGeometry) -> BaseGeometry:
    if line.geom_type == "MultiLineString":
        return line
    return shapely.MultiLineString([shapely.get_coordinates(line)])
