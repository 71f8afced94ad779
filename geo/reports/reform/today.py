"""Today's ward of reports from before a reform: a derived answer (`geo.store.tables.reforms`).

It is a function of the reforms applied, the wards and the reports' places, and is made anew as a
whole, in the caller's transaction: readers see the answers before or after, never between.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from geo.reports.reform.uuids import uuids
from geo.store import reforms as store
from geo.store import reforms_late as late_store
from geo.store.database import AnyRow, AsyncConnection
from geo.store.tables.reports import OPEN_STATUSES
from geo.wards.directory import WardDirectory
from geo.wards.reform.scope import Scope

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]
"""In `WardDirectory.wards`."""


async def derive(
    conn: AsyncConnection, wards: WardDirectory, applied: Sequence[AnyRow], snap_m: float
) -> int:
    """Write which wards of today all reports of older wards are in, and those of none; says for how
    many the answer is not their ward's.

    `applied` are the reforms in force, rows of `set_id, in_force_on`.
    """
    await store.lock_today(conn)
    day_of = _last_days(wards, applied)
    whole: dict[int, int] = {}
    exceptions: list[tuple[str, int]] = []
    for day in sorted(set(day_of.values())):
        of_day = [i for i, last in day_of.items() if last == day]
        mostly = _mostly(wards, of_day, day)
        whole |= mostly
        exceptions += await _exceptions(conn, wards, of_day, mostly, day, snap_m)
    exceptions += await _first(conn, wards, applied, snap_m)
    ids = [ward.id for ward in wards.wards]
    pairs = {ids[i]: ids[j] for i, j in whole.items() if i != j}
    await store.write_today(conn, pairs, exceptions)
    return len(exceptions)


class LateReports:
    """Today's ward of reports stored after a reform that was in force after their day.

    For one import of many batches, which may be going on while reforms are applied and undone.
    """

    def __init__(self, wards: WardDirectory, snap_m: float) -> None:
        self._wards = wards
        self._snap_m = snap_m
        self._of: list[tuple[int, datetime | None]] = []
        self._day: npt.NDArray[np.datetime64] = np.empty(0, dtype="datetime64[D]")
        self._answer: npt.NDArray[np.int64] = np.empty(0, dtype=np.int64)

    async def add(
        self, conn: AsyncConnection, reports: pa.Table, lon: Floats, lat: Floats
    ) -> list[str]:
        """As `derive` for reports of this transaction: columns `id, ward_id, status`, and their
        places. Names the ward sets, in the order of their days, whose reforms are to be applied
        again, because reports that are open are in wards they ended."""
        await store.lock_today(conn, shared=True)
        applied = await store.in_force(conn)
        if not applied:
            return []
        await self._know(conn, applied)
        ids = np.array([ward.id for ward in self._wards.wards], dtype=np.int64)
        position = np.full(ids.max(initial=0) + 1, -1, dtype=np.int64)
        position[ids] = np.arange(len(ids))
        own = position[np.asarray(pc.fill_null(reports["ward_id"].cast(pa.int32()), 0))]
        there = own.copy()
        old = np.flatnonzero((own >= 0) & ~np.isnat(self._day[own]))
        days = self._day[own[old]]
        there[old] = _there(self._wards, own[old], lon[old], lat[old], days, self._snap_m)
        none = np.flatnonzero(own < 0)
        there[none] = _first_wards(self._wards, lon[none], lat[none], applied, self._snap_m)
        answer = np.where(own >= 0, self._answer[own], own)
        other = np.flatnonzero(there != answer)
        names = reports["id"].take(pa.array(other)).to_pylist()
        await store.add_today(conn, list(zip(names, ids[there[other]].tolist(), strict=True)))
        is_open = pc.is_in(reports["status"].cast(pa.string()), pa.array(OPEN_STATUSES))
        if not (np.asarray(is_open) & (there != own)).any():
            return []
        return [row.set_name for row in reversed(applied)]

    async def again(self, conn: AsyncConnection, ids: Sequence[str]) -> None:
        """Make the answers anew for some reports that have another ward now, in this transaction;
        all others stay as they are. `ids` may name reports that are no more."""
        await store.lock_today(conn, shared=True)
        await late_store.forget_today(conn, ids)
        rows = await late_store.placed(conn, ids)
        columns = ("id", "ward_id", "status")
        reports = pa.table({name: [getattr(row, name) for row in rows] for name in columns})
        lon, lat = (np.array([getattr(row, name) for row in rows]) for name in ("lon", "lat"))
        await self.add(conn, reports, lon, lat)

    async def _know(self, conn: AsyncConnection, applied: Sequence[AnyRow]) -> None:
        of = [(reform.id, reform.applied_at) for reform in applied]
        if of == self._of:
            return
        if not {reform.set_id for reform in applied} <= {w.set_id for w in self._wards.wards}:
            self._wards = await WardDirectory.load(conn)
        day_of = _last_days(self._wards, applied)
        self._day = np.full(len(self._wards), np.datetime64("NaT", "D"))
        self._day[list(day_of)] = [np.datetime64(day) for day in day_of.values()]
        place = {ward.id: i for i, ward in enumerate(self._wards.wards)}
        self._answer = np.arange(len(self._wards))
        for ward, now in (await store.ended_wards(conn)).items():
            self._answer[place[ward]] = place[now]
        self._of = of


def _last_days(wards: WardDirectory, applied: Sequence[AnyRow]) -> dict[int, date]:
    """For the positions of older wards: the day of the last reform that may have changed them."""
    day_of: dict[int, date] = {}
    for reform in sorted(applied, key=lambda row: row.in_force_on):
        scope = Scope.of(wards, reform.set_id, reform.in_force_on)
        day_of |= dict.fromkeys(scope.affected, reform.in_force_on)
    return day_of


def _there(
    wards: WardDirectory,
    own: Positions,
    lon: Floats,
    lat: Floats,
    days: npt.NDArray[np.datetime64],
    snap_m: float,
) -> Positions:
    """The wards in force on the days where reports are; in none, the ward they have."""
    there = wards.assign(lon, lat, days, snap_m).position
    return np.where(there < 0, own, there)


def _first_wards(
    wards: WardDirectory, lon: Floats, lat: Floats, applied: Sequence[AnyRow], snap_m: float
) -> Positions:
    """For places of reports in no ward the ward that the last reform has there, -1 none."""
    found = np.full(len(lon), -1, dtype=np.int64)
    for reform in sorted(applied, key=lambda row: row.in_force_on) if len(lon) else ():
        of_set = np.array([ward.set_id == reform.set_id for ward in wards.wards], dtype=bool)
        days = np.full(len(lon), np.datetime64(reform.in_force_on))
        there = wards.assign(lon, lat, days, snap_m).position
        found = np.where((there >= 0) & of_set[there], there, found)
    return found


def _mostly(wards: WardDirectory, positions: Sequence[int], day: date) -> Mapping[int, int]:
    """For wards, the ward in force on a day that has most of their ground, else themselves."""
    there = [i for i, ward in enumerate(wards.wards) if ward.in_force(day)]
    if not there or not positions:
        return {i: i for i in positions}
    was, now = wards.polygons[list(positions)], wards.polygons[there]
    i, j = shapely.STRtree(now).query(was, predicate="intersects")
    area = shapely.area(shapely.intersection(was[i], now[j]))
    # ascending: what is set last has most; at equal areas that is the lowest code
    order = np.lexsort((-j, area, i))
    found = {position: position for position in positions}
    for k in order.tolist():
        if area[k] > 0:
            found[positions[i[k]]] = there[j[k]]
    return found


async def _exceptions(
    conn: AsyncConnection,
    wards: WardDirectory,
    positions: Sequence[int],
    mostly: Mapping[int, int],
    day: date,
    snap_m: float,
) -> list[tuple[str, int]]:
    """(report, ward id) where a report's place is in another ward of the day than most of its."""
    ids = np.array([ward.id for ward in wards.wards], dtype=np.int64)
    position = np.zeros(ids.max(initial=0) + 1, dtype=np.int64)
    position[ids[list(positions)]] = list(positions)
    answer = np.arange(len(ids))
    answer[list(mostly)] = list(mostly.values())
    found: list[tuple[str, int]] = []
    async for rows in store.placed_reports(conn, ids[list(positions)].tolist()):
        own = position[rows["ward"]]
        lon, lat = (rows[name].astype(np.float64) for name in ("lon", "lat"))
        days = np.full(len(rows), np.datetime64(day))
        there = _there(wards, own, lon, lat, days, snap_m)
        other = np.flatnonzero(there != answer[own])
        found += zip(uuids(rows["id"][other]), ids[there[other]].tolist(), strict=True)
    return found


async def _first(
    conn: AsyncConnection, wards: WardDirectory, applied: Sequence[AnyRow], snap_m: float
) -> list[tuple[str, int]]:
    """(report, ward id) of reports in no ward whose place is in one of a reform."""
    ids = np.array([ward.id for ward in wards.wards], dtype=np.int64)
    found: list[tuple[str, int]] = []
    if not applied:
        return found
    async for rows in store.wardless_reports(conn):
        lon, lat = (rows[name].astype(np.float64) for name in ("lon", "lat"))
        there = _first_wards(wards, lon, lat, applied, snap_m)
        some = np.flatnonzero(there >= 0)
        found += zip(uuids(rows["id"][some]), ids[there[some]].tolist(), strict=True)
    return found
