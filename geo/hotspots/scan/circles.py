"""Circles around places, as lists of the places inside, nearest first."""

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

Ints = npt.NDArray[np.int64]
Narrow = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

BLOCK: Final = 8  # places that are added up before the threshold is looked at


class Circles(NamedTuple):
    """The places in circles around some centres, nearest first, in blocks of eight.

    Places equally far (to the millimetre) enter a circle together: a circle ends only behind the
    last of them.
    """

    start: Ints  # (centres + 1,) first block of each centre
    near: Narrow  # (blocks, 8) places; behind the last circle the number of places, an empty one
    ends: Bytes  # (blocks,) bit i: a circle ends behind the block's i-th place
    total: Ints  # (blocks,) reports behind the block's last place
    row: Narrow  # (blocks,) row of the thresholds for the block's first circle


@njit(nogil=True, cache=True)
def distances(x_m: Floats, y_m: Floats, centres: Ints, bits: int) -> Ints:
    """(centres, places): millimetres from each centre to each place, the place's number in the
    lowest `bits` bits, so that sorting the row sorts the places."""
    keys = np.empty((len(centres), len(x_m)), np.int64)
    for i in range(len(centres)):
        for j in range(len(x_m)):
            keys[i, j] = apart_mm(x_m, y_m, centres[i], j) << bits | j
    return keys


@njit(cache=True)
def apart_mm(x_m: Floats, y_m: Floats, i: int, j: int) -> int:
    """Millimetres between two places."""
    dx, dy = x_m[i] - x_m[j], y_m[i] - y_m[j]
    return int(math.sqrt(dx * dx + dy * dy) * 1000.0 + 0.5)


@njit(nogil=True, cache=True)
def radii_mm(x_m: Floats, y_m: Floats, edge: Ints) -> Ints:
    """Millimetres from each place to its `edge`; 0 where that is -1."""
    radius = np.zeros(len(edge), np.int64)
    for i in range(len(edge)):
        if edge[i] >= 0:
            radius[i] = apart_mm(x_m, y_m, i, edge[i])
    return radius


@njit(nogil=True, cache=True)
def nearest_mm(x_m: Floats, y_m: Floats, members: Ints, nearest: Ints) -> None:
    """Lower `nearest` (places,) to the distance of the nearest of `members`."""
    for i in range(len(nearest)):
        for j in members:
            nearest[i] = min(nearest[i], apart_mm(x_m, y_m, i, j))


@njit(nogil=True, cache=True)
def circles(
    keys: Ints, bits: int, sizes: Ints, largest: int, within_mm: Ints, shift: int, no_row: int
) -> Circles:
    """Circles from sorted `distances`, of at most `largest` reports and `within_mm` (centres,)."""
    centres, places = keys.shape
    mask = (np.int64(1) << bits) - 1
    length = np.zeros(centres, np.int64)
    start = np.zeros(centres + 1, np.int64)
    for i in range(centres):
        total = 0
        j = 0
        while j < places and keys[i, j] >> bits <= within_mm[i]:
            far = keys[i, j] >> bits
            while j < places and keys[i, j] >> bits == far:
                total += sizes[keys[i, j] & mask]
                j += 1
            if total > largest:
                break
            length[i] = j
        start[i + 1] = start[i] + (length[i] + BLOCK - 1) // BLOCK
    near = np.full((start[centres], BLOCK), places, np.int32)
    ends = np.zeros(start[centres], np.uint8)
    totals = np.zeros(start[centres], np.int64)
    rows = np.full(start[centres], no_row, np.int32)
    for i in range(centres):
        total = 0
        for j in range(length[i]):
            b = start[i] + j // BLOCK
            near[b, j % BLOCK] = keys[i, j] & mask
            total += sizes[keys[i, j] & mask]
            if j + 1 == length[i] or keys[i, j] >> bits != keys[i, j + 1] >> bits:
                if ends[b] == 0:
                    rows[b] = total >> shift
                ends[b] |= np.uint8(1 << (j % BLOCK))
            totals[b] = total
    return Circles(start, near, ends, totals, rows)
