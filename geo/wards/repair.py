"""Ward boundaries mended into a coverage: every place in one ward, neighbours sharing vertices.

Three rules, in this order, so that the same source always gives the same answer:

1. An invalid shape keeps its polygons (`make_valid`).
2. Ground that two wards claim goes to the smaller of them, which would lose the larger share.
3. A gap up to `check.SLIVER_M` wide goes to the ward with the longest border on it. Wider gaps
   may be lakes or enclaves: they stay, and are told.

It works in degrees, so that vertices that need no mending keep their very coordinates.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import shapely
from shapely import coverage_clean  # type: ignore[attr-defined]  # newer than the stubs

from geo.errors import RefusedImport
from geo.wards.check import SLIVER_M, check, enclosed, width_m
from geo.wards.features import Objects, WardFile
from geo.wards.findings import Findings, Gap, counted
from geo.wards.plane import Plane, made_valid

MOST_LOST: Final = 0.5
"""A ward that loses a larger share of its area gets a warning of its own."""

# Moved area below this is the noise of measuring.
_LEAST_MOVED_M2 = 1e-3
# Filling one sliver can leave a thinner one beside it; in practice one round is enough.
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Moved:
    """What one ward gave up and got, in m² and as a share of its area before."""

    code: str
    name: str
    lost_m2: float
    gained_m2: float
    lost_share: float


@dataclass(frozen=True, slots=True)
class Filled:
    """A gap that was given to a ward (the thinnest close already where vertices snap)."""

    code: str
    area_m2: float
    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class Repairs:
    """What repair changed, counted as the check found it; areas in m².

    `mended` are the codes of shapes made valid, `left` the gaps that are wide enough to be meant.
    """

    mended: tuple[str, ...]
    overlaps_resolved: int
    overlaps_m2: float
    gaps_closed: int
    gaps_m2: float
    filled: tuple[Filled, ...]
    moved: tuple[Moved, ...]
    left: tuple[Gap, ...]
    warnings: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """For the ward set's record and for `--json`."""
        return asdict(self)

    def lines(self) -> list[str]:
        """The same in sentences."""
        said = []
        if self.mended:
            said.append(f"{counted(len(self.mended), 'invalid shape')} made valid")
        if self.overlaps_resolved:
            overlaps = counted(self.overlaps_resolved, "overlap")
            said.append(f"{overlaps} resolved ({self.overlaps_m2:,.2f} m²)")
        if self.gaps_closed:
            said.append(f"{counted(self.gaps_closed, 'gap')} closed ({self.gaps_m2:,.2f} m²)")
        said.append(f"the ground of {counted(len(self.moved), 'ward')} changed")
        most = max(self.moved, key=lambda ward: ward.lost_share, default=None)
        if most and most.lost_share:
            said[-1] += (
                f"; most lost {most.code} {most.name}: {most.lost_m2:,.2f} m², "
                f"{most.lost_share:.2%} of it"
            )
        if self.left:
            places = ", ".join(f"{gap.lon:.5f},{gap.lat:.5f}" for gap in self.left[:5])
            said.append(
                f"{counted(len(self.left), 'gap')} wider than {SLIVER_M:g} m left, at {places}"
            )
        return [*said, *(f"warning: {warning}" for warning in self.warnings)]


def repair(file: WardFile, found: Findings | None = None) -> tuple[WardFile, Repairs]:
    """A mended copy of the file and what changed; `found` is its check, if there is one already.

    The result has been checked again. Raises `RefusedImport` when a ward would have nothing left
    (it lies wholly in others, or has no area) or when codes are double.
    """
    found = found or check(file)
    _refuse_codes(found)
    valid = made_valid(file.polygons)
    _refuse_empty(file, valid, "has no area")
    plane = Plane.of(file.polygons)
    shapes = valid
    filled: list[Filled] = []
    for _ in range(_ROUNDS):
        shapes = np.asarray(coverage_clean(shapes, merge_strategy="min_area"), dtype=object)
        _refuse_empty(file, shapes, "lies wholly in other wards and would have nothing left")
        shapes = _fill(file, shapes, plane, filled)
        mended = file.with_polygons(shapes)
        after = check(mended)
        if not after.defects and shapely.coverage_is_valid(shapes):
            break
    else:
        said = "\n".join(after.defect_lines())
        raise RefusedImport(f"{file.source} could not be repaired; what is left:\n{said}")
    moved = _moved(file, found, valid, shapes, plane)
    slivers = [gap for gap in found.gaps if gap.sliver]
    return mended, Repairs(
        mended=tuple(one.code for one in found.invalid),
        overlaps_resolved=len(found.overlaps),
        overlaps_m2=round(sum(overlap.area_m2 for overlap in found.overlaps), 2),
        gaps_closed=len(slivers),
        gaps_m2=round(sum(gap.area_m2 for gap in slivers), 2),
        filled=tuple(filled),
        moved=moved,
        left=after.gaps,
        warnings=tuple(
            f"{ward.code} {ward.name} loses {ward.lost_share:.0%} of its area "
            f"({ward.lost_m2:,.0f} m²) to smaller wards that claim it too; is the source right?"
            for ward in moved
            if ward.lost_share > MOST_LOST
        ),
    )


def _fill(file: WardFile, shapes: Objects, plane: Plane, filled: list[Filled]) -> Objects:
    """The coverage with its slivers given to the neighbours; `filled` grows."""
    holes = enclosed(shapely.coverage_union_all(shapes))
    if not len(holes):
        return shapes
    flat = plane.flat(holes)
    slivers = [k for k in range(len(holes)) if width_m(flat[k]) <= SLIVER_M]
    tree = shapely.STRtree(shapes)
    given: dict[int, list[shapely.Geometry]] = {}
    for k in slivers:
        near = np.sort(tree.query(holes[k], predicate="intersects"))
        # In a coverage borders are the same lines, so that their length in common is exact.
        common = shapely.intersection(shapely.boundary(holes[k]), shapely.boundary(shapes[near]))
        ward = int(near[np.argmax(shapely.length(common))])
        given.setdefault(ward, []).append(holes[k])
        at = shapely.point_on_surface(holes[k])
        area = round(float(shapely.area(flat[k])), 3)
        filled.append(Filled(file.wards[ward].code, area, round(at.x, 7), round(at.y, 7)))
    shapes = shapes.copy()
    for ward, gaps in given.items():
        shapes[ward] = shapely.coverage_union_all([shapes[ward], *gaps])
    return shapes


def _moved(
    file: WardFile, found: Findings, before: Objects, after: Objects, plane: Plane
) -> tuple[Moved, ...]:
    """The wards whose ground changed, those that lost the largest share first.

    Shares are measured in degrees: in the plane, edges that merely got a vertex more would bend
    and look moved.
    """
    was = shapely.area(before)
    change = shapely.area(after) - was
    lost, gained = np.maximum(-change, 0.0), np.maximum(change, 0.0)
    # Most wards are what they were. Only where something was wrong can as much have come as gone.
    wrong = {code for one in found.overlaps for code in (one.code_a, one.code_b)}
    wrong |= {code for gap in found.gaps for code in gap.codes}
    wrong |= {one.code for one in found.invalid}
    i = np.flatnonzero([ward.code in wrong for ward in file.wards])
    lost[i] = shapely.area(shapely.difference(before[i], after[i]))
    gained[i] = shapely.area(shapely.difference(after[i], before[i]))
    area = shapely.area(plane.flat(before))
    lost, gained = lost / was * area, gained / was * area
    changed = np.flatnonzero((lost > _LEAST_MOVED_M2) | (gained > _LEAST_MOVED_M2))
    order = changed[np.argsort(-(lost / area)[changed], kind="stable")]
    return tuple(
        Moved(
            file.wards[i].code,
            file.wards[i].name,
            round(float(lost[i]), 2),
            round(float(gained[i]), 2),
            round(float(lost[i] / area[i]), 6),
        )
        for i in order.tolist()
    )


def _refuse_codes(found: Findings) -> None:
    codes = [one.codes[0] for one in found.duplicates if one.what == "code"]
    if codes:
        raise RefusedImport(
            f"{found.source} has the same code more than once: {', '.join(codes[:10])}. Repair "
            "cannot tell which ward is meant; give each its own code"
        )


def _refuse_empty(file: WardFile, shapes: Objects, why: str) -> None:
    empty = np.flatnonzero(shapely.is_empty(shapes)).tolist()
    if empty:
        said = "; ".join(f"{file.wards[i].code} {file.wards[i].name}" for i in empty[:10])
        raise RefusedImport(
            f"{file.source} cannot be repaired: {said} {why} (the same shape under two codes?). "
            "Take it out of the source, or give it its own shape"
        )
