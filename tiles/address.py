"""Tile addresses, and the cells behind them.

The world's Web Mercator square is cut at zoom 26 into 2^26 x 2^26 cells (0.6 m wide), numbered in
z-order (Morton code: the bits of x and y interleaved, x in the even places). Any tile is then one
contiguous range of cell numbers, so "is this point in that tile" is a comparison of integers:
a point lies in exactly one tile of each zoom, also on a tile's edge, at 180 degrees and at the
poles (which go to the square's edge).
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geo.errors import Invalid, NotFound

CELL_ZOOM = 26
MAX_ZOOM = 18

# The latitude at which the Mercator world is a square: degrees(atan(sinh(pi))).
MERCATOR_LAT = 85.0511287798066

_SIDE = 1 << CELL_ZOOM
# How near to a cell's edge (in cells) numpy's and libm's last bits may fall on different sides.
_UNSURE = 1e-6


@dataclass(frozen=True, slots=True)
class TileAddress:
    """Zoom, column from the west, row from the north; raises `NotFound` outside the pyramid."""

    z: int
    x: int
    y: int

    def __post_init__(self) -> None:
        if not 0 <= self.z <= MAX_ZOOM:
            raise NotFound(f"there are tiles at zoom 0 to {MAX_ZOOM}, none at zoom {self.z}")
        side = 1 << self.z
        if not (0 <= self.x < side and 0 <= self.y < side):
            raise NotFound(
                f"at zoom {self.z} columns and rows go from 0 to {side - 1}; "
                f"there is no {self.x}/{self.y}"
            )

    @classmethod
    def parse(cls, z: str, x: str, y: str) -> "TileAddress":
        """From the digits of a path; raises `NotFound` on whatever is no address."""
        for part in (z, x, y):
            # int() itself refuses thousands of digits, with an error of its own
            if not (part.isascii() and part.isdecimal() and len(part) <= 9):
                raise NotFound("a tile's address is three whole numbers: zoom, column, row")
        return cls(int(z), int(x), int(y))

    @property
    def cells(self) -> tuple[int, int]:
        """First and last cell number (both included) of the tile."""
        return cell_range(self.z, self.x, self.y)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north in WGS 84 degrees.

        The first and last row reach to the poles, for there the cells gather what lies past the
        Mercator square.
        """
        side = 1 << self.z
        west, east = (360.0 * edge / side - 180.0 for edge in (self.x, self.x + 1))
        north = 90.0 if self.y == 0 else latitude(self.y / side)
        south = -90.0 if self.y == side - 1 else latitude((self.y + 1) / side)
        return west, south, east, north


def cell_range(z: int, x: int, y: int) -> tuple[int, int]:
    """First and last cell number (both included) inside tile z/x/y; the tile must exist."""
    shift = 2 * (CELL_ZOOM - z)
    first = _interleave(x, y) << shift
    return first, first + (1 << shift) - 1


def cell_of(lon: npt.ArrayLike, lat: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Cell numbers of WGS 84 points, one each; twin of the database's `pinward_cell`.

    Both use the usual spherical Mercator, x = (lon + 180) / 360,
    y = 1/2 - atanh(sin(lat)) / (2 pi), in doubles. Raises `Invalid` on NaN, infinite values or
    unequal lengths.
    """
    degrees_x = np.atleast_1d(np.asarray(lon, dtype=np.float64))
    degrees_y = np.atleast_1d(np.asarray(lat, dtype=np.float64))
    if degrees_x.shape != degrees_y.shape or degrees_x.ndim != 1:
        raise Invalid(
            f"lon and lat must be of one length; they are {degrees_x.shape} and {degrees_y.shape}"
        )
    if not (np.isfinite(degrees_x).all() and np.isfinite(degrees_y).all()):
        raise Invalid("coordinates must be numbers; some are NaN or infinite")
    x = (degrees_x + 180.0) / 360.0 * _SIDE
    capped = np.clip(degrees_y, -MERCATOR_LAT, MERCATOR_LAT)
    s = np.sin(np.radians(capped))
    y = (0.5 - np.log((1.0 + s) / (1.0 - s)) / (4.0 * np.pi)) * _SIDE
    # numpy's vector sine may differ from the database's libm in the last bit; where that could
    # decide the cell, ask libm.
    for i in np.flatnonzero(np.abs(y - np.round(y)) < _UNSURE):
        y[i] = _row(float(capped[i]))
    column = np.clip(np.floor(x), 0, _SIDE - 1).astype(np.int64)
    row = np.clip(np.floor(y), 0, _SIDE - 1).astype(np.int64)
    return _spread(column) | (_spread(row) << 1)


def tile_of(cell: int, z: int) -> tuple[int, int]:
    """Column and row of the tile at zoom `z` that holds a cell."""
    number = cell >> (2 * (CELL_ZOOM - z))
    x = y = 0
    for bit in range(z):
        x |= (number >> (2 * bit) & 1) << bit
        y |= (number >> (2 * bit + 1) & 1) << bit
    return x, y


def columns(cell: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Every second bit of cell numbers: their columns (their rows, of `cell >> 1`)."""
    x: npt.NDArray[np.int64] = cell & 0x5555555555555555
    for shift, mask in (
        (1, 0x3333333333333333),
        (2, 0x0F0F0F0F0F0F0F0F),
        (4, 0x00FF00FF00FF00FF),
        (8, 0x0000FFFF0000FFFF),
        (16, 0x00000000FFFFFFFF),
    ):
        x = (x | (x >> shift)) & mask
    return x


def middle_of(cell: int) -> tuple[float, float]:
    """Lon, lat (WGS 84 degrees) of the middle of a cell, at most 0.5 m from any point in it."""
    x, y = tile_of(cell, CELL_ZOOM)
    return (x + 0.5) / _SIDE * 360.0 - 180.0, latitude((y + 0.5) / _SIDE)


def _row(lat: float) -> float:
    s = math.sin(math.radians(lat))
    return (0.5 - math.log((1.0 + s) / (1.0 - s)) / (4.0 * math.pi)) * _SIDE


def latitude(share: float) -> float:
    """The latitude so far down the Mercator square, as a share of its side."""
    return math.degrees(math.atan(math.sinh(math.pi * (1.0 - 2.0 * share))))


def _interleave(x: int, y: int) -> int:
    return int(_spread(np.array([x]))[0] | (_spread(np.array([y]))[0] << 1))


def _spread(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Put a zero bit between any two bits of numbers below 2^31."""
    spread = values.astype(np.int64)
    for shift, mask in (
        (16, 0x0000FFFF0000FFFF),
        (8, 0x00FF00FF00FF00FF),
        (4, 0x0F0F0F0F0F0F0F0F),
        (2, 0x3333333333333333),
        (1, 0x5555555555555555),
    ):
        spread = (spread | (spread << shift)) & mask
    return spread
