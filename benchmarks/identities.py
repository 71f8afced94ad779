"""Identity: how many hotspots keep their id when the window moves on by a week.

Cities of half a year with planted hotspots that stay, looked at every week as a run does: planes,
test, hulls, `identity.match` with what is remembered; only the database is left out. Whoever is
seen (half of its planted reports of the window are in one hotspot) is looked for a week later, and
has the same id, another one (`ours_wrong`, of those seen both times), or is under the threshold and
so dormant: that is counted apart, and so is whether it comes back by its old id.
"""

import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import shapely
import simulated
from calibration import over

from geo import crs
from geo.hotspots import answer
from geo.hotspots.identity import Matches
from geo.hotspots.window import DAY_US, Reports, planes
from geo.period import Period

CITIES = 6
WEEKS = 13
# In half a year; so half as many in a window.
EXTRA = (50, 110)
CATEGORY = 4
AIM = 0.95
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
WINDOW = timedelta(days=90)
_EPSG = 32648
_CORNER_M = np.array([680_000.0, 1_190_000.0])

# The id of each planted hotspot that a run saw.
Ids = dict[int, str]


class Half(NamedTuple):
    """A city's half year: what each week's run saw, and what a run took on average."""

    seen: list[Ids]
    run_s: float


def measure(url: str, cities: int = CITIES, weeks: int = WEEKS) -> dict[str, Any]:
    halves = list(over(_follow, [(seed, weeks) for seed in range(cities)]))
    same = other = gone = back = back_as_other = 0
    for half in halves:
        last: Ids = {}
        for before, after in zip(half.seen, half.seen[1:], strict=False):
            last |= before
            again = [k for k in before if k in after]
            same += sum(after[k] == before[k] for k in again)
            other += sum(after[k] != before[k] for k in again)
            gone += len(before) - len(again)
            returned = [k for k in after if k not in before and k in last]
            back += len(returned)
            back_as_other += sum(after[k] != last[k] for k in returned)
    wrong = other / max(same + other, 1)
    return {
        "what": f"identity of hotspots after a week, {same + other:,} hotspot-weeks",
        "against": "-",
        "ours_s": float(np.mean([half.run_s for half in halves])),
        "theirs_s": None,
        "ours_wrong": wrong,
        "ratio": None,
        "aim": f"<= {1 - AIM:.0%} lose their id",
        "note": f"{same} kept their id, {other} did not; {gone} more went under the threshold (of "
        f"{EXTRA[0] // 2} to {EXTRA[1] // 2} reports in a window), {back} came back later, "
        f"{back - back_as_other} of them by their old id; "
        f"{np.mean([half.run_s for half in halves]):.2f} s a run of one category",
    }


def _follow(task: tuple[int, int]) -> Half:
    seed, weeks = task
    rng = np.random.default_rng([seed, 13])
    city = simulated.plant(rng, simulated.city(rng, reports=80_000), EXTRA, category=CATEGORY)
    rows = _columns(city)
    planted = np.full(len(city.points_m), -1)
    for k, members in enumerate(city.planted):
        planted[members] = k
    seen: list[Ids] = []
    remembered: list[Any] = []
    known: set[str] = set()
    began = time.perf_counter()
    for week in range(weeks + 1):
        period = Period(FIRST + 7 * week * timedelta(days=1), FIRST + WINDOW + timedelta(7 * week))
        as_of = (period.until - timedelta(days=1)).date()
        since_us, until_us = (day * DAY_US for day in answer.days_of(period))
        inside = (rows["at_us"] >= since_us) & (rows["at_us"] < until_us)
        reports = Reports.of({name: column[inside] for name, column in rows.items()})
        spots = answer.spots(planes(reports, hidden=False), CATEGORY, len(simulated.SHARES))
        matches = answer.identities("4", as_of, period, reports, spots, remembered, known)
        remembered = _remember(matches, spots, reports, period, as_of, remembered)
        known |= {row.id for row in remembered}
        seen.append(_seen(matches, spots, planted[inside], len(city.planted)))
    return Half(seen, (time.perf_counter() - began) / (weeks + 1))


def _columns(city: simulated.City) -> dict[str, Any]:
    """The city's quarter drawn out to half a year, as `hotspot_inputs.rows` gives reports."""
    n = len(city.points_m)
    lon, lat = crs.to_degrees(*(city.points_m + _CORNER_M).T, _EPSG)
    at_us = int(FIRST.timestamp()) * 1_000_000 + (2 * city.at_days * DAY_US).astype(np.int64)
    return {
        "number": np.arange(n),
        "lon": lon,
        "lat": lat,
        "at_us": at_us,
        "category": city.categories,
        "open": np.ones(n, dtype=bool),
        "channel": np.zeros(n, dtype=np.int64),
        "sender": np.full(n, -1),
        "flagged": np.zeros(n, dtype=bool),
    }


def _seen(
    matches: Matches, spots: Sequence[answer.Spot], planted: simulated.Ints, hotspots: int
) -> Ids:
    """`planted` (reports,): the planted hotspot of each report of the window, or -1."""
    all_of_it = np.bincount(planted + 1, minlength=hotspots + 1)[1:]
    seen: Ids = {}
    for each in matches.hotspots:
        held = np.bincount(planted[spots[each.index].rows] + 1, minlength=hotspots + 1)[1:]
        seen |= dict.fromkeys(np.flatnonzero(2 * held >= all_of_it).tolist(), each.id)
    return seen


def _remember(
    matches: Matches,
    spots: Sequence[answer.Spot],
    reports: Reports,
    period: Period,
    as_of: date,
    before: Sequence[Any],
) -> list[Any]:
    """What `hotspot_runs.remembered` would give to the next run."""
    born = {row.id: row.born_on for row in before}
    rows = []
    for each in matches.hotspots:
        kept = answer.columns(
            spots[each.index],
            reports,
            period,
            born.get(each.id, as_of),
            id=each.id,
            seen=each.kind,
            shape=shapely.to_wkb(spots[each.index].shape),
        )
        rows.append(SimpleNamespace(**kept))
    asleep = [row for row in before if row.id in matches.dormant]
    return rows + [SimpleNamespace(**{**vars(row), "seen": "dormant"}) for row in asleep]
