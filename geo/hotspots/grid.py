"""A square grid over points, as arrays: the points sorted by cell, and the cells that hold any.

A cell's diagonal is (a hair less than) eps, so that points of one cell are neighbours whatever
floating-point rounding does, and every neighbour of a point is within two rows and two columns.
Cells are numbered row by row, so that five cells side by side are one run of points. Only occupied
cells exist: an empty plane, or one stray point on the other side of the earth, costs nothing.

The sort is a counting sort in two steps: into buckets that many write heads can fill at once, then
each bucket by itself in the processor's cache. Every step works on slices that threads share out
(the compiled functions let go of the interpreter's lock), and gives the same for any sharing.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]
Wide = npt.NDArray[np.int64]
Narrow = npt.NDArray[np.int32]
Marks = npt.NDArray[np.uint8]

REACH = 2  # rows and columns that a neighbour may be away
_SHRINK = 1.0 - 1e-6
# Up to here a cell's number is right to 2e-7 of a cell, far less than the hair above.
_WIDEST = 2.0**28
_LOW = np.int64(0xFFFFFFFF)


class Frame(NamedTuple):
    """How a point gets its cell; `cols` and `rows` are given (one a point) or empty."""

    across: int  # the axis of the columns, 0 or 1: the shorter one
    left: float
    low: float
    per_m: float
    span: int  # columns
    rows_high: int  # rows
    cols: Narrow
    rows: Narrow


class Cells(NamedTuple):
    """Points in the order of their cells, and the occupied cells, row by row."""

    x_m: Floats  # (n,) along the columns' axis
    y_m: Floats  # (n,)
    order: Narrow  # (n,) where each sorted point came from
    start: Narrow  # (cells + 1,) first point of each cell
    col: Narrow  # (cells,)
    row_first: Narrow  # (rows + 1,) first cell of each occupied row
    row_no: Narrow  # (rows,)


class Crew:
    """Threads that share out slices; one thread for few points, where starting more costs more."""

    def __init__(self, n: int, threads: int) -> None:
        self.parts = 8 * threads if n >= 50_000 and threads > 1 else 1
        self._pool = ThreadPoolExecutor(threads) if self.parts > 1 else None

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *problem: object) -> None:
        if self._pool:
            self._pool.shutdown()

    def each(self, work: Callable[..., Any], slices: Iterable[tuple[Any, ...]]) -> list[Any]:
        """What `work(*slice)` answers, in the order of the slices."""
        if self._pool is None:
            return [work(*one) for one in slices]
        return list(self._pool.map(lambda one: work(*one), slices))

    def slices(self, n: int) -> list[tuple[int, int]]:
        """Equal slices of 0 … n."""
        ends = [n * i // self.parts for i in range(self.parts + 1)]
        return [(a, b) for a, b in zip(ends, ends[1:], strict=False) if b > a]

    def weighed(self, start: npt.NDArray[Any]) -> list[tuple[int, int]]:
        """Slices of the groups that begin at `start` (with the end behind) of equal contents."""
        wanted = np.linspace(0, start[-1], self.parts + 1)[1:-1]
        ends = np.unique(np.concatenate([[0, len(start) - 1], np.searchsorted(start, wanted)]))
        return [(int(a), int(b)) for a, b in zip(ends, ends[1:], strict=False)]


def extent(points: Floats, crew: Crew) -> tuple[Floats, Floats] | None:
    """Lowest and highest x and y, (2,) and (2,); None if a coordinate is not finite."""
    found = crew.each(lambda a, b: _extent(points, a, b), crew.slices(len(points)))
    if not all(fine for *_, fine in found):
        return None
    ends = np.array([one[:4] for one in found])
    return ends[:, :2].min(axis=0), ends[:, 2:].max(axis=0)


def cells(points: Floats, low: Floats, high: Floats, eps_m: float, crew: Crew) -> Cells:
    """Sort points by cell. `points` (n, 2) finite, within `low` … `high`."""
    frame = _frame(points, low, high, eps_m)
    if frame.span * frame.rows_high < 2**31:
        packed = _sorted(points, None, frame, 0, frame.span * frame.rows_high, crew)
    else:
        packed = _sorted(points, None, frame, 1, frame.span, crew)
        packed = _sorted(points, packed, frame, 2, frame.rows_high, crew)
    n = len(points)
    x_m, y_m = np.empty(n), np.empty(n)
    order, fresh = np.empty(n, np.int32), np.empty(n, np.uint8)
    parts = crew.slices(n)
    counts = crew.each(
        lambda a, b: _gather(points, packed, frame, a, b, x_m, y_m, order, fresh), parts
    )
    del packed
    made = np.concatenate([[(0, 0)], np.cumsum(counts, axis=0)]).astype(np.int64)
    start, col = np.empty(made[-1, 0] + 1, np.int32), np.empty(made[-1, 0], np.int32)
    row_first, row_no = np.empty(made[-1, 1] + 1, np.int32), np.empty(made[-1, 1], np.int32)
    start[-1], row_first[-1] = n, made[-1, 0]
    crew.each(
        lambda part, cell, row: _list(
            frame, *part, int(cell), int(row), x_m, y_m, order, fresh, start, col, row_first, row_no
        ),
        [(part, *at) for part, at in zip(parts, made, strict=False)],
    )
    return Cells(x_m, y_m, order, start, col, row_first, row_no)


def _frame(points: Floats, low: Floats, high: Floats, eps_m: float) -> Frame:
    per_m = float(np.sqrt(2.0) / (eps_m * _SHRINK))
    with np.errstate(over="ignore", invalid="ignore"):
        wide = (high - low) * per_m
    given = np.empty(0, np.int32), np.empty(0, np.int32)
    if not (wide < _WIDEST).all():
        given = (_by_gaps(points[:, 0], eps_m, per_m), _by_gaps(points[:, 1], eps_m, per_m))
        wide = np.array([one.max() for one in given], dtype=np.float64)
    across = int(wide[0] > wide[1])
    cols, rows = given[across], given[1 - across]
    return Frame(
        across,
        float(low[across]),
        float(low[1 - across]),
        per_m,
        int(wide[across]) + 1,
        int(wide[1 - across]) + 1,
        cols,
        rows,
    )


def _by_gaps(at_m: Floats, eps_m: float, per_m: float) -> Narrow:
    """Cell numbers along one axis of an extent too wide to count cells in: what is empty for more
    than two eps is left out, so that the numbers stay small and exact."""
    order = np.argsort(at_m, kind="stable")
    sorted_m = at_m[order]
    with np.errstate(over="ignore"):
        begins = np.concatenate([[True], np.diff(sorted_m) > 2 * eps_m])
    run = np.cumsum(begins) - 1
    inside = np.floor((sorted_m - sorted_m[begins][run]) * per_m)
    last = np.append(np.flatnonzero(begins)[1:], len(order)) - 1
    base = np.concatenate([[0.0], np.cumsum(inside[last] + REACH + 1)[:-1]])
    numbers = np.empty(len(order), np.int32)
    numbers[order] = base[run] + inside
    return numbers


def _sorted(
    points: Floats, before: Wide | None, frame: Frame, by: int, keys: int, crew: Crew
) -> Wide:
    """(n,) key << 32 | row of `points`, sorted by key and stable to the order `before`.

    `by` is 0 for the cell, 1 for its column, 2 for its row; keys are below `keys`.
    """
    n = len(points)
    first = np.empty(0, np.int64) if before is None else before
    # Buckets of a few thousand points fit the cache; more than 2,048 write heads do not.
    shift = max(0, (keys - 1).bit_length() - min(11, max(0, n.bit_length() - 11)))
    buckets = ((keys - 1) >> shift) + 1
    parts = crew.slices(n)
    counts = np.zeros((len(parts), buckets), np.int64)
    crew.each(
        lambda k, part: _tally(points, first, frame, by, shift, *part, counts[k]),
        list(enumerate(parts)),
    )
    starts = np.zeros(buckets + 1, np.int64)
    np.cumsum(counts.sum(axis=0), out=starts[1:])
    heads = starts[:-1] + np.cumsum(counts, axis=0) - counts
    packed = np.empty(n, np.int64)
    crew.each(
        lambda k, part: _scatter(points, first, frame, by, shift, *part, heads[k], packed),
        list(enumerate(parts)),
    )
    if shift:
        crew.each(lambda a, b: _settle(packed, starts, a, b, shift), crew.weighed(starts))
    return packed


@njit(nogil=True, cache=True)
def _extent(points: Floats, lo: int, hi: int) -> tuple[float, float, float, float, bool]:
    x0 = x1 = points[lo, 0]
    y0 = y1 = points[lo, 1]
    odd = 0.0
    for i in range(lo, hi):
        x, y = points[i, 0], points[i, 1]
        x0, x1 = min(x0, x), max(x1, x)
        y0, y1 = min(y0, y), max(y1, y)
        odd += (x - x) + (y - y)
    return x0, y0, x1, y1, odd == 0.0


@njit(nogil=True, cache=True, inline="always")
def _cell(frame: Frame, x: float, y: float, i: int) -> tuple[int, int]:
    """(row, column) of a point; both are rounded down, since they are not negative."""
    if len(frame.cols):
        return np.int64(frame.rows[i]), np.int64(frame.cols[i])
    return np.int64((y - frame.low) * frame.per_m), np.int64((x - frame.left) * frame.per_m)


@njit(nogil=True, cache=True, inline="always")
def _key(points: Floats, frame: Frame, by: int, i: int) -> int:
    row, col = _cell(frame, points[i, frame.across], points[i, 1 - frame.across], i)
    if by == 0:
        return row * frame.span + col
    return col if by == 1 else row


@njit(nogil=True, cache=True)
def _tally(
    points: Floats, first: Wide, frame: Frame, by: int, shift: int, lo: int, hi: int, counts: Wide
) -> None:
    for p in range(lo, hi):
        i = first[p] & _LOW if len(first) else p
        counts[_key(points, frame, by, i) >> shift] += 1


@njit(nogil=True, cache=True)
def _scatter(
    points: Floats,
    first: Wide,
    frame: Frame,
    by: int,
    shift: int,
    lo: int,
    hi: int,
    heads: Wide,
    packed: Wide,
) -> None:
    for p in range(lo, hi):
        i = first[p] & _LOW if len(first) else p
        key = _key(points, frame, by, i)
        packed[heads[key >> shift]] = key << 32 | i
        heads[key >> shift] += 1


@njit(nogil=True, cache=True)
def _settle(packed: Wide, starts: Wide, lo: int, hi: int, shift: int) -> None:
    """Sort each bucket by the keys' lowest `shift` bits, by counting, digit by digit."""
    longest = 0
    for b in range(lo, hi):
        longest = max(longest, starts[b + 1] - starts[b])
    spare = np.empty(longest, np.int64)
    for b in range(lo, hi):
        some = packed[starts[b] : starts[b + 1]]
        n = len(some)
        if n < 2:
            continue
        # In one go where the counters are not more than a few for each point.
        digits = 1 if (1 << shift) <= 4 * n + 256 else (shift + 10) // 11
        bits = (shift + digits - 1) // digits
        mask = (1 << bits) - 1
        heads = np.zeros((1 << bits) + 1, np.int64)
        for digit in range(digits):
            right = 32 + digit * bits
            heads[:] = 0
            for p in range(n):
                spare[p] = some[p]
                heads[((some[p] >> right) & mask) + 1] += 1
            for k in range(mask):
                heads[k + 1] += heads[k]
            for p in range(n):
                k = (spare[p] >> right) & mask
                some[heads[k]] = spare[p]
                heads[k] += 1


@njit(nogil=True, cache=True)
def _gather(
    points: Floats,
    packed: Wide,
    frame: Frame,
    lo: int,
    hi: int,
    x_m: Floats,
    y_m: Floats,
    order: Narrow,
    fresh: Marks,
) -> tuple[int, int]:
    """Move points to their sorted places, mark where cells (1) and rows (2) begin, count both."""
    row = col = np.int64(-1)
    if lo:
        i = packed[lo - 1] & _LOW
        row, col = _cell(frame, points[i, frame.across], points[i, 1 - frame.across], i)
    made = rows = 0
    for p in range(lo, hi):
        i = packed[p] & _LOW
        x_m[p], y_m[p], order[p] = points[i, frame.across], points[i, 1 - frame.across], i
        here, there = _cell(frame, x_m[p], y_m[p], i)
        fresh[p] = 0 if here == row and there == col else (1 if here == row else 2)
        made += fresh[p] > 0
        rows += fresh[p] > 1
        row, col = here, there
    return made, rows


@njit(nogil=True, cache=True)
def _list(
    frame: Frame,
    lo: int,
    hi: int,
    cell: int,
    row: int,
    x_m: Floats,
    y_m: Floats,
    order: Narrow,
    fresh: Marks,
    start: Narrow,
    col: Narrow,
    row_first: Narrow,
    row_no: Narrow,
) -> None:
    for p in range(lo, hi):
        if fresh[p]:
            here, there = _cell(frame, x_m[p], y_m[p], order[p])
            if fresh[p] > 1:
                row_first[row], row_no[row] = cell, here
                row += 1
            start[cell], col[cell] = p, there
            cell += 1
