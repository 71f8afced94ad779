"""The service's numbers over HTTP, by everything they can be by, from the sums that are kept.

Against the same question counted from the rows, as it is where no sums are kept.
"""

import asyncio
import itertools
import time
from typing import Any

import httpx
import psycopg
import serving
from city import City

from geo.reports.statistics import MEMBERS
from geo.store.database import create_engine
from geo.store.statistics import fold

ZONE = "Asia/Ho_Chi_Minh"
TURNS = 5
# Of one year: from a month's border on.
FILTERS: dict[str, dict[str, str]] = {
    "all": {},
    "since 2025-07": {"since": "2025-06-30T17:00:00Z"},
}


def measure(place: City) -> list[dict[str, Any]]:
    async def build() -> float:
        engine = create_engine(place.url, pool_size=2)
        began = time.perf_counter()
        try:
            await fold.rebuild(engine, ZONE)
        finally:
            await engine.dispose()
        return time.perf_counter() - began

    built_s = asyncio.run(build())
    by = [*((each,) for each in MEMBERS), *itertools.combinations(MEMBERS, 2)]
    with (
        serving.pinward(place.url, "--no-worker") as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http,
    ):
        took = {
            f"by {','.join(members)}, {name}": _asked(http, {"by": ",".join(members), **chosen})
            for members in by
            for name, chosen in FILTERS.items()
        }
        rows_s = _from_rows(place.url, http)
    slowest = max(took, key=lambda each: took[each])
    within = sum(s <= 0.1 for s in took.values())
    return [
        {
            "what": f"statistics of {place.rows:,} reports, slowest of {len(took)} questions",
            "against": "by ward, counted from the rows",
            "ours_s": took[slowest],
            "theirs_s": rows_s,
            "ratio": rows_s / took[slowest],
            "aim": "≤ 0.1 s",
            "note": f"{slowest}; {within} of {len(took)} within 100 ms; built in {built_s:.0f} s",
        }
    ]


def _asked(http: httpx.Client, query: dict[str, str]) -> float:
    """The median of some turns, after one that is not counted."""
    times = []
    for _ in range(TURNS + 1):
        began = time.perf_counter()
        answer = http.get("/api/v1/statistics", params=query)
        times.append(time.perf_counter() - began)
        # More rows than anybody reads are refused.
        if answer.status_code not in (200, 422):
            answer.raise_for_status()
    return sorted(times[1:])[TURNS // 2]


def _from_rows(url: str, http: httpx.Client) -> float:
    """How long it takes without sums; they are usable again afterwards."""
    with psycopg.connect(url, autocommit=True) as db:
        (basis,) = db.execute("SELECT basis FROM statistics_state").fetchone() or (None,)
        db.execute("UPDATE statistics_state SET basis = NULL")
        try:
            began = time.perf_counter()
            http.get("/api/v1/statistics", params={"by": "ward"})
            return time.perf_counter() - began
        finally:
            db.execute("UPDATE statistics_state SET basis = %s", (basis,))
