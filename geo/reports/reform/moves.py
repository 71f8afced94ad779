"""Moving open reports to the wards of a reform: in small transactions, two at a time.

Each batch is one statement and one transaction: a report, its event and what undo needs are written
together or not at all. Killed at any point, what is left are reports that moved and others that
will when it runs again. Nothing but the reports of a batch is locked, so that intake, tiles and
look-ups go on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from geo.reports import routing
from geo.reports.reform import words
from geo.reports.reform.open import OpenReports
from geo.reports.reform.uuids import uuids
from geo.store import reforms as store
from geo.store.database import AsyncConnection, AsyncEngine
from geo.wards.directory import Ward, WardDirectory
from geo.wards.lookup import COVERS, NEAREST

BATCH = 1000
AT_ONCE = 2
"""Batches under way at once: as many as keep two cores busy."""

_BETWEEN = "\x1f"

Started = Callable[[int], Callable[[int], None]]
"""Told how many reports there are to move; what it returns is told how many were, so far."""

T = TypeVar("T")


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
) -> None:
    """Move what is moving of `reports`, counting into `total`; `done(n)` is told after each batch
    how many of them that makes.

    `reform` has `id, set_name, in_force_on`. Reports that changed since they were read are left for
    the next reading.
    """
    moving = np.flatnonzero(reports.moving)
    sorts = _Sorts(wards, reports, reform)
    before = total.moved + total.renewed

    async def one(conn: AsyncConnection, rows: npt.NDArray[np.int64]) -> None:
        kinds, batch = sorts.batch(rows)
        total.add(await store.move(conn, reform.id, kinds, batch, datetime.now(UTC)))
        done(total.moved + total.renewed - before)

    await in_batches(engine, list(_parts(moving)), one)


async def in_batches(
    engine: AsyncEngine, batches: list[T], one: Callable[[AsyncConnection, T], Awaitable[None]]
) -> None:
    """Do `one` with each batch in a transaction of its own, `AT_ONCE` of them at a time."""
    waiting = iter(batches)

    async def work() -> None:
        async with engine.connect() as conn:
            for batch in waiting:
                async with conn.begin():
                    await one(conn, batch)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(work())


def _parts(rows: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.int64]]:
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]


def follows(old: Ward, organisation: int) -> bool:
    """Whether who answers (0: nobody) goes along with the ward: its committee does; whoever else
    answers was named by a rule, and goes on answering."""
    return organisation in (0, old.organisation_id)


def is_told(old: Ward, new: Ward, organisation: int, goes_along: bool) -> bool:
    """Whether people are told of the move: of another ward, or of another organisation."""
    becomes = new.organisation_id if goes_along else organisation
    return not words.same_for_people(old, new) or becomes != (organisation or None)


class _Sorts:
    """What moves have in common: from which ward and organisation to which ward, and how."""

    def __init__(self, wards: WardDirectory, reports: OpenReports, reform: Any) -> None:
        self._wards = wards
        self._reports = reports
        self._reform = reform
        self._known: dict[tuple[int, int, int, bool], dict[str, Any]] = {}

    def batch(
        self, rows: npt.NDArray[np.int64]
    ) -> tuple[list[dict[str, Any]], dict[str, list[Any]]]:
        """The sorts met in these rows, and the rows themselves, as `store.move` takes them."""
        r = self._reports
        keys = list(
            zip(
                r.old[rows].tolist(),
                r.organisation[rows].tolist(),
                r.new[rows].tolist(),
                r.nearest[rows].tolist(),
                strict=True,
            )
        )
        met = {key: self._sort(key) for key in dict.fromkeys(keys)}
        others = [r.others.get(row) for row in rows.tolist()]
        accuracy = r.accuracy_m[rows].tolist()
        distance = np.round(r.distance_m[rows], 2).tolist()
        reasons = [
            self._own_reasons(met[key], near, accuracy_m, distance_m)
            for key, near, accuracy_m, distance_m in zip(
                keys, others, accuracy, distance, strict=True
            )
        ]
        batch = {
            "ids": uuids(r.ids[rows]),
            "cells": r.cells[rows].tolist(),
            "kinds": [met[key]["kind"] for key in keys],
            "distances": distance,
            "ambiguous": [near and _BETWEEN.join(ward.code for ward in near) for near in others],
            "reasons": reasons,
        }
        return list(met.values()), batch

    def _sort(self, key: tuple[int, int, int, bool]) -> dict[str, Any]:
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._made(len(self._known), *key)
        return found

    def _made(
        self, number: int, old_at: int, organisation: int, new_at: int, nearest: bool
    ) -> dict[str, Any]:
        old, new = self._wards.wards[old_at], self._wards.wards[new_at]
        goes_along = follows(old, organisation)
        becomes = new.organisation_id if goes_along else organisation
        told = is_told(old, new, organisation, goes_along)
        day = self._reform.in_force_on
        match = NEAREST if nearest else COVERS
        said = words.moved(old, new, day) if told else None
        return {
            "kind": number,
            "old_ward_id": old.id,
            "old_organisation_id": organisation or None,
            "new_ward_id": new.id,
            "new_organisation_id": becomes,
            "match": match,
            "reasons": _reasons(old, new, match, day, told, goes_along),
            "keeps_reasons": not goes_along,
            "vi": said and said["vi"],
            "en": said and said["en"],
            "data": words.event_data(old, new, self._reform.set_name),
            # not for the database
            "wards": (old_at, new_at),
            "told": told,
        }

    def _own_reasons(
        self,
        sort: dict[str, Any],
        near: list[Ward] | None,
        accuracy_m: float,
        distance_m: float,
    ) -> str | None:
        """The reasons of a report that differ from its sort's, as JSON."""
        if not near and sort["match"] == COVERS:
            return None
        old, new = (self._wards.wards[i] for i in sort["wards"])
        return store.as_json(
            _reasons(
                old,
                new,
                sort["match"],
                self._reform.in_force_on,
                sort["told"],
                not sort["keeps_reasons"],
                accuracy_m=accuracy_m,
                distance_m=distance_m,
                near=near or (),
            )
        )


def _reasons(
    old: Ward,
    new: Ward,
    match: str,
    day: Any,
    told: bool,
    goes_along: bool,
    *,
    accuracy_m: float = 0.0,
    distance_m: float = 0.0,
    near: Any = (),
) -> list[Any]:
    """As at intake (`geo.reports.intake`), with the reform among them where people see one."""
    found = [routing.ward_reason(new.name, new.kind, match, distance_m)]
    if near:
        found.append(routing.ambiguity_reason(accuracy_m, [(w.name, w.kind) for w in near]))
    if told:
        found.append(words.reason(old, day))
    if goes_along and new.organisation_id is not None:
        found.append(routing.committee_reason(new.organisation_vi or "", new.organisation_en or ""))
    return found
