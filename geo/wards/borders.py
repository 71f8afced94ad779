"""Ward borders as flat edge arrays, and how far a point is from them in geodesic metres.

Edges are straight in lon/lat, as the geometry columns of the database have them. Each is directed
so that its ward lies on its left (outer rings counter-clockwise, holes clockwise).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from geo.crs import GEOD

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Edges of one ring that share a box in the tree: long enough to keep the tree small, short
# enough to keep the boxes tight.
_RUN = 16
# Most (point, run) pairs worked on at once; bounds memory to about 100 MB.
_BATCH = 50_000

# WGS 84: semi-major axis in metres and first eccentricity squared.
_A_M = 6_378_137.0
_E2 = 6.694379990141317e-3


@dataclass(frozen=True)
class Edges:
    """`n` directed edges a → b in degrees; `ward` is the position of the ward on the left."""

    ax: Floats
    ay: Floats
    bx: Floats
    by: Floats
    ward: Ints
    ring: Ints

    @classmethod
    def of(cls, polygons: npt.NDArray[np.object_]) -> "Edges":
        """All edges of valid (multi)polygons, ring by ring; repeated vertices make none."""
        oriented = shapely.orient_polygons(polygons, exterior_cw=False)
        parts, part_ward = shapely.get_parts(oriented, return_index=True)
        rings, ring_part = shapely.get_rings(parts, return_index=True)
        xy, ring = shapely.get_coordinates(rings, return_index=True)
        ward = part_ward[ring_part][ring] if len(ring) else ring
        joined = np.flatnonzero(ring[1:] == ring[:-1]) if len(ring) else ring
        a, b = xy[joined], xy[joined + 1]
        kept = (a != b).any(axis=1)
        a, b, joined = a[kept], b[kept], joined[kept]
        return cls(
            ax=np.ascontiguousarray(a[:, 0]),
            ay=np.ascontiguousarray(a[:, 1]),
            bx=np.ascontiguousarray(b[:, 0]),
            by=np.ascontiguousarray(b[:, 1]),
            ward=ward[joined].astype(np.int64),
            ring=ring[joined].astype(np.int64),
        )

    def __len__(self) -> int:
        return len(self.ax)


def metres_per_degree(lat: Floats) -> tuple[Floats, Floats]:
    """Length in metres of one degree of longitude and of latitude at these latitudes (WGS 84)."""
    sine = np.sin(np.radians(lat))
    w = 1.0 - _E2 * sine * sine
    east = np.radians(_A_M / np.sqrt(w) * np.cos(np.radians(lat)))
    north = np.radians(_A_M * (1.0 - _E2) / (w * np.sqrt(w)))
    return east, north


def reach(lat: Floats, radius_m: float | Floats) -> tuple[Floats, Floats]:
    """Half width and height in degrees of a box around each latitude that holds the circle."""
    # One degree of latitude is at least 110,574 m, one of longitude at least 111,319 m times
    # cos(lat); a little wider, for the box only chooses what is measured.
    high = np.full(len(lat), radius_m / 110_570.0 * 1.001 + 1e-9)
    cosine = np.cos(np.radians(np.minimum(np.abs(lat) + high, 89.9)))
    return radius_m / (111_310.0 * cosine) * 1.001 + 1e-9, high


class Borders:
    """Finds the wards whose border is within a distance of points."""

    def __init__(self, edges: Edges) -> None:
        self._edges = edges
        n = len(edges)
        position = np.arange(n)
        starts_ring = np.r_[True, edges.ring[1:] != edges.ring[:-1]] if n else np.zeros(0, bool)
        ring_start = np.maximum.accumulate(np.where(starts_ring, position, 0))
        self._start = np.flatnonzero((position - ring_start) % _RUN == 0)
        self._stop = np.r_[self._start[1:], n].astype(np.int64) if n else self._start
        west, east = np.minimum(edges.ax, edges.bx), np.maximum(edges.ax, edges.bx)
        south, north = np.minimum(edges.ay, edges.by), np.maximum(edges.ay, edges.by)
        boxes: npt.NDArray[np.object_] = np.zeros(0, dtype=object)
        if n:
            boxes = shapely.box(
                np.minimum.reduceat(west, self._start),
                np.minimum.reduceat(south, self._start),
                np.maximum.reduceat(east, self._start),
                np.maximum.reduceat(north, self._start),
            )
        self._tree = shapely.STRtree(boxes)

    def within(
        self, lon: Floats, lat: Floats, radius_m: float | Floats
    ) -> tuple[Ints, Ints, Floats]:
        """`(point, ward, distance_m)` for every ward whose border is within `radius_m` of a point,
        one radius for all or one for each.

        Distances are geodesic, to the nearest place of that ward's border; ordered by point, then
        distance to the micrometre, then ward. Points are positions in `lon`, `lat`.
        """
        found: list[tuple[Ints, Ints, Floats]] = []
        wide, high = reach(lat, radius_m)
        boxes = shapely.box(lon - wide, lat - high, lon + wide, lat + high)
        point, run = self._tree.query(boxes)
        order = np.argsort(point, kind="stable")
        point, run = point[order], run[order]
        at = 0
        while at < len(point):
            # whole points only: a point's nearest must be chosen among all of its runs
            end = min(at + _BATCH, len(point))
            end = int(np.searchsorted(point, point[end - 1], side="right"))
            found.append(self._nearest(lon, lat, point[at:end], run[at:end]))
            at = end
        if not found:
            return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
        points, wards, distances = (np.concatenate(column) for column in zip(*found, strict=True))
        near = distances <= np.broadcast_to(radius_m, lon.shape)[points]
        points, wards, distances = points[near], wards[near], distances[near]
        order = np.lexsort((wards, np.round(distances, 6), points))
        return points[order], wards[order], distances[order]

    def _nearest(
        self, lon: Floats, lat: Floats, point: Ints, run: Ints
    ) -> tuple[Ints, Ints, Floats]:
        """The nearest place of each (point, ward) among these runs, measured on the ellipsoid."""
        count = self._stop[run] - self._start[run]
        last = np.cumsum(count)
        edge = np.arange(last[-1]) + np.repeat(self._start[run] - (last - count), count)
        point = np.repeat(point, count)
        e = self._edges
        # From the same end whichever ward walks it: neighbours get the same distance to the bit.
        swap = (e.ax[edge] > e.bx[edge]) | ((e.ax[edge] == e.bx[edge]) & (e.ay[edge] > e.by[edge]))
        ax = np.where(swap, e.bx[edge], e.ax[edge])
        ay = np.where(swap, e.by[edge], e.ay[edge])
        bx = np.where(swap, e.ax[edge], e.bx[edge])
        by = np.where(swap, e.ay[edge], e.by[edge])
        # The plane that touches the ellipsoid at the point; it only chooses the nearest place.
        east, north = metres_per_degree(lat[point])
        px, py = (lon[point] - ax) * east, (lat[point] - ay) * north
        dx, dy = (bx - ax) * east, (by - ay) * north
        along = np.clip((px * dx + py * dy) / (dx * dx + dy * dy), 0.0, 1.0)
        square = (px - along * dx) ** 2 + (py - along * dy) ** 2
        ward = e.ward[edge]
        order = np.lexsort((square, ward, point))
        first = order[np.r_[True, (np.diff(point[order]) != 0) | (np.diff(ward[order]) != 0)]]
        foot_lon = ax[first] + along[first] * (bx[first] - ax[first])
        foot_lat = ay[first] + along[first] * (by[first] - ay[first])
        who = point[first]
        _, _, distance = GEOD.inv(lon[who], lat[who], foot_lon, foot_lat)
        return who, ward[first], np.asarray(distance, dtype=np.float64)
