"""A cold tile of the reports layer at every zoom, against plain `ST_AsMVT` and against tipg.

A walk of zooms 0 to 18 over dense quarters, the default geocode, thin outskirts and empty land;
each tile without a filter, with category and months, and with category and times that are no
border of anything, and beside them with status, ward and kind. Every question is asked once:
nothing is answered from a cache of tiles. The yardsticks get a part of the same walk, for without
a filter one tile of theirs takes half a minute; ratios are of the tiles that both made. Plain SQL
puts every row into the tile. tipg is asked over HTTP and stops at 10,000 rows, whichever they are.
"""

import asyncio
import gzip
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import city
import httpx
import mapbox_vector_tile
import psycopg
import serving
from city import City
from city_places import HERE, PILE

from geo.store.database import AsyncEngine, create_engine
from tiles import render
from tiles.address import CELL_ZOOM, TileAddress, cell_of, tile_of
from tiles.filters import Filter
from tiles.layers import REPORTS

CLOCK = render.Clock(city.NOW, "Asia/Ho_Chi_Minh")
PATIENCE_S = 60
LOW = 12
PLACES = {
    "the busiest": HERE,
    "the default geocode": PILE,
    "a suburb": (106.78, 10.86),
    "outskirts": (106.45, 11.15),
    "farther out": (107.15, 10.45),
    "empty land": (105.2, 12.3),
}
# Zooms at which the yardsticks are asked, and where.
THEIR_ZOOMS = (0, 6, 10, 12, 13, 14, 15, 16, 17, 18)
THEIR_PLACES = ("the busiest", "outskirts")
EXACT_ZOOMS = (0, 4, 8, 11, 13)

_CATEGORY = "drainage"
_MONTHS = city.months(5, 2)
_ODD = city.odd_times(200.4, 31.2)
PLAIN_FILTERS = {
    "all": Filter(),
    "category, months": Filter(category=(_CATEGORY,), since=_MONTHS[0], until=_MONTHS[1]),
    "category, odd times": Filter(category=(_CATEGORY,), since=_ODD[0], until=_ODD[1]),
}
OTHER_FILTERS = {
    "status": Filter(status=("received", "assigned", "in_progress")),
    "status, odd times": Filter(status=("closed",), since=_ODD[0], until=_ODD[1]),
    "kind": Filter(kind=("suggestion",)),
    "ward": Filter(ward=("80000", "80007")),
    "ward, category, status, months": Filter(
        ward=("80000",), category=(_CATEGORY,), status=("closed",), since=_MONTHS[0]
    ),
    "kind, category, odd times": Filter(
        kind=("incident",), category=("noise.karaoke",), since=_ODD[0], until=_ODD[1]
    ),
}
EVERY_FILTER = PLAIN_FILTERS | OTHER_FILTERS

PLAIN = """
SELECT ST_AsMVT(q, 'reports', 4096, 'geom')
FROM (
    SELECT
        code, category_code, status, kind, created_at::date::text AS created,
        ST_AsMVTGeom(
            ST_Transform(geom, 3857), ST_TileEnvelope(%(z)s, %(x)s, %(y)s), 4096, 0, true
        ) AS geom
    FROM reports
    WHERE geom && ST_Transform(ST_TileEnvelope(%(z)s, %(x)s, %(y)s), 4326)
        AND {chosen}
) AS q
"""
COUNT = """
SELECT count(*) FROM reports JOIN categories ON categories.code = category_code
WHERE visibility <> 'hidden' AND {chosen}
"""


@dataclass(frozen=True)
class Asked:
    """One tile of the walk."""

    z: int
    x: int
    y: int
    name: str
    place: str

    @property
    def chosen(self) -> Filter:
        return EVERY_FILTER[self.name]

    @property
    def theirs_too(self) -> bool:
        return self.z in THEIR_ZOOMS and self.place in THEIR_PLACES and self.name in PLAIN_FILTERS


def measure(place: City) -> list[dict[str, Any]]:
    return asyncio.run(_measure(place))


async def _measure(place: City) -> list[dict[str, Any]]:
    engine = create_engine(place.url, pool_size=1)
    ours: dict[Asked, float] = {}
    plain: dict[Asked, float] = {}
    tipg: dict[Asked, float] = {}
    sizes = [(0, 0)]
    with (
        serving.tipg(place.url) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S) as http,
        psycopg.connect(place.url, autocommit=True) as db,
    ):
        db.execute(f"SET statement_timeout = '{PATIENCE_S}s'")
        # Connections and tipg's catalogue are made before; the tile asked for is none of the walk.
        await _ours(engine, Asked(18, 0, 0, "all", "empty land"))
        for i, asked in enumerate(walk()):
            if asked.theirs_too and i % 2:
                plain[asked] = _plain(db, asked)
                tipg[asked] = _tipg(http, asked)
            took, body = await _ours(engine, asked)
            ours[asked] = took
            sizes.append((len(body), len(gzip.compress(body, 6))))
            if asked.theirs_too and not i % 2:
                plain[asked] = _plain(db, asked)
                tipg[asked] = _tipg(http, asked)
        sums = await _sums(engine, db)
    await engine.dispose()
    what = f"cold tile, {place.rows:,} reports"
    made = []
    for zooms, name in (
        (range(LOW + 1), f"zoom 0-{LOW}"),
        (range(LOW + 1, 19), f"zoom {LOW + 1}-18"),
    ):
        mine = {each: took for each, took in ours.items() if each.z in zooms}
        for theirs, whose, aim in (
            (plain, "plain ST_AsMVT of all rows", "≥ 20" if LOW in zooms else "-"),
            (tipg, "tipg over HTTP, 10,000 rows at most", "-"),
        ):
            made.append(_against(f"{what}, {name}", mine, theirs, whose, aim))
    raw, packed = max(size for size, _ in sizes), max(size for _, size in sizes)
    for names, said in (
        (PLAIN_FILTERS, "none, category and time"),
        (OTHER_FILTERS, "status, ward, kind"),
    ):
        mine = {each: took for each, took in ours.items() if each.name in names}
        made.append(_alone(f"{what}, zoom 0-18, filters: {said}", mine, raw, packed, sums))
    return made


def walk() -> Iterator[Asked]:
    """Every tile to ask for, each once."""
    for z in range(19):
        seen: set[tuple[int, int]] = set()
        for place, (lon, lat) in PLACES.items():
            x, y = tile_of(int(cell_of([lon], [lat])[0]), z)
            if (x, y) not in seen:
                seen.add((x, y))
                for name in EVERY_FILTER:
                    yield Asked(z, x, y, name, place)


async def _ours(engine: AsyncEngine, asked: Asked) -> tuple[float, bytes]:
    async with engine.connect() as conn:
        began = time.perf_counter()
        address = TileAddress(asked.z, asked.x, asked.y)
        body = await render.tile(conn, REPORTS, address, asked.chosen, CLOCK)
        return time.perf_counter() - began, body


def _plain(db: psycopg.Connection[Any], asked: Asked) -> float:
    where = {"z": asked.z, "x": asked.x, "y": asked.y}
    began = time.perf_counter()
    try:
        db.execute(PLAIN.format(chosen=as_sql(asked.chosen).replace("%", "%%")), where).fetchone()
    except psycopg.errors.QueryCanceled:
        return float(PATIENCE_S)
    return time.perf_counter() - began


def _tipg(http: httpx.Client, asked: Asked) -> float:
    path = f"/collections/public.reports/tiles/WebMercatorQuad/{asked.z}/{asked.x}/{asked.y}"
    params = {"properties": "code,category_code,status,kind,created_at"}
    if asked.chosen != Filter():
        params |= {"filter-lang": "cql2-text", "filter": as_sql(asked.chosen, cql=True)}
    began = time.perf_counter()
    try:
        http.get(path, params=params).raise_for_status()
    except httpx.TimeoutException:
        return float(PATIENCE_S)
    return time.perf_counter() - began


def as_sql(chosen: Filter, cql: bool = False) -> str:
    """The filter over the table's own columns; CQL2 text says times its own way."""
    parts = [] if cql else ["true"]
    if chosen.category:
        (name,) = chosen.category
        parts.append(f"category_code LIKE '{name}%'")
    for column, values in (("status", chosen.status), ("kind", chosen.kind)):
        if values:
            parts.append(f"{column} IN ({', '.join(repr(value) for value in values)})")
    if chosen.ward:
        codes = ", ".join(repr(code) for code in chosen.ward)
        parts.append(f"ward_id IN (SELECT id FROM wards WHERE code IN ({codes}))")
    for sign, at in ((">=", chosen.since), ("<", chosen.until)):
        if at:
            said = at.strftime("%Y-%m-%dT%H:%M:%SZ")
            parts.append(
                f"created_at {sign} {'TIMESTAMP' if cql else 'timestamptz'}"
                + (f"('{said}')" if cql else f" '{said}'")
            )
    return " AND ".join(parts)


async def _sums(engine: AsyncEngine, db: psycopg.Connection[Any]) -> int:
    """How many sums of `point_count` were compared with SQL's count; raises when one differs."""
    db.execute("SET statement_timeout = 0")
    compared = 0
    for z in EXACT_ZOOMS:
        found = db.execute(
            f"SELECT DISTINCT cell >> {2 * (CELL_ZOOM - z)} << {2 * (CELL_ZOOM - z)} FROM reports"
        )
        places = [tile_of(row[0], z) for row in found]
        for name in ("all", "category, odd times", "ward, category, status, months"):
            total = 0
            for x, y in places:
                _, body = await _ours(engine, Asked(z, x, y, name, "all"))
                for feature in (
                    mapbox_vector_tile.decode(body)["reports"]["features"] if body else ()
                ):
                    total += feature["properties"]["point_count"]
            (wanted,) = db.execute(COUNT.format(chosen=as_sql(EVERY_FILTER[name]))).fetchone() or (
                0,
            )
            if total != wanted:
                raise RuntimeError(f"zoom {z}, {name}: {total} in the tiles, {wanted} in the table")
            compared += 1
    return compared


def _counted(body: bytes) -> int:
    found = mapbox_vector_tile.decode(body)["reports"]["features"] if body else []
    return sum(feature["properties"]["point_count"] for feature in found)


def _against(
    what: str, ours: dict[Asked, float], theirs: dict[Asked, float], whose: str, aim: str
) -> dict[str, Any]:
    """p95 of all ours; the ratio is of the tiles both made."""
    both = [asked for asked in ours if asked in theirs]
    mine, other = [ours[asked] for asked in both], [theirs[asked] for asked in both]
    return {
        "what": what,
        "against": whose,
        "ours_s": p(mine, 95),
        "theirs_s": p(other, 95),
        "ratio": p(other, 95) / p(mine, 95),
        "aim": aim,
        "note": f"p95 of the {len(both)} tiles both made; p50 {_ms(p(mine, 50))} against "
        f"{_ms(p(other, 50))}, longest {_ms(max(mine))} against {_ms(max(other))}",
    }


def _alone(what: str, ours: dict[Asked, float], raw: int, packed: int, sums: int) -> dict[str, Any]:
    values = list(ours.values())
    slow = max(ours, key=lambda asked: ours[asked])
    by_zoom = defaultdict(list)
    for asked, took in ours.items():
        by_zoom[asked.z].append(took)
    worst = max(by_zoom, key=lambda z: statistics.median(by_zoom[z]))
    return {
        "what": what,
        "against": "-",
        "ours_s": p(values, 95),
        "theirs_s": None,
        "ratio": None,
        "aim": "p95 ≤ 0.05 s, longest ≤ 0.15 s",
        "note": f"p95 of all {len(values)} tiles; p50 {_ms(p(values, 50))}, longest "
        f"{_ms(ours[slow])} ({slow.z}/{slow.x}/{slow.y}, {slow.name}); slowest zoom {worst}, p50 "
        f"{_ms(statistics.median(by_zoom[worst]))}; largest tile {raw / 1000:.0f} kB, packed "
        f"{packed / 1000:.0f} kB (aim 200 and 60); {sums} sums of whole zooms equal SQL's counts",
    }


def p(values: list[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(percent / 100 * (len(ordered) - 1)))]


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.0f} ms" if seconds < 10 else f"{seconds:.0f} s"
