"""Moving open reports to the wards of a reform: batch by batch, two at a time.

Each batch is one statement and one transaction: a report, its event and what undo needs are written
together or not at all. Killed at any point, what is left are reports that moved and others that
will when it runs again. Nothing but the reports of a batch is locked, so that intake, tiles and
look-ups go on; and while citizens send reports, one works, with rests, and a core is left to them.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from geo.reports.events import Words
from geo.reports.reform import words
from geo.reports.reform.open import OpenReports
from geo.reports.reform.uuids import uuids
from geo.reports.routing import reasons as routing
from geo.store import reforms as store
from geo.store import reports as reports_store
from geo.store.database import AsyncConnection, AsyncEngine
from geo.wards.directory import Ward, WardDirectory
from geo.wards.lookup import COVERS, NEAREST

BATCH = 200
"""Reports in a transaction while citizens send some: who commits then waits for all its log."""
MOST = 1000
"""Reports in a transaction while nobody does, and there are many: it takes a fifth less time."""
AT_ONCE = 2
"""Batches under way at once: as many as keep two cores busy."""

# PostgreSQL tells others how many rows a session wrote about once a second.
_LOOK_S, _QUIET_S = 1.0, 5.0

# While citizens report, of the time that a batch took: with 1 their answers' p95 is 2.2 times that
# of a city without a reform, with 1.5 it is 1.8 times.
_REST = 1.5

_BETWEEN = "\x1f"

Started = Callable[[int], Callable[[int], None]]
"""Told how many reports there are to move; what it returns is told how many were, so far."""

Rows = TypeVar("Rows", npt.NDArray[np.int64], list[str], range)


def silent(n: int) -> Callable[[int], None]:
    """A `Started` that tells nobody."""
    return lambda so_far: None


@dataclass
class Moved:
    """How many reports were moved, `renewed` (the same ward for people, in its new version), and
    how many of both have a circle of accuracy that touches another ward."""

    moved: int = 0
    renewed: int = 0
    ambiguous: int = 0

    def add(self, row: Any) -> None:
        """Count a batch in."""
        self.moved += row.moved
        self.renewed += row.renewed
        self.ambiguous += row.ambiguous


async def move(
    engine: AsyncEngine,
    wards: WardDirectory,
    reports: OpenReports,
    reform: Any,
    total: Moved,
    done: Callable[[int], None],
    also: Callable[[AsyncConnection, Sequence[str]], Awaitable[None]] | None = None,
) -> None:
    """Move what is moving of `reports`, counting into `total`; `done(n)` is told after each batch
    how many of them that makes; `also(conn, ids)` is done in each batch's transaction.

    `reform` has `id, set_name, in_force_on`. Reports that changed since they were read are left for
    the next reading.
    """
    moving = np.flatnonzero(reports.moving)
    sorts = _Sorts(wards, reports, moving, reform)
    before = total.moved + total.renewed

    async def begin(conn: AsyncConnection) -> None:
        await store.keep_sorts(conn, sorts.facts)

    async def one(conn: AsyncConnection, rows: npt.NDArray[np.int64]) -> None:
        batch = sorts.batch(rows)
        total.add(await store.move(conn, reform.id, batch, datetime.now(UTC)))
        if also is not None:
            await also(conn, batch["ids"])
        done(total.moved + total.renewed - before)

    await in_batches(engine, moving, one, begin)


async def in_batches(
    engine: AsyncEngine,
    rows: Rows,
    one: Callable[[AsyncConnection, Rows], Awaitable[None]],
    begin: Callable[[AsyncConnection], Awaitable[None]] | None = None,
) -> None:
    """Do `one` with batch after batch of the rows, each in a transaction of its own, `AT_ONCE` of
    them at a time; while reports come in, one at a time, of at most `BATCH`, with a rest after it.
    `begin` is done before on each connection."""
    # Of few rows batches are small in any case, so that both connections have some.
    most = min(MOST, max(BATCH, len(rows) // 100))
    taken = 0
    ended = asyncio.Event()

    def some(calm: bool) -> Rows:
        nonlocal taken
        start, taken = taken, taken + (most if calm else BATCH)
        return rows[start:taken]

    async def work(gives_way: bool) -> None:
        async with engine.connect() as conn:
            if begin is not None:
                async with conn.begin():
                    await begin(conn)
            quiet, calm = _Quiet(conn), True
            while len(batch := some(calm)):
                began = time.monotonic()
                async with conn.begin():
                    await one(conn, batch)
                calm = await quiet.now()
                if not calm:
                    await asyncio.sleep(_REST * (time.monotonic() - began))
                if gives_way and not calm:
                    calm = await quiet.wait(ended)
        ended.set()

    async with asyncio.TaskGroup() as group:
        for n in range(AT_ONCE):
            group.create_task(work(gives_way=n > 0))


class _Quiet:
    """Whether nobody has sent a report for `_QUIET_S`; looks at most every `_LOOK_S`."""

    def __init__(self, conn: AsyncConnection) -> None:
        self._conn = conn
        self._taken_in: int | None = None
        self._looked = self._heard = -math.inf

    async def wait(self, ended: asyncio.Event) -> bool:
        """Until it is quiet, or all is done; whether it is quiet."""
        while not (calm := await self.now()) and not ended.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), _LOOK_S)
        return calm

    async def now(self) -> bool:
        """Whether it is, as far as was looked."""
        now = time.monotonic()
        if now - self._looked >= _LOOK_S:
            self._looked = now
            async with self._conn.begin():
                taken_in = await reports_store.taken_in(self._conn)
            if self._taken_in is not None and taken_in > self._taken_in:
                self._heard = now
            self._taken_in = taken_in
        return now - self._heard > _QUIET_S


def follows(old: Ward | None, organisation: int) -> bool:
    """Whether who answers (0: nobody) goes along with the ward: its committee does; whoever else
    answers was named by a rule, and goes on answering."""
    return organisation == 0 or (old is not None and organisation == old.organisation_id)


def is_told(old: Ward | None, new: Ward, organisation: int, goes_along: bool) -> bool:
    """Whether people are told of the move: of another ward, or of another organisation."""
    becomes = new.organisation_id if goes_along else organisation
    return not words.same_for_people(old, new) or becomes != (organisation or None)


@dataclass(frozen=True)
class _Sort:
    """Moves of one sort: from a ward (None: none) and organisation (0: nobody) to a ward, found in
    one way."""

    number: int
    old: Ward | None
    organisation: int
    new: Ward
    match: str
    day: date

    @property
    def goes_along(self) -> bool:
        """As `follows`."""
        return follows(self.old, self.organisation)

    @property
    def told(self) -> bool:
        """As `is_told`."""
        return is_told(self.old, self.new, self.organisation, self.goes_along)

    def reasons(
        self, accuracy_m: float = 0.0, distance_m: float = 0.0, near: Sequence[Ward] = ()
    ) -> list[Words]:
        """As at intake (`geo.reports.intake`), with the reform among them where it is told."""
        new = self.new
        found = [routing.ward_reason(new.name, new.kind, self.match, distance_m)]
        if near:
            others = [(ward.name, ward.kind) for ward in near]
            found.append(routing.ambiguity_reason(accuracy_m, others))
        if self.told:
            found.append(words.reason(self.old, self.day))
        if self.goes_along and new.organisation_id is not None:
            names = new.organisation_vi or "", new.organisation_en or ""
            found.append(routing.committee_reason(*names))
        return found

    def facts(self, set_name: str) -> dict[str, Any]:
        """What its reports have in common, as `store.move` takes it."""
        old, new = self.old, self.new
        said = words.moved(old, new, self.day) if self.told else None
        return {
            "kind": self.number,
            "old_ward_id": old and old.id,
            "old_organisation_id": self.organisation or None,
            "new_ward_id": new.id,
            "new_organisation_id": new.organisation_id if self.goes_along else self.organisation,
            "match": self.match,
            "reasons": self.reasons(),
            "keeps_reasons": not self.goes_along,
            "vi": said and said["vi"],
            "en": said and said["en"],
            "data": words.event_data(old, new, set_name),
        }


class _Sorts:
    """The sorts of the moves of these rows of `reports`, each with what `store.move` says of it."""

    def __init__(
        self,
        wards: WardDirectory,
        reports: OpenReports,
        rows: npt.NDArray[np.int64],
        reform: Any,
    ) -> None:
        self._reports = reports
        columns = (reports.old, reports.organisation, reports.new, reports.nearest)
        keys = np.stack([each[rows].astype(np.int64) for each in columns], axis=1)
        met, number = np.unique(keys, axis=0, return_inverse=True)
        # By row of the reports; of those that do not move, nothing.
        self._number = np.full(len(reports), -1, dtype=np.int64)
        self._number[rows] = number.reshape(-1)
        self._sorts = [
            _Sort(
                n,
                wards.wards[old] if old >= 0 else None,
                organisation,
                wards.wards[new],
                NEAREST if nearest else COVERS,
                reform.in_force_on,
            )
            for n, (old, organisation, new, nearest) in enumerate(met.tolist())
        ]
        self.facts = [sort.facts(reform.set_name) for sort in self._sorts]

    def batch(self, rows: npt.NDArray[np.int64]) -> dict[str, list[Any]]:
        """Rows as `store.move` takes them."""
        r = self._reports
        kinds = self._number[rows].tolist()
        others = [r.others.get(row, ()) for row in rows.tolist()]
        accuracy = r.accuracy_m[rows].tolist()
        distance = np.round(r.distance_m[rows], 2).tolist()
        return {
            "ids": uuids(r.ids[rows]),
            "cells": r.cells[rows].tolist(),
            "kinds": kinds,
            "distances": distance,
            "ambiguous": [_BETWEEN.join(ward.code for ward in near) or None for near in others],
            "reasons": [
                # Only where they differ from their sort's.
                store.as_json(self._sorts[kind].reasons(accuracy_m, distance_m, near))
                if near or self._sorts[kind].match == NEAREST
                else None
                for kind, near, accuracy_m, distance_m in zip(
                    kinds, others, accuracy, distance, strict=True
                )
            ],
        }
