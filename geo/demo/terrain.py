"""Land and water of the demo, in metres: the sketch smoothed, widened and roughened."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from shapely import MultiPolygon, Polygon

from geo import crs
from geo.demo import sketch
from geo.demo.wiggle import Wiggle

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

EPSG = crs.UTM_48N
# Points put between two control points of a curve.
_PER_SPAN = 12
# Bays and capes of the shore: about this wide.
_SHORE_M = 900.0


@dataclass(frozen=True)
class Terrain:
    """All geometry in UTM 48N metres.

    `land` is everything above the sea (rivers not yet taken out) with the neighbouring provinces up
    to a frame; `water` the rivers' surface; `banks` the middle lines of rivers that wards end at.
    """

    land: MultiPolygon
    water: MultiPolygon
    banks: list[Floats]

    def lowness(self, points_m: Floats) -> Floats:
        """How low the ground lies: 1 at the water, 0 on the terraces of the north; (n,) in 0–1."""
        shore = shapely.STRtree(segments([self.water.boundary, self.land.boundary])[0])
        where = np.asarray(shapely.points(points_m))
        (point, _), distance = shore.query_nearest(where, return_distance=True, all_matches=False)
        away = np.zeros(len(points_m))
        away[point] = distance
        # The ground rises from the mangroves of the south to the old terrace north of the centre.
        north_m = points_m[:, 1] - _NORTH_OF_CENTRE_M
        plain = 1.0 / (1.0 + np.exp(north_m / 7000.0))
        return np.asarray(np.clip(0.55 * np.exp(-away / 700.0) + 0.45 * plain, 0.0, 1.0))


# 10.84° N, about where Gò Vấp's terrace begins.
_NORTH_OF_CENTRE_M = 1_198_800.0


def draw(wiggle: Wiggle) -> Terrain:
    """The terrain, always the same for the same `wiggle`."""
    land = [
        _polygon(sketch.MAINLAND, wiggle, straight=True),
        *(_polygon(island, wiggle) for island in sketch.ISLANDS),
    ]
    water, banks = [], []
    for river in sketch.RIVERS:
        line = np.array(river.points)
        curve = smooth(np.column_stack([_metres(line[:, :2]), line[:, 2]]))
        # Narrow water winds more than wide water does.
        size_m, strength = (2000.0, 1.7) if river.creek else (700.0, 0.8)
        curve[:, :2] = wiggle.shift(curve[:, :2], strength, size_m)
        water.append(_ribbon(curve))
        if river.border:
            banks.append(curve[:, :2])
    return Terrain(_multi(shapely.union_all(land)), _multi(shapely.union_all(water)), banks)


def smooth(points: Floats, closed: bool = False) -> Floats:
    """A centripetal-looking curve through all rows of `points` (Catmull-Rom, tension 0.5)."""
    if closed:
        p = np.vstack([points[-1:], points, points[:2]])
    else:
        p = np.vstack([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0.0, 1.0, _PER_SPAN, endpoint=False)[:, None, None]
    a, b, c, d = p[:-3], p[1:-2], p[2:-1], p[3:]
    curve = 0.5 * (
        2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
    )
    curve = curve.transpose(1, 0, 2).reshape(-1, points.shape[1])
    return curve if closed else np.vstack([curve, points[-1:]])


def segments(lines: Sequence[shapely.Geometry]) -> tuple[npt.NDArray[np.object_], Ints]:
    """The straight pieces of lines as lines of two points, and which of `lines` each is from."""
    parts, line = shapely.get_parts(np.asarray(lines), return_index=True)
    points, part = shapely.get_coordinates(parts, return_index=True)
    joined = part[1:] == part[:-1]
    pairs = np.stack([points[:-1][joined], points[1:][joined]], axis=1)
    return np.asarray(shapely.linestrings(pairs)), line[part[1:][joined]]


def _metres(lonlat: Floats) -> Floats:
    x, y, _ = crs.to_metres(lonlat[:, 0], lonlat[:, 1], EPSG)
    return np.column_stack([x, y])


def _polygon(points: sketch.Points, wiggle: Wiggle, straight: bool = False) -> shapely.Geometry:
    line = _metres(np.array(points))
    if not straight:
        coast = wiggle.shift(smooth(line, closed=True), 0.9, _SHORE_M)
        return shapely.make_valid(Polygon(coast))
    # the frame's corners stay corners: the first point and the last two
    coast = wiggle.shift(smooth(line[1:-2]), 0.9, _SHORE_M)
    return shapely.make_valid(Polygon(np.vstack([line[:1], coast, line[-2:]])))


def _ribbon(curve: Floats) -> shapely.Geometry:
    """The river's surface: discs of its width along the curve, each hulled with the next."""
    discs = shapely.buffer(shapely.points(curve[:, :2]), np.maximum(curve[:, 2], 20.0) / 2)
    pairs = np.column_stack([discs[:-1], discs[1:]])
    return shapely.union_all(shapely.convex_hull(shapely.geometrycollections(pairs)))


def _multi(geometry: shapely.Geometry) -> MultiPolygon:
    return MultiPolygon([p for p in shapely.get_parts(geometry) if p.geom_type == "Polygon"])
