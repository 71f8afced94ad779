"""What is wrong with ward boundaries, with place and size: what a look-up would stumble on.

Overlaps and gaps are found and measured in a plane of metres: UTM (`geo.crs`), or for sources
wider than a UTM zone (a country) Lambert's azimuthal equal-area projection around their middle.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt
import shapely

from geo.wards.features import Objects, WardFile
from geo.wards.findings import Duplicate, Feature, Findings, Gap, InvalidShape, Overlap
from geo.wards.plane import Plane, made_valid

SLIVER_M = 10.0
"""A gap whose largest inner circle is no wider is a sliver; wider ones may be lakes, enclaves."""

# Less is rounding: a tenth of a square millimetre.
_LEAST_M2 = 1e-7
# Less in degrees is no overlap but the last digit, over kilometres of a common edge.
_BENT_M2 = 1e-4
# A gap's neighbours reach it but for rounding.
_TOUCH_M = 0.001
_PAIRS_AT_ONCE = 500


def check(file: WardFile, done: Callable[[int], None] = lambda n: None) -> Findings:
    """Check a ward source, which is not changed. `done(n)` is told how many wards are through."""
    degrees = made_valid(file.polygons)
    plane = Plane.of(file.polygons)
    flat = plane.flat(degrees)
    areas = np.round(shapely.area(flat), 1).tolist()
    return Findings(
        source=file.source,
        crs=file.crs,
        measured_in=plane.name,
        features=tuple(
            Feature(ward.code, ward.name, ward.kind, area)
            for ward, area in zip(file.wards, areas, strict=True)
        ),
        invalid=_invalid(file),
        overlaps=_overlaps(file, degrees, flat, plane, done),
        gaps=_gaps(file, degrees, flat, plane),
        duplicates=(*_same_codes(file), *_same_shapes(file)),
        notes=file.notes,
    )


def _invalid(file: WardFile) -> tuple[InvalidShape, ...]:
    found = []
    wrong = ~shapely.is_valid(file.polygons) | (shapely.area(file.polygons) == 0)
    for i in np.flatnonzero(wrong).tolist():
        ward, shape = file.wards[i], file.polygons[i]
        # GEOS says "Self-intersection[106.7 10.8]".
        reason, _, place = str(shapely.is_valid_reason(shape)).partition("[")
        numbers = re.findall(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?", place)
        if len(numbers) < 2:
            reason, numbers = "the shape has no area", shapely.get_coordinates(shape)[0].tolist()
        lon, lat = float(numbers[0]), float(numbers[1])
        found.append(InvalidShape(ward.code, ward.name, reason.strip(), lon, lat))
    return tuple(found)


def _overlaps(
    file: WardFile, degrees: Objects, flat: Objects, plane: Plane, done: Callable[[int], None]
) -> tuple[Overlap, ...]:
    a, b = shapely.STRtree(flat).query(flat, predicate="intersects")
    a, b = a[a < b], b[a < b]
    shapely.prepare(flat)
    found: list[tuple[float, shapely.Geometry, int, int]] = []
    for start in range(0, len(a), _PAIRS_AT_ONCE):
        i, j = a[start : start + _PAIRS_AT_ONCE], b[start : start + _PAIRS_AT_ONCE]
        # Most neighbours only touch, which is quicker to see than to cut out.
        crossing = ~shapely.touches(flat[i], flat[j])
        i, j = i[crossing], j[crossing]
        common = shapely.intersection(flat[i], flat[j])
        areas = shapely.area(common)
        big = areas > _LEAST_M2
        kept = zip(areas[big].tolist(), common[big], i[big].tolist(), j[big].tolist(), strict=True)
        found.extend(kept)
        done(int(a[min(start + _PAIRS_AT_ONCE, len(a)) - 1]))
    done(len(file))
    found.sort(key=lambda one: -one[0])
    overlaps = []
    places = _places(_array([one[1] for one in found]), plane)
    for (area, _, i, j), (lon, lat) in zip(found, places, strict=True):
        first, second = sorted((file.wards[i], file.wards[j]), key=lambda ward: ward.code)
        common = shapely.area(shapely.intersection(degrees[i], degrees[j]))
        bent = common / shapely.area(degrees[i]) * shapely.area(flat[i]) < _BENT_M2
        overlaps.append(
            Overlap(
                *(first.code, first.name, second.code, second.name),
                *(_rounded(area), lon, lat, bool(bent)),
            )
        )
    return tuple(overlaps)


def _gaps(file: WardFile, degrees: Objects, flat: Objects, plane: Plane) -> tuple[Gap, ...]:
    holes = enclosed(shapely.union_all(flat))
    if not len(holes):
        return ()
    around: dict[int, list[str]] = defaultdict(list)
    hole, ward = shapely.STRtree(flat).query(holes, predicate="dwithin", distance=_TOUCH_M)
    for k, i in zip(hole.tolist(), ward.tolist(), strict=True):
        around[k].append(file.wards[i].code)
    places = _places(holes, plane)
    covered = set(shapely.STRtree(degrees).query(shapely.points(places), "intersects")[0].tolist())
    found = []
    for k, (shape, (lon, lat)) in enumerate(zip(holes, places, strict=True)):
        width = width_m(shape)
        found.append(
            Gap(
                area_m2=_rounded(shapely.area(shape)),
                width_m=_rounded(width),
                lon=lon,
                lat=lat,
                codes=tuple(sorted(around[k])),
                sliver=width <= SLIVER_M,
                bent=k in covered,
            )
        )
    return tuple(found)


def enclosed(union: shapely.Geometry) -> Objects:
    """Ground that the union of all wards encloses and does not cover, the largest first."""
    # Not its interior rings: where wards meet in mere points, these enclose ground between them
    # without making one ring. Nodes first, since rings may touch in the middle of a line.
    lines = shapely.union_all(shapely.boundary(union))
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    shapely.prepare(union)
    holes = faces[~shapely.contains_properly(union, shapely.point_on_surface(faces))]
    return holes[np.argsort(-shapely.area(holes), kind="stable")]


def width_m(shape: shapely.Polygon | shapely.MultiPolygon) -> float:
    """Diameter of the largest circle inside, to about a percent (a millimetre when tiny)."""
    tolerance = max(0.001, float(np.sqrt(shapely.area(shape))) / 200.0)
    return 2.0 * float(shapely.length(shapely.maximum_inscribed_circle(shape, tolerance)))


def _same_codes(file: WardFile) -> list[Duplicate]:
    return _same(file, "code", [ward.code for ward in file.wards])


def _same_shapes(file: WardFile) -> list[Duplicate]:
    return _same(file, "shape", shapely.to_wkb(shapely.normalize(file.polygons)).tolist())


def _same(file: WardFile, what: str, values: Iterable[str | bytes]) -> list[Duplicate]:
    by_value: dict[str | bytes, list[int]] = defaultdict(list)
    for i, value in enumerate(values):
        by_value[value].append(i)
    return [
        Duplicate(
            what,
            tuple(file.wards[i].code for i in same),
            tuple(file.wards[i].name for i in same),
            tuple(file.wards[i].place for i in same),
        )
        for same in by_value.values()
        if len(same) > 1
    ]


def _places(shapes: Objects, plane: Plane) -> list[tuple[float, float]]:
    """A point inside the largest polygon of each shape, lon and lat degrees."""
    if not len(shapes):
        return []
    parts, owner = shapely.get_parts(shapes, return_index=True)
    order = np.lexsort((-shapely.area(parts), owner))
    first = order[np.r_[True, np.diff(owner[order]) != 0]]
    inside = shapely.get_coordinates(shapely.point_on_surface(parts[first]))
    return [(lon, lat) for lon, lat in np.round(plane.degrees(inside), 9).tolist()]


def _rounded(value: float | npt.NDArray[np.float64]) -> float:
    """To the hundredth, and what is smaller to two digits: no overlap is shown as 0."""
    value = float(value)
    return round(value, 2) if value >= 0.1 else float(f"{value:.2g}")


def _array(shapes: list[shapely.Geometry]) -> Objects:
    made = np.empty(len(shapes), dtype=object)
    made[:] = shapes
    return made
