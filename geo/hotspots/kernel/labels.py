"""Labels of points from their cells' clusters; points that are no cores go to the nearest core."""

import numpy as np
from numba import njit

from geo.hotspots.kernel.crew import Crew
from geo.hotspots.kernel.grid import Cells
from geo.hotspots.kernel.reach import TOGETHER, runs, steps
from geo.hotspots.kernel.sorting import Floats, Narrow, Wide


def labels(
    cells: Cells, cores: Narrow, cluster: Narrow, eps_m: float, days: float, crew: Crew
) -> Wide:
    """(n,) labels in the order of the points given, numbered by their lowest member; -1 is noise.

    `cores` is how many points at the front of each cell are cores, `cluster` the number of each
    cell's cluster.
    """
    found = np.empty(len(cells.order), np.int64)
    around, _ = steps(cells, forward=False)

    def label(a: int, b: int) -> None:
        _cores(cells.order, cells.start, cores, cluster, a, b, found)
        near = runs(cells, around, a, b)
        _others(
            *cells.points,
            cells.swapped,
            cells.order,
            cells.start,
            cores,
            cluster,
            near,
            a,
            b,
            eps_m * eps_m,
            days,
            found,
        )

    crew.each(label, crew.slices(len(cells.key), TOGETHER))
    _number(found, np.full(len(cluster), -1, np.int32))
    return found


@njit(nogil=True, cache=True)
def _cores(
    order: Narrow, start: Narrow, cores: Narrow, cluster: Narrow, a: int, b: int, found: Wide
) -> None:
    for c in range(a, b):
        for p in range(start[c], start[c] + cores[c]):
            found[order[p]] = cluster[c]


@njit(nogil=True, cache=True)
def _others(
    x_m: Floats,
    y_m: Floats,
    at: Floats,
    swapped: bool,
    order: Narrow,
    start: Narrow,
    cores: Narrow,
    cluster: Narrow,
    near: Narrow,
    a: int,
    b: int,
    eps2: float,
    days: float,
    found: Wide,
) -> None:
    """Of equally near cores that with the least gap in time wins, then the lowest x, y and time."""
    timed = len(at) > 0
    for c in range(a, b):
        for p in range(start[c] + cores[c], start[c + 1]):
            mine = -1
            best = np.int64(-1)
            best_d2 = best_gap = np.inf
            for k in range(near.shape[1]):
                for d in range(near[c - a, k, 0], near[c - a, k, 1]):
                    for q in range(start[d], start[d] + cores[d]):
                        dx, dy = x_m[q] - x_m[p], y_m[q] - y_m[p]
                        d2 = dx * dx + dy * dy
                        if d2 > eps2 or d2 > best_d2:
                            continue
                        gap = abs(at[q] - at[p]) if timed else 0.0
                        if gap > days:
                            continue
                        if d2 == best_d2 and gap >= best_gap:
                            if gap > best_gap:
                                continue
                            east = x_m[q] - x_m[best]
                            north = y_m[q] - y_m[best]
                            if swapped:
                                east, north = north, east
                            if east > 0 or (
                                east == 0
                                and (north > 0 or (north == 0 and timed and at[q] > at[best]))
                            ):
                                continue
                        best, best_d2, best_gap = np.int64(q), d2, gap
                        mine = cluster[d]
            found[order[p]] = mine


@njit(nogil=True, cache=True)
def _number(found: Wide, numbers: Narrow) -> None:
    made = 0
    for i in range(len(found)):
        if found[i] >= 0:
            if numbers[found[i]] < 0:
                numbers[found[i]] = made
                made += 1
            found[i] = numbers[found[i]]
