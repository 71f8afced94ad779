"""The rows of a rule book, written anew as a whole."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from geo.store.database import AnyRow, AsyncConnection
from geo.store.tables import (
    categories,
    city_days,
    deadline_rules,
    organisations,
    reports,
    routing_rules,
    wards,
    zones,
)


async def clear(conn: AsyncConnection) -> None:
    """No rule, zone or day is left; whoever else writes rules waits until the transaction ends."""
    await conn.execute(text("LOCK TABLE routing_rules IN SHARE ROW EXCLUSIVE MODE"))
    for table in (routing_rules, zones, deadline_rules, city_days):
        await conn.execute(delete(table))


async def put_organisations(conn: AsyncConnection, rows: Sequence[dict[str, str]]) -> None:
    """Make organisations (`code, name_vi, name_en`), or name them anew."""
    for row in rows:
        statement = upsert(organisations).values(row)
        names = {"name_vi": row["name_vi"], "name_en": row["name_en"]}
        await conn.execute(statement.on_conflict_do_update(index_elements=["code"], set_=names))


async def add_zone(conn: AsyncConnection, code: str, names: dict[str, str], geojson: str) -> None:
    """A zone; `geojson`: its geometry, WGS 84."""
    shape = func.ST_Multi(func.ST_SetSRID(func.ST_GeomFromGeoJSON(geojson), 4326))
    await conn.execute(insert(zones).values(code=code, **names, geom=shape))


async def zone_ids(conn: AsyncConnection) -> dict[str, int]:
    """Code → id."""
    found = await conn.execute(select(zones.c.code, zones.c.id))
    return {row.code: row.id for row in found}


async def ward_codes(conn: AsyncConnection, codes: Sequence[str]) -> set[str]:
    """Those of the codes that are a ward's, of whatever day."""
    found = await conn.execute(select(wards.c.code).where(wards.c.code.in_(codes)))
    return set(found.scalars())


async def add_rule(conn: AsyncConnection, values: dict[str, Any]) -> None:
    """A rule of routing, all its columns."""
    await conn.execute(insert(routing_rules).values(**values))


async def add_deadline(conn: AsyncConnection, values: dict[str, Any]) -> None:
    """A rule of deadlines; the database refuses one that another is in the way of."""
    await conn.execute(insert(deadline_rules).values(**values))


async def add_day(conn: AsyncConnection, values: dict[str, Any]) -> None:
    """One of the city's own days."""
    await conn.execute(insert(city_days).values(**values))


async def sent(
    conn: AsyncConnection, since: datetime, until: datetime
) -> AsyncIterator[Sequence[AnyRow]]:
    """Reports of a time (`since` included), some thousand at once: `code, created_at, category,
    family, deadlines, lon, lat`, and of the ward they are in its `ward_code` and committee
    (`committee`, `committee_vi, committee_en`)."""
    query = (
        select(
            reports.c.code,
            reports.c.created_at,
            reports.c.category_code.label("category"),
            categories.c.parent_code.label("family"),
            categories.c.deadlines,
            func.ST_X(reports.c.geom).label("lon"),
            func.ST_Y(reports.c.geom).label("lat"),
            wards.c.code.label("ward_code"),
            organisations.c.code.label("committee"),
            organisations.c.name_vi.label("committee_vi"),
            organisations.c.name_en.label("committee_en"),
        )
        .select_from(
            reports.join(categories, categories.c.code == reports.c.category_code)
            .join(wards, wards.c.id == reports.c.ward_id)
            .outerjoin(organisations, organisations.c.id == wards.c.organisation_id)
        )
        .where(reports.c.created_at >= since, reports.c.created_at < until)
    )
    async with conn.stream(query) as found:
        async for rows in found.partitions(5_000):
            yield rows


async def count_sent(conn: AsyncConnection, since: datetime, until: datetime) -> int:
    """How many reports `sent` tells of."""
    query = select(func.count()).where(
        reports.c.created_at >= since, reports.c.created_at < until, reports.c.ward_id.is_not(None)
    )
    return int((await conn.execute(query)).scalar_one())
