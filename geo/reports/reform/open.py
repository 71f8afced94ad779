"""The open reports of a reform's ground, and the ward of the reform's day that each is in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from geo.store import reforms as store
from geo.store.database import AsyncConnection
from geo.wards.directory import Ward, WardDirectory
from geo.wards.lookup import NEAREST

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class OpenReports:
    """Open reports as columns (n,), in the order of their ids, which is that of time.

    `old` and `new` are positions in `WardDirectory.wards`: the ward that a report has, and the one
    in force on the reform's day where its point is, -1 none. `others` are the wards its circle of
    accuracy touches besides, by row.
    """

    ids: npt.NDArray[np.void]
    cells: Ints
    old: Ints
    new: Ints
    organisation: Ints
    accuracy_m: Floats
    nearest: Bools
    distance_m: Floats
    was_ambiguous: Bools
    others: dict[int, list[Ward]]

    def __len__(self) -> int:
        return len(self.old)

    @property
    def moving(self) -> Bools:
        """Which of them (n,) get another ward."""
        found: Bools = (self.new >= 0) & (self.new != self.old)
        return found

    @property
    def outside(self) -> Bools:
        """Which of them (n,) lie in no ward of that day, nor near one: they stay where they are."""
        return self.new < 0


async def read_open(
    conn: AsyncConnection,
    wards: WardDirectory,
    affected: Sequence[int],
    day: date,
    snap_m: float,
) -> OpenReports:
    """The open reports of the wards at the positions `affected`, looked up on `day`."""
    ids = [wards.wards[i].id for i in affected]
    blocks = [_narrow(block) async for block in store.open_reports(conn, ids)]
    rows = np.concatenate(blocks)
    rows = rows[np.argsort(np.ascontiguousarray(rows["id"]).view("S16"), kind="stable")]
    position = np.zeros(max(ids, default=0) + 1, dtype=np.int64)
    position[ids] = list(affected)
    lon, lat = rows["lon"].copy(), rows["lat"].copy()
    days = np.full(len(rows), np.datetime64(day))
    found = wards.assign(lon, lat, days, snap_m)
    accuracy = np.where(found.position >= 0, rows["accuracy_m"], -1.0)
    return OpenReports(
        ids=rows["id"],
        cells=rows["cell"],
        old=position[rows["ward"]],
        new=found.position,
        organisation=rows["organisation"],
        accuracy_m=rows["accuracy_m"],
        nearest=np.equal(found.match, NEAREST),
        distance_m=found.distance_m,
        was_ambiguous=rows["ambiguous"],
        others=wards.others(lon, lat, accuracy, found.position, day),
    )


_KEPT = np.dtype(
    [
        ("id", "V16"),
        ("ward", "i8"),
        ("organisation", "i8"),
        ("lon", "f8"),
        ("lat", "f8"),
        ("accuracy_m", "f8"),
        ("cell", "i8"),
        ("ambiguous", "?"),
    ]
)


def _narrow(block: npt.NDArray[np.void]) -> npt.NDArray[Any]:
    made = np.empty(len(block), _KEPT)
    for name in _KEPT.names or ():
        made[name] = block[name]
    return made
