"""A cold tile of the reports layer, against one plain `ST_AsMVT` of all rows in the tile.

A walk of zooms 0 to 18 over the busiest place and beside it, without a filter and with a category
and a month. Ours answers what the service serves: points where few, cells with exact counts where
many. The yardstick puts every row into the tile, which is the same question asked plainly. Each
address is asked once, for a second time would find its rows in memory; both take turns in going
first. Nothing else in this process answers from memory.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from datetime import UTC, datetime
from typing import Any

import psycopg

from geo.reports import categories
from geo.store.database import AsyncEngine, create_engine
from tiles import render
from tiles.address import TileAddress, cell_of, tile_of
from tiles.filters import Filter
from tiles.layers import REPORTS

ROWS = 1_000_000
AIM = 20
LOW = 12
CLOCK = render.Clock(datetime(2026, 7, 1, tzinfo=UTC), "Asia/Ho_Chi_Minh")
HERE = (106.70, 10.78)
MONTH = (datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC))

# Places: a dense middle, thinner around it, as reports of a city lie.
FILL = """
INSERT INTO reports (id, code, category_code, status, text, geom, created_at)
SELECT
    gen_random_uuid(),
    'R' || n,
    (SELECT array_agg(code ORDER BY code) FROM categories
        WHERE parent_code IS NOT NULL AND visibility = 'public')[1 + n % 40],
    (ARRAY['received', 'assigned', 'in_progress', 'resolved', 'closed'])[1 + n % 5],
    'Nước ngập ngang bánh xe trước chợ',
    ST_SetSRID(ST_MakePoint(
        {lon} + 0.2 * random() * random() * (CASE WHEN random() < 0.5 THEN -1 ELSE 1 END),
        {lat} + 0.2 * random() * random() * (CASE WHEN random() < 0.5 THEN -1 ELSE 1 END)
    ), 4326),
    timestamptz '2026-07-01Z' - random() * interval '365 days'
FROM generate_series(1, {rows}) AS n
"""

PLAIN = """
SELECT ST_AsMVT(q, 'reports', 4096, 'geom')
FROM (
    SELECT
        code, category_code, status, kind, created_at::date::text AS created,
        ST_AsMVTGeom(
            ST_Transform(geom, 3857), ST_TileEnvelope(%(z)s, %(x)s, %(y)s), 4096, 0, true
        ) AS geom
    FROM reports
    WHERE geom && ST_Transform(ST_TileEnvelope(%(z)s, %(x)s, %(y)s), 4326) {more}
) AS q
"""
MORE = "AND category_code LIKE 'drainage.%%' AND created_at >= %(since)s AND created_at < %(until)s"


def measure(url: str, rows: int = ROWS) -> list[dict[str, Any]]:
    """Two measures: zooms 0 to 12, and 13 to 18."""
    return asyncio.run(_measure(url, rows))


async def _measure(url: str, rows: int) -> list[dict[str, Any]]:
    engine = create_engine(url, pool_size=1)
    async with engine.begin() as conn:
        await categories.sync(conn)
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("SELECT setseed(0.5)")
        db.execute(FILL.format(lon=HERE[0], lat=HERE[1], rows=rows))
        db.execute("VACUUM ANALYZE reports")
        walk = [
            (z, x, y, chosen)
            for z in range(19)
            for x, y in _addresses(z)
            for chosen in (Filter(), Filter(category=("drainage",), since=MONTH[0], until=MONTH[1]))
        ]
        ours: dict[int, list[float]] = {}
        theirs: dict[int, list[float]] = {}
        for i, (z, x, y, chosen) in enumerate(walk):
            if i % 2:
                theirs.setdefault(z, []).append(_plain(db, z, x, y, chosen))
            ours.setdefault(z, []).append(await _ours(engine, z, x, y, chosen))
            if not i % 2:
                theirs.setdefault(z, []).append(_plain(db, z, x, y, chosen))
    await engine.dispose()
    what = f"cold tile, {rows:,} reports, half with category and month"
    return [
        _said(f"{what}, zoom 0-{LOW}", ours, theirs, range(LOW + 1), f">= {AIM}"),
        _said(f"{what}, zoom {LOW + 1}-18", ours, theirs, range(LOW + 1, 19), "-"),
    ]


def _addresses(z: int) -> list[tuple[int, int]]:
    places = [HERE, (HERE[0] + 0.05, HERE[1] + 0.03)]
    cells = cell_of([lon for lon, _ in places], [lat for _, lat in places])
    return sorted({tile_of(int(cell), z) for cell in cells})


async def _ours(engine: AsyncEngine, z: int, x: int, y: int, chosen: Filter) -> float:
    async with engine.connect() as conn:
        began = time.perf_counter()
        await render.tile(conn, REPORTS, TileAddress(z, x, y), chosen, CLOCK)
        return time.perf_counter() - began


def _plain(db: psycopg.Connection[Any], z: int, x: int, y: int, chosen: Filter) -> float:
    more = MORE if chosen.category else ""
    values = {"z": z, "x": x, "y": y, "since": MONTH[0], "until": MONTH[1]}
    began = time.perf_counter()
    db.execute(PLAIN.format(more=more), values, prepare=False).fetchone()
    return time.perf_counter() - began


def _said(
    what: str,
    ours: dict[int, list[float]],
    theirs: dict[int, list[float]],
    zooms: range,
    aim: str,
) -> dict[str, Any]:
    mine = sorted(value for z in zooms for value in ours[z])
    plain = sorted(value for z in zooms for value in theirs[z])
    return {
        "what": what,
        "against": "one plain ST_AsMVT of all rows in the tile",
        "ours_s": _p95(mine),
        "theirs_s": _p95(plain),
        "ratio": _p95(plain) / _p95(mine),
        "aim": aim,
        "note": f"p95 of {len(mine)} tiles; p50 {statistics.median(mine) * 1e3:.0f} ms against "
        f"{statistics.median(plain) * 1e3:.0f} ms; straight SQL, no pyramid yet",
    }


def _p95(values: list[float]) -> float:
    return values[min(len(values) - 1, round(0.95 * (len(values) - 1)))]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="libpq URL of a migrated, empty database")
    parser.add_argument("--rows", type=int, default=ROWS)
    arguments = parser.parse_args()
    json.dump(measure(arguments.url, arguments.rows), sys.stdout, indent=1)
