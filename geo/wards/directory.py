"""All wards of all days as one process knows them, asked by point and day."""

import asyncio
import bisect
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from geo.errors import NotFound, OutsideCoverage
from geo.store import wards as store
from geo.store.database import AsyncConnection
from geo.wards.lookup import COVERS, NEAREST, SNAP_M, WardIndex

Objects = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Indexes of different days kept ready; a city has few sets, an old report asks for an old one.
_KEPT_DAYS = 8


@dataclass(frozen=True, slots=True)
class Ward:
    """One ward of one stretch of days, `valid_from <= day < valid_to` (None: still in force).

    `same_as` is the id of the first version of this same ward, None where this is the first.
    `center` lon, lat lies inside; `bbox` is west, south, east, north. The organisation is the
    ward's own committee.
    """

    id: int
    code: str
    name: str
    name_en: str | None
    kind: str
    name_plain: str
    valid_from: date
    valid_to: date | None
    set_id: int
    set_name: str
    city: str
    same_as: int | None
    center: tuple[float, float]
    bbox: tuple[float, float, float, float]
    organisation_id: int | None
    organisation_code: str | None
    organisation_vi: str | None
    organisation_en: str | None

    def in_force(self, day: date) -> bool:
        """Whether the ward is in force on a day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


@dataclass(frozen=True, slots=True)
class Answer:
    """The ward responsible for a point: `match` is "covers" or "nearest".

    `ambiguous_with` are the other wards that the circle of the given accuracy touches, with their
    distance in geodesic metres, nearest first.
    """

    ward: Ward
    match: str
    distance_m: float
    ambiguous_with: tuple[tuple[Ward, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Assigned:
    """Answer for many points: `position` (n,) into `WardDirectory.wards`, -1 none;
    `match` (n,) "covers", "nearest" or None; `distance_m` (n,), NaN where none.
    """

    position: Ints
    match: Objects
    distance_m: Floats


@dataclass(frozen=True, slots=True)
class _Stretch:
    """The wards of the days between two turns: their index, and by code where they stand."""

    index: WardIndex
    place: dict[str, int]


class WardDirectory:
    """The dated wards. Immutable but for its cache of indexes; safe to share between threads.

    `polygons` (n,) are those of `wards`, WGS 84.
    """

    def __init__(self, wards: tuple[Ward, ...], polygons: Objects) -> None:
        self.wards = wards
        self.polygons = polygons
        self._kept: OrderedDict[int, _Stretch] = OrderedDict()
        self._lock = threading.Lock()
        days = {w.valid_from for w in wards} | {w.valid_to for w in wards if w.valid_to}
        # Days on which something begins or ends; between two of them nothing changes.
        self._days = sorted(days)
        self._turns = np.array(self._days, dtype="datetime64[D]")

    @classmethod
    async def load(cls, conn: AsyncConnection, today: date | None = None) -> "WardDirectory":
        """Read all wards; with `today`, its index is built at once, off the event loop."""
        rows, polygons = await store.every(conn)
        return await asyncio.to_thread(cls._made, rows, polygons, today)

    @classmethod
    def _made(cls, rows: Any, polygons: Objects, today: date | None) -> "WardDirectory":
        inside = shapely.get_coordinates(shapely.point_on_surface(polygons))
        boxes = shapely.bounds(polygons)
        fields = [name for name in Ward.__dataclass_fields__ if name not in ("center", "bbox")]
        wards = tuple(
            Ward(
                **{name: getattr(row, name) for name in fields},
                center=(round(float(inside[i, 0]), 6), round(float(inside[i, 1]), 6)),
                bbox=tuple(boxes[i].tolist()),
            )
            for i, row in enumerate(rows)
        )
        made = cls(wards, polygons)
        if today is not None:
            made.on(today)
        return made

    def __len__(self) -> int:
        return len(self.wards)

    def in_force(self, day: date) -> list[Ward]:
        """The wards in force on a day, by code."""
        return [ward for ward in self.wards if ward.in_force(day)]

    def on(self, day: date) -> WardIndex:
        """The index of the wards in force on a day; built once, then kept."""
        return self._on(day).index

    def _on(self, day: date) -> "_Stretch":
        number = bisect.bisect_right(self._days, day)
        with self._lock:
            kept = self._kept.get(number)
            if kept is None:
                positions = [i for i, ward in enumerate(self.wards) if ward.in_force(day)]
                codes = [self.wards[i].code for i in positions]
                index = WardIndex.from_polygons(codes, list(self.polygons[positions]))
                kept = _Stretch(index, dict(zip(codes, positions, strict=True)))
                self._kept[number] = kept
                if len(self._kept) > _KEPT_DAYS:
                    self._kept.popitem(last=False)
            else:
                self._kept.move_to_end(number)
        return kept

    def by_code(self, code: str, day: date | None = None) -> Ward | None:
        """The ward of this code in force on a day; without a day, its newest version."""
        versions = [w for w in self.wards if w.code == code and (not day or w.in_force(day))]
        return max(versions, key=lambda w: w.valid_from, default=None)

    def newest(self, first: int) -> Ward | None:
        """The newest version of the ward whose first version has this id."""
        versions = [w for w in self.wards if first in (w.id, w.same_as)]
        return max(versions, key=lambda w: w.valid_from, default=None)

    def named(self, code: str, day: date) -> Ward:
        """As `by_code`; raises `NotFound` when there is none."""
        found = self.by_code(code, day)
        if found is None:
            raise NotFound(f"there is no ward {code} in force on {day}")
        return found

    def at(
        self,
        lon: float,
        lat: float,
        on: date,
        accuracy_m: float | None = None,
        snap_m: float = SNAP_M,
    ) -> Answer:
        """The ward responsible for a WGS 84 point on a day.

        Raises `OutsideCoverage`, naming the city, where no ward is within `snap_m` metres, and
        `Invalid` on coordinates that are none.
        """
        day = self._on(on)
        if only := day.index.alone_at(lon, lat, accuracy_m or 0.0):
            return Answer(self.wards[day.place[only]], COVERS, 0.0, ())
        codes, match, distance_m = day.index.find(lon, lat, snap_m=snap_m)
        if codes[0] is None:
            cities = sorted({self.wards[i].city for i in day.place.values()})
            known = ", ".join(cities) if cities else f"any city we have wards of on {on}"
            raise OutsideCoverage(
                f"{lon:.6f}, {lat:.6f} lies in no ward of {known}, nor within {snap_m:g} m of one; "
                "move the pin into the city",
                cities=cities,
            )
        ward = self.wards[day.place[codes[0]]]
        others: tuple[tuple[Ward, float], ...] = ()
        if accuracy_m:
            others = tuple(
                (self.wards[day.place[code]], far)
                for code, far in day.index.near(lon, lat, accuracy_m)
                if code != ward.code
            )
        return Answer(ward, str(match[0]), float(distance_m[0]), others)

    def others(
        self, lon: Floats, lat: Floats, accuracy_m: Floats, position: Ints, on: date
    ) -> dict[int, list[Ward]]:
        """For each of many points `(n,)` whose circle of accuracy touches other wards than its own
        (`position` (n,) into `wards`): these, nearest first, as `at` tells them.
        """
        day = self._on(on)
        some = np.flatnonzero(accuracy_m > 0)
        some = some[~day.index.alone(lon[some], lat[some], accuracy_m[some])]
        point, label, _ = day.index.borders_near(lon[some], lat[some], accuracy_m[some])
        there = np.array([day.place[code] for code in day.index.codes], dtype=np.int64)[label]
        point = some[point]
        found: dict[int, list[Ward]] = {}
        for i in np.flatnonzero(there != position[point]).tolist():
            found.setdefault(int(point[i]), []).append(self.wards[there[i]])
        return found

    def assign(
        self, lon: Floats, lat: Floats, days: npt.NDArray[np.datetime64], snap_m: float = SNAP_M
    ) -> Assigned:
        """The wards of many points `(n,)`, each on its own day `(n,)` datetime64[D]."""
        position = np.full(len(lon), -1, dtype=np.int64)
        distance = np.full(len(lon), np.nan)
        nearest = np.zeros(len(lon), dtype=bool)
        # Points between the same two turns share one index.
        stretch = np.searchsorted(self._turns, days, side="right")
        for number in np.unique(stretch[stretch > 0]):
            these = np.flatnonzero(stretch == number)
            day = self._on(self._days[number - 1])
            if not day.place:
                continue
            found = day.index.locate(lon[these], lat[these], snap_m=snap_m)
            back = np.array([day.place[code] for code in day.index.codes], dtype=np.int64)
            hit = found.label >= 0
            position[these[hit]] = back[found.label[hit]]
            distance[these] = found.distance_m
            nearest[these[found.outside]] = True
        match = np.where(nearest, NEAREST, COVERS).astype(object)
        match[position < 0] = None
        return Assigned(position, match, distance)
