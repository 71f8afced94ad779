"""Rules of routing, the zones they speak of and the places they ask for, as rows."""

from collections.abc import Sequence
from typing import Any

from geoalchemy2 import WKBElement
from geoalchemy2.shape import to_shape
from sqlalchemy import func, select

from geo.store.database import AnyRow, AsyncConnection
from geo.store.tables import facilities, organisations, routing_rules, zones


async def every(conn: AsyncConnection) -> Sequence[AnyRow]:
    """All columns of the rules but `valid`, which are `since, until`; the codes of their zone
    (`zone`) and organisation, and its names; in the order they are tried."""
    table = routing_rules
    query = (
        select(
            *(column for column in table.c if column.name != "valid"),
            func.lower(table.c.valid).label("since"),
            func.upper(table.c.valid).label("until"),
            zones.c.code.label("zone"),
            organisations.c.code.label("organisation"),
            organisations.c.name_vi.label("organisation_vi"),
            organisations.c.name_en.label("organisation_en"),
        )
        .select_from(
            table.outerjoin(zones, zones.c.id == table.c.zone_id).outerjoin(
                organisations, organisations.c.id == table.c.organisation_id
            )
        )
        .order_by(table.c.position, table.c.code)
    )
    return (await conn.execute(query)).all()


async def areas(conn: AsyncConnection) -> list[tuple[AnyRow, Any]]:
    """Rows `id, code, name_vi, name_en` of the zones, each with its shape (shapely, WGS 84)."""
    found = (await conn.execute(select(zones).order_by(zones.c.code))).all()
    return [(row, _shape(row.geom)) for row in found]


def _shape(element: WKBElement) -> Any:
    return to_shape(element)


async def places(conn: AsyncConnection, kinds: Sequence[str]) -> Sequence[AnyRow]:
    """`kind, name, lon, lat` of all facilities of these kinds."""
    query = select(
        facilities.c.kind,
        facilities.c.name,
        func.ST_X(facilities.c.geom).label("lon"),
        func.ST_Y(facilities.c.geom).label("lat"),
    ).where(facilities.c.kind.in_(kinds))
    return (await conn.execute(query)).all()
