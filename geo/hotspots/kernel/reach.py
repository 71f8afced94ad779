"""Which cells lie near a cell: for each, a run of cells in every row within reach."""

import numpy as np
from numba import njit

from geo.hotspots.kernel.grid import REACH, Cells
from geo.hotspots.kernel.sorting import Narrow, Wide

# Cells looked at in one go: their runs stay in the processor's cache, and few of them in memory.
TOGETHER = 16_384


def steps(cells: Cells, forward: bool) -> tuple[Wide, int]:
    """What to add to a cell's key for each row within reach, nearest rows first, and how many of
    those rows are at most one away. `forward` leaves out what lies before the row itself."""
    slots = range(-1, 2) if cells.timed else range(1)
    found = [
        (row, slot)
        for row in sorted(range(-REACH, REACH + 1), key=abs)
        for slot in sorted(slots, key=abs)
        if not forward or (row, slot) >= (0, 0)
    ]
    keys = [(row * cells.stride + slot) * cells.span for row, slot in found]
    return np.array(keys, dtype=np.int64), sum(abs(row) <= 1 for row, _ in found)


def runs(cells: Cells, steps: Wide, a: int, b: int) -> Narrow:
    """(b - a, len(steps), 2) first cell and end of the run for each of the cells a … b and step:
    those of that row that are at most `REACH` columns away."""
    found = np.empty((b - a, len(steps), 2), np.int32)
    _runs(cells.key, steps, a, b, found)
    return found


@njit(nogil=True, cache=True)
def _runs(key: Wide, steps: Wide, a: int, b: int, found: Narrow) -> None:
    n = len(key)
    for k in range(len(steps)):
        lo = hi = np.searchsorted(key, key[a] + steps[k] - REACH)
        for c in range(a, b):
            first = key[c] + steps[k] - REACH
            while lo < n and key[lo] < first:
                lo += 1
            hi = max(hi, lo)
            while hi < n and key[hi] <= first + 2 * REACH:
                hi += 1
            found[c - a, k, 0], found[c - a, k, 1] = lo, hi
