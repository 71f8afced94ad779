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
_TINY: Final = 1e-300

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
    x = counts[last].reshape(grid)
    mean, var = steady[last].reshape(grid), variance[last].reshape(grid)
    p = _p_season((x - mean) / np.sqrt(var + 0.5), rng)
    if p > ALPHA:
        return (), p
    start = first_month - 1 + len(counts) - years * YEAR
    return tuple(sorted(int(start + column) % YEAR + 1 for column in _high(x, mean))), p


def _p_season(standing: Floats, rng: np.random.Generator) -> float:
    """P(months differ so much over the years | each year's values in any order)."""
    shuffled = rng.permuted(np.broadcast_to(standing, (DRAWS, *standing.shape)), axis=2)
    own = (standing.sum(axis=0) ** 2).sum()
    others = (shuffled.sum(axis=1) ** 2).sum(axis=1)
    return float((1 + (others >= own * (1 - 1e-12)).sum()) / (DRAWS + 1))


def _high(x: Ints, mean: Floats) -> list[int]:
    """Columns of a (years, 12) grid that stand out from those that do not, in the first place all
    years together, the strongest first, and then without the best year of each."""
    named: list[int] = []
    left = list(range(YEAR))
    while len(left) > 1:
        p = [_p_high(x[:, c], mean[:, c], x[:, left], mean[:, left]) for c in left]
        strongest = int(np.argmin(p))
        if p[strongest] * len(left) > ALPHA:
            break
        named.append(left.pop(strongest))
    again = []
    for c in named:
        others = np.arange(len(x)) != np.argmax(x[:, c] / np.maximum(mean[:, c], _TINY))
        less, due = x[others, c], mean[others, c]
        quiet, quiet_due = np.append(x[:, left], less), np.append(mean[:, left], due)
        if _p_high(less, due, quiet, quiet_due) * len(named) <= ALPHA:
            again.append(c)
    return again


def _p_high(x: Ints, due: Floats, among: Ints, among_due: Floats) -> float:
    """P(so many of the reports `among` which they are), at the share that is due."""
    share = due.sum() / max(float(among_due.sum()), _TINY)
    # What nobody could report in is no month to come back in.
    return at_least(int(x.sum()), int(among.sum()), float(share)) if share > 0 else 1.0


def at_least(k: int, n: int, chance: float) -> float:
    """P(a binomial of `n` trials is at least `k`)."""
    return float(special.betainc(k, n - k + 1, chance)) if k > 0 else 1.0
