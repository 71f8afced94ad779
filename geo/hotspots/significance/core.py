"""The core test: does an event's neighbourhood hold more of its category than the places near by?

All events of a run are indexed once, of all categories: where people live and how eagerly they
report is the same for every category, so it cancels in the *share* of a category among all events.
For each event the share within a few fixed distances is compared with the share in rings around it
(`geo.hotspots.significance.odds`). The event itself is left out: that there is one at the centre is
why anybody looked, and would count for the category every time.

One lamp that is not mended is told of for weeks. So of a neighbourhood the longest series of events
on one spot within `SERIES_DAYS` counts once, and one on the very same spot (`SPOT_M`) however long
it lasts: what is left must stand out without it. In the rings every event counts, which only helps
chance.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit, prange

from geo.errors import Invalid
from geo.hotspots.significance import thin as thinning
from geo.hotspots.significance.odds import tail

SCALES_M: Final = (50.0, 100.0, 200.0)

# The rings start outside what a hotspot of the largest scale may cover, else it would be its own
# background; they end as soon as they hold enough events of any category. Two of them: the near one
# follows a mix that changes from quarter to quarter, the wide one knows rare categories better.
GUARD_M: Final = 300.0
NEAR_EVENTS: Final = 1000
WIDE_EVENTS: Final = 3000
_REACHES: Final = (6, 8, 11, 15, 20, 28, 40, 56)  # in cells
CELL_M: Final = 100.0

SERIES_DAYS: Final = 28.0
# Narrower than a place where many things happen, as wide as telephones err: what goes on here for
# months, never silent for `SERIES_DAYS`, is one thing that nobody mends.
SPOT_M: Final = 10.0

# Odds up to this much above the surroundings' are not called a hotspot: a mix of categories that
# changes within a ring does as much.
MARGIN: Final = 1.25

# Two or three reports of something rare are too many for chance, and still one household: no city
# moves money for them.
LEAST_EVENTS: Final = 5

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Counts = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """All events of a run, sorted by cell, with their neighbours counted at every scale.

    Rows of the other arrays are events in the order of `keys`, their cells' numbers. `report_event`
    gives the event (row) of each report handed in.
    """

    report_event: Ints  # (reports,)
    at_m: Floats  # (events, 2), where the event's first report was
    kinds: Ints  # (events,), category numbers as handed in
    keys: Ints  # (events,), ascending
    span: int  # from a cell to the one above it
    turn: Counts  # (events,): how many events of its series came before it
    n: Counts  # (events, scales): `same` and all events of other categories within the scale
    same: Counts  # (events, scales): other events of the same category, less the longest series
    scales_m: tuple[float, ...]

    @classmethod
    def of(
        cls,
        points_m: npt.ArrayLike,
        at_days: npt.ArrayLike,
        categories: npt.ArrayLike,
        *,
        scales_m: Sequence[float] = SCALES_M,
        thin_radius_m: float = thinning.RADIUS_M,
        thin_days: float = thinning.DAYS,
        longest_days: float = thinning.LONGEST_DAYS,
        series_days: float = SERIES_DAYS,
        coarse: Collection[int] = (),
    ) -> "Neighbourhood":
        """Thin and index the reports of all categories.

        `points_m` (n, 2) metres of one plane, `at_days` (n,), `categories` (n,) integers. Default
        points and other artefacts are for the caller to leave out: they would be everybody's
        background. Places of `coarse` categories (numbers) are cells' middles: one spot says
        nothing. Raises `Invalid` on NaN, infinite values, other shapes, or scales out of range.
        """
        points, at, kinds = thinning.checked(points_m, at_days, categories)
        scales = tuple(sorted(float(scale) for scale in scales_m))
        if not scales or not (scales[0] > 0 and scales[-1] <= GUARD_M):
            raise Invalid(f"scales_m must be above 0 and at most {GUARD_M} metres; it is {scales}")
        event = thinning.thin(
            points, at, thin_radius_m, thin_days, categories=kinds, longest_days=longest_days
        )
        # Of an event's reports the first, whatever the order of the rows: of equally early ones
        # the lowest place.
        order = np.lexsort((points[:, 1], points[:, 0], at, event))
        _, starts = np.unique(event[order], return_index=True)
        first = order[starts]
        keys, span = cells(points[first])
        by_cell = np.lexsort((points[first, 1], points[first, 0], kinds[first], keys))
        row = np.empty(len(first), dtype=np.int64)
        row[by_cell] = np.arange(len(first))
        first, keys = first[by_cell], keys[by_cell]
        at_m = np.ascontiguousarray(points[first])
        # On the very spot a series goes on as long as it is told of; the window is its only end.
        whole_days = series_days + (float(at.max() - at.min()) if len(at) else 0.0)
        turns = [
            _turns(
                at_m,
                at[first],
                kinds[first],
                thinning.thin(
                    at_m,
                    at[first],
                    radius_m,
                    series_days,
                    categories=kinds[first],
                    longest_days=longest,
                ),
            )
            for radius_m, longest in ((thin_radius_m, series_days), (SPOT_M, whole_days))
        ]
        spread = np.isin(kinds[first], list(coarse))
        turn = np.where(spread, turns[0], np.maximum(turns[0], turns[1]))
        n, same = _count(at_m, kinds[first], turn, keys, span, np.array(scales))
        return cls(row[event], at_m, kinds[first], keys, span, turn, n, same, scales)

    def reports_of(self, rows: Ints) -> tuple[Ints, Ints]:
        """(reports, starts): the reports of events `rows`, those of the i-th, ascending, from
        `starts[i]` to `starts[i + 1]`. All events once a call: ask for many."""
        which = np.full(len(self.keys), -1, dtype=np.int64)
        which[rows] = np.arange(len(rows))
        of = which[self.report_event]
        reports = np.flatnonzero(of >= 0)
        reports = reports[np.argsort(of[reports], kind="stable")]
        return reports, np.searchsorted(of[reports], np.arange(len(rows) + 1))

    def cells_of(self, points_m: Floats) -> Ints:
        """The number that the cell of each point has among `keys`, (n,), points not far outside."""
        row, column = divmod(int(self.keys[0]), self.span)
        first = np.floor(self.at_m[0] / CELL_M).astype(np.int64) - np.array([column, row])
        place = np.floor(points_m / CELL_M).astype(np.int64) - first
        keys: Ints = place[:, 1] * self.span + place[:, 0]
        return keys


def cells(points: Floats) -> tuple[Ints, int]:
    """The number of each point's cell of 100 m, cells of one row one apart; and a row's step.

    Fixed to the plane, not to the data. Rows are so long that no search to the side wraps round.
    """
    place = np.floor(points / CELL_M).astype(np.int64)
    if not len(place):
        return np.empty(0, dtype=np.int64), 1
    place -= place.min(axis=0)
    span = int(place[:, 0].max()) + 2 * _REACHES[-1] + 2
    return place[:, 1] * span + place[:, 0], span


def _turns(at_m: Floats, at: Floats, kinds: Ints, series: Ints) -> Counts:
    """0, 1, 2, … along each series of events, in time."""
    order = np.lexsort((at_m[:, 1], at_m[:, 0], at, series))
    _, starts, sizes = np.unique(series[order], return_index=True, return_counts=True)
    turn = np.empty(len(at), dtype=np.int32)
    turn[order] = np.arange(len(at)) - np.repeat(starts, sizes)
    return turn


@njit(cache=True, parallel=True)
def _count(
    at_m: Floats, kinds: Ints, turn: Counts, keys: Ints, span: int, scales: Floats
) -> tuple[Counts, Counts]:
    n = len(at_m)
    every = np.zeros((n, len(scales)), np.int32)
    same = np.zeros((n, len(scales)), np.int32)
    longest = np.zeros((n, len(scales)), np.int32)
    starts = np.flatnonzero(np.concatenate((np.ones(1, np.bool_), keys[1:] != keys[:-1])))
    reach = int(np.ceil(scales[-1] / 100.0))
    for c in prange(len(starts) if n else 0):
        start = starts[c]
        end = starts[c + 1] if c + 1 < len(starts) else n
        for row in range(-reach, reach + 1):
            middle = keys[start] + row * span
            low = np.searchsorted(keys, middle - reach)
            high = np.searchsorted(keys, middle + reach, side="right")
            for i in range(start, end):
                for j in range(low, high):
                    dx = at_m[j, 0] - at_m[i, 0]
                    dy = at_m[j, 1] - at_m[i, 1]
                    d2 = dx * dx + dy * dy
                    if d2 > scales[-1] * scales[-1]:
                        continue
                    alike = kinds[i] == kinds[j]
                    for s in range(len(scales)):
                        if d2 <= scales[s] * scales[s]:
                            every[i, s] += 1
                            if alike:
                                same[i, s] += 1
                                longest[i, s] = max(longest[i, s], turn[j])
        for i in range(start, end):
            for s in range(len(scales)):
                # One for the event in the middle, the rest for all but one of the longest series.
                every[i, s] -= 1 + longest[i, s]
                same[i, s] -= 1 + longest[i, s]
    return every, same


class Rings(NamedTuple):
    """Counts in the near and the wide ring around each cell asked for: (cells, 2) each."""

    events: Ints
    same: Ints


def rings(around: Neighbourhood, of: Ints, asked: Ints) -> Rings:
    """What the rings around the cells `asked` hold: events of any category, and those of `of`.

    `of` are the category's cell numbers, ascending, one for each event; `asked` are cell numbers.
    How far a ring reaches depends on the events of all categories only.
    """
    events, same = _rings(
        around.keys,
        of,
        asked,
        around.span,
        np.array(_REACHES),
        int(GUARD_M / CELL_M),
        NEAR_EVENTS,
        WIDE_EVENTS,
    )
    return Rings(events, same)


@njit(cache=True)
def _within(keys: Ints, middle: int, span: int, reach: int) -> int:
    """How many keys are of cells within `reach` cells of the middle one, as a disc."""
    found = 0
    for row in range(-reach, reach + 1):
        half = int(np.sqrt((reach + 0.5) ** 2 - row * row))
        at = middle + row * span
        found += int(np.searchsorted(keys, at + half, side="right"))
        found -= int(np.searchsorted(keys, at - half))
    return found


@njit(cache=True, parallel=True)
def _rings(
    keys: Ints,
    of: Ints,
    asked: Ints,
    span: int,
    reaches: Ints,
    guard: int,
    near: int,
    wide: int,
) -> tuple[Ints, Ints]:
    events = np.zeros((len(asked), 2), np.int64)
    same = np.zeros((len(asked), 2), np.int64)
    for i in prange(len(asked)):
        inside = _within(keys, asked[i], span, guard)
        same_inside = _within(of, asked[i], span, guard)
        ring = 0
        for r in range(len(reaches)):
            held = _within(keys, asked[i], span, reaches[r]) - inside
            last = r == len(reaches) - 1
            while ring < 2 and (last or held >= (near if ring == 0 else wide)):
                events[i, ring] = held
                same[i, ring] = _within(of, asked[i], span, reaches[r]) - same_inside
                ring += 1
            if ring == 2:
                break
    return events, same


@njit(cache=True)
def chances(n: Counts, same: Counts, ring: Ints, events: Ints, near: Ints, margin: float) -> Floats:
    """p of each event (row) and scale (column), uncorrected.

    `n`, `same` (m, scales) count the neighbours, `ring` (m,) is the row of `events` and `near` with
    the counts of its rings. The larger p of the two rings counts: above the quarter *and* above the
    wider surroundings.
    """
    p = np.ones(n.shape, np.float64)
    for i in range(len(n)):
        for s in range(n.shape[1]):
            if same[i, s] < 2:
                continue
            worst = 0.0
            for r in range(2):
                total, there = events[ring[i], r], near[ring[i], r]
                if same[i, s] * total <= margin * there * n[i, s]:
                    worst = 1.0
                    break
                worst = max(worst, tail(same[i, s], n[i, s], there, total, margin))
            p[i, s] = worst
    return p
