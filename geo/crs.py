"""Coordinates: WGS 84 degrees in, metres out.

Metres come from UTM, never from Web Mercator (at Ho Chi Minh City EPSG:3857 is 1.8 % too long).
UTM 48N (EPSG:32648) covers Vietnam's mainland west of 108° E and is used for all of Vietnam, so
that one country has one plane; elsewhere the zone of the data's middle is taken. Scale error of
UTM 48N: -0.04 % at 105° E, +0.003 % in central Ho Chi Minh City, +0.06 % at its eastern end
(107.6° E), +0.25 % at Vietnam's east coast (109.5° E).
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from pyproj import Geod, Transformer

from geo.errors import Invalid

WGS84 = 4326
UTM_48N = 32648
GEOD = Geod(ellps="WGS84")

# west, south, east, north of Vietnam with its islands near the coast, in degrees.
_VIETNAM = (102.0, 8.0, 110.0, 23.5)

Floats = npt.NDArray[np.float64]


@lru_cache(maxsize=64)
def transformer(source: int, target: int) -> Transformer:
    """Transformer between two EPSG codes, always x (lon, east) before y (lat, north)."""
    return Transformer.from_crs(source, target, always_xy=True)


def metric_epsg(lon: npt.ArrayLike, lat: npt.ArrayLike) -> int:
    """EPSG code of the UTM zone used to measure these WGS 84 points (one zone for all of them).

    Raises `Invalid` on NaN, infinite or out-of-range coordinates, and on no points at all.
    """
    x, y = _checked(lon, lat)
    if x.size == 0:
        raise Invalid("there are no points to choose a projection for")
    mid_lon, mid_lat = float(np.median(x)), float(np.median(y))
    west, south, east, north = _VIETNAM
    if west <= mid_lon <= east and south <= mid_lat <= north:
        return UTM_48N
    zone = min(int((mid_lon + 180.0) // 6.0) + 1, 60)
    return (32600 if mid_lat >= 0 else 32700) + zone


def to_metres(
    lon: npt.ArrayLike, lat: npt.ArrayLike, epsg: int | None = None
) -> tuple[Floats, Floats, int]:
    """WGS 84 degrees → `(x_m, y_m, epsg)`, arrays of the input's length, one transform call.

    `epsg` fixes the plane; without it `metric_epsg` chooses. Empty input gives empty output.
    Raises `Invalid` on NaN, infinite or out-of-range coordinates or unequal lengths.
    """
    x, y = _checked(lon, lat)
    if x.size == 0:
        return x, y, epsg or UTM_48N
    epsg = epsg or metric_epsg(x, y)
    x_m, y_m = transformer(WGS84, epsg).transform(x, y)
    return np.asarray(x_m, dtype=np.float64), np.asarray(y_m, dtype=np.float64), epsg


def to_degrees(x_m: npt.ArrayLike, y_m: npt.ArrayLike, epsg: int) -> tuple[Floats, Floats]:
    """The way back: metres in `epsg` → WGS 84 `(lon, lat)` degrees."""
    lon, lat = transformer(epsg, WGS84).transform(
        np.asarray(x_m, dtype=np.float64), np.asarray(y_m, dtype=np.float64)
    )
    return np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)


def _checked(lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[Floats, Floats]:
    x = np.atleast_1d(np.asarray(lon, dtype=np.float64))
    y = np.atleast_1d(np.asarray(lat, dtype=np.float64))
    if x.shape != y.shape or x.ndim != 1:
        raise Invalid(f"lon and lat must be of one length; they are {x.shape} and {y.shape}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise Invalid("coordinates must be numbers; some are NaN or infinite")
    if x.size and (np.abs(x).max() > 180.0 or np.abs(y).max() > 90.0):
        raise Invalid("coordinates must be degrees, lon within ±180 and lat within ±90")
    return x, y
