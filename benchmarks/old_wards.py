"""Wards as they may have been before the reform of 2025, drawn from the shares of its mapping.

Nobody has the old polygons, but which old unit went to which new wards, and how much of it, is
known. Each new ward is cut by meridians into strips, one for each old unit that gave to it; an old
unit is the union of its strips. So the old units make up the same ground without gaps. How wide
the strips are is fitted to all shares at once; what then differs, the mapping contradicts itself.
"""

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import shapely
from scipy.optimize import lsq_linear

from geo.wards.features import WardFeature, WardFile

# What the annex of the decree would call the kinds, by the first word of the name.
_KINDS = {"Phường": "ward", "Xã": "commune", "Thị trấn": "town", "Đặc khu": "special_zone"}
_HALVINGS = 30

# How much more it matters that the new wards are filled, and that shares are as told, than that
# parts are alike; and the least part of its fair size that a part has.
_MUST, _SHOULD, _LEAST = 1e4, 1e2, 0.02

Floats = npt.NDArray[np.float64]


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
    areas = _areas(here, {part.new_code: shape_of[part.new_code].area for part in here})
    of_new: dict[str, list[int]] = defaultdict(list)
    # The smallest first: at the western tip a small part is no hairline from north to south.
    for k in np.argsort(areas, kind="stable").tolist():
        of_new[here[k].new_code].append(k)
    strips: dict[str, list[shapely.Geometry]] = defaultdict(list)
    names = {part.old_code: part.old_name for part in here}
    for code, own in of_new.items():
        weights = (areas[own] / areas[own].sum()).tolist()
        for k, strip in zip(own, _strips(shape_of[code], weights), strict=True):
            strips[here[k].old_code].append(strip)
    codes = sorted(strips)
    polygons = np.empty(len(codes), dtype=object)
    polygons[:] = [_polygons(shapely.union_all(strips[code])) for code in codes]
    wards = tuple(_ward(code, names[code]) for code in codes)
    return WardFile("old wards", wards, polygons, crs="EPSG:4326")


def _areas(told: Sequence[Part], area_of: dict[str, float]) -> Floats:
    """Area of each part (n,), in the unit of `area_of`: they fill the new wards, have the shares
    that are told as nearly as can be, and beside that are as alike as they may be.

    Whose told shares are less than 1 in all has the rest nowhere: what is told is scaled up.
    """
    news = sorted(area_of)
    old_of = np.unique([part.old_code for part in told], return_inverse=True)[1]
    new_of = np.searchsorted(news, [part.new_code for part in told])
    whole = np.array([area_of[code] for code in news])
    one_old, one_new = np.eye(old_of.max() + 1)[old_of], np.eye(len(news))[new_of]
    share = np.array([np.nan if part.share is None else part.share for part in told])
    share /= np.bincount(old_of, share)[old_of]
    fair = (whole / np.bincount(new_of))[new_of]
    fair = np.where(np.isnan(share), fair, np.minimum(fair, share * (fair @ one_old)[old_of]))
    # A row for each new ward, for each share told, and for each part's fair size; in fair sizes.
    filled = one_new.T * fair / whole[:, None]
    follows = (np.eye(len(told)) - np.nan_to_num(share)[:, None] * (one_old @ one_old.T)) * fair
    follows /= (fair @ one_old)[old_of][:, None]
    follows = follows[~np.isnan(share)]
    rows = np.concatenate([_MUST * filled, _SHOULD * follows, np.eye(len(told))])
    wanted = np.concatenate([np.full(len(news), _MUST), np.zeros(len(follows)), np.ones(len(told))])
    found = lsq_linear(rows, wanted, bounds=(_LEAST, np.inf))
    return np.asarray(found.x * fair, dtype=np.float64)


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
