"""Which wards of two lists share ground, and how much: the overlay that a reform is told by.

Ground is cut out in degrees, as look-ups see it (lines that are straight there bend in metres), and
measured in a plane of metres (`geo.wards.plane`). Two sources never draw a common border alike, so
that neighbours seem to exchange hairlines of ground. Such a sliver is left out, and its area is
told (`dropped_*_m2`): ground no wider than `SLIVER_M` anywhere (no larger circle fits into it) that
is less than `SLIVER_SHARE` of either ward.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from geo.wards.check import SLIVER_M
from geo.wards.features import Objects
from geo.wards.plane import Plane, made_valid, moved

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
Bools = npt.NDArray[np.bool_]

SLIVER_SHARE = 0.02
"""More of a ward than this is never a sliver, however narrow."""

_POLYGON, _MULTIPOLYGON = 3, 6


@dataclass(frozen=True)
class Shares:
    """What `n_old` old polygons and `n_new` new ones have in common: areas in m², shapes in WGS 84.

    (pairs,): `old` and `new`, positions of two polygons that share ground, ordered by old, then
    new; `area_m2` and `common`, that ground; `of_old` and `of_new`, its share of either polygon.
    (n_old,): `old_m2`; `lost_m2` and `lost`, the ground that no new polygon has.
    (n_new,): `new_m2`; `gained_m2` and `gained`, the ground that no old polygon had.

    `dropped_common_m2` are slivers between two polygons, `dropped_alone_m2` slivers lost or gained.
    Where the polygons of each list do not overlap, twice the common ground and all that is lost or
    gained, slivers with them, are `old_m2.sum() + new_m2.sum()`, to the bend of the plane.
    """

    old: Places
    new: Places
    area_m2: Floats
    common: Objects
    of_old: Floats
    of_new: Floats
    old_m2: Floats
    new_m2: Floats
    lost_m2: Floats
    lost: Objects
    gained_m2: Floats
    gained: Objects
    dropped_common_m2: float
    dropped_alone_m2: float

    @property
    def of_both(self) -> Floats:
        """(pairs,) the common ground as a share of the pair's joint ground."""
        return self.area_m2 / (self.old_m2[self.old] + self.new_m2[self.new] - self.area_m2)


def shares(old: Objects, new: Objects) -> Shares:
    """The overlay of two lists of WGS 84 (multi)polygons, which are made valid for it."""
    was, now = made_valid(old), made_valid(new)
    plane = Plane.of(np.concatenate([was, now])) if len(was) + len(now) else None
    old_m2, new_m2 = _area_m2(was, plane), _area_m2(now, plane)
    i, j, common = _common(was, now)
    area = _area_m2(common, plane)
    kept = area > 0.0
    i, j, common, area = i[kept], j[kept], common[kept], area[kept]
    # By the bend of the plane a part may measure more than the whole.
    area = np.minimum(area, np.minimum(old_m2[i], new_m2[j]))
    of_old, of_new = area / old_m2[i], area / new_m2[j]
    sliver = _slivers(common, np.maximum(of_old, of_new), plane)
    lost, lost_m2, dropped_lost = _alone(was, now, (i, j), old_m2, plane)
    gained, gained_m2, dropped_gained = _alone(now, was, (j, i), new_m2, plane)
    return Shares(
        old=i[~sliver],
        new=j[~sliver],
        area_m2=area[~sliver],
        common=common[~sliver],
        of_old=of_old[~sliver],
        of_new=of_new[~sliver],
        old_m2=old_m2,
        new_m2=new_m2,
        lost_m2=lost_m2,
        lost=lost,
        gained_m2=gained_m2,
        gained=gained,
        dropped_common_m2=float(area[sliver].sum()),
        dropped_alone_m2=dropped_lost + dropped_gained,
    )


def _area_m2(shapes: Objects, plane: Plane | None) -> Floats:
    if plane is None:
        return np.zeros(len(shapes))
    return np.asarray(shapely.area(moved(shapes, plane.to_plane)), dtype=np.float64)


def _common(was: Objects, now: Objects) -> tuple[Places, Places, Objects]:
    """Pairs that share ground (or nearly touch), by old, then new, and the polygons they share."""
    i, j = shapely.STRtree(now).query(was, predicate="intersects")
    order = np.lexsort((j, i))
    i, j = i[order], j[order]
    same = _same(was[i], now[j])
    # Most neighbours only touch, which is quicker to see than to cut out.
    shapely.prepare(was)
    apart = ~same & shapely.touches(was[i], now[j])
    i, j, same = i[~apart], j[~apart], same[~apart]
    common = was[i]
    common[~same] = _areas(shapely.intersection(was[i[~same]], now[j[~same]]))
    return i, j, common


def _same(a: Objects, b: Objects) -> Bools:
    """Which shapes are drawn by the same vertices, wherever their rings begin."""
    same: Bools = (shapely.bounds(a) == shapely.bounds(b)).all(axis=1)
    alike = np.flatnonzero(same)
    same[alike] = shapely.equals_exact(a[alike], b[alike], normalize=True)
    return same


def _alone(
    mine: Objects,
    theirs: Objects,
    pairs: tuple[Places, Places],
    mine_m2: Floats,
    plane: Plane | None,
) -> tuple[Objects, Floats, float]:
    """What of each of my shapes none of theirs has, its area, and the area of slivers in all.

    `pairs` of mine and theirs have ground in common.
    """
    i, j = pairs
    rest = np.ones(len(mine), dtype=bool)
    rest[i[_same(mine[i], theirs[j])]] = False
    found = np.full(len(mine), shapely.MultiPolygon(), dtype=object)
    order = np.argsort(i, kind="stable")
    ends = np.searchsorted(i[order], np.arange(len(mine) + 1))
    for k in np.flatnonzero(rest).tolist():
        # Only of those around: taken from the union of all, GEOS was seen to leave a whole shape
        # that is covered but for rounding.
        around = theirs[j[order[ends[k] : ends[k + 1]]]]
        found[k] = shapely.difference(mine[k], shapely.union_all(around))
    found = _areas(found)
    area = np.minimum(_area_m2(found, plane), mine_m2)
    share = np.divide(area, mine_m2, out=np.zeros_like(area), where=mine_m2 > 0.0)
    sliver = _slivers(found, share, plane)
    dropped = float(area[sliver].sum())
    found[sliver] = shapely.MultiPolygon()
    return found, np.where(sliver, 0.0, area), dropped


def _slivers(shapes: Objects, share: Floats, plane: Plane | None) -> Bools:
    """Which shapes are slivers, `share` being the larger one of the two wards."""
    sliver: Bools = (share > 0.0) & (share < SLIVER_SHARE)
    narrow = np.flatnonzero(sliver)
    if plane is not None:
        # Shrunk by half the width nothing is left: quicker than looking for the largest circle.
        shrunk = shapely.buffer(plane.flat(shapes[narrow]), -SLIVER_M / 2)
        sliver[narrow] = shapely.is_empty(shrunk)
    return sliver


def _areas(shapes: Objects) -> Objects:
    """The polygons of what an overlay leaves: where shapes touch, it also leaves lines, points."""
    mixed = np.flatnonzero(~np.isin(shapely.get_type_id(shapes), (_POLYGON, _MULTIPOLYGON)))
    shapes = shapes.copy()
    for k in mixed.tolist():
        parts = shapely.get_parts(shapes[k])
        shapes[k] = shapely.MultiPolygon(parts[shapely.get_type_id(parts) == _POLYGON].tolist())
    return shapes
