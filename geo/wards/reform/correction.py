"""A survey's new polygons of wards in force, completed with the neighbours that follow.

1. A vertex within `SETTLED_DEG` of one that is known is that one: files round.
2. Ground that a corrected ward gains is taken from the other wards of its city in force that day.
3. Ground that it gives up is cut at the places where on the old border one neighbour follows
   another, straight to the new border; each piece goes to the neighbour with the longest border on
   it. Where the city's edge is longer, nobody gets it. Between two corrected wards a sliver
   (`check.SLIVER_M`) goes to the other one; elsewhere corrected wards stay as they were drawn.

It works in degrees, as `geo.wards.repair` does; wards of other cities are as the outside.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import shapely
from shapely import coverage_clean  # type: ignore[attr-defined]  # newer than the stubs

from geo.errors import RefusedImport
from geo.store import wards as store
from geo.store.database import AnyRow, AsyncConnection
from geo.wards.check import check
from geo.wards.features import Objects, WardFeature, WardFile
from geo.wards.plane import Floats, Plane, made_valid, moved
from geo.wards.reform.corrected import Corrected, Correction
from geo.wards.reform.given_up import NOBODY, SETTLED_DEG, given_up
from geo.wards.versions import SAME_SHARE

# As `geo.wards.check` counts: less is no overlap but the last digit.
_LEAST_M2 = 1e-4


async def completed(
    conn: AsyncConnection, file: WardFile, day: date, city: str | None = None
) -> tuple[WardFile, Correction]:
    """`complete` with the wards in force on a day, all or a city's; no other import comes between.

    The file has been checked: its wards do not overlap.
    """
    await store.one_import_at_a_time(conn)
    rows, polygons = await store.every(conn)
    known = [
        i
        for i, row in enumerate(rows)
        if row.valid_from <= day
        and (row.valid_to is None or day < row.valid_to)
        and city in (None, row.city)
    ]
    return await asyncio.to_thread(
        complete, file, [rows[i] for i in known], polygons[known], str(day)
    )


def complete(
    file: WardFile, rows: Sequence[AnyRow], polygons: Objects, day: str
) -> tuple[WardFile, Correction]:
    """The file's wards and the neighbours that change with them, and what changes.

    `rows` and `polygons` are the wards in force (`code`, `name`, `name_en`, `kind`, `city`). What
    the file does not tell of a ward is taken from there. Raises `RefusedImport` for codes not in
    force, for wards of several cities, when a ward would have less than `SAME_SHARE` of its joint
    ground with what it was, and when wards would overlap or ground inside the city be nobody's.
    """
    at = _known(file, rows, day)
    (city,) = {rows[i].city for i in at}
    here = np.flatnonzero([row.city == city for row in rows])
    others = np.setdiff1d(here, at)
    new = made_valid(_settled(file.polygons, polygons[here]))
    ground = shapely.union_all(new)
    shapely.prepare(ground)
    plane = Plane.of(np.concatenate([polygons[at], new]))
    touched = shapely.union_all([*polygons[at], *new])
    near = others[np.sort(shapely.STRtree(polygons[others]).query(touched, "intersects"))]
    faces, owner = given_up(polygons[at], new, polygons[near], plane)
    was = np.concatenate([polygons[at], polygons[near]])
    kept = np.concatenate([new, shapely.difference(polygons[near], ground)])
    # All of it together, so that what is one line is one line to the last digit.
    clean = coverage_clean(np.concatenate([kept, faces]))
    parts = [[piece] for piece in clean[: len(kept)]]
    for face, ward in zip(clean[len(kept) :], owner.tolist(), strict=True):
        if ward != NOBODY:
            parts[ward].append(face)
    given = owner != NOBODY
    got = np.zeros(len(kept))
    np.add.at(got, owner[given], shapely.area(faces[given]))
    told = [rows[i] for i in (*at, *near.tolist())]
    before_m2 = np.asarray(shapely.area(moved(was, plane.to_plane)))
    changes = _changes(told, was, kept, got, before_m2)
    m2 = float(before_m2.sum() / shapely.area(was).sum())
    _refuse_reform(file.source, changes)
    n = len(at)
    follow = [k for k in range(n, len(told)) if changes[k].moved_m2 > _LEAST_M2]
    whole = np.empty(n + len(follow), dtype=object)
    whole[:] = [_polygons(shapely.coverage_union_all(parts[k])) for k in (*range(n), *follow)]
    result = replace(
        file,
        wards=(
            *(_named(ward, rows[i]) for ward, i in zip(file.wards, at, strict=True)),
            *(_feature(told[k]) for k in follow),
        ),
        polygons=whole,
    )
    _refuse_defects(result, rows, polygons, here.tolist())
    outside = shapely.difference(ground, shapely.union_all(was))
    return result, Correction(
        city=city,
        corrected=tuple(changes[:n]),
        neighbours=tuple(changes[k] for k in follow),
        to_nobody_m2=round(m2 * float(shapely.area(faces[~given]).sum()), 2),
        from_nobody_m2=round(m2 * shapely.area(outside), 2),
    )


def _known(file: WardFile, rows: Sequence[AnyRow], day: str) -> list[int]:
    """Where the file's wards are among those in force."""
    place = {row.code: i for i, row in enumerate(rows)}
    unknown = [f"{w.code} {w.name}".strip() for w in file.wards if w.code not in place]
    if unknown:
        raise RefusedImport(
            f"{file.source} corrects wards that are not in force on {day}: {', '.join(unknown)}. "
            "A correction holds new polygons of wards in force, under their codes: mend the codes "
            "(--code-field), take these wards out, or import a reform without --correction"
        )
    at = [place[ward.code] for ward in file.wards]
    cities = sorted({rows[i].city for i in at})
    if len(cities) > 1:
        raise RefusedImport(
            f"{file.source} corrects wards of {' and '.join(cities)}: a ward set is of one city; "
            "correct each by itself"
        )
    return at


def _settled(polygons: Objects, known: Objects) -> Objects:
    """The polygons with vertices put on known ones that are as good as there."""
    xy = shapely.get_coordinates(polygons)
    near = shapely.get_coordinates(known)
    tree = shapely.STRtree(_points(near))
    which, there = tree.query_nearest(_points(xy), max_distance=SETTLED_DEG, all_matches=False)
    settled = xy.copy()
    settled[which] = near[there]
    # Rings stay closed: their first and last vertex find the same place.
    return np.asarray(shapely.set_coordinates(polygons.copy(), settled), dtype=object)


def _points(xy: Floats) -> Objects:
    return np.asarray(shapely.points(xy), dtype=object)


def _polygons(shape: shapely.Geometry) -> shapely.MultiPolygon:
    parts = shapely.get_parts(shape)
    return shapely.MultiPolygon(parts[shapely.get_type_id(parts) == 3].tolist())


def _changes(
    rows: Sequence[AnyRow], was: Objects, kept: Objects, got: Floats, before: Floats
) -> list[Corrected]:
    """What each ward loses and gains, m²; `got` (square degrees) is given to it beside what is
    drawn, `before` are m².

    Shares are measured in degrees: in the plane an edge that got a vertex more would look moved.
    """
    m2 = before / shapely.area(was)
    lost = m2 * shapely.area(shapely.difference(was, kept))
    gained = m2 * (shapely.area(shapely.difference(kept, was)) + got)
    return [
        Corrected(
            code=row.code,
            name=row.name,
            before_m2=round(float(before[k]), 2),
            gained_m2=round(float(gained[k]), 4),
            lost_m2=round(float(lost[k]), 4),
            common_share=round(float((before[k] - lost[k]) / (before[k] + gained[k])), 6),
        )
        for k, row in enumerate(rows)
    ]


def _refuse_reform(source: str, changes: Sequence[Corrected]) -> None:
    far = [one for one in changes if one.common_share < SAME_SHARE]
    if far:
        said = "; ".join(f"{o.code} {o.name} ({o.common_share:.0%} is common)" for o in far)
        raise RefusedImport(
            f"{source} is no correction but a reform: of the ground these wards have before or "
            f"after, less than {SAME_SHARE:.0%} is common: {said}. Are the codes right? Import a "
            "reform as a whole set, without --correction"
        )


def _refuse_defects(
    result: WardFile, rows: Sequence[AnyRow], polygons: Objects, here: list[int]
) -> None:
    """Refuse what leaves more overlaps or gaps than there were."""
    codes = {ward.code for ward in result.wards}
    box = shapely.box(*shapely.total_bounds(result.polygons))
    around = [i for i in here if shapely.intersects(polygons[i], box)]
    stay = _file(rows, polygons, [i for i in around if rows[i].code not in codes])
    before = check(_file(rows, polygons, around))
    after = check(
        replace(
            result,
            wards=(*result.wards, *stay.wards),
            polygons=np.concatenate([result.polygons, stay.polygons]),
        )
    )
    had, has = (sum(not gap.bent for gap in found.gaps) for found in (before, after))
    if after.mendable > before.mendable or has > had:
        said = "\n".join(f"  {line}" for line in after.defect_lines())
        raise RefusedImport(
            f"{result.source} would leave ground that two wards have or none:\n{said}\n"
            "Draw the corrected wards so that they meet, or add the wards around to the file"
        )


def _file(rows: Sequence[AnyRow], polygons: Objects, places: list[int]) -> WardFile:
    return WardFile("in force", tuple(_feature(rows[i]) for i in places), polygons[places])


def _feature(row: AnyRow) -> WardFeature:
    return WardFeature(row.code, row.name, row.name_en, row.kind, "in force")


def _named(ward: WardFeature, row: AnyRow) -> WardFeature:
    return replace(
        ward,
        name=ward.name or row.name,
        name_en=ward.name_en or row.name_en,
        kind=row.kind if ward.kind == "other" else ward.kind,
    )
