"""Rules of routing and the zones they speak of, as rows; whoever changes them tells all
processes."""

from collections.abc import Sequence
from typing import Any

from geoalchemy2 import WKBElement
from geoalchemy2.shape import to_shape
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from geo.store.database import AnyRow, AsyncConnection
from geo.store.deadlines import tell
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


async def put_zone(
    conn: AsyncConnection, code: str, name_vi: str, name_en: str, geojson: str
) -> None:
    """A zone by its code, its shape (GeoJSON geometry, WGS 84) in place of any of before."""
    shape = func.ST_Multi(func.ST_SetSRID(func.ST_GeomFromGeoJSON(geojson), 4326))
    values = {"name_vi": name_vi, "name_en": name_en, "geom": shape}
    statement = insert(zones).values(code=code, **values)
    await conn.execute(statement.on_conflict_do_update(index_elements=["code"], set_=values))
    await tell(conn)


async def put(conn: AsyncConnection, values: dict[str, Any]) -> None:
    """A rule by its `code`, whole, in place of any of before."""
    changed = {name: value for name, value in values.items() if name != "code"}
    statement = insert(routing_rules).values(**values)
    await conn.execute(statement.on_conflict_do_update(index_elements=["code"], set_=changed))
    await tell(conn)


async def drop(conn: AsyncConnection, code: str) -> bool:
    """Whether there was a rule of this code."""
    gone = (await conn.execute(delete(routing_rules).where(routing_rules.c.code == code))).rowcount
    await tell(conn)
    return bool(gone)


async def drop_zone(conn: AsyncConnection, code: str) -> bool:
    """Whether there was a zone of this code; the database refuses where a rule speaks of it."""
    gone = (await conn.execute(delete(zones).where(zones.c.code == code))).rowcount
    await tell(conn)
    return bool(gone)
