"""The service's numbers over HTTP, by everything they can be by, from the sums that are kept.

Against the same question asked of the rows in plain SQL, which also has to give the same answer;
and what it costs those who send reports that the sums are kept up.
"""

import itertools
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psycopg
import serving
from city import City, odd_times
from intake import WRITERS, new_reports
from load import drive

from geo.reports.statistics import MEMBERS
from geo.store.statistics import fold

TURNS = 3
PAIRS = 2
SECONDS = 20.0
# So many rows are megabytes, which take their time however they were counted.
MANY_ROWS = 5_000
LIMIT_S = 0.1
SINGLE = [(each,) for each in MEMBERS]
WHOLE: dict[str, dict[str, str]] = {
    "all": {},
    # from a month's border on
    "since 2025-07": {"since": "2025-06-30T17:00:00Z"},
}
INSIDE: dict[str, dict[str, str]] = {
    "last 30 days": {"since": odd_times(30, 0)[0].isoformat()},
    # as far from a border as can be, at both ends
    "mid-July to mid-May": {"since": "2025-07-15T20:00:00Z", "until": "2026-05-15T23:59:00Z"},
}
_OPEN = "status IN ('received', 'assigned', 'in_progress', 'waiting')"
_DONE = "status IN ('resolved', 'closed', 'rejected')"
_PLAIN = f"""
SELECT w.code, count(*), count(*) FILTER (WHERE {_OPEN}),
    percentile_disc(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY replied_at - r.created_at),
    percentile_disc(ARRAY[0.5, 0.9]) WITHIN GROUP (
        ORDER BY CASE WHEN {_DONE} THEN coalesce(resolved_at, closed_at) END - r.created_at
    )
FROM reports AS r JOIN wards AS w ON w.id = r.ward_id
JOIN categories AS c ON c.code = r.category_code
WHERE c.visibility <> 'hidden' AND withheld IS NULL GROUP BY w.code
"""


def measure(
    place: City, turns: int = TURNS, pairs: int = PAIRS, seconds: float = SECONDS
) -> list[dict[str, Any]]:
    by = [*SINGLE, *itertools.combinations(MEMBERS, 2)]
    with (
        serving.pinward(place.url, "--no-worker") as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as http,
    ):
        whole = _asked(http, by, WHOLE, turns)
        inside = _asked(http, SINGLE, INSIDE, turns)
        plain_s = _plain(place.url, http)
        lines = _waiting(place.url, port, seconds / 2)
        meanwhile = _asked(http, SINGLE, WHOLE, turns)
        upkeep = _upkeep(place, port, pairs, seconds)
    few = {name: each for name, each in whole.items() if each[1] <= MANY_ROWS}
    many = {name: each for name, each in whole.items() if name not in few}
    built = f"summed in {place.summed_s:.0f} s" if place.summed_s else "summed before"
    return [
        _row(f"of {place.rows:,} reports", few, plain_s, built),
        *([_row(f"of more than {MANY_ROWS:,} rows", many, plain_s, "no aim")] if many else []),
        _row("from and to inside a month", inside, plain_s, "half a month counted one by one"),
        _row(f"with {lines:,} changes not folded yet", meanwhile, plain_s, "reports just sent"),
        upkeep,
    ]


def _asked(
    http: httpx.Client,
    by: list[tuple[str, ...]],
    filters: dict[str, dict[str, str]],
    turns: int,
) -> dict[str, tuple[float, int]]:
    """By question: the median of some turns, after one that is not counted, and the rows."""
    found = {}
    for members, (name, chosen) in itertools.product(by, filters.items()):
        query = {"by": ",".join(members), **chosen}
        times, rows = [], 0
        for _ in range(turns + 1):
            began = time.perf_counter()
            answer = http.get("/api/v1/statistics", params=query)
            times.append(time.perf_counter() - began)
            rows = len(answer.raise_for_status().json()["rows"])
        found[f"by {','.join(members)}, {name}"] = statistics.median(times[1:]), rows
    return found


def _plain(url: str, http: httpx.Client) -> float:
    """How long plain SQL takes by ward; it has to say the same."""
    told = http.get("/api/v1/statistics", params={"by": "ward"}).raise_for_status().json()["rows"]
    with psycopg.connect(url) as db:
        began = time.perf_counter()
        rows = db.execute(_PLAIN).fetchall()
        took_s = time.perf_counter() - began
    said = {row["ward"]["code"]: row for row in told if row["ward"]}
    for code, received, still_open, reply, result in rows:
        row = said[code]
        if (row["received"], row["open"]) != (received, still_open):
            raise RuntimeError(f"{code}: {row['received']} received, SQL says {received}")
        for what, exact in (("reply", reply), ("result", result)):
            for part, took in zip(("median", "p90"), exact or (), strict=False):
                near, hours = row[f"{what}_{part}_h"], max(took.total_seconds(), 60) / 3600
                if abs(near / hours - 1) > 0.03:
                    raise RuntimeError(f"{code}: {what} {part} {near} h, SQL says {hours} h")
    return took_s


def _waiting(url: str, port: int, seconds: float) -> int:
    """Send reports with no worker to fold them, until it would; returns the lines of the log."""
    ends = time.perf_counter() + seconds
    with psycopg.connect(url, autocommit=True) as db:
        while True:
            drive(port, WRITERS, new_reports(), 0.5).only(201)
            (lines,) = db.execute("SELECT count(*) FROM statistics_log").fetchone() or (0,)
            if lines >= fold.MANY or time.perf_counter() > ends:
                return int(lines)


def _upkeep(place: City, port: int, pairs: int, seconds: float) -> dict[str, Any]:
    """Reports sent with the worker at work, the log written and folded, and without."""
    rates: dict[bool, list[float]] = {True: [], False: []}
    with (
        serving.worker(place.url),
        psycopg.connect(place.url, autocommit=True) as db,
    ):
        drive(port, WRITERS, new_reports(), seconds / 4).only(201)
        left_out = []
        for turn in range(pairs):
            for kept in (True, False) if turn % 2 else (False, True):
                if kept:
                    done = drive(port, WRITERS, new_reports(), seconds)
                else:
                    with _untold(db) as times:
                        done = drive(port, WRITERS, new_reports(), seconds)
                    left_out.append(times)
                rates[kept].append(done.only(201).each_second)
        for since, until in left_out:
            _tell(db, since, until)
    ours, theirs = statistics.median(rates[True]), statistics.median(rates[False])
    ratios = sorted(a / b for a, b in zip(rates[True], rates[False], strict=True))
    return {
        "what": f"intake with statistics kept up, {place.rows:,} reports, {WRITERS} writers",
        "against": "the same service without",
        "ours_s": 1 / ours,
        "theirs_s": 1 / theirs,
        "ratio": statistics.median(ratios),
        "aim": "-",
        "note": f"{ours:,.0f} against {theirs:,.0f} a second; ratios of {len(ratios)} pairs "
        f"{ratios[0]:.2f} to {ratios[-1]:.2f}",
    }


@contextmanager
def _untold(db: psycopg.Connection[Any]) -> Iterator[list[Any]]:
    """Let the log hear of no report that is sent; yields when that began, and at the end ended."""
    times = [_clock(db)]
    db.execute("ALTER TABLE reports DISABLE TRIGGER statistics_inserted")
    try:
        yield times
    finally:
        db.execute("ALTER TABLE reports ENABLE TRIGGER statistics_inserted")
        times.append(_clock(db))


def _clock(db: psycopg.Connection[Any]) -> Any:
    return (db.execute("SELECT clock_timestamp()").fetchone() or (None,))[0]


def _tell(db: psycopg.Connection[Any], since: Any, until: Any) -> None:
    """What the log missed: those who measure after this one find the sums as they should be."""
    columns = (
        "category_code, ward_id, organisation_id, channel, kind, status, created_at, due_at, "
        "closed_at, first_due_at, replied_at, waits_since, resolved_at, reopened, rating"
    )
    db.execute(
        f"INSERT INTO statistics_log (sign, report_id, {columns}) SELECT 1, id, {columns} "
        "FROM reports WHERE created_at >= %s AND created_at < %s AND withheld IS NULL",
        (since, until),
    )


def _row(what: str, took: dict[str, tuple[float, int]], plain_s: float, note: str) -> Any:
    slowest = max(took, key=lambda each: took[each][0])
    within = sum(s <= LIMIT_S for s, _ in took.values())
    return {
        "what": f"statistics {what}, slowest of {len(took)} questions",
        "against": "by ward in plain SQL, the same answer",
        "ours_s": took[slowest][0],
        "theirs_s": plain_s,
        "ratio": plain_s / took[slowest][0],
        "aim": "-" if note == "no aim" else f"≤ {LIMIT_S} s",
        "note": f"{slowest}, {took[slowest][1]:,} rows; {within} of {len(took)} within "
        f"{LIMIT_S * 1000:.0f} ms, median "
        f"{statistics.median(s for s, _ in took.values()) * 1000:.0f} ms; {note}",
    }
