"""Reports like one that is about to be sent, in the city of ten million, against the plain query.

Asked at places where people report, half of them by how many do, and at the default geocode, each
about a category drawn as reports are, with a text. Ours measures where each is *seen*, ages and
texts, and ranks; the yardstick is what one writes first: open, of the family, of the last 30 days,
within 100 m by `ST_DWithin`, nearest first.
"""

import asyncio
import math
import statistics
import time
from datetime import timedelta
from typing import Any

import city
import numpy as np
import psycopg
from city import City
from city_places import PILE

from geo.reports.duplicates.similar import WEIGHTS
from geo.store import duplicates as store
from geo.store.database import create_engine

RADIUS_M, LIMIT = 100, 5
_PLAIN = """
SELECT r.id, ST_Distance(r.geom::geography, p.here::geography) AS distance_m
FROM reports AS r, (SELECT ST_SetSRID(ST_MakePoint(%(lon)s, %(lat)s), 4326) AS here) AS p
WHERE ST_DWithin(r.geom, p.here, 0.001)
    AND ST_DWithin(r.geom::geography, p.here::geography, 100)
    AND r.status IN ('received', 'assigned', 'in_progress', 'waiting')
    AND r.category_code LIKE split_part(%(category)s, '.', 1) || '.%%'
    AND r.created_at >= %(since)s
ORDER BY distance_m LIMIT 5
"""


def measure(place: City, questions: int = 400) -> list[dict[str, Any]]:
    """One row: p95 of a question, ours and theirs."""
    asked = _asked(place.url, questions)
    theirs = _theirs(place.url, asked)
    ours, found = asyncio.run(_ours(place.url, asked))
    p95 = [float(np.quantile(each, 0.95)) for each in (ours, theirs)]
    return [
        {
            "what": f"similar reports, p95 of {len(asked)} questions, {place.rows:,} reports",
            "against": "plain ST_DWithin over the table",
            "ours_s": p95[0],
            "theirs_s": p95[1],
            "ratio": p95[1] / p95[0],
            "aim": "<= 20 ms",
            "note": f"median {statistics.median(ours) * 1e3:.2f} ms against "
            f"{statistics.median(theirs) * 1e3:.2f}; slowest {max(ours) * 1e3:.1f} against "
            f"{max(theirs) * 1e3:.1f}; {np.mean(found):.1f} found on average",
        }
    ]


def _asked(url: str, questions: int) -> list[tuple[float, float, str, str]]:
    """(lon, lat, category, text) each."""
    with psycopg.connect(url) as db:
        rows = db.execute(
            "SELECT ST_X(geom), ST_Y(geom), category_code, text FROM reports"
            " WHERE id IN (SELECT id FROM reports TABLESAMPLE BERNOULLI (%s) LIMIT %s)",
            (min(100.0, 100 * 4 * questions / max(1, _rows(db))), 3 * questions),
        ).fetchall()
    rng = np.random.default_rng(3)
    chosen = [rows[k] for k in rng.choice(len(rows), min(questions, len(rows)), replace=False)]
    some = max(1, questions // 20)
    # Of those that fell back to one spot as many as there are.
    return chosen[some:] + [(*PILE, category, text) for _, _, category, text in chosen[:some]]


def _rows(db: psycopg.Connection) -> int:
    found = db.execute("SELECT greatest(reltuples, 1) FROM pg_class WHERE relname = 'reports'")
    (rows,) = found.fetchone() or (1,)
    return int(rows)


def _theirs(url: str, asked: list[tuple[float, float, str, str]]) -> list[float]:
    took = []
    since = city.NOW - timedelta(days=30)
    with psycopg.connect(url) as db:
        for lon, lat, category, _ in asked:
            began = time.perf_counter()
            said = {"lon": lon, "lat": lat, "category": category, "since": since}
            db.execute(_PLAIN, said).fetchall()
            took.append(time.perf_counter() - began)
    return took


async def _ours(
    url: str, asked: list[tuple[float, float, str, str]]
) -> tuple[list[float], list[int]]:
    engine = create_engine(url, pool_size=1)
    took, found = [], []
    async with engine.connect() as conn:
        for lon, lat, category, text in asked:
            began = time.perf_counter()
            box = store.box_around(lon, lat, RADIUS_M, math.cos(math.radians(lat)))
            rows = await store.similar(
                conn, (lon, lat), category, text, city.NOW, WEIGHTS, box=box, limit=LIMIT
            )
            await store.seen(conn, [row.id for row in rows])
            took.append(time.perf_counter() - began)
            found.append(len(rows))
    await engine.dispose()
    return took, found
