"""Did something begin here lately? The prospective scan of a run, over wards and over squares.

Both are asked of every category: a burst pipe is seen in squares, a whole ward's power cut in
wards. What is seen in both is said once. Of a lamp that is told of again and again only the first
event counts, as in `geo.hotspots.significance.core`.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely

from geo import crs
from geo.hotspots import days as calendar
from geo.hotspots import hulls
from geo.hotspots.scan.places import Places
from geo.hotspots.scan.scan import Search, scan
from geo.hotspots.window import Plane, Reports
from geo.period import Period
from geo.wards.directory import Ward, WardDirectory
from geo.wards.lookup import WardIndex

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEVELS: Final = ("square", "ward")
# What began longer ago is a hotspot or is none.
MAX_DAYS: Final = 14
SQUARE_M: Final = 500.0
# Wider, it is a matter of wards; and the time of a scan goes with what a circle holds.
REACH_M: Final = 2_000.0
ALPHA: Final = 0.05
_REPLICAS: Final = 999


@dataclass(frozen=True, slots=True, eq=False)
class _Events:
    """The events of a plane that are no repeats, (n,) each."""

    epsg: int
    at_m: Floats  # (n, 2)
    kinds: Ints
    days: Ints  # 0 is the window's first
    ward: Ints  # row of `Ground.wards`, -1 in none


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What the scans of all categories of a run share. `today` is the window's last day, from 0."""

    as_of: date
    today: int
    wards: list[Ward]
    events: list[_Events]
    index: WardIndex

    def wards_at(self, places: Sequence[tuple[float, float]]) -> list[str | None]:
        """The code of the ward at each lon, lat, or None."""
        lon, lat = np.array(places).T
        codes, _, _ = self.index.find(lon, lat)
        return list(codes)

    @classmethod
    def of(
        cls,
        planes: Sequence[Plane],
        reports: Reports,
        directory: WardDirectory,
        as_of: date,
        period: Period,
        zone: tzinfo,
    ) -> "Ground":
        """Of the window `period`, ending with the day `as_of` in `zone`; wards are that day's."""
        index = directory.on(as_of)
        by_code = {ward.code: ward for ward in directory.in_force(as_of)}
        starts = calendar.starts(period, zone)
        starts_us = np.array([round(start.timestamp() * 1e6) for start in starts])
        events = []
        for plane in planes:
            around = plane.around
            first_us = np.full(len(around.keys), np.iinfo(np.int64).max)
            np.minimum.at(first_us, around.report_event, reports.at_us[plane.rows])
            rows = np.flatnonzero(around.turn == 0)
            at_m = around.at_m[rows]
            lon, lat = crs.to_degrees(at_m[:, 0], at_m[:, 1], plane.epsg)
            days = np.searchsorted(starts_us, first_us[rows], side="right") - 1
            ward = index.locate(lon, lat).label.astype(np.int64)
            events.append(_Events(plane.epsg, at_m, around.kinds[rows], days, ward))
        return cls(as_of, len(starts) - 1, [by_code[code] for code in index.codes], events, index)


@dataclass(frozen=True, slots=True, eq=False)
class Beginning:
    """More events in some places since a day than the places' past and the city's days explain.

    `level` is "square" or "ward"; `wards` are, for wards, the codes of those it holds, the fullest
    first. `middle` is lon, lat of the place in its middle and `radius_m` reaches from there to the
    farthest place's middle. `shape` holds the squares with events, in degrees; None for wards,
    whose polygons others have. `p_value` is corrected for all levels, planes and categories of the
    run. `events` (n,) are its new ones among those of its plane, which `epsg` names.
    """

    level: str
    since: date
    observed: int
    expected: float
    relative_risk: float
    p_value: float
    log_ratio: float
    wards: tuple[str, ...]
    middle: tuple[float, float]
    radius_m: float
    shape: shapely.MultiPolygon | None
    epsg: int
    events: Ints


def begun(ground: Ground, category: int, categories: int) -> list[Beginning]:
    """What began of a category (number) in the last 14 days, the most certain first.

    `categories` is how many the run looks at. The chance that a run over a city where nothing began
    says anything at all is at most 0.05. Repeatable: chance is drawn from a seed made of the day
    and the category.
    """
    looked_at = len(LEVELS) * len(ground.events) * categories
    found = [
        one
        for events in ground.events
        for level in LEVELS
        for one in _level(ground, events, level, category, looked_at)
    ]
    # p has a floor, where what is told of a street and of its ward are equal: the likelier one.
    found.sort(key=lambda one: (one.p_value, -one.log_ratio, one.level))
    kept: list[Beginning] = []
    for one in found:
        seen = [other.events for other in kept if other.epsg == one.epsg]
        if not seen or 2 * np.isin(one.events, np.concatenate(seen)).sum() < len(one.events):
            kept.append(one)
    return kept


def _level(
    ground: Ground, events: _Events, level: str, category: int, looked_at: int
) -> Iterator[Beginning]:
    mine = events.kinds == category
    if level == "ward":
        mine &= events.ward >= 0
    rows = np.flatnonzero(mine)
    if not len(rows):
        return
    days = events.days[rows]
    if level == "ward":
        places = Places(events.ward[rows], _middles_m(ground.wards, events.epsg))
    else:
        places = Places.squares(events.at_m[rows], SQUARE_M)
    seed = hashlib.sha256(f"{ground.as_of} {category} {level} {events.epsg}".encode()).digest()
    search = Search(
        max_days=MAX_DAYS,
        max_radius_m=REACH_M if level == "square" else None,
        alpha=ALPHA / looked_at,
        # So many that a chance of a quarter of what is let through can be told.
        replicas=max(_REPLICAS, round(4 * looked_at / ALPHA) - 1),
    )
    rng = np.random.default_rng(list(seed))
    for one in scan(places, days, rng=rng, today=ground.today, search=search):
        lon, lat = crs.to_degrees([one.centre_m[0]], [one.centre_m[1]], events.epsg)
        inside = np.isin(places.of, one.places) & (days >= one.since)
        yield Beginning(
            level=level,
            since=ground.as_of - timedelta(days=ground.today - one.since),
            observed=one.observed,
            expected=one.expected,
            relative_risk=one.relative_risk,
            p_value=min(1.0, one.p_value * looked_at),
            log_ratio=one.log_ratio,
            wards=_fullest(ground.wards, places.of[inside]) if level == "ward" else (),
            middle=(round(float(lon[0]), 6), round(float(lat[0]), 6)),
            radius_m=one.radius_m,
            shape=_squares(places.centres_m[list(one.places)], events.epsg)
            if level == "square"
            else None,
            epsg=events.epsg,
            events=rows[inside],
        )


def _middles_m(wards: Sequence[Ward], epsg: int) -> Floats:
    middles = np.array([ward.center for ward in wards])
    x_m, y_m, _ = crs.to_metres(middles[:, 0], middles[:, 1], epsg)
    return np.column_stack([x_m, y_m])


def _fullest(wards: Sequence[Ward], of: Ints) -> tuple[str, ...]:
    """Codes of the wards with any new events, those of most first."""
    there, n = np.unique(of, return_counts=True)
    return tuple(wards[i].code for i in there[np.argsort(-n, kind="stable")])


def _squares(middles_m: Floats, epsg: int) -> shapely.MultiPolygon:
    half = SQUARE_M / 2
    low, high = middles_m - half, middles_m + half
    drawn = shapely.unary_union(shapely.box(*low.T, *high.T))
    parts = getattr(drawn, "geoms", [drawn])
    return shapely.MultiPolygon([hulls.to_degrees(part, epsg) for part in parts])
