"""A square grid over points, as arrays: the points sorted by cell, and the cells that hold any.

A cell's diagonal is (a hair less than) eps, so that points of one cell are neighbours whatever
floating-point rounding does, and every neighbour of a point is within two rows and two columns.
Cells are numbered row by row, so that five cells side by side are one run of points. Only occupied
cells exist: an empty plane, or one stray point on the other side of the earth, costs nothing.
Where points have times, a row of the grid is as many rows, one after the other, as time has slots.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from geo.errors import Invalid
from geo.hotspots.kernel.crew import Crew
from geo.hotspots.kernel.sorting import MOST_KEYS, Floats, Frame, Narrow, Wide, by_cell, listed

REACH = 2  # rows and columns that a neighbour may be away; slots of time: one
_SHRINK = 1.0 - 1e-6
# Up to here a cell's number is right to 2e-7 of a cell, far less than the hair above.
_WIDEST = 2.0**28
# Keys up to here leave room to look one row past the last.
_MOST = 2**61


class Cells(NamedTuple):
    """Points in the order of their cells, and the occupied cells, row by row.

    A cell's key is row * span + column, with `REACH` columns always empty at a row's end, so that
    what is added to a key leads to a neighbour or nowhere.
    """

    x_m: Floats  # (n,) along the columns' axis
    y_m: Floats  # (n,)
    at: Floats  # (n,) times, or empty
    order: Narrow  # (n,) where each sorted point came from
    start: Narrow  # (cells + 1,) first point of each cell
    key: Wide  # (cells,)
    span: int  # from a row to the next
    stride: int  # rows of time that are one row of the plane
    swapped: bool  # whether x_m is the points' second coordinate

    @property
    def points(self) -> tuple[Floats, Floats, Floats]:
        """x, y and time of the points."""
        return self.x_m, self.y_m, self.at

    @property
    def timed(self) -> bool:
        """Whether the points have times."""
        return len(self.at) > 0


def extent(points: Floats, crew: Crew) -> tuple[Floats, Floats] | None:
    """Lowest and highest x and y, (2,) and (2,); None if a coordinate is not finite."""
    found = crew.each(lambda a, b: _extent(points, a, b), crew.slices(len(points)))
    if not all(fine for *_, fine in found):
        return None
    ends = np.array([one[:4] for one in found])
    return ends[:, :2].min(axis=0), ends[:, 2:].max(axis=0)


def cells(
    points: Floats,
    low: Floats,
    high: Floats,
    eps_m: float,
    crew: Crew,
    at: Floats | None = None,
    days: float = np.inf,
) -> Cells:
    """Sort points by cell. `points` (n, 2) finite, within `low` … `high`.

    With `at`, (n,) times, points of one cell are at most `days` apart as well, and neighbours are
    at most one slot apart. Raises `Invalid` if keys would be too large, which takes more than a
    million points, and as many columns, rows and slots.
    """
    side_m = float(eps_m * _SHRINK / np.sqrt(2.0))
    with np.errstate(over="ignore"):
        wide = (high - low) / side_m
    countable = bool((wide < _WIDEST).all())
    across = int(wide[0] > wide[1])  # the columns' axis is the shorter one
    x, y = points[:, across], points[:, 1 - across]
    if countable and at is None:
        span = int(wide[across]) + 1 + REACH
        most = span * (int(wide[1 - across]) + 1)
        if most <= MOST_KEYS:
            frame = Frame(float(low[across]), float(low[1 - across]), 1.0 / side_m, span)
            x_m, y_m, packed = by_cell(x, y, None, frame, most, crew)
            none = np.empty(0)
            return Cells(x_m, y_m, none, *listed(packed, crew), span, 1, across == 1)
    if countable:
        cols = ((x - low[across]) / side_m).astype(np.int64)
        rows = ((y - low[1 - across]) / side_m).astype(np.int64)
    else:
        cols, rows = _slots(x, side_m, crew), _slots(y, side_m, crew)
    stride = 1
    if at is not None:
        # One row more than slots, so that the last has no neighbour in the next row's first.
        slots = _slots(at, days, crew)
        stride = int(slots.max()) + 2
        rows = rows * stride + slots
    span = int(cols.max()) + 1 + REACH
    most = span * (int(rows.max()) + 1)
    if most > _MOST:
        raise Invalid(f"eps_m {eps_m} and days {days} are too small for points this far apart")
    return _keyed(x, y, at, rows * span + cols, most, span, stride, across == 1, crew)


def _keyed(
    x: Floats,
    y: Floats,
    at: Floats | None,
    keys: Wide,
    most: int,
    span: int,
    stride: int,
    swapped: bool,
    crew: Crew,
) -> Cells:
    """As `cells`, where the keys of the points are given, all below `most`."""
    if most <= MOST_KEYS:
        x_m, y_m, packed = by_cell(x, y, keys, Frame(0.0, 0.0, 0.0, span), most, crew)
        order, start, key = listed(packed, crew)
    else:
        order = np.argsort(keys).astype(np.int32)
        keys = keys[order]
        begins = np.flatnonzero(np.diff(keys, prepend=-1))
        start, key = np.append(begins, len(keys)).astype(np.int32), keys[begins]
        x_m, y_m = x[order], y[order]
    times = np.empty(0) if at is None else at[order]
    return Cells(x_m, y_m, times, order, start, key, span, stride, swapped)


def _slots(values: Floats, length: float, crew: Crew) -> Wide:
    """The slot of each value: from the lowest value not in one yet, a slot takes all that are at
    most `length` farther.

    So two values of one slot are at most `length` apart, and more than that where a whole slot lies
    between; both as the difference is rounded, however large the values and the gaps between.
    """
    starts = _starts(np.sort(values), length)
    found = np.empty(len(values), np.int64)

    def look_up(a: int, b: int) -> None:
        found[a:b] = np.searchsorted(starts, values[a:b], side="right") - 1

    crew.each(look_up, crew.slices(len(values)))
    return found


@njit(nogil=True, cache=True)
def _extent(points: Floats, lo: int, hi: int) -> tuple[float, float, float, float, bool]:
    x0 = x1 = points[lo, 0]
    y0 = y1 = points[lo, 1]
    odd_x = odd_y = 0.0
    for i in range(lo, hi):
        x, y = points[i, 0], points[i, 1]
        x0, x1 = x if x < x0 else x0, x if x > x1 else x1
        y0, y1 = y if y < y0 else y0, y if y > y1 else y1
        odd_x += x - x
        odd_y += y - y
    return x0, y0, x1, y1, odd_x + odd_y == 0.0


@njit(cache=True)
def _starts(values: Floats, length: float) -> Floats:
    """First values of the slots of ascending values."""
    starts = np.empty(len(values))
    made = 0
    for value in values:
        if made == 0 or value - starts[made - 1] > length:
            starts[made] = value
            made += 1
    return starts[:made].copy()
