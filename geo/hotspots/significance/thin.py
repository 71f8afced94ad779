"""Thinning: many people telling of one broken lamp are one event.

Reports come in time order; one joins a running event whose first report lies within `radius_m`,
if the event's latest report is at most `days` old. So an event goes on while people keep telling
of it, but it does not wander through space: a flooded quarter stays many events, one for each spot.
And it ends after `longest_days` in any case: a corner that is reported every day of a quarter is
some thirteen events, neither ninety nor one.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

from geo.errors import Invalid

RADIUS_M: Final = 25.0
DAYS: Final = 1.5
LONGEST_DAYS: Final = 7.0

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def thin(
    points_m: npt.ArrayLike,
    at_days: npt.ArrayLike,
    radius_m: float = RADIUS_M,
    days: float = DAYS,
    *,
    categories: npt.ArrayLike | None = None,
    longest_days: float = LONGEST_DAYS,
) -> Ints:
    """The event of each report: (n,) int64, events numbered 0, 1, … by their lowest member.

    `points_m` is (n, 2) metres of one plane, `at_days` (n,) days from any fixed moment. With
    `categories`, (n,) integers, reports of different categories are different events. Of several
    events within reach the nearest takes the report, of equally near ones the older. The answer
    does not depend on the order of the rows. Raises `Invalid` on NaN, infinite values, other
    shapes, or limits out of range.
    """
    points, at, kinds = checked(points_m, at_days, categories)
    if not (np.isfinite(radius_m) and radius_m > 0):
        raise Invalid(f"radius_m must be a finite number of metres above 0; it is {radius_m}")
    if not (0 < days <= longest_days and np.isfinite(longest_days)):
        raise Invalid(
            "days must be above 0 and at most longest_days, which must be finite; they are "
            f"{days} and {longest_days}"
        )
    if not len(points):
        return np.empty(0, dtype=np.int64)
    order = np.lexsort((points[:, 1], points[:, 0], at, kinds))
    keys, span = _cells(points[order], kinds[order], radius_m)
    cells, which = np.unique(keys, return_inverse=True)
    found = _walk(
        points[order], at[order], which.astype(np.int64), cells, span, radius_m, days, longest_days
    )
    events = np.empty(len(points), dtype=np.int64)
    events[order] = found
    return _numbered(events)


def checked(
    points_m: npt.ArrayLike, at_days: npt.ArrayLike, categories: npt.ArrayLike | None = None
) -> tuple[Floats, Floats, Ints]:
    """Places, times and categories as arrays of one length; `Invalid` where they are not."""
    points = np.asarray(points_m, dtype=np.float64)
    if points.size == 0 and points.ndim <= 2 and points.shape[-1] in (0, 2):
        points = points.reshape(0, 2)
    at = np.asarray(at_days, dtype=np.float64)
    kinds = np.zeros(len(at), np.int64) if categories is None else np.asarray(categories)
    if points.ndim != 2 or points.shape[1] != 2:
        raise Invalid(f"points_m must have the shape (n, 2); it has {points.shape}")
    if at.shape != (len(points),) or kinds.shape != at.shape:
        raise Invalid(
            f"each of the {len(points)} points needs one time and one category; "
            f"at_days has the shape {at.shape}, categories {kinds.shape}"
        )
    if kinds.size and not np.issubdtype(kinds.dtype, np.integer):
        raise Invalid(f"categories must be whole numbers; they are {kinds.dtype}")
    # Beyond the Earth no metre is meant, and cell numbers would overflow.
    bad = np.flatnonzero(~(np.abs(points) <= 1e8).all(axis=1))
    if len(bad):
        raise Invalid(
            "points_m must be finite metres of a plane on Earth; "
            f"point {bad[0]} is {tuple(points[bad[0]].tolist())}"
        )
    bad = np.flatnonzero(~np.isfinite(at))
    if len(bad):
        raise Invalid(f"at_days must be finite; number {bad[0]} is {at[bad[0]]}")
    return points, at, kinds.astype(np.int64)


def _cells(points: Floats, kinds: Ints, side_m: float) -> tuple[Ints, int]:
    """A number for each (category, row, column), neighbours in a row one apart; and a row's step.

    Columns and rows have an empty one between each other's ends, so that no search wraps round.
    """
    place = np.floor(points / side_m).astype(np.int64)
    place -= place.min(axis=0)
    columns, rows = (place.max(axis=0) + 3).tolist()
    _, kind = np.unique(kinds, return_inverse=True)
    if int(kind.max() + 1) * columns * rows >= 2**62:
        raise Invalid(f"radius_m {side_m} is too small for points this far apart")
    return (kind * rows + place[:, 1] + 1) * columns + place[:, 0] + 1, columns


def _numbered(events: Ints) -> Ints:
    """The same events, numbered by their lowest member."""
    _, first, which = np.unique(events, return_index=True, return_inverse=True)
    new = np.empty(len(first), dtype=np.int64)
    new[np.argsort(first)] = np.arange(len(first))
    numbered: Ints = new[which.reshape(-1)]
    return numbered


@njit(cache=True)
def _walk(
    points: Floats,
    at: Floats,
    which: Ints,
    cells: Ints,
    span: int,
    radius_m: float,
    days: float,
    longest_days: float,
) -> Ints:
    n = len(points)
    events = np.empty(n, np.int64)
    head = np.full(len(cells), -1, np.int64)  # newest event of a cell; `after` leads to older ones
    after = np.full(n, -1, np.int64)
    first = np.empty(n, np.int64)
    latest = np.empty(n, np.float64)
    made = 0
    for i in range(n):
        best = -1
        best_d2 = np.inf
        for row in range(-1, 2):
            low = cells[which[i]] + row * span - 1
            c = np.searchsorted(cells, low)
            while c < len(cells) and cells[c] <= low + 2:
                before = -1
                e = head[c]
                while e >= 0:
                    follows = after[e]
                    if at[i] - latest[e] > days or at[i] - at[first[e]] > longest_days:
                        # Over for good: whatever comes now is later still.
                        if before < 0:
                            head[c] = follows
                        else:
                            after[before] = follows
                    else:
                        dx = points[i, 0] - points[first[e], 0]
                        dy = points[i, 1] - points[first[e], 1]
                        d2 = dx * dx + dy * dy
                        near = d2 <= radius_m * radius_m
                        if near and (d2 < best_d2 or (d2 == best_d2 and e < best)):
                            best, best_d2 = e, d2
                        before = e
                    e = follows
                c += 1
        if best < 0:
            best = made
            first[best] = i
            after[best] = head[which[i]]
            head[which[i]] = best
            made += 1
        latest[best] = at[i]
        events[i] = best
    return events
