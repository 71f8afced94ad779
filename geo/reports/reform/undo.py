"""Undoing a reform: every report that nobody touched since gets back exactly what it had.

Its history is not undone: the event of the move stays, and one that it was undone is added. What
was touched since (another ward, organisation or status, or a later event) stays as it is and is
listed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from geo.errors import Conflict, NotFound
from geo.reports.reform import words
from geo.reports.reform.apply import named_set, one_at_a_time
from geo.reports.reform.moves import Moved, Started, in_batches, silent
from geo.reports.reform.today import derive
from geo.reports.reform.uuids import uuids
from geo.store import reforms as store
from geo.store.database import AnyRow, AsyncConnection, AsyncEngine
from geo.wards.directory import WardDirectory

LISTED_AT_MOST = 10_000


@dataclass(frozen=True)
class Undone:
    """What undoing did: how many reports were moved back, and those that were touched since (the
    first `LISTED_AT_MOST`, rows of `geo.store.reforms.touched`) with their number. Not `begun`: it
    was only scheduled."""

    set_name: str
    begun: bool
    restored: Moved = field(default_factory=Moved)
    touched: Sequence[AnyRow] = ()
    n_touched: int = 0

    def as_json(self) -> dict[str, Any]:
        """For `--json`; lists are plurals."""
        return {
            "set": self.set_name,
            "state": "undone",
            "restored": self.restored.moved,
            "renewed": self.restored.renewed,
            "touched": self.n_touched,
            "reports": [dict(row._mapping) for row in self.touched],
        }


async def undo(
    engine: AsyncEngine,
    set_name: str,
    *,
    snap_m: float,
    started: Started = silent,
) -> Undone:
    """Undo the reform to a ward set; one that is only scheduled is forgotten.

    The wards themselves go on: they are in force by their dates. Raises `NotFound` when no reform
    to that set was applied, `Conflict` when a later one moved its reports on, or while another
    process is at it.
    """
    async with one_at_a_time(engine):
        async with engine.begin() as conn:
            ward_set = await named_set(conn, set_name)
            reform = await store.of_set(conn, ward_set.id)
            if reform is None:
                raise NotFound(f"no reform to {set_name} was applied or scheduled")
            await _refuse_out_of_turn(conn, reform)
            await store.change(conn, reform.id, state="undoing")
            wards = await WardDirectory.load(conn)
            pairs = await store.moved_pairs(conn, reform.id)
        by_id = {ward.id: ward for ward in wards.wards}
        told = {
            f"{pair.old_ward_id or 0} {new.id}": {
                **words.moved_back(old, new, reform.in_force_on),
                "data": words.event_data(new, old, set_name),
            }
            for pair in pairs
            for old, new in [(by_id.get(pair.old_ward_id), by_id[pair.new_ward_id])]
        }
        async with engine.connect() as conn:
            ids = [
                each
                async for block in store.moved_ids(conn, reform.id)
                for each in uuids(block["id"])
            ]
        done = started(len(ids))
        restored = Moved()

        async def one(conn: AsyncConnection, batch: list[str]) -> None:
            row = await store.restore(conn, reform.id, batch, told, datetime.now(UTC))
            restored.moved += row.moved
            restored.renewed += row.renewed
            done(restored.moved + restored.renewed)

        await in_batches(engine, ids, one)
        async with engine.begin() as conn:
            await store.change(conn, reform.id, state="undone", undone_at=datetime.now(UTC))
            await derive(conn, wards, await store.in_force(conn), snap_m)
            n = await store.kept(conn, reform.id)
            touched = await store.touched(conn, reform.id, LISTED_AT_MOST)
    return Undone(set_name, reform.begun_at is not None, restored, touched, n)


async def _refuse_out_of_turn(conn: AsyncConnection, reform: AnyRow) -> None:
    later = await store.moved_again(conn, reform)
    if later:
        said = "; ".join(f"{row.set_name} moved {row.n} of them on" for row in later)
        raise Conflict(
            f"later reforms stand on the one to {reform.set_name}: {said}. Undo these first"
        )
