"""From labelled points to shapes on the map."""

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.polygon import orient

from geo import crs

Floats = npt.NDArray[np.float64]

# Of the distance that joins reports, how much is drawn around them; and never less than a house.
_MARGIN = 1 / 3
_LEAST_MARGIN_M = 20.0
# 1 follows nothing but the convex hull, 0 every report: enough to follow the bend of a street.
_RATIO = 0.4
_SIMPLIFIED_M = 1.0
MOST_VERTICES = 200


def hull(points_m: Floats, eps_m: float) -> shapely.Polygon:
    """One valid polygon without holes around (n, 2) points in metres, n >= 1, all of them inside.

    Follows the bend of a group and is wider than its reports by a third of `eps_m` (20 m at least),
    so that many reports on one spot are a polygon too. It has at most 200 vertices.
    """
    group = shapely.MultiPoint(np.unique(points_m, axis=0))
    margin_m = max(eps_m * _MARGIN, _LEAST_MARGIN_M)
    for around in (shapely.concave_hull(group, ratio=_RATIO), shapely.convex_hull(group)):
        wide = shapely.buffer(around, margin_m, quad_segs=6)
        tolerance_m = _SIMPLIFIED_M
        # Past half of the margin a cut corner might leave a report outside.
        while tolerance_m <= margin_m / 2:
            drawn = shapely.simplify(wide, tolerance_m)
            if drawn.geom_type == "Polygon" and len(drawn.exterior.coords) <= MOST_VERTICES:
                return shapely.Polygon(drawn.exterior)
            tolerance_m *= 2
    # A circle: 8 vertices a quarter.
    centre = shapely.minimum_bounding_radius(group) + margin_m
    return shapely.buffer(shapely.centroid(shapely.minimum_bounding_circle(group)), centre)


def to_degrees(polygon: shapely.Polygon, epsg: int) -> shapely.Polygon:
    """A polygon in metres of `epsg` as WGS 84 lon, lat, its ring anticlockwise (RFC 7946)."""
    ring = np.asarray(polygon.exterior.coords, dtype=np.float64)
    lon, lat = crs.to_degrees(ring[:, 0], ring[:, 1], epsg)
    return orient(shapely.Polygon(np.column_stack([lon, lat])), 1.0)
