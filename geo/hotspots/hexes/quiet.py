"""Where so few report that no hotspot of a usual category could show itself: silence is no safety.

The test calls a report a core when its neighbourhood's share of one category is too large for
chance. Even a neighbourhood in which *every* report is of one category is not too large for chance
if there are only a few: with `least_events` of the run's usual category it just is. A hexagon with
fewer events of all categories within `REACH_M` of its centre is quiet: of the usual category, and
of all that are more frequent, nothing there could be called a hotspot. A rarer one may still be.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely
from numba import njit, prange

from geo import crs
from geo.hotspots.hexes import grid
from geo.hotspots.identity import ENTER
from geo.hotspots.significance.core import (
    CELL_M,
    LEAST_EVENTS,
    MARGIN,
    SCALES_M,
    WIDE_EVENTS,
    Neighbourhood,
)
from geo.hotspots.significance.odds import tail

# From a hexagon's centre to all that is looked at around any report in it.
REACH_M: Final = grid.CORNER_M + SCALES_M[-1]
# With only one category its share is the same everywhere, and no number of events would do.
MOST_EVENTS: Final = 1000
# The edge of heard hexagons zigzags by half of a side, 58 m: so much of it is drawn straight.
_STRAIGHT_M: Final = 60.0
# Of the edge of the wards some 11 m; it is first drawn in by a little more, so that no straight
# piece leaves them.
_STRAIGHT_DEGREES: Final = 1e-4
_DRAWN_IN_DEGREES: Final = 1.5e-4
_DECIMALS: Final = 1e-6

Marks = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def least_events(kinds: Ints) -> int:
    """How many events a neighbourhood needs for a hotspot of nothing but the usual category.

    `kinds` (n,) are the categories of a run's events. The usual category is the one at the middle
    of all events when they are put in order of how frequent their categories are. The test is the
    run's: against wide surroundings with its share, corrected for all that is looked at. At most
    `MOST_EVENTS`.
    """
    counts = np.sort(np.unique(kinds, return_counts=True)[1])
    if not len(counts):
        return MOST_EVENTS
    usual = int(counts[np.searchsorted(np.cumsum(counts), counts.sum() / 2)])
    limit = ENTER / (usual * len(SCALES_M) * len(counts))
    near = round(WIDE_EVENTS * usual / int(counts.sum()))
    for k in range(LEAST_EVENTS - 1, MOST_EVENTS):
        if tail(k, k, near, WIDE_EVENTS, MARGIN) <= limit:
            # One more for the report in the middle, which is left out of its own test.
            return k + 1
    return MOST_EVENTS


def heard(around: Neighbourhood, least: int) -> Ints:
    """The hexagons, by number, with at least so many events within `REACH_M` of the centre."""
    q, r = grid.axial(np.unique(grid.numbers(around.at_m)))
    asked = np.unique(grid.number(q[:, None] + _NEAR[:, 0], r[:, None] + _NEAR[:, 1]))
    if not len(asked):
        return asked
    centres = grid.centres(asked)
    enough = _enough(
        around.at_m, around.keys, around.span, centres, around.cells_of(centres), least
    )
    return asked[enough]


def mask(
    heard_in: Sequence[tuple[int, Ints]], wards: Sequence[shapely.Geometry]
) -> shapely.MultiPolygon:
    """All of the wards but the heard hexagons, simplified, WGS 84 degrees; may be empty.

    `heard_in` are hexagons by number, with the EPSG code of their plane, `wards` polygons in
    degrees. No part of the answer lies outside the wards; it ends some 17 m before their edge.
    """
    # A ward that is drawn badly (an older import) must not stop the night's run.
    whole = shapely.union_all(shapely.make_valid(list(wards)))
    land = shapely.buffer(whole, -_DRAWN_IN_DEGREES, quad_segs=2)
    straight = shapely.simplify(land, _STRAIGHT_DEGREES)
    left: shapely.Geometry = shapely.set_precision(straight, _DECIMALS)
    for epsg, hexagons in heard_in:
        left = shapely.difference(left, _dissolved(hexagons, epsg), grid_size=_DECIMALS)
    parts = shapely.get_parts(left)
    return shapely.MultiPolygon([part for part in parts if part.geom_type == "Polygon"])


def _dissolved(hexagons: Ints, epsg: int) -> shapely.Geometry:
    """Hexagons as one simplified shape in degrees."""
    joined = shapely.coverage_union_all(shapely.polygons(grid.corners(hexagons)))
    # Each part alone: all of them together take seconds where there are thousands.
    straight = shapely.simplify(shapely.get_parts(joined), _STRAIGHT_M)
    drawn = shapely.transform(
        straight, lambda at: np.column_stack(crs.to_degrees(at[:, 0], at[:, 1], epsg))
    )
    # Rounded, since what touches nowhere in metres may do so in degrees.
    return shapely.union_all(drawn, grid_size=_DECIMALS)


# Steps from a hexagon to all that an event in reach may lie in.
_NEAR: Final = np.array(
    [(q, r) for r in range(-2, 3) for q in range(-2, 3) if abs(q + r) <= 2], dtype=np.int64
)


@njit(cache=True, parallel=True)
def _enough(at_m: Floats, keys: Ints, span: int, centres: Floats, cells: Ints, least: int) -> Marks:
    """Whether so many of the events lie in reach of each centre; not counted further."""
    enough = np.zeros(len(centres), np.bool_)
    reach = int(np.ceil(REACH_M / CELL_M))
    for i in prange(len(centres)):
        found = 0
        for row in range(-reach, reach + 1):
            middle = cells[i] + row * span
            j = np.searchsorted(keys, middle - reach)
            while found < least and j < len(keys) and keys[j] <= middle + reach:
                dx = at_m[j, 0] - centres[i, 0]
                dy = at_m[j, 1] - centres[i, 1]
                if dx * dx + dy * dy <= REACH_M * REACH_M:
                    found += 1
                j += 1
        enough[i] = found >= least
    return enough
