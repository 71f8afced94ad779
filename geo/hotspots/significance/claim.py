"""Which disc takes which events, and which discs are one hotspot."""

import numpy as np
import numpy.typing as npt
from numba import njit

from geo.hotspots.dbscan import dbscan
from geo.hotspots.significance.core import Counts, Neighbourhood
from geo.hotspots.significance.odds import tail

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@njit(cache=True)
def within(at_m: Floats, keys: Ints, span: int, centre: Floats, cell: int, radius_m: float) -> Ints:
    """Rows of the events within `radius_m` of a point in `cell`, ascending."""
    reach = int(np.ceil(radius_m / 100.0))
    found = np.empty(16, np.int64)
    n = 0
    for row in range(-reach, reach + 1):
        middle = cell + row * span
        low = np.searchsorted(keys, middle - reach)
        high = np.searchsorted(keys, middle + reach, side="right")
        for j in range(low, high):
            dx = at_m[j, 0] - centre[0]
            dy = at_m[j, 1] - centre[1]
            if dx * dx + dy * dy <= radius_m * radius_m:
                if n == len(found):
                    longer = np.empty(2 * n, np.int64)
                    longer[:n] = found
                    found = longer
                found[n] = j
                n += 1
    return found[:n]


@njit(cache=True)
def claim(
    at_m: Floats,
    keys: Ints,
    span: int,
    turn: Counts,
    candidates: Ints,
    scale: Ints,
    scales: Floats,
    n: Counts,
    same: Counts,
    ring: Ints,
    events: Ints,
    near: Ints,
    margin: float,
    limit: float,
) -> tuple[Ints, Ints]:
    """(claimed, accepted): the disc that claimed each of the category's events, -1 for none, and
    the candidates that became discs.

    `candidates` are rows of the category, the most significant first, each at its `scale`. One is
    accepted if it still stands out (p <= `limit`) by those of its events nobody has claimed yet.
    """
    claimed = np.full(len(at_m), -1, np.int64)
    accepted = np.empty(len(candidates), np.int64)
    made = 0
    for c in range(len(candidates)):
        i, s = candidates[c], scale[c]
        inside = within(at_m, keys, span, at_m[i], keys[i], scales[s])
        left = -1 if claimed[i] < 0 else 0
        longest = 0
        for j in inside:
            if claimed[j] < 0:
                left += 1
                longest = max(longest, turn[j])
        left -= longest
        if left < same[i, s]:
            here = n[i, s] - same[i, s] + left
            if left < 2:
                continue
            worst = 0.0
            for r in range(2):
                total, there = events[ring[i], r], near[ring[i], r]
                if left * total <= margin * there * here:
                    worst = 1.0
                    break
                worst = max(worst, tail(left, here, there, total, margin))
            if worst > limit:
                continue
        for j in inside:
            if claimed[j] < 0:
                claimed[j] = made
        accepted[made] = c
        made += 1
    return claimed, accepted[:made]


def join(at_m: Floats, scale_m: Floats) -> Ints:
    """The group of each core, (n,): cores are together within the larger of their two scales."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import KDTree

    pairs: list[Ints] = []
    for scale in np.unique(scale_m):
        own = np.flatnonzero(scale_m == scale)
        smaller = np.flatnonzero(scale_m < scale)
        if len(smaller):
            apart, _ = KDTree(at_m[own]).query(at_m[smaller])
            smaller = smaller[apart <= scale]
        some = np.concatenate([own, smaller])
        label = dbscan(at_m[some], float(scale), 1)
        lead = some[np.unique(label, return_index=True)[1]]
        pairs.append(np.column_stack([some, lead[label]]))
    ends = np.concatenate(pairs)
    graph = coo_array((np.ones(len(ends), bool), (ends[:, 0], ends[:, 1])), (len(at_m),) * 2)
    _, group = connected_components(graph, directed=False)
    joined: Ints = group.astype(np.int64)
    return joined


def others_within(around: Neighbourhood, category: int, centres: Ints, radii_m: Floats) -> int:
    """Events of other categories in a union of discs around events (rows of `around`)."""
    found = [
        within(around.at_m, around.keys, around.span, around.at_m[i], int(around.keys[i]), radius)
        for i, radius in zip(centres, radii_m, strict=True)
    ]
    inside = np.unique(np.concatenate(found))
    return int((around.kinds[inside] != category).sum())
