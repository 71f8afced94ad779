"""Cities made by rule and chance, in which it is known what is a hotspot: none, or those planted.

A city is 20 by 20 km, one quarter of a year, some tens of thousands of reports of fourteen
categories. People live in a few thousand places along streets (a block of flats is a spot of 15 to
40 m) of very unequal size, in quarters of unequal density, and report with unequal eagerness: all
of that raises every category alike, so none of it is a hotspot.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import map_coordinates

SIDE_M = 20_000.0
DAYS = 90.0
SHARES = np.array([24, 18, 13, 10, 8, 6, 5, 4, 3.5, 3, 2.5, 1.5, 1, 0.5]) / 100.0

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class City:
    """Reports in metres and days; `planted` holds the rows of each planted hotspot."""

    points_m: Floats
    at_days: Floats
    categories: Ints
    planted: list[Ints] = field(default_factory=list)
    planted_in: int = -1


def smooth(rng: np.random.Generator, length_m: float, waves: int = 60) -> Any:
    """A random smooth field of mean 0 and variance 1, as a function of (n, 2) points."""
    k = rng.normal(0, 1 / length_m, (2, waves))
    phase = rng.uniform(0, 2 * np.pi, waves)
    step = length_m / 10
    grid = np.arange(0.0, SIDE_M + 3 * step, step) - step
    # cos(a + b) by its parts: a grid of it is one product of matrices, points cost ten times more.
    x, y = np.outer(grid, k[0]) + phase, np.outer(grid, k[1])
    field = np.cos(x) @ np.cos(y).T - np.sin(x) @ np.sin(y).T
    field *= np.sqrt(2 / waves)
    return lambda at: map_coordinates(field, (at.T + step) / step, order=1, mode="nearest")


def places(rng: np.random.Generator, n: int) -> tuple[Floats, Floats, Floats]:
    """Where people live: (at_m, weight, spread_m) of about `n` blocks along streets."""
    streets = n // 12
    middle = rng.uniform(0, SIDE_M, (streets, 2))
    angle = rng.choice([0.3, 0.3 + np.pi / 2], streets) + rng.normal(0, 0.15, streets)
    street = rng.integers(0, streets, n)
    along = rng.uniform(-300, 300, n)
    at = middle[street] + along[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])[street]
    dense, eager = smooth(rng, 3000.0), smooth(rng, 900.0)
    weight = np.exp(0.9 * dense(at) + 0.4 * eager(at) + rng.normal(0, 1.0, n))
    return at % SIDE_M, weight / weight.sum(), rng.uniform(15.0, 40.0, n)


def city(
    rng: np.random.Generator,
    *,
    reports: int = 40_000,
    uneven: bool = True,
    smooth_mix: float = 0.0,
    sharp_mix: float = 0.0,
    block_mix: float = 0.0,
    duplicates: float = 0.0,
    storm: float = 0.0,
    storm_in: int = 3,
) -> City:
    """A city without hotspots.

    `uneven`: people live in blocks; else anywhere. The mix of categories, as standard deviations of
    the logarithm of each share: `smooth_mix` changes over 2.5 km, `sharp_mix` at the borders of 200
    wards, `block_mix` from one block to the next. `duplicates`: of so many incidents people send
    more than one report, a few of them for weeks. `storm`: so many more reports, as a part of all,
    of one category everywhere people live, within two days.
    """
    base = np.log(SHARES)
    live = places(rng, 6000) if uneven else None
    wards = rng.uniform(0, SIDE_M, (200, 2))
    at, block = _at(rng, live, reports)
    scores = np.tile(base, (reports, 1))
    if smooth_mix:
        scores += smooth_mix * np.column_stack([smooth(rng, 2500.0)(at) for _ in SHARES])
    if sharp_mix:
        ward = np.argmin(((at[:, None, :] - wards[None]) ** 2).sum(axis=2), axis=1)
        scores += sharp_mix * rng.normal(0, 1, (200, len(SHARES)))[ward]
    if block_mix:
        scores += block_mix * rng.normal(0, 1, (block.max() + 1, len(SHARES)))[block]
    kinds = np.argmax(scores + rng.gumbel(0, 1, scores.shape), axis=1)
    days = rng.uniform(0, DAYS, reports)
    if storm:
        n = int(storm * reports)
        wet, _ = _at(rng, live, n)
        at = np.concatenate([at, wet])
        kinds = np.concatenate([kinds, np.full(n, storm_in)])
        days = np.concatenate([days, 60 + rng.uniform(0, 2, n)])
    if duplicates:
        told = rng.random(len(at)) < duplicates
        more = np.where(told, 1 + np.minimum(rng.pareto(1.5, len(at)), 40).astype(int), 0)
        again = np.repeat(np.arange(len(at)), more)
        # In Boston's reports of 2015 two thirds of what is more than usual on a spot come within 36
        # hours, most of it within six, the rest over three weeks.
        until = np.where(rng.random(len(at)) < 0.3, 8.0, 0.3)[again]
        at = np.concatenate([at, at[again] + rng.normal(0, 8.0, (len(again), 2))])
        kinds = np.concatenate([kinds, kinds[again]])
        days = np.concatenate([days, days[again] + rng.exponential(until)])
        inside = days < DAYS
        at, kinds, days = at[inside], kinds[inside], days[inside]
    return City(at, days, kinds.astype(np.int64))


def plant(
    rng: np.random.Generator,
    made: City,
    extra: tuple[int, int],
    *,
    hotspots: int = 6,
    category: int | None = None,
    episodes: int = 0,
) -> City:
    """The same city with hotspots of one category, `extra` (from, to) reports each.

    They lie where people live, 1.5 km apart at least, 15 to 70 m wide (standard deviation), over
    the whole quarter or, with `episodes`, on so many days.
    """
    category = int(rng.integers(2, 12)) if category is None else category
    centres: list[Floats] = []
    while len(centres) < hotspots:
        at = made.points_m[rng.integers(len(made.points_m))]
        inside = (at > 500).all() and (at < SIDE_M - 500).all()
        if inside and all(np.hypot(*(at - other)) > 1500 for other in centres):
            centres.append(at)
    points, days, planted = [made.points_m], [made.at_days], []
    row = len(made.points_m)
    for centre in centres:
        n = int(rng.integers(extra[0], extra[1] + 1))
        points.append(centre + rng.normal(0, rng.uniform(15.0, 70.0), (n, 2)))
        if episodes:
            day = rng.choice(rng.uniform(0, DAYS - 1, episodes), n)
            days.append(day + rng.uniform(0, 1, n))
        else:
            days.append(rng.uniform(0, DAYS, n))
        planted.append(np.arange(row, row + n))
        row += n
    kinds = np.concatenate([made.categories, np.full(row - len(made.points_m), category)])
    return City(np.concatenate(points), np.concatenate(days), kinds, planted, category)


def _at(
    rng: np.random.Generator, live: tuple[Floats, Floats, Floats] | None, n: int
) -> tuple[Floats, Ints]:
    if live is None:
        return rng.uniform(0, SIDE_M, (n, 2)), np.zeros(n, dtype=np.int64)
    at, weight, spread = live
    block = rng.choice(len(at), n, p=weight)
    return at[block] + rng.normal(0, 1, (n, 2)) * spread[block, None], block
