"""The shapes that wards are drawn with at low zooms, simplified as one coverage."""

import numpy as np
import numpy.typing as npt
import shapely

from geo.crs import WGS84, transformer
from geo.wards.plane import moved

Objects = npt.NDArray[np.object_]

WEB_MERCATOR = 3857
FULL_ZOOM = 22

# Half a pixel (512 to a tile) at the last zoom a shape is drawn at: below what one can see.
_PIXEL_ZOOM_0_M = 40_075_016.7 / 512
_ZOOMS = (7, 10, 13)


def display_shapes(polygons: Objects) -> dict[int, Objects]:
    """WGS 84 polygons (n,) → shapes (n,) in EPSG:3857 metres by the last zoom they are drawn at.

    Neighbours are simplified together and go on sharing their edges. The shapes of `FULL_ZOOM`
    are not simplified. Every shape is a valid, non-empty (Multi)Polygon.
    """
    full = moved(polygons, transformer(WGS84, WEB_MERCATOR))
    levels = {FULL_ZOOM: _valid(full)}
    for zoom in _ZOOMS:
        # The tolerance of a coverage is the square root of the area a vertex may take with it.
        simple = shapely.coverage_simplify(levels[FULL_ZOOM], _PIXEL_ZOOM_0_M / 2**zoom / 2)
        levels[zoom] = _valid(np.asarray(simple, dtype=object))
    return dict(sorted(levels.items()))


def _valid(shapes: Objects) -> Objects:
    """What projecting or simplifying made invalid, mended; polygons only."""
    bad = np.flatnonzero(~shapely.is_valid(shapes))
    if len(bad):
        shapes = shapes.copy()
        shapes[bad] = shapely.make_valid(shapes[bad], method="structure", keep_collapsed=False)
    return shapes
