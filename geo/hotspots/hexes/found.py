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

from collections.abc import Collection
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

    `people` counts its reports of the category, `events` what is left of them after thinning, `n`
    its events of all categories but hidden ones. `expected` (events), `relative_risk` and its 95 %
    interval compare with what people there report otherwise, as a hotspot's do. `q_value` is the
    least false discovery rate at which it is still drawn.
    """

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
    told: Ints  # (hexagons,): of all categories but hidden ones
    hexagon: Ints  # (events,): row of `numbers`
    people: Ints  # (events,): reports of each event

    @classmethod
    def of(cls, around: Neighbourhood, hidden: Collection[int] = ()) -> "Tally":
        """Count the events of a `Neighbourhood`, which are thinned.

        `hidden` categories (numbers) are tested and background as all are, but not told of.
        """
        numbers, hexagon = np.unique(grid.numbers(around.at_m), return_inverse=True)
        hexagon = hexagon.reshape(-1)
        public = ~np.isin(around.kinds, list(hidden))
        return cls(
            around,
            numbers,
            n=np.bincount(hexagon, minlength=len(numbers)),
            told=np.bincount(hexagon[public], minlength=len(numbers)),
            hexagon=hexagon,
            people=np.bincount(around.report_event, minlength=len(around.keys)),
        )


def find_in(tally: Tally, category: int, *, alpha: float = FDR) -> list[Hexagon]:
    """The hexagons in which a category (number) stands out, the most significant first.

    Those with fewer than `LEAST_EVENTS` events of it are none.
    """
    around = tally.around
    rows = np.flatnonzero(around.kinds == category)
    if not len(rows):
        return []
    here, of = np.unique(tally.hexagon[rows], return_inverse=True)
    of = of.reshape(-1)
    events = np.bincount(of)
    longest = np.zeros(len(here), np.int64)
    np.maximum.at(longest, of, around.turn[rows])
    # Of one event or none nothing can be said, p is 1: as good as all hexagons of a rare category.
    some = np.flatnonzero((events - longest >= 2) & (events >= LEAST_EVENTS))
    people = np.bincount(of, weights=tally.people[rows]).astype(np.int64)[some]
    here, events, longest = here[some], events[some], longest[some]
    n = tally.n[here]
    there = rings(around, around.keys[rows], around.cells_of(grid.centres(tally.numbers[here])))
    p = np.ones(len(tally.numbers))
    p[here] = chances(
        (n - longest).astype(np.int32)[:, None],
        (events - longest).astype(np.int32)[:, None],
        np.arange(len(here)),
        there.events,
        there.same,
        MARGIN,
    )[:, 0]
    q = false_discovery_control(p, method="bh")[here]
    found = []
    for i in np.flatnonzero(q <= alpha):
        # The ring that speaks more for chance, as in the test.
        share = (there.same[i] + 0.5) / (there.events[i] + 1)
        near = int(np.argmax(share))
        same_near = int(there.same[i, near])
        expected, risk, low, high = relative_risk(
            int(events[i]), int(n[i] - events[i]), same_near, int(there.events[i, near]) - same_near
        )
        found.append(
            Hexagon(
                number=int(tally.numbers[here[i]]),
                people=int(people[i]),
                events=int(events[i]),
                n=int(tally.told[here[i]]),
                expected=expected,
                relative_risk=risk,
                risk_low=low,
                risk_high=high,
                q_value=float(q[i]),
            )
        )
    return sorted(found, key=lambda each: (each.q_value, -each.events, each.number))
