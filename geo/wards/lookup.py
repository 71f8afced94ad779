"""The ward a point lies in: exact, in-process, for one point or for millions.

The rules (one place, one ward):

* the ward whose polygon covers the point, its edges included (`match` "covers");
* on an edge that wards share, or where they overlap, the lowest code;
* outside all of them, the nearest within `snap_m` geodesic metres (`match` "nearest"), at equal
  distance the lowest code; else none.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from geo.errors import Invalid
from geo.wards.borders import Borders, Edges, reach
from geo.wards.grid import Grid

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Objects = npt.NDArray[np.object_]

SNAP_M = 250.0
COVERS, NEAREST = "covers", "nearest"


@dataclass(frozen=True)
class Found:
    """Look-up by position: `label` (n,) int32 into `WardIndex.codes`, -1 none; `distance_m` (n,).

    `distance_m` is 0 where a ward covers the point, else the distance to the nearest ward within
    reach, NaN where there is none. `outside` are the positions of points that no ward covers.
    """

    label: npt.NDArray[np.int32]
    distance_m: Floats
    outside: Ints


class WardIndex:
    """Wards of one day, ready to be asked. Immutable; safe to share between threads."""

    def __init__(self, codes: Sequence[str], polygons: Objects) -> None:
        order = sorted(range(len(codes)), key=codes.__getitem__)
        self.codes: tuple[str, ...] = tuple(codes[i] for i in order)
        self._polygons = polygons[order] if len(order) else polygons
        self._code_of = np.array([*self.codes, None], dtype=object)
        self._match_of = np.array([*([COVERS] * len(self.codes)), None], dtype=object)
        shapely.prepare(self._polygons)
        self._tree = shapely.STRtree(self._polygons)
        edges = Edges.of(self._polygons)
        self._borders = Borders(edges)
        self._grid = Grid(edges, self._covering)

    @classmethod
    def from_polygons(cls, codes: Sequence[str], polygons: Sequence[object]) -> "WardIndex":
        """Index of wards: `codes` (n,) text, `polygons` (n,) shapely (Multi)Polygons in lon/lat.

        The order of the input does not matter. Raises `Invalid` when the lengths differ, a code
        comes twice, or a polygon is empty, of another type, invalid or out of WGS 84's range.
        """
        names = [str(code) for code in codes]
        shapes = np.empty(len(polygons), dtype=object)
        shapes[:] = list(polygons)
        if len(names) != len(shapes):
            raise Invalid(f"there are {len(names)} codes but {len(shapes)} polygons")
        twice = sorted(code for code, n in Counter(names).items() if n > 1)
        if twice:
            raise Invalid(f"each ward needs a code of its own; more than once: {', '.join(twice)}")
        shapes = shapely.force_2d(shapes)
        kinds = shapely.get_type_id(shapes)
        bad = ~np.isin(kinds, (3, 6)) | shapely.is_empty(shapes) | ~shapely.is_valid(shapes)
        if bad.any():
            said = [f"{names[i]} ({_reason(shapes[i])})" for i in np.flatnonzero(bad)[:5]]
            raise Invalid(f"wards need valid polygons; not so: {', '.join(said)}")
        if len(shapes):
            west, south, east, north = shapely.total_bounds(shapes)
            if west < -180 or east > 180 or south < -90 or north > 90:
                raise Invalid(
                    "ward polygons must be in WGS 84 degrees, lon before lat; they reach from "
                    f"{west:.6g}, {south:.6g} to {east:.6g}, {north:.6g}"
                )
        return cls(names, shapes)

    def __len__(self) -> int:
        return len(self.codes)

    def __reduce__(self) -> tuple[object, ...]:
        # Small to send, rebuilt on arrival.
        return WardIndex, (self.codes, self._polygons)

    @property
    def nbytes(self) -> int:
        """Memory of the grid in bytes, without the polygons themselves."""
        return self._grid.nbytes if len(self) else 0

    def find(
        self, lon: npt.ArrayLike, lat: npt.ArrayLike, snap_m: float = SNAP_M
    ) -> tuple[Objects, Objects, Floats]:
        """`(codes, match, distance_m)` of points in WGS 84 degrees, each an array (n,).

        `codes` holds text or None; `match` "covers", "nearest" or None; `distance_m` is 0 where
        covered, else geodesic metres to the nearest ward, NaN where none is within `snap_m`.
        A single number stands for an array of one. Raises `Invalid` on NaN, infinite or
        out-of-range coordinates, unequal lengths, or a negative `snap_m`.
        """
        found = self.locate(lon, lat, snap_m)
        # -1 wraps to the last, None. Taking from a table is far quicker than filling with objects.
        match = self._match_of.take(found.label, mode="wrap")
        match[found.outside[found.label[found.outside] >= 0]] = NEAREST
        return self._code_of.take(found.label, mode="wrap"), match, found.distance_m

    def locate(self, lon: npt.ArrayLike, lat: npt.ArrayLike, snap_m: float = SNAP_M) -> Found:
        """As `find`, by position in `codes` (cheaper in bulk)."""
        x, y = checked(lon, lat)
        if not snap_m >= 0:
            raise Invalid(f"snap_m must be zero or more metres, not {snap_m}")
        label = self._grid.labels(x, y)
        distance = np.zeros(len(x))
        outside = np.flatnonzero(label < 0)
        if len(outside):
            distance[outside] = np.nan
            if snap_m > 0:
                self._snap(x, y, outside, snap_m, label, distance)
        return Found(label, distance, outside)

    def _snap(
        self,
        x: Floats,
        y: Floats,
        outside: Ints,
        snap_m: float,
        label: npt.NDArray[np.int32],
        distance: Floats,
    ) -> None:
        """Give points outside all wards the nearest one within reach."""
        # Most points far out at sea need no measuring at all.
        maybe = self._grid.near_border(x[outside], y[outside], *reach(y[outside], snap_m))
        outside = outside[maybe]
        point, ward, far = self._borders.within(x[outside], y[outside], snap_m)
        # Ordered by point, distance, ward: the first of each point is its answer.
        first = np.flatnonzero(np.r_[True, np.diff(point) != 0][: len(point)])
        label[outside[point[first]]] = ward[first]
        distance[outside[point[first]]] = far[first]

    def near(self, lon: float, lat: float, radius_m: float) -> list[tuple[str, float]]:
        """`(code, distance_m)` of every ward that the circle touches, nearest first, then by code.

        A ward that covers the middle is 0 m away. Raises `Invalid` like `find`.
        """
        if not radius_m >= 0:
            raise Invalid(f"radius_m must be zero or more metres, not {radius_m}")
        if only := self.alone_at(lon, lat, radius_m):
            return [(only, 0.0)]
        _, label, distance_m = self.around(lon, lat, radius_m)
        return [
            (self.codes[ward], far)
            for ward, far in zip(label.tolist(), distance_m.tolist(), strict=True)
        ]

    def alone_at(self, lon: float, lat: float, radius_m: float = 0.0) -> str | None:
        """The ward that covers a point and alone touches a box around its circle, as most do: to
        see that takes a tenth of the time that `near`, and half of the time that `find` takes for
        one point. None: not so, or no coordinates (which those refuse)."""
        if not (-180.0 <= lon <= 180.0 and -90.0 <= lat <= 90.0):
            return None
        wide, high = (float(half[0]) for half in reach(np.array([lat], np.float64), radius_m))
        box = shapely.box(lon - wide, lat - high, lon + wide, lat + high)
        wards = self._tree.query(box)
        if len(wards) != 1:
            wards = wards[shapely.intersects(self._polygons[wards], box)]
        if len(wards) != 1 or not shapely.intersects_xy(self._polygons[wards[0]], lon, lat):
            return None
        return self.codes[int(wards[0])]

    def around(
        self, lon: npt.ArrayLike, lat: npt.ArrayLike, radius_m: npt.ArrayLike
    ) -> tuple[Ints, Ints, Floats]:
        """`(point, label, distance_m)` of every ward that the circle around each point touches.

        `radius_m` is one for all points or one for each; labels as in `locate`. Ordered by point,
        within each as `near`.
        """
        x, y = checked(lon, lat)
        radius = np.broadcast_to(np.asarray(radius_m, dtype=np.float64), x.shape)
        covered, covering = self._covering(x, y)
        point, ward, distance = self._borders.within(x, y, radius)
        point = np.concatenate([covered, point])
        ward = np.concatenate([covering, ward])
        distance = np.concatenate([np.zeros(len(covered)), distance])
        # Of a ward that covers the point and has its border near, the first line counts: 0 m.
        order = np.lexsort((distance, ward, point))
        point, ward, distance = point[order], ward[order], distance[order]
        first = np.r_[True, (np.diff(point) != 0) | (np.diff(ward) != 0)][: len(point)]
        point, ward, distance = point[first], ward[first], distance[first]
        order = np.lexsort((ward, np.round(distance, 6), point))
        return point[order], ward[order], distance[order]

    def borders_near(self, lon: Floats, lat: Floats, radius_m: Floats) -> tuple[Ints, Ints, Floats]:
        """As `around`, of the wards whose border a circle touches: without the one that covers it
        whole."""
        return self._borders.within(lon, lat, radius_m)

    def alone(self, lon: Floats, lat: Floats, radius_m: Floats) -> npt.NDArray[np.bool_]:
        """Of points (n,) that a ward covers, which circles surely touch no other ward: quick, and
        False for some that touch none."""
        return ~self._grid.near_border(lon, lat, *reach(lat, radius_m))

    def _covering(self, lon: Floats, lat: Floats) -> tuple[Ints, Ints]:
        """All `(point, ward)` with the ward covering the point, by GEOS' exact predicate.

        For a point, to intersect a polygon and to be covered by it are the same.
        """
        point, ward = self._tree.query(shapely.points(lon, lat))
        hit = shapely.intersects_xy(self._polygons[ward], lon[point], lat[point])
        return point[hit], ward[hit]


def checked(lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Points as two float64 arrays of one length; raises `Invalid` with what is wrong and where."""
    x = np.atleast_1d(np.asarray(lon, dtype=np.float64))
    y = np.atleast_1d(np.asarray(lat, dtype=np.float64))
    if x.shape != y.shape or x.ndim != 1:
        raise Invalid(f"lon and lat must be lists of one length; they are {x.shape} and {y.shape}")
    # NaN carries through min and max and compares false, so it is caught here too.
    if len(x) and not (
        x.min() >= -180.0 and x.max() <= 180.0 and y.min() >= -90.0 and y.max() <= 90.0
    ):
        right = (np.abs(x) <= 180.0) & (np.abs(y) <= 90.0)
        i = int(np.flatnonzero(~right)[0])
        swapped = abs(y[i]) <= 180.0 and abs(x[i]) <= 90.0
        raise Invalid(
            f"point {i} is lon {x[i]}, lat {y[i]}: lon must be within ±180 and lat within ±90 "
            f"degrees{'; they look swapped' if swapped else ''}"
        )
    return x, y


def _reason(shape: Any) -> str:
    if shape is None or shape.is_empty:
        return "empty"
    if shape.geom_type not in ("Polygon", "MultiPolygon"):
        return f"a {shape.geom_type}"
    return str(shapely.is_valid_reason(shape))
