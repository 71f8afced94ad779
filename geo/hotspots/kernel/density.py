"""Which points are cores: by counting neighbours, no farther than the answer needs."""

import numpy as np
import numpy.typing as npt
from numba import njit

from geo.hotspots.kernel.crew import Crew
from geo.hotspots.kernel.grid import Cells
from geo.hotspots.kernel.reach import TOGETHER, runs, steps
from geo.hotspots.kernel.sorting import Floats, Narrow

# Neighbours are counted so many at a time before asking whether they are enough: long enough for
# the processor's wide registers, short enough to stop early in a heap of a million.
_BLOCK = 128


def cores(cells: Cells, eps_m: float, days: float, min_points: int, crew: Crew) -> Narrow:
    """(cells,) how many of each cell's points are cores. The points of a cell are put in another
    order, so that its cores come first."""
    core = np.empty(len(cells.x_m), np.uint8)
    around, _ = steps(cells, forward=False)

    def count(a: int, b: int) -> None:
        near = runs(cells, around, a, b)
        _count(*cells.points, cells.start, near, a, b, eps_m * eps_m, days, min_points, core)

    parts = crew.slices(len(cells.key), TOGETHER)
    crew.each(count, parts)
    found = np.empty(len(cells.key), np.int32)
    # Only now, as all points were still being looked at.
    crew.each(
        lambda a, b: _gather(*cells.points, cells.order, cells.start, a, b, core, found), parts
    )
    return found


@njit(nogil=True, cache=True, inline="always")
def _within(
    x_m: Floats, y_m: Floats, at: Floats, x: float, y: float, t: float, eps2: float, days: float
) -> int:
    found = 0
    if len(at):
        for i in range(len(x_m)):
            dx, dy = x_m[i] - x, y_m[i] - y
            found += (dx * dx + dy * dy <= eps2) & (abs(at[i] - t) <= days)
    else:
        for i in range(len(x_m)):
            dx, dy = x_m[i] - x, y_m[i] - y
            found += dx * dx + dy * dy <= eps2
    return found


@njit(nogil=True, cache=True)
def _count(
    x_m: Floats,
    y_m: Floats,
    at: Floats,
    start: Narrow,
    near: Narrow,
    a: int,
    b: int,
    eps2: float,
    days: float,
    min_points: int,
    core: npt.NDArray[np.uint8],
) -> None:
    timed = len(at) > 0
    for c in range(a, b):
        first, end = start[c], start[c + 1]
        if end - first >= min_points:
            core[first:end] = 1
            continue
        core[first:end] = 0
        there = 0
        for k in range(near.shape[1]):
            there += start[near[c - a, k, 1]] - start[near[c - a, k, 0]]
        if there < min_points:
            continue
        for p in range(first, end):
            t = at[p] if timed else 0.0
            found = 0
            for k in range(near.shape[1]):
                lo, hi = start[near[c - a, k, 0]], start[near[c - a, k, 1]]
                while lo < hi and found < min_points:
                    to = min(lo + _BLOCK, hi)
                    found += _within(
                        x_m[lo:to], y_m[lo:to], at[lo:to], x_m[p], y_m[p], t, eps2, days
                    )
                    lo = to
                if found >= min_points:
                    core[p] = 1
                    break


@njit(nogil=True, cache=True)
def _gather(
    x_m: Floats,
    y_m: Floats,
    at: Floats,
    order: Narrow,
    start: Narrow,
    a: int,
    b: int,
    core: npt.NDArray[np.uint8],
    found: Narrow,
) -> None:
    for c in range(a, b):
        to = start[c]
        for p in range(start[c], start[c + 1]):
            if core[p]:
                if p != to:
                    x_m[p], x_m[to] = x_m[to], x_m[p]
                    y_m[p], y_m[to] = y_m[to], y_m[p]
                    order[p], order[to] = order[to], order[p]
                    if len(at):
                        at[p], at[to] = at[to], at[p]
                to += 1
        found[c] = to - start[c]
