"""The calendar months a hotspot comes back in: flooding follows rain and tide.

Two things must hold. The months must matter at all: within each year the order of the months is
shuffled, and the real order must make the same months high more often than shuffling does. That
asks nothing about how irregular the place is otherwise; two bursts that fell into the same month
by chance are no season. (One month alone cannot pass with two years: one time in twelve two highest
months are the same. A season of several months can.) Then a month is named if it stands out from
the months not named, without its best year, so that it really came back; the strongest month first,
corrected for the months looked at (Holm 1979).
"""

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import special

YEAR: Final = 12
FEWEST_YEARS: Final = 2
ALPHA: Final = 0.05
DRAWS: Final = 999

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def months_of_return(
    counts: Ints, steady: Floats, variance: Floats, first_month: int, rng: np.random.Generator
) -> tuple[tuple[int, ...], float]:
    """(months 1 to 12 in order, p that the months do not matter), of the last whole years.

    `counts` are (periods,) by calendar month from `first_month` on, `steady` what a trend without
    seasons expects of each, `variance` its variance. No months and p = 1 below two whole years.
    """
    years = len(counts) // YEAR
    if years < FEWEST_YEARS or not counts.any():
        return (), 1.0
    last = slice(len(counts) - years * YEAR, None)
    grid = (years, YEAR)
    x, mean, var = (np.reshape(part[last], grid) for part in (counts, steady, variance))
    p = _p_season((x - mean) / np.sqrt(var + 0.5), rng)
    if p > ALPHA:
        return (), p
    start = first_month - 1 + len(counts) - years * YEAR
    named = _high(x.astype(np.int64), mean.astype(np.float64))
    return tuple(sorted((start + column) % YEAR + 1 for column in named)), p


def _p_season(standing: Floats, rng: np.random.Generator) -> float:
    """P(months differ so much over the years | each year's values in any order)."""
    shuffled = rng.permuted(np.broadcast_to(standing, (DRAWS, *standing.shape)), axis=2)
    own = (standing.sum(axis=0) ** 2).sum()
    others = (shuffled.sum(axis=1) ** 2).sum(axis=1)
    return float((1 + (others >= own * (1 - 1e-12)).sum()) / (DRAWS + 1))


def _high(x: Ints, mean: Floats) -> list[int]:
    """Columns of a (years, 12) grid that stand out from the rest."""
    best = np.argmax(x / np.maximum(mean, 1e-300), axis=0)
    columns = np.arange(YEAR)
    again, due = x.sum(axis=0) - x[best, columns], mean.sum(axis=0) - mean[best, columns]
    left = list(range(YEAR))
    named: list[int] = []
    while len(left) > 1:
        all_there, all_due = int(x[:, left].sum()), float(mean[:, left].sum())
        p = []
        for c in left:
            k, rest = int(again[c]), all_there - int(x[:, c].sum())
            rest_due = all_due - float(mean[:, c].sum())
            # What nobody could report in is no month to come back in.
            known = due[c] > 0 and rest_due > 0
            p.append(at_least(k, k + rest, due[c] / (due[c] + rest_due)) if known else 1.0)
        strongest = int(np.argmin(p))
        if p[strongest] * len(left) > ALPHA:
            break
        named.append(left.pop(strongest))
    return named


def at_least(k: int, n: int, chance: float) -> float:
    """P(a binomial of `n` trials is at least `k`)."""
    return float(special.betainc(k, n - k + 1, chance)) if k > 0 else 1.0
