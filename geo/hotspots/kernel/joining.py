"""Cells whose cores are of one cluster: neighbouring cells are joined where a core of one lies
within reach of a core of the other.

Any such pair will do, and most cells have many: a few tries find one. Where they do not, as between
two heaps a hair too far apart, the pair is searched by halving: both heaps are cut in half again
and again, and halves whose boxes are too far apart are out. That a box is too far away is judged by
the same rounded arithmetic as two points are, and rounding never turns an order around, so the
answer is the one that trying every pair would give.
"""

import numpy as np
from numba import njit

from geo.hotspots.kernel.crew import Crew
from geo.hotspots.kernel.grid import REACH, Cells
from geo.hotspots.kernel.reach import TOGETHER, runs, steps
from geo.hotspots.kernel.sorting import Floats, Narrow, Wide

# Pairs of points tried before halving, and pairs of parts so small that they are not halved.
_TRIES = 256
_SMALL = 64


def join(cells: Cells, cores: Narrow, eps_m: float, days: float, crew: Crew) -> Narrow:
    """(cells,) the first cell of each cell's cluster; for cells without cores it means nothing.

    `cores` is how many points at the front of each cell are cores. Puts these in another order.
    """
    n = len(cells.key)
    parent = np.arange(n, dtype=np.int32)
    ahead, beside = steps(cells, forward=True)

    def pairs(a: int, b: int, low: int, high: int) -> None:
        """Join cells of a … b to later ones of low … high."""
        # Those side by side first: then most that are farther apart are joined already.
        for k0, k1, far in ((0, beside, False), (0, len(ahead), True)):
            for lo in range(a, b, TOGETHER):
                hi = min(lo + TOGETHER, b)
                near = runs(cells, ahead[k0:k1], lo, hi)
                _pairs(
                    *cells.points,
                    cells.order,
                    cells.start,
                    cells.key,
                    ahead[k0:k1],
                    cores,
                    parent,
                    near,
                    lo,
                    hi,
                    low,
                    high,
                    beside if far else 0,
                    eps_m * eps_m,
                    days,
                )

    parts = crew.slices(n)
    crew.each(lambda a, b: pairs(a, b, a, b), parts)
    # Across the borders of the slices: by one thread, as both sides may be joined to a third.
    for a, _ in parts[1:]:
        first = np.searchsorted(cells.key, cells.key[a] - ahead.max() - REACH)
        pairs(int(first), a, a, n)
    _flatten(parent)
    return parent


@njit(nogil=True, cache=True)
def _flatten(parent: Narrow) -> None:
    for c in range(len(parent)):  # a parent is never behind its child
        parent[c] = parent[parent[c]]


@njit(nogil=True, cache=True, inline="always")
def _root(parent: Narrow, c: int) -> int:
    while parent[c] != c:
        parent[c] = parent[parent[c]]
        c = parent[c]
    return c


@njit(nogil=True, cache=True)
def _pairs(
    x_m: Floats,
    y_m: Floats,
    at: Floats,
    order: Narrow,
    start: Narrow,
    key: Wide,
    steps: Wide,
    cores: Narrow,
    parent: Narrow,
    near: Narrow,
    a: int,
    b: int,
    low: int,
    high: int,
    beside: int,
    eps2: float,
    days: float,
) -> None:
    """`beside` is how many of the steps lead to cells side by side that were tried already; 0 to
    try just those."""
    parts = np.empty((256, 4), np.int64)
    boxes = np.empty((256, 12))
    for c in range(a, b):
        if cores[c] == 0:
            continue
        for k in range(near.shape[1]):
            for d in range(
                max(near[c - a, k, 0], np.int32(c + 1), low), min(near[c - a, k, 1], high)
            ):
                by_side = abs(key[d] - key[c] - steps[k]) <= 1
                if cores[d] == 0 or (not by_side if beside == 0 else by_side and k < beside):
                    continue
                one, other = _root(parent, c), _root(parent, d)
                if one == other:
                    continue
                found = _tried(x_m, y_m, at, start[c], cores[c], start[d], cores[d], eps2, days)
                if not found and np.int64(cores[c]) * cores[d] > _TRIES:
                    found = _halved(
                        x_m,
                        y_m,
                        at,
                        order,
                        start[c],
                        cores[c],
                        start[d],
                        cores[d],
                        eps2,
                        days,
                        parts,
                        boxes,
                    )
                if found:
                    parent[max(one, other)] = min(one, other)


@njit(nogil=True, cache=True, inline="always")
def _touch(x_m: Floats, y_m: Floats, at: Floats, i: int, j: int, eps2: float, days: float) -> bool:
    dx, dy = x_m[i] - x_m[j], y_m[i] - y_m[j]
    return dx * dx + dy * dy <= eps2 and (len(at) == 0 or abs(at[i] - at[j]) <= days)


@njit(nogil=True, cache=True)
def _tried(
    x_m: Floats,
    y_m: Floats,
    at: Floats,
    a: int,
    some: int,
    b: int,
    others: int,
    eps2: float,
    days: float,
) -> bool:
    """Whether any of the first few pairs is near: of all pairs where they are few."""
    width = min(others, _TRIES)
    for i in range(a, a + min(some, max(1, _TRIES // width))):
        for j in range(b, b + width):
            if _touch(x_m, y_m, at, i, j, eps2, days):
                return True
    return False


@njit(nogil=True, cache=True)
def _box(x_m: Floats, y_m: Floats, at: Floats, a: int, b: int, box: Floats) -> None:
    """Lowest and highest x, y and time of the points a … b."""
    box[0] = box[1] = x_m[a]
    box[2] = box[3] = y_m[a]
    box[4] = box[5] = at[a] if len(at) else 0.0
    for i in range(a + 1, b):
        box[0], box[1] = min(box[0], x_m[i]), max(box[1], x_m[i])
        box[2], box[3] = min(box[2], y_m[i]), max(box[3], y_m[i])
    if len(at):
        for i in range(a + 1, b):
            box[4], box[5] = min(box[4], at[i]), max(box[5], at[i])


@njit(nogil=True, cache=True, inline="always")
def _apart(box: Floats, eps2: float, days: float) -> bool:
    """Whether no point of one box can be near one of the other."""
    dx = max(0.0, box[6] - box[1], box[0] - box[7])
    dy = max(0.0, box[8] - box[3], box[2] - box[9])
    return bool(dx * dx + dy * dy > eps2 or max(box[10] - box[5], box[4] - box[11]) > days)


@njit(nogil=True, cache=True)
def _halved(
    x_m: Floats,
    y_m: Floats,
    at: Floats,
    order: Narrow,
    a: int,
    some: int,
    b: int,
    others: int,
    eps2: float,
    days: float,
    parts: Wide,
    boxes: Floats,
) -> bool:
    """Whether any of `some` points from a on is near any of `others` from b on.

    `parts` and `boxes` are room for the pairs of parts still to look at: two more for each halving,
    of which there are at most 31 on either side.
    """
    parts[0, 0], parts[0, 1] = a, a + some
    parts[0, 2], parts[0, 3] = b, b + others
    _box(x_m, y_m, at, a, a + some, boxes[0, :6])
    _box(x_m, y_m, at, b, b + others, boxes[0, 6:])
    left = 1
    while left:
        left -= 1
        box, part = boxes[left], parts[left]
        if _apart(box, eps2, days):
            continue
        # Points on one spot are as good as one of them.
        for side in range(2):
            s = box[6 * side : 6 * side + 6]
            if s[0] == s[1] and s[2] == s[3] and s[4] == s[5]:
                part[2 * side + 1] = part[2 * side] + 1
        n, m = part[1] - part[0], part[3] - part[2]
        if _touch(x_m, y_m, at, part[0], part[2], eps2, days):
            return True
        if n * m <= _SMALL:
            for i in range(part[0], part[1]):
                for j in range(part[2], part[3]):
                    if _touch(x_m, y_m, at, i, j, eps2, days):
                        return True
            continue
        one, other = _size(box[:6]), _size(box[6:])
        side = 0 if m == 1 or (n > 1 and one >= other) else 1
        s = box[6 * side : 6 * side + 6]
        lo, hi = part[2 * side], part[2 * side + 1]
        mid = (lo + hi) // 2
        if len(at) and (s[5] - s[4]) ** 2 * eps2 > days * days * _size(s):
            _part(at, x_m, y_m, order, lo, hi, mid)
        elif s[1] - s[0] >= s[3] - s[2]:
            _part(x_m, y_m, at, order, lo, hi, mid)
        else:
            _part(y_m, x_m, at, order, lo, hi, mid)
        boxes[left + 1], parts[left + 1] = box, part
        parts[left, 2 * side + 1] = parts[left + 1, 2 * side] = mid
        _box(x_m, y_m, at, lo, mid, boxes[left, 6 * side : 6 * side + 6])
        _box(x_m, y_m, at, mid, hi, boxes[left + 1, 6 * side : 6 * side + 6])
        left += 2
    return False


@njit(nogil=True, cache=True, inline="always")
def _size(box: Floats) -> float:
    return float(max(box[1] - box[0], box[3] - box[2]) ** 2)


@njit(nogil=True, cache=True)
def _part(
    key: Floats, other: Floats, third: Floats, order: Narrow, lo: int, hi: int, mid: int
) -> None:
    """Put the points lo … hi in such an order that none before `mid` has a higher key than any
    from there on."""
    while hi - lo > 1:
        pivot = key[(lo + hi) // 2]
        i, j = lo, hi - 1
        while i <= j:
            while key[i] < pivot:
                i += 1
            while key[j] > pivot:
                j -= 1
            if i <= j:
                key[i], key[j] = key[j], key[i]
                other[i], other[j] = other[j], other[i]
                if len(third):
                    third[i], third[j] = third[j], third[i]
                order[i], order[j] = order[j], order[i]
                i += 1
                j -= 1
        if mid <= j:
            hi = j + 1
        elif mid >= i:
            lo = i
        else:
            return
