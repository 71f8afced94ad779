"""Hotspots that are more than chance: cores joined, observed against expected, corrected p.

The steps: thin and count (`Neighbourhood.of`, once for all categories of a run), test every event
at every scale (`geo.hotspots.significance.core`), then claim: the most significant disc takes its
reports, and every other one must still stand out by what is left to it. Without that each hotspot
would grow by a margin of places whose only peculiarity is to have it within 200 m. Discs that touch
are joined.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from geo.errors import Invalid
from geo.hotspots.identity import STAY
from geo.hotspots.significance.claim import claim, join, others_within
from geo.hotspots.significance.core import (
    LEAST_EVENTS,
    MARGIN,
    SCALES_M,
    Neighbourhood,
    chances,
    rings,
)
from geo.hotspots.significance.odds import relative_risk

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Found:
    """One hotspot before it has an identity.

    `members` are indices of reports, ascending, in the arrays handed in; `cores` those of them
    whose neighbourhood stood out. `people` counts reports, `events` what is left of them after
    thinning. `expected` (events), `relative_risk` and its 95 % interval compare with what people
    there report otherwise, at `odds_near`: the category's events by all others in the ring.
    `p_value` is corrected for everything looked at, at most 1. `scale_m` is the scale at which it
    stood out most. `label` numbers the answer, 0 the most significant.
    """

    members: Ints
    cores: Ints
    people: int
    events: int
    expected: float
    odds_near: float
    relative_risk: float
    risk_low: float
    risk_high: float
    p_value: float
    scale_m: float
    label: int


def find(
    points_m: npt.ArrayLike,
    at_days: npt.ArrayLike,
    others_m: npt.ArrayLike,
    others_at_days: npt.ArrayLike,
    *,
    others_categories: npt.ArrayLike | None = None,
    scales_m: Sequence[float] = SCALES_M,
    alpha: float = STAY,
) -> list[Found]:
    """Hotspots of one category among the reports of all others, the most significant first.

    `points_m` (n, 2) metres of one plane and `at_days` (n,) are the category's reports, `others_…`
    all other reports. `others_categories` (integers) keeps apart what happens at one spot in one
    night; without it the others count as one category, are thinned together, and a block of flats
    looks quieter than it is. All with p <= `alpha` are answered. A run over many categories builds
    one `Neighbourhood` and calls `find_in`. Raises `Invalid` as `Neighbourhood.of`.
    """
    mine, others = (_rows(each) for each in (points_m, others_m))
    kinds = np.zeros(len(others), np.int64) if others_categories is None else others_categories
    _, other_kinds = np.unique(np.asarray(kinds), return_inverse=True)
    around = Neighbourhood.of(
        np.concatenate([mine, others]),
        np.concatenate([np.asarray(at_days, np.float64), np.asarray(others_at_days, np.float64)]),
        np.concatenate([np.zeros(len(mine), np.int64), other_kinds.reshape(-1) + 1]),
        scales_m=scales_m,
    )
    return find_in(around, 0, alpha=alpha)


def find_in(
    around: Neighbourhood, category: int, *, alpha: float = STAY, categories: int = 1
) -> list[Found]:
    """Hotspots of one category of a `Neighbourhood`, the most significant first.

    Indices in the answer are of the reports handed to `Neighbourhood.of`. The chance of *any* false
    hotspot of this category is at most p; with `categories`, the number of categories a run looks
    at, that of any on the whole map. Of fewer than `LEAST_EVENTS` events there is none.
    """
    if not 0 < alpha <= 1:
        raise Invalid(f"alpha must be above 0 and at most 1; it is {alpha}")
    rows = np.flatnonzero(around.kinds == category)
    scales = np.array(around.scales_m)
    looked_at = len(rows) * len(scales) * categories
    if not looked_at:
        return []
    at_m, keys = around.at_m[rows], around.keys[rows]
    n, same = around.n[rows], around.same[rows]
    cells, ring = np.unique(keys, return_inverse=True)
    ring = ring.reshape(-1)
    there = rings(around, keys, cells)
    p = chances(n, same, ring, there.events, there.same, MARGIN)
    limit = alpha / looked_at
    candidates, scale = np.nonzero(p <= limit)
    if not len(candidates):
        return []
    # Of equal chances the smaller disc says more; then the place, never the order of the rows.
    order = np.lexsort((at_m[candidates, 1], at_m[candidates, 0], scale, p[candidates, scale]))
    candidates, scale = candidates[order], scale[order]
    claimed, accepted = claim(
        at_m,
        keys,
        around.span,
        around.turn[rows],
        candidates,
        scale,
        scales,
        n,
        same,
        ring,
        there.events,
        there.same,
        MARGIN,
        limit,
    )
    centres, scale = candidates[accepted], scale[accepted]
    core = np.flatnonzero((claimed >= 0) & (p.min(axis=1) <= limit))
    own = scales[scale[claimed[core]]]
    place = np.searchsorted(core, centres)
    np.maximum.at(own, place, scales[scale])
    disc_group = join(at_m[core], own)[place]

    reports, starts = around.reports_of(rows)
    found = []
    for group in np.unique(disc_group):
        discs = np.flatnonzero(disc_group == group)  # the most significant first
        lead = centres[discs[0]]
        # The ring that speaks more for chance, as in the test.
        share = (there.same[ring[lead]] + 0.5) / (there.events[ring[lead]] + 1)
        r = int(np.argmax(share))
        here = np.flatnonzero(np.isin(claimed, discs))
        if len(here) < LEAST_EVENTS:
            continue
        others = others_within(around, category, rows[centres[discs]], scales[scale[discs]])
        same_near = int(there.same[ring[lead], r])
        others_near = int(there.events[ring[lead], r]) - same_near
        expected, risk, low, high = relative_risk(len(here), others, same_near, others_near)
        members = _reports(reports, starts, here)
        found.append(
            Found(
                members=members,
                cores=_reports(reports, starts, here[np.isin(here, core)]),
                people=len(members),
                events=len(here),
                expected=expected,
                odds_near=(same_near + 0.5) / (others_near + 0.5),
                relative_risk=risk,
                risk_low=low,
                risk_high=high,
                p_value=min(1.0, float(p[lead, scale[discs[0]]]) * looked_at),
                scale_m=float(scales[scale[discs[0]]]),
                label=-1,
            )
        )
    found.sort(key=lambda each: (each.p_value, -each.events, int(each.members[0])))
    return [replace(each, label=label) for label, each in enumerate(found)]


def _reports(reports: Ints, starts: Ints, events: Ints) -> Ints:
    """The reports of some events, ascending."""
    parts = [reports[starts[event] : starts[event + 1]] for event in events]
    return np.sort(np.concatenate(parts)) if parts else np.empty(0, dtype=np.int64)


def _rows(points_m: npt.ArrayLike) -> Floats:
    points = np.asarray(points_m, dtype=np.float64)
    return points.reshape(0, 2) if points.size == 0 else points
