"""A hexagonal grid fixed to a metric plane, by the zone and the metres alone, never to the data.

Hexagons stand on a point and are `WIDTH_M` across flats (3.46 ha) unless another width is given;
their centres lie at x = width * (q + r / 2), y = width * sqrt(3) / 2 * r, where q and r are axial
coordinates. A point belongs to the nearest centre.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import shapely

from geo import crs

WIDTH_M: Final = 200.0
AREA_M2: Final = WIDTH_M**2 * 3**0.5 / 2
# From the centre to a corner.
CORNER_M: Final = WIDTH_M / 3**0.5
_ROW_M: Final = WIDTH_M * 3**0.5 / 2

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def numbers(points_m: Floats, width_m: float = WIDTH_M) -> Ints:
    """The number of the hexagon that each of (n, 2) points in metres lies in, (n,)."""
    # The centres of even rows are one rectangular grid, those of odd rows another: the nearest
    # centre is the nearer one of both.
    across, up = points_m[:, 0] / width_m, points_m[:, 1] / (width_m * 3**0.5)
    even = np.rint(across), np.rint(up)
    odd = np.floor(across), np.floor(up)
    to_even = (across - even[0]) ** 2 + 3 * (up - even[1]) ** 2
    to_odd = (across - odd[0] - 0.5) ** 2 + 3 * (up - odd[1] - 0.5) ** 2
    nearer = to_odd < to_even
    column = np.where(nearer, odd[0], even[0]).astype(np.int64)
    pair = np.where(nearer, odd[1], even[1]).astype(np.int64)
    return number(column - pair, 2 * pair + nearer)


def number(q: Ints, r: Ints) -> Ints:
    """Axial coordinates as one number; numbers ascend by row, then from west to east."""
    return (r << 32) + q


def axial(hexagons: Ints) -> tuple[Ints, Ints]:
    """`(q, r)` of hexagons by their numbers."""
    r = (hexagons + (1 << 31)) >> 32
    return hexagons - (r << 32), r


def neighbours(hexagons: Ints) -> Ints:
    """The numbers of the six hexagons around each, (n, 6)."""
    q, r = axial(hexagons)
    east = np.array([1, 0, -1, -1, 0, 1])
    north = np.array([0, 1, 1, 0, -1, -1])
    return number(q[:, None] + east, r[:, None] + north)


def centres(hexagons: Ints) -> Floats:
    """Metres of the centres of hexagons by their numbers, (n, 2)."""
    q, r = axial(hexagons)
    return np.column_stack([WIDTH_M * (q + r / 2), _ROW_M * r])


def corners(hexagons: Ints, width_m: float = WIDTH_M) -> Floats:
    """Metres of the corners, anticlockwise and closed, (n, 7, 2).

    A corner that hexagons share has the same bits in each, so that they join without slivers.
    """
    q, r = axial(hexagons)
    # In steps of half a width and a third of a row: whole numbers.
    x = (2 * q + r)[:, None] + np.array([0, -1, -1, 0, 1, 1, 0])
    y = (3 * r)[:, None] + np.array([2, 1, -1, -2, -1, 1, 2])
    return np.stack([x * (width_m / 2), y * (width_m * 3**0.5 / 6)], axis=-1)


def polygons(hexagons: Ints, epsg: int, width_m: float = WIDTH_M) -> npt.NDArray[np.object_]:
    """The hexagons as polygons in WGS 84 degrees, rings anticlockwise."""
    rings = corners(hexagons, width_m)
    lon, lat = crs.to_degrees(rings[..., 0].ravel(), rings[..., 1].ravel(), epsg)
    drawn = shapely.polygons(np.column_stack([lon, lat]).reshape(len(hexagons), 7, 2))
    return np.asarray(drawn, dtype=np.object_)
