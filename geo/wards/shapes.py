"""The shapes that wards are drawn with at low zooms, simplified as one coverage."""

import numpy as np
import shapely

from geo.crs import WGS84, transformer
from geo.wards.features import Objects
from geo.wards.plane import made_valid, moved

WEB_MERCATOR = 3857
FULL_ZOOM = 22

# A pixel, 512 to a tile, at zoom 0.
_PIXEL_M = 40_075_016.7 / 512
_ZOOMS = (7, 10, 13)


def display_shapes(polygons: Objects) -> dict[int, Objects]:
    """WGS 84 polygons (n,) → shapes (n,) in EPSG:3857 metres by the last zoom they are drawn at.

    Neighbours are simplified together and go on sharing their edges, by half a pixel of the last
    zoom: below what one sees. The shapes of `FULL_ZOOM` have every vertex. Every shape is a valid,
    non-empty (Multi)Polygon: where simplifying leaves none, it is the one of the finer level.
    """
    shapes = made_valid(moved(polygons, transformer(WGS84, WEB_MERCATOR)))
    levels = {FULL_ZOOM: shapes}
    for zoom in sorted(_ZOOMS, reverse=True):
        # The tolerance of a coverage is the square root of the area a vertex may take with it.
        simple = shapely.coverage_simplify(levels[FULL_ZOOM], _PIXEL_M / 2**zoom / 2)
        simple = made_valid(np.asarray(simple, dtype=object))
        shapes = np.where(shapely.area(simple) > 0, simple, shapes)
        levels[zoom] = shapes
    return dict(sorted(levels.items()))
