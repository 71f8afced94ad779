"""Streets in the database."""

from collections.abc import Sequence

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import delete, insert

from geo.store.database import AsyncConnection
from geo.store.tables import streets

_BATCH = 5000


async def replace(
    conn: AsyncConnection, source: str, names: Sequence[str], lines: Sequence[BaseGeometry]
) -> int:
    """Write a source's streets, WGS 84 degrees, in place of all it had; returns how many it had."""
    gone = await conn.execute(delete(streets).where(streets.c.source == source))
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
    return int(gone.rowcount)


def _multi(line: BaseGeometry) -> BaseGeometry:
    if line.geom_type == "MultiLineString":
        return line
    return shapely.MultiLineString([shapely.get_coordinates(line)])
