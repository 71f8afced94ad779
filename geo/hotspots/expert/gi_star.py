"""Getis-Ord local G* over hexagons: where a count and its neighbours' are above the city's mean.

With x the counts, n hexagons, W of them around and including the i-th, and weights 0 or 1 (Ord &
Getis 1995, equation 14):

    z_i = (sum of x around i - W mean(x)) / (s sqrt((n W - W^2) / (n - 1))),

s the standard deviation with denominator n. Its p is that of a normal variable, one-sided.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import false_discovery_control, norm

from geo.hotspots.hexes import grid

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Hexagons (n,) by their `number` in the grid, ascending; `n` counts the category's reports."""

    number: Ints
    n: Ints
    z: Floats
    p: Floats


def by_gi_star(points_m: Floats, mine: Marks, cell_m: float) -> Cells:
    """z and p of every hexagon with a report of any category.

    `points_m` (n, 2) are the reports of all categories in metres of one plane, `mine` (n,) marks
    those of the category, `cell_m` is a hexagon's width. Where all hexagons are alike, or each is
    beside every other, nothing stands out: z is 0.
    """
    number, cell = np.unique(grid.numbers(points_m, cell_m), return_inverse=True)
    n = np.bincount(cell.reshape(-1)[mine], minlength=len(number)).astype(np.int64)
    z = local_g_star(number, n)
    return Cells(number, n, z, norm.sf(z))


def local_g_star(number: Ints, x: Ints) -> Floats:
    """z of each of the hexagons `number` (n,), ascending, with counts `x` (n,)."""
    if len(number) < 2:
        return np.zeros(len(number))
    beside = grid.neighbours(number)
    at = np.minimum(np.searchsorted(number, beside), len(number) - 1)
    there = number[at] == beside
    around = x + (x[at] * there).sum(axis=1)
    w = 1 + there.sum(axis=1)
    spread = x.std() * np.sqrt((len(x) * w - w**2) / (len(x) - 1))
    z: Floats = np.divide(around - w * x.mean(), spread, out=np.zeros(len(x)), where=spread > 0)
    return z


def false_discovery(p: Sequence[Floats]) -> list[Floats]:
    """q of p by Benjamini & Hochberg (1995), over all planes at once, in the same parts."""
    every = np.concatenate(p)
    q = false_discovery_control(every, method="bh") if len(every) else every
    return np.split(q, np.cumsum([len(each) for each in p])[:-1])
