"""Today's ward of reports from before a reform: a derived answer (`geo.store.tables.reforms`).

It is a function of the reforms applied, the wards and the reports' places, and is made anew as a
whole, in the caller's transaction: readers see the answers before or after, never between.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import shapely

from geo.reports.reform.uuids import uuids
from geo.store import reforms as store
from geo.store.database import AnyRow, AsyncConnection
from geo.wards.directory import WardDirectory
from geo.wards.reform.scope import Scope


async def derive(
    conn: AsyncConnection, wards: WardDirectory, applied: Sequence[AnyRow], snap_m: float
) -> int:
    """Write which wards of today all reports of older wards are in; says for how many the answer is
    not their ward's.

    `applied` are the reforms in force, rows of `set_id, in_force_on`.
    """
    day_of: dict[int, date] = {}
    for reform in sorted(applied, key=lambda row: row.in_force_on):
        scope = Scope.of(wards, reform.set_id, reform.in_force_on)
        day_of |= dict.fromkeys(scope.affected, reform.in_force_on)
    whole: dict[int, int] = {}
    exceptions: list[tuple[str, int]] = []
    for day in sorted(set(day_of.values())):
        of_day = [i for i, last in day_of.items() if last == day]
        mostly = _mostly(wards, of_day, day)
        whole |= mostly
        exceptions += await _exceptions(conn, wards, of_day, mostly, day, snap_m)
    ids = [ward.id for ward in wards.wards]
    pairs = {ids[i]: ids[j] for i, j in whole.items() if i != j}
    await store.write_today(conn, pairs, exceptions)
    return len(exceptions)


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
        there = wards.assign(lon, lat, np.full(len(rows), np.datetime64(day)), snap_m).position
        # Whoever is in no ward of that day keeps the ward it has.
        there = np.where(there < 0, own, there)
        other = np.flatnonzero(there != answer[own])
        found += zip(uuids(rows["id"][other]), ids[there[other]].tolist(), strict=True)
    return found
