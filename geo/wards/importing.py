"""Importing a ward set: what begins, what ends, in one transaction that the caller commits."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from sqlalchemy import select

from geo.errors import RefusedImport
from geo.store import organisations, wards
from geo.store.area import Bbox
from geo.store.database import AnyRow, AsyncConnection
from geo.store.tables import ward_sets
from geo.wards.features import WardFeature, WardFile
from geo.wards.shapes import LABEL_ZOOM, display_shapes, labels
from geo.wards.versions import Floats, Places, versions

Objects = npt.NDArray[np.object_]

REPLACED_SHARE = 0.5
"""A ward is replaced by a set that covers at least this share of its area."""

SHARED_SHARE = 0.2
"""Two wards in force at once may share less than this of the smaller one: sources of neighbouring
cities never draw their common border alike."""

_NAMED_AT_MOST = 5


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: ids in the file's order, and the older wards that end."""

    set_id: int
    ward_ids: tuple[int, ...]
    ended: tuple[str, ...]
    valid_from: date
    # codes of wards that end again where a later set, known already, begins
    ending_again: Mapping[str, date]

    def as_json(self) -> dict[str, Any]:
        """For `--json`; lists are plurals."""
        return {
            "set_id": self.set_id,
            "valid_from": self.valid_from.isoformat(),
            "wards": len(self.ward_ids),
            "ended": list(self.ended),
            "ending_again": {code: day.isoformat() for code, day in self.ending_again.items()},
        }


async def import_wards(
    conn: AsyncConnection,
    file: WardFile,
    *,
    name: str,
    valid_from: date,
    city: str,
    source_repairs: Mapping[str, Any] | None = None,
    correction: bool = False,
) -> Imported:
    """Write a ward set in force from a day on, with display shapes and committees.

    Older wards at least half covered by the set end that day; a ward of the set ends where a
    later set, known already, begins on at least half of it. Wards elsewhere go on. A `correction`
    is kept as one: its reform leaves the city's other wards as they are.
    Raises `RefusedImport` when the name is taken, when another set begins on the same day in the
    same place, when wards would be in force at once on the same ground, or when a code is in use
    elsewhere at the time. Nothing is written then.
    """
    if not len(file):
        raise RefusedImport(f"{file.source} holds no wards")
    await wards.one_import_at_a_time(conn)
    taken = select(ward_sets.c.id).where(ward_sets.c.name == name)
    if (await conn.execute(taken)).scalar() is not None:
        raise RefusedImport(
            f"there is a ward set named {name} already; give this one another name with --set"
        )
    known, shapes = await wards.touching(conn, Bbox(*shapely.total_bounds(file.polygons).tolist()))
    areas = shapely.area(shapes), shapely.area(file.polygons)
    common = await asyncio.to_thread(_common_areas, shapes, file.polygons)
    ending, until = _timeline(file, valid_from, known, common, areas)
    same = await wards.of_codes(conn, [ward.code for ward in file.wards])
    _refuse_codes_in_use(file, valid_from, until, same, ending)
    if ending:
        await wards.end(conn, sorted(ending), valid_from)
    set_id = await wards.add_set(
        conn,
        name=name,
        city=city,
        source=file.source,
        valid_from=valid_from,
        repairs=dict(source_repairs or {}),
        correction=correction,
    )
    taken_over = versions(file, valid_from, known, common, areas)
    committees = await organisations.ensure_committees(
        conn,
        [
            organisations.Seat(w.code, w.name, w.kind, valid_from, version.organisation_id)
            for w, version in zip(file.wards, taken_over, strict=True)
        ],
    )
    new = [
        wards.NewWard(
            *(w.code, w.name, w.name_en, w.kind, valid_from, until.get(w.code)),
            *(version.same_as, committee, polygon),
        )
        for w, version, committee, polygon in zip(
            file.wards, taken_over, committees, file.polygons, strict=True
        )
    ]
    ids = await wards.add(conn, set_id, new)
    levels = await asyncio.to_thread(display_shapes, file.polygons)
    for max_zoom, drawn in levels.items():
        await wards.add_shapes(conn, ids, max_zoom, drawn)
    placed = await asyncio.to_thread(labels, levels[LABEL_ZOOM])
    await wards.add_labels(conn, ids, placed.points, placed.room_m.tolist())
    await wards.notify(conn)
    ended = tuple(row.code for row in known if row.id in ending)
    return Imported(set_id, tuple(ids), ended, valid_from, until)


def _timeline(
    file: WardFile,
    valid_from: date,
    known: Sequence[AnyRow],
    common_areas: tuple[Places, Places, Floats],
    areas: tuple[Floats, Floats],
) -> tuple[set[int], dict[str, date]]:
    """Ids of known wards that end on the day, and when wards of the file end again."""
    ending: set[int] = set()
    until: dict[str, date] = {}
    if not known:
        return ending, until
    old, new, common = common_areas
    old_area, new_area = areas
    covered_old = np.bincount(old, common, len(known)) / old_area
    same_day = []
    for i in np.flatnonzero(covered_old >= REPLACED_SHARE).tolist():
        row = known[i]
        if row.valid_from == valid_from:
            same_day.append(f"{row.code} {row.name} (set {row.set_name})")
        elif row.valid_from < valid_from and (row.valid_to is None or row.valid_to > valid_from):
            ending.add(row.id)
    if same_day:
        more = f" and {len(same_day) - _NAMED_AT_MOST} more" * (len(same_day) > _NAMED_AT_MOST)
        raise RefusedImport(
            f"on {valid_from} this place gets wards already: "
            f"{'; '.join(same_day[:_NAMED_AT_MOST])}{more}. Choose another --valid-from"
        )
    begins = np.array([row.valid_from for row in known], dtype="datetime64[D]")
    for day in np.unique(begins[begins > np.datetime64(valid_from)]):
        later = begins[old] == day
        share = np.bincount(new[later], common[later], len(new_area)) / new_area
        for j in np.flatnonzero(share >= REPLACED_SHARE).tolist():
            until.setdefault(file.wards[j].code, day.item())
    share = common / np.minimum(old_area[old], new_area[new])
    shared = np.flatnonzero(share >= SHARED_SHARE)
    pairs = [(known[i], file.wards[j]) for i, j in zip(old[shared], new[shared], strict=True)]
    _refuse_shared_ground(pairs, valid_from, ending, until)
    return ending, until


def _refuse_shared_ground(
    pairs: Sequence[tuple[AnyRow, WardFeature]],
    valid_from: date,
    ending: set[int],
    until: Mapping[str, date],
) -> None:
    clashes = [
        f"{ward.code} {ward.name} on {row.code} {row.name} (set {row.set_name})"
        for row, ward in pairs
        if _at_once(
            valid_from,
            until.get(ward.code),
            row.valid_from,
            valid_from if row.id in ending else row.valid_to,
        )
    ]
    if clashes:
        more = f" and {len(clashes) - _NAMED_AT_MOST} more" * (len(clashes) > _NAMED_AT_MOST)
        raise RefusedImport(
            "these wards would be in force at once on the same ground: "
            f"{'; '.join(clashes[:_NAMED_AT_MOST])}{more}. A set replaces the wards that it covers "
            f"by {REPLACED_SHARE:.0%} or more: add the wards that make up the rest of them"
        )


def _at_once(a_from: date, a_to: date | None, b_from: date, b_to: date | None) -> bool:
    """Whether two stretches of days, each without its end, have a day in common."""
    return max(a_from, b_from) < min(a_to or date.max, b_to or date.max)


def _common_areas(a: Objects, b: Objects) -> tuple[Places, Places, Floats]:
    """Pairs that overlap and their common area in square degrees (only ever used as a share)."""
    i, j = shapely.STRtree(b).query(a, predicate="intersects")
    return i, j, np.asarray(shapely.area(shapely.intersection(a[i], b[j])), dtype=np.float64)


def _refuse_codes_in_use(
    file: WardFile,
    valid_from: date,
    until: Mapping[str, date],
    same: Sequence[AnyRow],
    ending: set[int],
) -> None:
    clashes = []
    for row in same:
        old_end = valid_from if row.id in ending else row.valid_to
        if _at_once(valid_from, until.get(row.code), row.valid_from, old_end):
            clashes.append(f"{row.code} is {row.name} (set {row.set_name})")
    if clashes:
        more = f" and {len(clashes) - _NAMED_AT_MOST} more" * (len(clashes) > _NAMED_AT_MOST)
        raise RefusedImport(
            f"codes of {file.source} are in use elsewhere at that time: "
            f"{'; '.join(clashes[:_NAMED_AT_MOST])}{more}. A code names one area on any day; "
            "give these wards codes of their own (--code-field)"
        )
