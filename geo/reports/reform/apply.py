"""Applying a reform: open reports get the wards in force, closed ones a second answer.

A reform is applied from its first day on; asked for earlier it is `scheduled`, and the worker does
it when the day has come. To apply one again changes nothing but what came late: a report taken in
under an old ward by a process that had not heard of the new ones yet.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Literal

from geo.errors import Conflict, NotFound
from geo.reports.reform.moves import Moved, Started, move, silent
from geo.reports.reform.open import OpenReports, read_open
from geo.reports.reform.today import LateReports, derive
from geo.store import reforms as store
from geo.store import reforms_late as late
from geo.store import wards as ward_store
from geo.store.database import AnyRow, AsyncConnection, AsyncEngine
from geo.wards.directory import WardDirectory
from geo.wards.reform.scope import Scope, refuse_half_a_city

# Reports that changed while they were to be moved are read again; who changes all the time waits
# for the next run.
_PASSES = 5

_COUNTS = ("moved", "renewed", "ambiguous")

Verb = Literal["apply", "undo"]


@dataclass(frozen=True)
class Applied:
    """What applying did; `left` are reports that changed too often meanwhile, `outside` those in no
    ward any more, which stay where they are; `derived` those with an answer of their own today."""

    set_name: str
    state: str
    in_force_on: date
    moved: Moved = field(default_factory=Moved)
    outside: int = 0
    left: int = 0
    derived: int = 0

    def as_json(self) -> dict[str, Any]:
        """For `--json`, and as it is kept with the reform."""
        return {
            "set": self.set_name,
            "state": self.state,
            "in_force_on": self.in_force_on.isoformat(),
            "moved": self.moved.moved,
            "renewed": self.moved.renewed,
            "ambiguous": self.moved.ambiguous,
            "outside": self.outside,
            "left": self.left,
            "derived": self.derived,
        }


async def apply(
    engine: AsyncEngine,
    set_name: str,
    *,
    today: date,
    snap_m: float,
    partial: bool = False,
    started: Started = silent,
) -> Applied:
    """Apply the reform to a ward set, or schedule it when its first day is after `today`.

    `started(n)` is told how many reports are to be moved; what it returns is told how far it is.
    Raises `NotFound` for an unknown set, `RefusedReform` for one of half a city, `Conflict` while
    another process applies or undoes one.
    """
    async with one_at_a_time(engine):
        began = datetime.now(UTC)
        async with engine.begin() as conn:
            wards = await WardDirectory.load(conn)
            reform = await _asked(conn, wards, set_name, today, partial)
        if reform.state == "scheduled":
            return Applied(set_name, "scheduled", reform.in_force_on)
        total = Moved()
        reports, standing = await _all_moved(engine, wards, reform, total, snap_m, started)
        async with engine.begin() as conn:
            done = await _finished(conn, wards, reform, reports, total, snap_m)
            summary = done.as_json()
            if reform.begun_at < began:
                counted = await late.moved(conn, reform.id)
                summary |= {name: getattr(counted, name) for name in _COUNTS}
            summary["standing"] = None if done.left else standing
            await store.change(conn, reform.id, summary=summary)
            return done


async def _all_moved(
    engine: AsyncEngine,
    wards: WardDirectory,
    reform: AnyRow,
    total: Moved,
    snap_m: float,
    started: Started,
) -> tuple[OpenReports, str | None]:
    """Move reports, counting into `total`, until none is left or `_PASSES` are done; says how they
    are at last, and which stand in wards that ended (`geo.store.reforms_late.standing`)."""
    scope = Scope.of(wards, reform.set_id, reform.in_force_on)
    # Today's answers are made anew for all when a reform has come into force. Those for what is
    # moved later are made with each batch, so that a run killed between two leaves none behind.
    again = LateReports(wards, snap_m).again if reform.state == "applied" else None
    for passed in range(_PASSES + 1):
        async with engine.connect() as conn:
            # Before they are read: what comes between stands out the next time. The first time it
            # would be all of the city's.
            counts = passed or again is not None
            standing = (await late.standing(conn, reform.id)).get(reform.id) if counts else None
            reports = await read_open(conn, wards, scope, snap_m)
        moving = int(reports.moving.sum())
        if not moving or passed == _PASSES:
            break
        before = total.moved + total.renewed
        await move(engine, wards, reports, reform, total, started(moving), again)
        if total.moved + total.renewed == before:
            break
    return reports, standing


async def _asked(
    conn: AsyncConnection, wards: WardDirectory, set_name: str, today: date, partial: bool
) -> AnyRow:
    """The set's reform, made now if there is none; `applying`, or `scheduled` before its day."""
    ward_set = await named_set(conn, set_name)
    reform = await store.of_set(conn, ward_set.id)
    if reform is not None and reform.state == "undoing":
        raise Conflict(
            f"the reform to {set_name} is being undone; let `pinward wards reform undo --to "
            f"{set_name}` end first"
        )
    partial = partial or (reform is not None and reform.partial)
    scope = Scope.of(wards, ward_set.id, ward_set.valid_from)
    refuse_half_a_city(wards, scope, rest_goes_on=partial or ward_set.correction)
    state = "scheduled" if today < ward_set.valid_from else "applying"
    if reform is None:
        await store.ask(conn, ward_set.id, ward_set.valid_from, partial=partial)
        reform = await store.of_set(conn, ward_set.id)
        assert reform is not None
    if state == "scheduled" or reform.state == "applied":
        return reform
    begun_at = reform.begun_at or datetime.now(UTC)
    await store.change(conn, reform.id, state=state, begun_at=begun_at)
    made = await store.of_set(conn, ward_set.id)
    assert made is not None
    return made


async def _finished(
    conn: AsyncConnection,
    wards: WardDirectory,
    reform: AnyRow,
    reports: OpenReports,
    total: Moved,
    snap_m: float,
) -> Applied:
    first = reform.state != "applied"
    left = int(reports.moving.sum())
    state = "applying" if first and left else "applied"
    if first and not left:
        await store.change(conn, reform.id, state=state, applied_at=datetime.now(UTC))
        derived = await derive(conn, wards, await store.in_force(conn), snap_m)
    else:
        derived = await late.answered_today(conn)
    outside = int(reports.outside.sum())
    return Applied(reform.set_name, state, reform.in_force_on, total, outside, left, derived)


async def due(conn: AsyncConnection, today: date) -> list[tuple[Verb, str]]:
    """What is to be done by now, in this order: the command and the set's name.

    To end what was broken off, undoing first; to apply what was scheduled; and to apply again where
    open reports came late, taken in under a ward that the reform ended by a process that had not
    heard of the new ones yet, or imported, or opened again, there or in no ward on the ground
    of its set. Those that were looked at and stayed (in no ward of that day) are no reason to look
    again.
    """
    reforms = await store.every(conn)
    standing = await late.standing(conn)
    begun: list[tuple[Verb, str]] = [
        ("undo", row.set_name) for row in reforms if row.state == "undoing"
    ]
    return begun + [
        ("apply", row.set_name)
        for row in reversed(reforms)
        if row.state == "applying"
        or (row.state == "scheduled" and row.in_force_on <= today)
        or (row.id in standing and standing[row.id] != row.summary.get("standing"))
    ]


async def named_set(conn: AsyncConnection, name: str) -> AnyRow:
    """The ward set of this name; raises `NotFound`, naming those there are."""
    sets = await ward_store.sets(conn)
    for row in sets:
        if row.name == name:
            return row
    known = ", ".join(row.name for row in sets) or "none yet"
    raise NotFound(f"there is no ward set {name!r}; there are: {known}")


@asynccontextmanager
async def one_at_a_time(engine: AsyncEngine) -> AsyncIterator[None]:
    """The only one to apply or undo reforms; the lock ends with the process at the latest.

    Raises `Conflict` when another one is at it.
    """
    async with engine.connect() as conn:
        if not await store.alone(conn):
            raise Conflict(
                "another process applies or undoes a reform of boundaries right now; wait for it"
            )
        await conn.commit()
        try:
            yield
        finally:
            try:
                await store.let_others(conn)
            finally:
                # The lock is the connection's: it must not live on in the pool.
                await conn.invalidate()
