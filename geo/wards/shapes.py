"""The shapes that wards are drawn with at low zooms, simplified as one coverage."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from geo.crs import WGS84, transformer
from geo.wards.features import Objects
from geo.wards.plane import made_valid, moved

WEB_MERCATOR = 3857
FULL_ZOOM = 22

# The level whose shapes labels are placed in.
LABEL_ZOOM = 10

# A pixel, 512 to a tile, at zoom 0.
_PIXEL_M = 40_075_016.7 / 512
_ZOOMS = (5, 6, 7, 8, 10, 13)
LEVELS = (*_ZOOMS, FULL_ZOOM)
"""The last zooms that the shapes of a ward are drawn at, one shape each."""


@dataclass(frozen=True, slots=True)
class Labels:
    """Where the names of wards are written: `points` (n,) in EPSG:3857 metres, each well inside its
    ward, and `room_m` (n,), the metres on the ground from there to the ward's edge.
    """

    points: Objects
    room_m: npt.NDArray[np.int64]


def labels(shapes: Objects) -> Labels:
    """Middle and radius of the largest circle in each shape (n,) of EPSG:3857 metres.

    A coarse shape (`LABEL_ZOOM`) will do: one place a ward at every zoom, and quickly found.
    """
    # a line from the circle's middle to a point of it
    radius = shapely.maximum_inscribed_circle(shapes)
    points = np.asarray(shapely.get_point(radius, 0), dtype=object)
    to_degrees = transformer(WEB_MERCATOR, WGS84)
    _, lat = to_degrees.transform(shapely.get_x(points), shapely.get_y(points))
    # Web Mercator metres are longer than metres by 1 / cos(latitude).
    room = np.round(shapely.length(radius) * np.cos(np.radians(lat)))
    return Labels(points, room.astype(np.int64))


def display_shapes(polygons: Objects) -> dict[int, Objects]:
    """WGS 84 polygons (n,) → shapes (n,) in EPSG:3857 metres by the last zoom they are drawn at.

    Neighbours are simplified together and go on sharing their edges, by half a pixel of the last
    zoom: below what one sees. The shapes of `FULL_ZOOM` have every vertex. Every shape is a valid,
    non-empty (Multi)Polygon: where simplifying leaves none, it is the one of the finer level.
    """
    shapes = made_valid(moved(polygons, transformer(WGS84, WEB_MERCATOR)))
    levels = {FULL_ZOOM: shapes}
    for zoom in sorted(_ZOOMS, reverse=True):
        # The tolerance of a coverage is the square root of the area a vertex may take with it:
        # what goes first goes first also when it is taken in steps, and each step is quicker.
        simple = shapely.coverage_simplify(shapes, _PIXEL_M / 2**zoom / 2)
        simple = made_valid(np.asarray(simple, dtype=object))
        shapes = np.where(shapely.area(simple) > 0, simple, shapes)
        levels[zoom] = shapes
    return dict(sorted(levels.items()))
