"""What one ward file holds, as a reader found it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS

from geo.errors import RefusedImport, UnreadableFile

Objects = npt.NDArray[np.object_]

# More features than this are not wards (all of Vietnam has 3,321).
MOST_WARDS = 100_000
_POLYGON_TYPES = (3, 6)
_COLLECTION = 7


@dataclass(frozen=True)
class Layer:
    """What one file holds, as read: columns and shapes of one length, CRS None where unsaid."""

    columns: dict[str, Objects]
    shapes: Objects
    crs: CRS | None


def shapes_of(wkb: Sequence[bytes | None] | Objects, name: str) -> Objects:
    """Shapes (n,) from WKB, None where there is none; raises `UnreadableFile` on nonsense."""
    shapes: Objects = shapely.from_wkb(np.asarray(wkb, dtype=object), on_invalid="fix")
    shapes = shapely.force_2d(shapes)
    for i in np.flatnonzero(shapely.is_missing(shapes)):
        if wkb[i] is not None:
            raise UnreadableFile(
                f"{name}, feature {i + 1}: its shape cannot be made sense of (a ring with too "
                "few points?); mend it at its source"
            )
    return shapes


def polygons(shapes: Objects, name: str) -> tuple[Objects, list[str]]:
    """The polygons of each shape; raises `RefusedImport` where a feature has none."""
    kinds = shapely.get_type_id(shapes)
    shapes = shapes.copy()
    notes: list[str] = []
    mixed = np.flatnonzero(kinds == _COLLECTION)
    for i in mixed:
        inner = shapely.get_parts(shapes[i])
        flat = [p for p in shapely.get_parts(inner) if p.geom_type == "Polygon"]
        if flat:
            shapes[i] = shapely.multipolygons(flat)
    if len(mixed):
        notes.append(f"{len(mixed)} collections of shapes: their lines and points were left out")
    bad = ~np.isin(shapely.get_type_id(shapes), _POLYGON_TYPES) | shapely.is_empty(shapes)
    if bad.all():
        have = sorted({_kind_name(shape) for shape in shapes})
        raise RefusedImport(
            f"{name} holds no polygons ({len(shapes)} features: {', '.join(have)}); wards are "
            "polygons, so give their boundary file"
        )
    if bad.any():
        where = np.flatnonzero(bad)
        said = ", ".join(f"feature {i + 1} is {_kind_name(shapes[i])}" for i in where[:5])
        raise RefusedImport(
            f"{name}: {len(where)} of {len(shapes)} features are no polygons ({said}); take them "
            "out, or mend them at their source"
        )
    return shapes, notes


def _kind_name(shape: Any) -> str:
    return "without shape" if shape is None or shape.is_empty else f"a {shape.geom_type}"
