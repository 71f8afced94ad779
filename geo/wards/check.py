"""What is wrong with a ward source, with place and size: defects that a look-up would stumble on.

Overlaps and gaps are found in the plane they are measured in (`geo.wards.plane`).
"""

import re
from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from geo.store.organisations import ward_names
from geo.wards.features import WardFile
from geo.wards.plane import Plane

Objects = npt.NDArray[np.object_]
Ints = npt.NDArray[np.int64]

MOST_GAP_M = 10.0
"""A gap no wider (its largest inner circle) is a sliver between wards; wider ones may be real."""

# Smaller ones are rounding: a tenth of a square millimetre.
_LEAST_M2 = 1e-7
# A gap's neighbours reach it but for rounding.
_TOUCH_M = 0.001


@dataclass(frozen=True)
class Feature:
    """A ward of the source; `place` is file and feature, `area_m2` of its mended shape."""

    code: str
    name: str
    name_en: str | None
    kind: str
    vertices: int
    area_m2: float
    place: str


@dataclass(frozen=True)
class InvalidShape:
    """A ward whose polygon is invalid: why and where."""

    code: str
    name: str
    reason: str
    lon: float | None
    lat: float | None


@dataclass(frozen=True)
class Overlap:
    """Two wards that share ground: how much, and a place in its largest part."""

    a: str
    a_name: str
    b: str
    b_name: str
    area_m2: float
    lon: float
    lat: float


@dataclass(frozen=True)
class Gap:
    """Ground enclosed by wards that is in none; `sliver`: too narrow to be real."""

    area_m2: float
    width_m: float
    sliver: bool
    lon: float
    lat: float
    touching: tuple[str, ...]
    touching_names: tuple[str, ...]


@dataclass(frozen=True)
class Duplicate:
    """A code that several wards have."""

    code: str
    names: tuple[str, ...]
    places: tuple[str, ...]


@dataclass(frozen=True)
class Missing:
    """A ward without code or name."""

    what: str
    place: str


@dataclass(frozen=True)
class NotNfc:
    """A name that the source has in another Unicode form than NFC; it is kept in NFC."""

    code: str
    name: str


@dataclass(frozen=True)
class Check:
    """All that was found; areas in square metres, measured in the plane `measured_in`."""

    source: str
    crs: str
    measured_in: str
    fields: dict[str, str | None]
    features: tuple[Feature, ...]
    invalid: tuple[InvalidShape, ...]
    overlaps: tuple[Overlap, ...]
    gaps: tuple[Gap, ...]
    duplicates: tuple[Duplicate, ...]
    missing: tuple[Missing, ...]
    not_nfc: tuple[NotNfc, ...]
    notes: tuple[str, ...]

    @property
    def slivers(self) -> tuple[Gap, ...]:
        """The gaps that are too narrow to be real."""
        return tuple(gap for gap in self.gaps if gap.sliver)

    @property
    def repairable(self) -> bool:
        """Whether something is wrong that repair mends."""
        return bool(self.invalid or self.overlaps or self.slivers)

    @property
    def unusable(self) -> bool:
        """Whether something is wrong that only the source can mend."""
        return bool(self.duplicates or self.missing)

    def as_json(self) -> dict[str, Any]:
        """One JSON object; lists are plurals."""
        return {**asdict(self), "ok": not (self.repairable or self.unusable)}


def check(file: WardFile) -> Check:
    """Check a ward source. It is not changed."""
    plane = Plane.of(file.polygons)
    flat = plane.flat(file.polygons)
    return Check(
        source=file.source,
        crs=file.crs,
        measured_in=plane.name,
        fields=dict(file.fields),
        features=_features(file, flat),
        invalid=_invalid(file),
        overlaps=_overlaps(file, flat, plane),
        gaps=_gaps(file, flat, plane),
        duplicates=_duplicates(file),
        missing=tuple(
            Missing(what, ward.place)
            for ward in file.wards
            for what in ("code", "name")
            if not getattr(ward, what)
        ),
        not_nfc=tuple(NotNfc(file.wards[i].code, file.wards[i].name) for i in file.not_nfc),
        notes=file.notes,
    )


def _shown(file: WardFile, i: int) -> str:
    said, _ = ward_names(file.wards[i].name, file.wards[i].kind)
    return said[:1].upper() + said[1:]


def _features(file: WardFile, flat: Objects) -> tuple[Feature, ...]:
    counts = shapely.get_num_coordinates(file.polygons).tolist()
    areas = shapely.area(flat).tolist()
    return tuple(
        Feature(w.code, w.name, w.name_en, w.kind, count, round(area, 1), w.place)
        for w, count, area in zip(file.wards, counts, areas, strict=True)
    )


def _invalid(file: WardFile) -> tuple[InvalidShape, ...]:
    found = []
    for i in np.flatnonzero(~shapely.is_valid(file.polygons)).tolist():
        # GEOS says "Self-intersection[106.7 10.8]".
        said = str(shapely.is_valid_reason(file.polygons[i]))
        reason, _, place = said.partition("[")
        numbers = [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", place)][:2]
        lon, lat = numbers if len(numbers) == 2 else (None, None)
        found.append(InvalidShape(file.wards[i].code, _shown(file, i), reason.strip(), lon, lat))
    return tuple(found)


def _overlaps(file: WardFile, flat: Objects, plane: Plane) -> tuple[Overlap, ...]:
    a, b = shapely.STRtree(flat).query(flat, predicate="intersects")
    once = a < b
    a, b = a[once], b[once]
    common = shapely.intersection(flat[a], flat[b])
    areas = shapely.area(common)
    found = np.flatnonzero(areas > _LEAST_M2)
    found = found[np.argsort(-areas[found], kind="stable")]
    places = _places(common[found], plane)
    pairs = []
    for k, (lon, lat) in zip(found.tolist(), places, strict=True):
        i, j = sorted((int(a[k]), int(b[k])), key=lambda n: file.wards[n].code)
        pairs.append(
            Overlap(
                *(file.wards[i].code, _shown(file, i), file.wards[j].code, _shown(file, j)),
                *(_rounded(areas[k]), lon, lat),
            )
        )
    return tuple(pairs)


def _gaps(file: WardFile, flat: Objects, plane: Plane) -> tuple[Gap, ...]:
    holes, areas = enclosed(flat)
    neighbours: dict[int, list[int]] = defaultdict(list)
    hole, ward = shapely.STRtree(flat).query(holes, predicate="dwithin", distance=_TOUCH_M)
    for k, i in zip(hole.tolist(), ward.tolist(), strict=True):
        neighbours[k].append(i)
    found = []
    for k, (lon, lat) in enumerate(_places(holes, plane)):
        by_code = sorted(neighbours[k], key=lambda n: file.wards[n].code)
        width = width_m(holes[k])
        found.append(
            Gap(
                area_m2=_rounded(areas[k]),
                width_m=_rounded(width),
                sliver=width <= MOST_GAP_M,
                lon=lon,
                lat=lat,
                touching=tuple(file.wards[i].code for i in by_code),
                touching_names=tuple(_shown(file, i) for i in by_code),
            )
        )
    return tuple(found)


def enclosed(flat: Objects) -> tuple[Objects, npt.NDArray[np.float64]]:
    """Ground that wards enclose and none covers, and its areas; the largest first."""
    ground = shapely.union_all(flat)
    parts = shapely.get_parts(ground)
    parts = parts[shapely.get_type_id(parts) == 3]
    rings = [ring for part in parts for ring in part.interiors]
    holes = np.array([shapely.Polygon(ring) for ring in rings], dtype=object)
    if not len(holes):
        return holes, np.zeros(0)
    # Wards may lie inside a hole: an island ward in a lake.
    k, part = shapely.STRtree(parts).query(holes, predicate="contains_properly")
    for i in np.unique(k).tolist():
        holes[i] = shapely.difference(holes[i], shapely.union_all(parts[part[k == i]]))
    areas = shapely.area(holes)
    order = np.argsort(-areas, kind="stable")
    order = order[areas[order] > _LEAST_M2]
    return holes[order], areas[order]


def width_m(shape: Any) -> float:
    """Diameter of the largest circle inside, to about a percent (a millimetre when tiny)."""
    tolerance = max(0.001, float(np.sqrt(shape.area)) / 200.0)
    return 2.0 * float(shapely.maximum_inscribed_circle(shape, tolerance=tolerance).length)


def _duplicates(file: WardFile) -> tuple[Duplicate, ...]:
    by_code: dict[str, list[int]] = defaultdict(list)
    for i, ward in enumerate(file.wards):
        if ward.code:
            by_code[ward.code].append(i)
    return tuple(
        Duplicate(
            code,
            tuple(_shown(file, i) for i in positions),
            tuple(file.wards[i].place for i in positions),
        )
        for code, positions in sorted(by_code.items())
        if len(positions) > 1
    )


def _places(shapes: Objects, plane: Plane) -> list[tuple[float, float]]:
    """A point inside the largest polygon of each shape, lon and lat to a centimetre."""
    if not len(shapes):
        return []
    parts, owner = shapely.get_parts(shapes, return_index=True)
    areas = shapely.area(parts)
    order = np.lexsort((-areas, owner))
    first = order[np.r_[True, np.diff(owner[order]) != 0]]
    inside = shapely.get_coordinates(shapely.point_on_surface(parts[first]))
    return [(round(lon, 7), round(lat, 7)) for lon, lat in plane.degrees(inside).tolist()]


def _rounded(value: float) -> float:
    """To the hundredth, and what is smaller to two digits: no overlap is shown as 0."""
    return round(float(value), 2) if value >= 0.01 else float(f"{value:.2g}")
