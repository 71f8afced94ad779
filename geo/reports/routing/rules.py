"""Rules of routing, as a process knows them: the first that fits says who answers.

A rule fits where all it speaks of fits: category (or its family), ward, zone (its edge is inside),
a facility near by (geodesic metres), local time of day and day of the week, and the local day on
which it is in force. What it leaves out fits everything. Rules are tried by `position`, then code.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import shapely

from geo.crs import GEOD
from geo.errors import Invalid
from geo.reports.events import Words

_METRES_A_DEGREE: Final = 110_500.0
"""A degree of latitude is nowhere shorter (110,574 m at the equator); of longitude, times cos."""


@dataclass(frozen=True, slots=True)
class Organisation:
    """Who can answer for reports."""

    id: int
    code: str
    name_vi: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Zone:
    """An area that rules speak of; `geom` in WGS 84 lon, lat."""

    code: str
    name_vi: str
    name_en: str
    geom: shapely.Geometry


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; see the module. `organisation` None: the ward's own committee. `times`: from, until
    before, local; over midnight where from is later, around the clock where they are the same.
    `weekdays`: 1 is Monday."""

    code: str
    position: int
    category: str | None = None
    wards: frozenset[str] | None = None
    zone: Zone | None = None
    near: tuple[str, float] | None = None
    times: tuple[time, time] | None = None
    weekdays: frozenset[int] | None = None
    organisation: Organisation | None = None
    informs_ward: bool = True
    priority: int = 2
    first_reply: timedelta | None = None
    resolve: timedelta | None = None
    clock: str = "working"
    since: date | None = None
    until: date | None = None

    def in_time(self, local: datetime) -> bool:
        """Whether it is in force on the local day, and speaks of this hour and weekday."""
        day = local.date()
        if (self.since and day < self.since) or (self.until and day >= self.until):
            return False
        at, weekday = local.time(), local.isoweekday()
        if self.times:
            begin, end = self.times
            if begin < end:
                if not begin <= at < end:
                    return False
            elif at < end:
                # A night belongs to the day it began on.
                weekday = (weekday - 2) % 7 + 1
            elif at < begin:
                return False
        return self.weekdays is None or weekday in self.weekdays


@dataclass(frozen=True, slots=True)
class Case:
    """What is to be routed: `at` is aware; lon, lat in degrees (WGS 84)."""

    category: str
    family: str | None
    ward_code: str
    lon: float
    lat: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Fit:
    """The rule that fits, and the facility that it is for (`name, kind, metres`), if for one."""

    rule: Rule
    near: tuple[str, str, float] | None = None


class FacilityIndex:
    """Facilities of one kind: which is the nearest within so many geodesic metres."""

    def __init__(self, lon: Sequence[float], lat: Sequence[float], names: Sequence[str]) -> None:
        self._lon, self._lat = np.asarray(lon, float), np.asarray(lat, float)
        self._names = names
        places: Any = shapely.points(self._lon, self._lat)
        self._tree = shapely.STRtree(places)

    def nearest(self, lon: float, lat: float, within_m: float) -> tuple[str, float] | None:
        """`(name, metres)`; None: none is so near. Does not look over the 180th meridian."""
        high = within_m / _METRES_A_DEGREE
        wide = high / max(np.cos(np.radians(min(abs(lat) + high, 89.0))), 0.01)
        box = shapely.box(lon - wide, lat - high, lon + wide, lat + high)
        found = self._tree.query(box)
        if not found.size:
            return None
        each = np.full(found.size, lon), np.full(found.size, lat)
        _, _, metres = GEOD.inv(*each, self._lon[found], self._lat[found])
        best = int(np.argmin(metres))
        if metres[best] > within_m:
            return None
        return self._names[int(found[best])], float(metres[best])


@dataclass(frozen=True)
class Router:
    """All rules, with what they need to know of the ground. `timezone`: the city's."""

    timezone: str
    rules: Sequence[Rule] = ()
    facilities: Mapping[str, FacilityIndex] = field(default_factory=dict)

    _widest: dict[str, float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.rules, key=lambda rule: (rule.position, rule.code)))
        object.__setattr__(self, "rules", ordered)
        for zone in {id(rule.zone): rule.zone for rule in ordered if rule.zone}.values():
            shapely.prepare(zone.geom)
        widest: dict[str, float] = {}
        for kind, within_m in (rule.near for rule in ordered if rule.near):
            widest[kind] = max(within_m, widest.get(kind, 0.0))
        object.__setattr__(self, "_widest", widest)

    def fit(self, case: Case) -> Fit | None:
        """The first rule that fits; None: the ward's own committee answers."""
        local = case.at.astimezone(ZoneInfo(self.timezone))
        # Many rules ask for one zone, or for schools: it is looked up once.
        within: dict[str, bool] = {}
        nearest: dict[str, tuple[str, float] | None] = {}
        for rule in self.rules:
            if rule.category not in (None, case.category, case.family):
                continue
            if rule.wards is not None and case.ward_code not in rule.wards:
                continue
            if not rule.in_time(local):
                continue
            if zone := rule.zone:
                if zone.code not in within:
                    inside = shapely.intersects_xy(zone.geom, case.lon, case.lat)
                    within[zone.code] = bool(inside)
                if not within[zone.code]:
                    continue
            if rule.near is None:
                return Fit(rule)
            kind, within_m = rule.near
            if kind not in nearest:
                index = self.facilities.get(kind)
                widest = self._widest[kind]
                nearest[kind] = index.nearest(case.lon, case.lat, widest) if index else None
            there = nearest[kind]
            if there and there[1] <= within_m:
                return Fit(rule, (there[0], kind, there[1]))
        return None

    def kinds(self) -> set[str]:
        """Kinds of facilities that some rule asks for."""
        return {rule.near[0] for rule in self.rules if rule.near}


def check(
    rules: Iterable[Rule], said: Words, families: Mapping[str, str | None] | None = None
) -> None:
    """Raises `Invalid` where a rule can never fit, as one before it fits all it does.

    `families`: the family of each category.
    """
    before: list[Rule] = []
    for rule in sorted(rules, key=lambda each: (each.position, each.code)):
        for first in before:
            if _covers(first, rule, families or {}):
                raise Invalid(
                    f"{said['en']}: the rule {rule.code} can never count: {first.code} comes "
                    "first and fits all that it does; give it a lower position, or drop it",
                    detail_vi=f"{said['vi']}: quy tắc {rule.code} không bao giờ áp dụng vì "
                    f"{first.code} đứng trước và bao trùm; hãy đặt vị trí nhỏ hơn hoặc bỏ quy tắc",
                )
        before.append(rule)


def _covers(first: Rule, rule: Rule, families: Mapping[str, str | None]) -> bool:
    """Whether whatever fits `rule` fits `first`, as far as can be seen without the ground."""
    wards = first.wards is None or (rule.wards is not None and rule.wards <= first.wards)
    days = first.weekdays is None or (
        rule.weekdays is not None and rule.weekdays <= first.weekdays and rule.times == first.times
    )
    near = first.near is None or (
        rule.near is not None and rule.near[0] == first.near[0] and rule.near[1] <= first.near[1]
    )
    since = first.since is None or (rule.since is not None and first.since <= rule.since)
    until = first.until is None or (rule.until is not None and rule.until <= first.until)
    return (
        first.category in (None, rule.category, families.get(rule.category or ""))
        and (first.zone is None or (rule.zone is not None and rule.zone.code == first.zone.code))
        and first.times in (None, rule.times)
        and all((wards, days, near, since, until))
    )
