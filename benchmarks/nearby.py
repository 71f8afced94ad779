"""Tasks near by, and the first page of the desk's inbox, for an organisation, a ward, the city.

Near by: thirty tasks, exactly the nearest on the ellipsoid, with names, photos and version, as the
route has them, against the plain KNN query in SQL (the columns of the table, the order of degrees);
each at the same places, in turns. Crews are where their tasks are: each place is some hundred
metres from an open one of the scope. One organisation and ward is the smallest, behind what others
have to do near by; another is the largest, also asked for from anywhere in the city.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import psycopg
from city import NOW, City
from city_places import sites
from cold_tile import p

from geo.reports.tasks import inbox
from geo.reports.tasks.nearby import nearby
from geo.reports.tasks.wanted import Wanted
from geo.scope import Scope
from geo.store.database import AsyncConnection, create_engine
from geo.store.tables.reports import OPEN_STATUSES

PLACES = 300
LIMIT = 30
OPEN = f"status IN {OPEN_STATUSES!r}"
PLAIN = """
SELECT id, code, category_code, status, priority, text, created_at, due_at, holder_id, withheld,
    ST_X(geom) AS lon, ST_Y(geom) AS lat
FROM reports WHERE {open} AND organisation_id IS NOT NULL {scope}
ORDER BY geom <-> ST_SetSRID(ST_MakePoint({lon}, {lat}), 4326) LIMIT {limit}
"""


def measure(place: City, places: int = PLACES) -> list[dict[str, Any]]:
    return asyncio.run(_measure(place, places))


async def _measure(place: City, places: int) -> list[dict[str, Any]]:
    engine = create_engine(place.url, pool_size=1)
    rng = np.random.default_rng(8)
    try:
        async with engine.connect() as conn:
            with psycopg.connect(place.url, autocommit=True) as db:
                scopes = _scopes(db)
                made = [
                    await _near(place, conn, db, *each, _among(db, each[2], rng, places))
                    for each in scopes
                ]
                largest = ("from anywhere, " + scopes[1][0], *scopes[1][1:])
                made.append(await _near(place, conn, db, *largest, sites(rng, places).tolist()))
                made += [await _inbox(place, conn, *each[:2]) for each in scopes]
    finally:
        await engine.dispose()
    return made


def _among(
    db: psycopg.Connection[Any], scope_sql: str, rng: np.random.Generator, places: int
) -> list[list[float]]:
    """Places some hundred metres from open tasks of a scope."""
    rows = db.execute(
        f"SELECT ST_X(geom), ST_Y(geom) FROM reports WHERE {OPEN} {scope_sql} "
        "ORDER BY md5(code) LIMIT %s",
        [places],
    ).fetchall()
    there = np.array(rows)[np.arange(places) % len(rows)]
    moved: list[list[float]] = (there + rng.normal(0, 0.002, there.shape)).tolist()
    return moved


def _scopes(db: psycopg.Connection[Any]) -> list[tuple[str, Scope, str]]:
    """Name, scope, and the same in SQL."""
    found = []
    for column, scope in (("organisation_id", lambda n: Scope(None, n)), ("ward_id", Scope)):
        rows = db.execute(
            f"SELECT {column}, count(*) FROM reports WHERE {OPEN} GROUP BY 1 ORDER BY 2"
        ).fetchall()
        name = column.removesuffix("_id")
        for size, (number, n) in (("smallest", rows[0]), ("largest", rows[-1])):
            what = f"{size} {name} ({n:,} open)"
            found.append((what, scope(number), f"AND {column} = {number}"))
    return [*found, ("city", Scope(), "")]


async def _near(
    place: City,
    conn: AsyncConnection,
    db: psycopg.Connection[Any],
    name: str,
    scope: Scope,
    scope_sql: str,
    where: list[list[float]],
) -> dict[str, Any]:
    wanted = Wanted(scope, 0, NOW)
    took: dict[str, list[float]] = {"ours": [], "theirs": []}
    for turn, (lon, lat) in enumerate([where[0]] * 10 + where):

        async def ours(lon: float = lon, lat: float = lat) -> None:
            await nearby(conn, wanted, (lon, lat), limit=LIMIT)

        async def theirs(lon: float = lon, lat: float = lat) -> None:
            db.execute(
                PLAIN.format(open=OPEN, scope=scope_sql, lon=lon, lat=lat, limit=LIMIT)
            ).fetchall()

        both = {"ours": ours, "theirs": theirs}
        for whose in ("ours", "theirs") if turn % 2 else ("theirs", "ours"):
            took[whose].append(await _timed(both[whose]))
    mine, plain = (np.array(took[whose][10:]) for whose in ("ours", "theirs"))
    return {
        "what": f"tasks near by, {place.rows:,} reports, {name}, p95",
        "against": "plain KNN in SQL, the same scope and index",
        "ours_s": p(mine.tolist(), 95),
        "theirs_s": p(plain.tolist(), 95),
        "ratio": p(plain.tolist(), 95) / p(mine.tolist(), 95),
        "aim": "≥ 0.5",
        "note": f"median {np.median(mine) * 1e3:.2f} against {np.median(plain) * 1e3:.2f} ms; "
        f"worst {mine.max() * 1e3:.1f} against {plain.max() * 1e3:.1f} ms",
    }


async def _inbox(place: City, conn: AsyncConnection, name: str, scope: Scope) -> dict[str, Any]:
    wanted, times = Wanted(scope, 0, NOW), {}
    orders: tuple[inbox.Order, ...] = ("due", "priority", "newest")
    for order in orders:

        async def page(order: inbox.Order = order) -> None:
            await inbox.page(conn, wanted, order, 50)

        times[order] = [await _timed(page) for _ in range(40)]
    said = ", ".join(f"{order} {p(each, 95) * 1e3:.1f} ms" for order, each in times.items())
    return {
        "what": f"inbox, first page of 50, {place.rows:,} reports, {name}, by due, p95",
        "against": "-",
        "ours_s": p(times["due"], 95),
        "theirs_s": None,
        "ratio": None,
        "aim": "≤ 0.03 s",
        "note": f"{said}; the first of all took {times['due'][0] * 1e3:.0f} ms",
    }


async def _timed(asked: Callable[[], Any]) -> float:
    began = time.perf_counter()
    await asked()
    return time.perf_counter() - began
