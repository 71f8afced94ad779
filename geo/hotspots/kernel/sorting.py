"""A counting sort of points by cell, coordinates carried along.

Two steps: into buckets that many write heads can fill at once, then each bucket by itself in the
processor's cache. Every step works on slices that threads share out, and gives the same for any
sharing.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from geo.hotspots.kernel.crew import Crew

Floats = npt.NDArray[np.float64]
Wide = npt.NDArray[np.int64]
Narrow = npt.NDArray[np.int32]

MOST_KEYS = 2**31
# More write heads than this do not fit the processor's cache and its table of pages.
_MOST_BUCKETS_BITS = 11
# Fewer points than this to a bucket are not worth one.
_LEAST_IN_A_BUCKET_BITS = 9
_LOW = np.int64(0xFFFFFFFF)


class Frame(NamedTuple):
    """How a point gets its cell. Cell numbers (keys) are row * span + column."""

    left: float
    low: float
    per_m: float
    span: int


def by_cell(
    x: Floats, y: Floats, keys: Wide | None, frame: Frame, most: int, crew: Crew
) -> tuple[Floats, Floats, Wide]:
    """x, y, and key << 32 | place in the input, of the points in the order of their keys.

    `keys` are those of the points if they are not what the frame says, all below `most`, which is
    at most `MOST_KEYS`.
    """
    n = len(x)
    bits = (most - 1).bit_length()
    shift = max(0, bits - min(_MOST_BUCKETS_BITS, max(0, n.bit_length() - _LEAST_IN_A_BUCKET_BITS)))
    buckets = ((most - 1) >> shift) + 1
    parts = crew.slices(n)
    counts = np.zeros((len(parts), buckets), np.int64)

    def tally(k: int, a: int, b: int) -> None:
        _tally(x[a:b], y[a:b], None if keys is None else keys[a:b], frame, shift, counts[k])

    crew.each(tally, [(k, *part) for k, part in enumerate(parts)])
    starts = np.zeros(buckets + 1, np.int64)
    np.cumsum(counts.sum(axis=0), out=starts[1:])
    heads = starts[:-1] + np.cumsum(counts, axis=0) - counts
    x_m, y_m, packed = np.empty(n), np.empty(n), np.empty(n, np.int64)

    def scatter(k: int, a: int, b: int) -> None:
        some = None if keys is None else keys[a:b]
        _scatter(x[a:b], y[a:b], some, frame, shift, a, heads[k], x_m, y_m, packed)

    crew.each(scatter, [(k, *part) for k, part in enumerate(parts)])
    if shift:
        crew.each(lambda a, b: _settle(x_m, y_m, packed, starts, a, b, shift), crew.weighed(starts))
    return x_m, y_m, packed


def listed(packed: Wide, crew: Crew) -> tuple[Narrow, Narrow, Wide]:
    """Order of the points, first point of each cell (with the end behind), key of each cell."""
    n = len(packed)
    parts = crew.slices(n)
    made = np.cumsum([0, *crew.each(lambda a, b: _count(packed, a, b), parts)])
    order, start = np.empty(n, np.int32), np.empty(made[-1] + 1, np.int32)
    key = np.empty(made[-1], np.int64)
    start[-1] = n
    crew.each(
        lambda part, cell: _list(packed, part[0], part[1], cell, order, start, key),
        zip(parts, made.tolist(), strict=False),
    )
    return order, start, key


@njit(nogil=True, cache=True, inline="always")
def _key(x: Floats, y: Floats, keys: Wide | None, frame: Frame, i: int) -> np.int64:
    if keys is not None:
        return np.int64(keys[i])
    # Rounded down, as neither is negative.
    row = np.int64((y[i] - frame.low) * frame.per_m)
    return np.int64(row * frame.span + np.int64((x[i] - frame.left) * frame.per_m))


# Unsigned numbers spare the check whether an index counts from the end.
@njit(nogil=True, cache=True)
def _tally(x: Floats, y: Floats, keys: Wide | None, frame: Frame, shift: int, counts: Wide) -> None:
    for i in range(len(x)):
        counts[np.uint64(_key(x, y, keys, frame, i) >> shift)] += 1


@njit(nogil=True, cache=True)
def _scatter(
    x: Floats,
    y: Floats,
    keys: Wide | None,
    frame: Frame,
    shift: int,
    first: int,
    heads: Wide,
    x_m: Floats,
    y_m: Floats,
    packed: Wide,
) -> None:
    for i in range(len(x)):
        key = _key(x, y, keys, frame, i)
        bucket = np.uint64(key >> shift)
        to = np.uint64(heads[bucket])
        heads[bucket] += 1
        x_m[to], y_m[to], packed[to] = x[i], y[i], key << 32 | (first + i)


@njit(nogil=True, cache=True)
def _settle(
    x_m: Floats, y_m: Floats, packed: Wide, starts: Wide, lo: int, hi: int, shift: int
) -> None:
    """Sort each bucket by the keys' lowest `shift` bits, by counting, digit by digit."""
    most = 0
    for b in range(lo, hi):
        most = max(most, starts[b + 1] - starts[b])
    x, y, p = np.empty(most), np.empty(most), np.empty(most, np.int64)
    at, before = np.empty(most, np.int64), np.empty(most, np.int64)
    for b in range(lo, hi):
        first = starts[b]
        n = starts[b + 1] - first
        # In one go where the counters are not more than a few for each point.
        digits = 1 if (1 << shift) <= 4 * n + 256 else (shift + 10) // 11
        bits = (shift + digits - 1) // digits
        mask = np.int64((1 << bits) - 1)
        odd = np.int64(0)
        for i in range(n):
            x[i], y[i], p[i] = x_m[first + i], y_m[first + i], packed[first + i]
            odd |= p[i] ^ p[0]
            at[i] = i
        if odd >> 32 == 0:
            continue
        heads = np.zeros(mask + 2, np.int64)
        for digit in range(digits):
            right = 32 + digit * bits
            heads[:] = 0
            for i in range(n):
                heads[((p[i] >> right) & mask) + 1] += 1
            for k in range(mask):
                heads[k + 1] += heads[k]
            at, before = before, at
            for j in range(n):
                i = before[j]
                k = (p[i] >> right) & mask
                at[heads[k]] = i
                heads[k] += 1
        for j in range(n):
            i = at[j]
            x_m[first + j], y_m[first + j], packed[first + j] = x[i], y[i], p[i]


@njit(nogil=True, cache=True)
def _count(packed: Wide, lo: int, hi: int) -> int:
    """How many cells begin in a slice."""
    key = packed[lo - 1] >> 32 if lo else np.int64(-1)
    cells = 0
    for p in range(lo, hi):
        cells += packed[p] >> 32 != key
        key = packed[p] >> 32
    return cells


@njit(nogil=True, cache=True)
def _list(
    packed: Wide, lo: int, hi: int, cell: int, order: Narrow, start: Narrow, key: Wide
) -> None:
    last = packed[lo - 1] >> 32 if lo else np.int64(-1)
    for p in range(lo, hi):
        order[p] = packed[p] & _LOW
        if packed[p] >> 32 != last:
            last = packed[p] >> 32
            start[cell], key[cell] = p, last
            cell += 1
