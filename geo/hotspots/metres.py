"""Places in degrees measured in metres, far cities each in a plane of its own."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from geo import crs

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def by_plane(lon: Floats, lat: Floats) -> list[tuple[int, Ints, Floats]]:
    """(epsg, rows, points_m) of each plane; a city, or all of Vietnam, is one.

    `lon`, `lat` (n,) are WGS 84 degrees; `rows` are their indices, ascending, `points_m` (m, 2)
    the metres of those.
    """
    by_epsg: dict[int, list[Ints]] = {}
    for members in _places(lon, lat):
        by_epsg.setdefault(crs.metric_epsg(lon[members], lat[members]), []).append(members)
    made = []
    for epsg, parts in by_epsg.items():
        rows = np.sort(np.concatenate(parts)).astype(np.int64)
        x_m, y_m, _ = crs.to_metres(lon[rows], lat[rows], epsg)
        made.append((epsg, rows, np.column_stack([x_m, y_m])))
    return made


def _places(lon: Floats, lat: Floats) -> list[Ints]:
    """Indices of the points, by place: at least one empty square of one degree lies between two.

    A city, or a country, is one place.
    """
    if not len(lon):
        return []
    column = np.minimum((lon + 180.0).astype(np.int64), 359)
    row = np.minimum((lat + 90.0).astype(np.int64), 179)
    taken = np.zeros((180, 360), dtype=bool)
    taken[row, column] = True
    squares, n = ndimage.label(taken, structure=np.ones((3, 3)))
    place = squares[row, column]
    return [np.flatnonzero(place == i) for i in range(1, n + 1)]
