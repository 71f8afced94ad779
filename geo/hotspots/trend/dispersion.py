"""Does a series come and go more than chance and a steady rise or fall explain? An exact test.

With the total and the slope given (the sum of the counts, and of the counts times their periods),
counts of a rate that changes by a constant factor from period to period follow one known
distribution, whatever the rate and the factor are. The test draws from it by a random walk that
keeps both sums, with the series itself at a random step of the walk: under the hypothesis it is one
of equals, so p is exact however short the walk is (Besag & Clifford 1989). The walk exchanges
reports between two pairs of periods, the moves that lead everywhere (Diaconis & Sturmfels 1998).

What is compared is the distance to the nearest series that only rises or only falls, so a step, a
straight line or a curve is no coming and going.
"""

import math
from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

DRAWS: Final = 999

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def p_dispersion(counts: Ints, exposure: Floats, limit: Ints, rng: np.random.Generator) -> float:
    """P(a series at least as far from any steady rise or fall | its total and slope).

    `counts` and `exposure` are (periods,), an exposure of 0 with a count of 0. `limit` is the most
    a period can hold: -1 for Poisson counts, else the trials of a binomial, and then `exposure` is
    the same numbers. At least `1 / (DRAWS + 1)`.
    """
    n, total = len(counts), int(counts.sum())
    logs = np.log(np.where(exposure > 0, exposure, 1.0))
    longest = max(total, int(limit.max()))
    factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1.0, longest + 1)))])
    # Of many reports several move at once; a draw is over when every report may have moved.
    step = max(1, math.isqrt(total // n) // 2)
    moves = max(n, total // (2 * step))
    as_far = _walk(counts, exposure, limit, logs, factorials, step, moves, DRAWS, rng)
    return (1 + int(as_far)) / (DRAWS + 1)


@njit(cache=True)
def _walk(
    counts: Ints,
    exposure: Floats,
    limit: Ints,
    logs: Floats,
    factorials: Floats,
    step: int,
    moves: int,
    draws: int,
    rng: np.random.Generator,
) -> int:
    """How many of `draws` steps, before and after the series' own, are at least as far as it."""
    n = len(counts)
    fitted = np.empty(n)
    own = _distance(counts, exposure, limit, fitted)
    # The walk is reversible, so that going on from the series is as good as having come from it.
    before = int(rng.random() * (draws + 1))
    x = counts.copy()
    found = 0
    for draw in range(draws):
        if draw == before:
            x[:] = counts
        for _ in range(moves):
            i = int(rng.random() * n)
            j = int(rng.random() * n)
            k = int(rng.random() * n)
            m = 1 + int(rng.random() * step)
            to = i + j - k
            if to < 0 or to >= n or k in (i, j):
                continue
            gain = 0.0
            if i == j:
                gain += _change(x, i, -2 * m, exposure, limit, logs, factorials)
            else:
                gain += _change(x, i, -m, exposure, limit, logs, factorials)
                gain += _change(x, j, -m, exposure, limit, logs, factorials)
            if k == to:
                gain += _change(x, k, 2 * m, exposure, limit, logs, factorials)
            else:
                gain += _change(x, k, m, exposure, limit, logs, factorials)
                gain += _change(x, to, m, exposure, limit, logs, factorials)
            if gain >= 0 or rng.random() < math.exp(gain):
                x[i] -= m
                x[j] -= m
                x[k] += m
                x[to] += m
        # Equal series must count as equal whatever the order of the sums.
        if _distance(x, exposure, limit, fitted) >= own * (1 - 1e-12):
            found += 1
    return found


@njit(cache=True)
def _change(
    x: Ints, t: int, by: int, exposure: Floats, limit: Ints, logs: Floats, factorials: Floats
) -> float:
    """What `by` more in period `t` does to the logarithm of the chance; -inf where it cannot be."""
    now = x[t]
    then = now + by
    if then < 0 or exposure[t] <= 0:
        return -np.inf
    if limit[t] < 0:
        return float(by * logs[t] + factorials[now] - factorials[then])
    if then > limit[t]:
        return -np.inf
    return float(
        factorials[now]
        - factorials[then]
        + factorials[limit[t] - now]
        - factorials[limit[t] - then]
    )


@njit(cache=True)
def _distance(x: Ints, exposure: Floats, limit: Ints, fitted: Floats) -> float:
    """Squared distance, in variances, to the nearest rates that only rise or only fall.

    Half a report is added to each variance, else one report decides where hardly any is expected.
    """
    nearest = np.inf
    for rising in (True, False):
        _monotone(x, exposure, rising, fitted)
        far = 0.0
        for t in range(len(x)):
            variance = fitted[t]
            if limit[t] > 0:
                variance *= 1 - fitted[t] / limit[t]
            far += (x[t] - fitted[t]) ** 2 / (variance + 0.5)
        nearest = min(nearest, far)
    return nearest


@njit(cache=True)
def _monotone(x: Ints, exposure: Floats, rising: bool, fitted: Floats) -> None:
    """Most likely counts under rates that only rise (or fall), by pooling neighbours that do not
    (Ayer et al. 1955), into `fitted`."""
    n = len(x)
    some = np.empty(n)
    room = np.empty(n)
    size = np.empty(n, np.int64)
    blocks = 0
    for s in range(n):
        t = s if rising else n - 1 - s
        some[blocks] = x[t]
        room[blocks] = exposure[t]
        size[blocks] = 1
        blocks += 1
        # Compared as products: a block without exposure goes with the one before.
        while (
            blocks > 1
            and some[blocks - 2] * room[blocks - 1] >= some[blocks - 1] * room[blocks - 2]
        ):
            blocks -= 1
            some[blocks - 1] += some[blocks]
            room[blocks - 1] += room[blocks]
            size[blocks - 1] += size[blocks]
    s = 0
    for b in range(blocks):
        for _ in range(size[b]):
            t = s if rising else n - 1 - s
            fitted[t] = some[b] / room[b] * exposure[t] if room[b] > 0 else 0.0
            s += 1
