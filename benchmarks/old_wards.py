"""Wards as they may have been before the reform of 2025, drawn from the shares of its mapping.

Nobody has the old polygons, but which old unit went to which new wards, and how much of it, is
known. Each new ward is cut by meridians into strips, one for each old unit that gave to it; an old
unit is the union of its strips. So the old units make up the same ground without gaps, and their
shares are the mapping's where it tells any.
"""

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely

from geo.wards.features import WardFeature, WardFile

# What the annex of the decree would call the kinds, by the first word of the name.
_KINDS = {"Phường": "ward", "Xã": "commune", "Thị trấn": "town", "Đặc khu": "special_zone"}
_HALVINGS = 30


@dataclass(frozen=True)
class Part:
    """An old unit's part in a new ward; `share` is of the old unit's area, None where not told."""

    old_code: str
    old_name: str
    new_code: str
    share: float | None


def parts(mapping: Path) -> list[Part]:
    """The lines of `hcmc_ward_mapping_2025.csv`; a unit without a code gets one made up."""
    with mapping.open(encoding="utf-8-sig", newline="") as file:
        return [
            Part(
                row["legacy_code"] or f"x-{row['new_code']}",
                row["legacy_name"],
                row["new_code"],
                float(row["area_share_in_new"]) if row["area_share_in_new"] else None,
            )
            for row in csv.DictReader(file)
        ]


def old_wards(new: WardFile, told: Sequence[Part]) -> WardFile:
    """The old wards under the new ones, by code."""
    shape_of = {w.code: p for w, p in zip(new.wards, new.polygons, strict=True)}
    here = [part for part in told if part.new_code in shape_of]
    of_new: dict[str, list[Part]] = defaultdict(list)
    for part in here:
        of_new[part.new_code].append(part)
    strips: dict[str, list[shapely.Geometry]] = defaultdict(list)
    names = {part.old_code: part.old_name for part in here}
    for code, own in of_new.items():
        weights = _weights(own, of_new, shape_of)
        for part, strip in zip(own, _strips(shape_of[code], weights), strict=True):
            strips[part.old_code].append(strip)
    codes = sorted(strips)
    polygons = np.empty(len(codes), dtype=object)
    polygons[:] = [_polygons(shapely.union_all(strips[code])) for code in codes]
    wards = tuple(_ward(code, names[code]) for code in codes)
    return WardFile("old wards", wards, polygons, crs="EPSG:4326")


def _weights(
    own: Sequence[Part], of_new: dict[str, list[Part]], shape_of: dict[str, shapely.Geometry]
) -> list[float]:
    """The parts' shares of a new ward: split units as their shares say, the others alike."""
    area = shape_of[own[0].new_code].area
    # A split unit's whole area: so small that all its parts fit where they go.
    split = [part.share is not None and part.share < 0.98 for part in own]
    sizes = [
        _size(part.old_code, of_new, shape_of) * (part.share or 0.0) / area if cut else 0.0
        for part, cut in zip(own, split, strict=True)
    ]
    rest = (1.0 - sum(sizes)) / max(1, len(own) - sum(split))
    weights = [size if cut else rest for size, cut in zip(sizes, split, strict=True)]
    total = sum(weights)
    return [weight / total for weight in weights]


def _size(
    old_code: str, of_new: dict[str, list[Part]], shape_of: dict[str, shapely.Geometry]
) -> float:
    """Area of a split unit: half of what its parts' fair places in their new wards allow."""
    return 0.5 * min(
        shape_of[code].area / len(own) / max(part.share, 0.02)
        for code, own in of_new.items()
        for part in own
        if part.old_code == old_code and part.share is not None
    )


def _strips(shape: shapely.Geometry, weights: Sequence[float]) -> list[shapely.Geometry]:
    """A polygon cut by meridians into parts of these shares of its area, from west to east."""
    west, south, east, north = shape.bounds
    found, left = [], west
    for k in range(len(weights)):
        right = east if k == len(weights) - 1 else _meridian(shape, sum(weights[: k + 1]))
        box = shapely.box(left, south - 1, right, north + 1)
        found.append(shapely.intersection(shape, box))
        left = right
    return found


def _meridian(shape: shapely.Geometry, share: float) -> float:
    west, south, east, north = shape.bounds
    low, high = west, east
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        part = shapely.clip_by_rect(shape, west, south, middle, north)
        low, high = (middle, high) if part.area < share * shape.area else (low, middle)
    return (low + high) / 2


def _polygons(shape: shapely.Geometry) -> shapely.Geometry:
    kept = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    return shapely.MultiPolygon(kept)


def _ward(code: str, name: str) -> WardFeature:
    for said, kind in _KINDS.items():
        if name.startswith(f"{said} "):
            bare = name.removeprefix(f"{said} ")
            # "Phường 1" is called by its number alone nowhere.
            return WardFeature(code, name if bare.isdigit() else bare, None, kind, "old wards")
    return WardFeature(code, name, None, "other", "old wards")
