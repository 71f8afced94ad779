"""The second view of hotspots: hexagons of a fixed grid, each tested, the false ones limited.

The same exact conditional test as around every event (`geo.hotspots.significance.core`): a
hexagon's share of the category against the shares in the rings around its centre, the longest
series of events on one spot counting once. The grid is chosen by nobody, so no event is left out.

Of all hexagons with an event of *any* category, those are answered whose q (Benjamini & Hochberg
1995) is at most `FDR`: of the hexagons drawn for a category at most so large a part is expected to
be chance, while a hotspot's p is the chance of any false one at all. Hexagons are chosen for the
test by how much is reported there, never by how much of the category: choosing by what is tested
would make chance look rarer than it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import false_discovery_control

from geo.hotspots.hexes import grid
from geo.hotspots.hexes.rate import FDR
from geo.hotspots.significance.core import (
    LEAST_EVENTS,
    MARGIN,
    Neighbourhood,
    chances,
    rings,
)
from geo.hotspots.significance.odds import relative_risk

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Hexagon:
    """A hexagon that stands out, by its `number` in the grid.

    `plane` says which of the tallies counted it. `people` counts its reports of the category,
    `events` what is left of them after thinning, `n` its events of all categories. `expected`
    (events), `relative_risk` and its 95 % interval compare with what people there report otherwise,
    as a hotspot's do. `q_value` is the least false discovery rate at which it is still drawn.
    """

    plane: int
    number: int
    people: int
    events: int
    n: int
    expected: float
    relative_risk: float
    risk_low: float
    risk_high: float
    q_value: float


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """The events of a plane by hexagon, counted once for all categories."""

    around: Neighbourhood
    numbers: Ints  # (hexagons,), ascending: those with an event of any category
    n: Ints  # (hexagons,): events of all categories
    hexagon: Ints  # (events,): row of `numbers`
    people: Ints  # (events,): reports of each event

    @classmethod
    def of(cls, around: Neighbourhood) -> "Tally":
        """Count the events of a `Neighbourhood`, which are thinned."""
        numbers, hexagon = np.unique(grid.numbers(around.at_m), return_inverse=True)
        hexagon = hexagon.reshape(-1)
        return cls(
            around,
            numbers,
            n=np.bincount(hexagon, minlength=len(numbers)),
            hexagon=hexagon,
            people=np.bincount(around.report_event, minlength=len(around.keys)),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Tested:
    """What was tested of a plane, rows of its tally; p is 1 of all others."""

    rows: Ints
    people: Ints
    events: Ints
    same: Ints  # (tested, rings): events of the category near by
    near: Ints  # (tested, rings): events of all categories near by
    p: npt.NDArray[np.float64]


def find_in(tallies: Sequence[Tally], category: int, *, alpha: float = FDR) -> list[Hexagon]:
    """The hexagons in which a category (number) stands out, the most significant first.

    `tallies` are those of all planes, among which the false ones are limited together. Those with
    fewer than `LEAST_EVENTS` events of it are none.
    """
    tested = [_test(tally, category) for tally in tallies]
    p = [np.ones(len(tally.numbers)) for tally in tallies]
    for each, own in zip(tested, p, strict=True):
        own[each.rows] = each.p
    if not sum(len(each.rows) for each in tested):
        return []
    q = false_discovery_control(np.concatenate(p), method="bh")
    found = []
    first = 0
    for plane, (tally, each) in enumerate(zip(tallies, tested, strict=True)):
        own_q = q[first + each.rows]
        first += len(tally.numbers)
        for i in np.flatnonzero(own_q <= alpha).tolist():
            found.append(_hexagon(plane, tally, each, i, float(own_q[i])))
    return sorted(found, key=lambda one: (one.q_value, -one.events, one.plane, one.number))


def _test(tally: Tally, category: int) -> _Tested:
    around = tally.around
    rows = np.flatnonzero(around.kinds == category)
    here, of = np.unique(tally.hexagon[rows], return_inverse=True)
    of = of.reshape(-1)
    events = np.bincount(of, minlength=len(here))
    longest = np.zeros(len(here), np.int64)
    np.maximum.at(longest, of, around.turn[rows])
    # Of one event or none nothing can be said, p is 1: as good as all hexagons of a rare category.
    some = np.flatnonzero((events - longest >= 2) & (events >= LEAST_EVENTS))
    people = np.bincount(of, weights=tally.people[rows], minlength=len(here)).astype(np.int64)[some]
    here, events, longest = here[some], events[some], longest[some]
    if not len(here):
        none = np.empty((0, 2), np.int64)
        return _Tested(here, people, events, none, none, np.empty(0))
    there = rings(around, around.keys[rows], around.cells_of(grid.centres(tally.numbers[here])))
    p = chances(
        (tally.n[here] - longest).astype(np.int32)[:, None],
        (events - longest).astype(np.int32)[:, None],
        np.arange(len(here)),
        there.events,
        there.same,
        MARGIN,
    )[:, 0]
    return _Tested(here, people, events, there.same, there.events, p)


def _hexagon(plane: int, tally: Tally, tested: _Tested, i: int, q_value: float) -> Hexagon:
    # The ring that speaks more for chance, as in the test.
    ring = int(np.argmax((tested.same[i] + 0.5) / (tested.near[i] + 1)))
    same_near = int(tested.same[i, ring])
    events, n = int(tested.events[i]), int(tally.n[tested.rows[i]])
    expected, risk, low, high = relative_risk(
        events, n - events, same_near, int(tested.near[i, ring]) - same_near
    )
    return Hexagon(
        plane=plane,
        number=int(tally.numbers[tested.rows[i]]),
        people=int(tested.people[i]),
        events=events,
        n=n,
        expected=expected,
        relative_risk=risk,
        risk_low=low,
        risk_high=high,
        q_value=q_value,
    )
