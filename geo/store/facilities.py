"""Facilities in the database."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, func, select

from geo.store.area import Bbox
from geo.store.database import AnyRow, AsyncConnection, load_sql
from geo.store.tables import facilities

BATCH = 5000


async def upsert(conn: AsyncConnection, rows: Sequence[dict[str, Any]]) -> tuple[int, int]:
    """Insert rows or replace what their (source, source_id) names; returns (added, changed).

    Each row has `source source_id kind name address tags lon lat`; a pair may come once only.
    """
    added = changed = 0
    statement = load_sql("geo.store", "facilities_upsert")
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        rows_json = json.dumps(batch, ensure_ascii=False)
        for row in await conn.execute(statement, {"rows": rows_json}):
            added += row.added
            changed += not row.added
    return added, changed


def _listed() -> Select[Any]:
    table = facilities.c
    return select(
        table.id,
        table.source,
        table.source_id,
        table.kind,
        table.name,
        table.address,
        func.ST_X(table.geom).label("lon"),
        func.ST_Y(table.geom).label("lat"),
    )


async def page(
    conn: AsyncConnection,
    kinds: Sequence[str],
    bbox: Bbox | None,
    q: str | None,
    limit: int,
    before_id: int | None,
) -> Sequence[AnyRow]:
    """The newest `limit` facilities with an id below `before_id`; no kinds means every kind.

    `q` is looked for in the name without marks.
    """
    table = facilities.c
    chosen = _listed().order_by(table.id.desc()).limit(limit)
    if kinds:
        chosen = chosen.where(table.kind.in_(kinds))
    if bbox is not None:
        chosen = chosen.where(bbox.touches(table.geom))
    if q:
        wanted = func.pinward_plain(q)
        chosen = chosen.where(func.strpos(table.name_plain, wanted) > 0)
    if before_id is not None:
        chosen = chosen.where(table.id < before_id)
    found: Sequence[AnyRow] = (await conn.execute(chosen)).all()
    return found


async def nearest(
    conn: AsyncConnection,
    lon: float,
    lat: float,
    kinds: Sequence[str],
    limit: int,
    radius_m: float | None,
) -> Sequence[AnyRow]:
    """The `limit` facilities nearest by geodesic metres, nearest first, with `distance_m`."""
    found = await conn.execute(
        load_sql("geo.store", "facilities_nearest"),
        {
            "lon": lon,
            "lat": lat,
            "kinds": list(kinds) or None,
            "limit": limit,
            "radius_m": radius_m,
        },
    )
    return found.all()
