"""The open reports of a reform's ground, and the ward of the reform's day that each is in."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from geo.store import reforms as store
from geo.store.database import AsyncConnection
from geo.store.packed_rows import Rows
from geo.wards.directory import Ward, WardDirectory
from geo.wards.lookup import NEAREST
from geo.wards.reform.scope import Scope

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class OpenReports:
    """Open reports as columns (n,), in the order of their ids, which is that of time.

    `old` and `new` are positions in `WardDirectory.wards`: the ward that a report has, and the one
    in force on the reform's day where its point is, -1 none. Reports in no ward are among them
    where the reform gives them one. `others` are the wards its circle of
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
        """Which of them (n,) get another ward, or their first."""
        found: Bools = (self.new >= 0) & (self.new != self.old)
        return found

    @property
    def outside(self) -> Bools:
        """Which of them (n,) lie in no ward of that day, nor near one: they stay where they are."""
        return self.new < 0

    def only(self, rows: Bools) -> "OpenReports":
        """Some of them, by a mask (n,)."""
        kept = {row: i for i, row in enumerate(np.flatnonzero(rows).tolist())}
        others = {kept[row]: near for row, near in self.others.items() if row in kept}
        rest = {each: getattr(self, each)[rows] for each in _COLUMNS}
        return OpenReports(**rest, others=others)


_COLUMNS = tuple(each.name for each in fields(OpenReports) if each.name != "others")


async def read_open(
    conn: AsyncConnection,
    wards: WardDirectory,
    scope: Scope,
    snap_m: float,
) -> OpenReports:
    """The open reports of the wards that a reform concerns, looked up on its day; and those in no
    ward, taken in before there was one, which are in a ward of the reform's set.

    A report goes to a ward of the reform's set, or to one that was there beside its own. To the
    wards of another set that replaced its own, such as a neighbouring city's, the reform to that
    set moves it; until then it stays.

    What has come is looked up in a thread while the next is read; by one thread, so that what
    `wards` lays out when it is first asked is laid out once.
    """
    affected = list(scope.affected)
    ids = [wards.wards[i].id for i in affected]
    position = np.full(max(ids, default=0) + 1, -1, dtype=np.int64)
    position[ids] = affected
    since = np.array([ward.valid_from for ward in wards.wards], dtype="datetime64[D]")
    until = np.array([ward.valid_to for ward in wards.wards], dtype="datetime64[D]")
    of_set = np.zeros(len(wards), dtype=bool)
    of_set[list(scope.new)] = True
    loop = asyncio.get_running_loop()

    def looked_up_in(block: Rows) -> OpenReports:
        found = _looked_up(wards, block, position, scope.day, snap_m)
        nowhere = found.old < 0
        return (
            found
            if not nowhere.any()
            else found.only(~nowhere | ((found.new >= 0) & of_set[found.new]))
        )

    with ThreadPoolExecutor(max_workers=1) as thread:
        looked_up = [
            loop.run_in_executor(thread, looked_up_in, block)
            async for block in store.open_reports(conn, ids)
        ]
        found = _in_order(await asyncio.gather(*looked_up))
    old, new = found.old, found.new
    # Not before NaT: a ward that goes on.
    beside = np.isnat(until[old]) | (since[new] < until[old])
    stays = (new >= 0) & ~of_set[new] & ~beside
    new[stays] = old[stays]
    return found


def _looked_up(
    wards: WardDirectory, block: Rows, position: Ints, day: date, snap_m: float
) -> OpenReports:
    """A block of `store.open_reports`; `position` is that of a ward's id."""
    lon, lat, accuracy_m = (block[name].astype(np.float64) for name in ("lon", "lat", "accuracy_m"))
    found = wards.assign(lon, lat, np.full(len(block), np.datetime64(day)), snap_m)
    circle_m = np.where(found.position >= 0, accuracy_m, -1.0)
    return OpenReports(
        ids=block["id"].copy(),
        cells=block["cell"].astype(np.int64),
        old=position[block["ward"]],
        new=found.position,
        organisation=block["organisation"].astype(np.int64),
        accuracy_m=accuracy_m,
        nearest=np.equal(found.match, NEAREST),
        distance_m=found.distance_m,
        was_ambiguous=block["ambiguous"].copy(),
        others=wards.others(lon, lat, circle_m, found.position, day),
    )


def _in_order(parts: Sequence[OpenReports]) -> OpenReports:
    """All of them as one, in the order of their ids."""
    ids = np.concatenate([part.ids for part in parts])
    order = np.argsort(ids.view("S16"), kind="stable")
    row = np.empty(len(order), dtype=np.int64)
    row[order] = np.arange(len(order))
    others: dict[int, list[Ward]] = {}
    before = 0
    for part in parts:
        others |= {int(row[before + i]): near for i, near in part.others.items()}
        before += len(part)

    def column(name: str) -> Any:
        return np.concatenate([getattr(part, name) for part in parts])[order]

    return OpenReports(**{name: column(name) for name in _COLUMNS}, others=others)
