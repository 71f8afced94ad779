"""Is a share here above the share near by? The exact conditional test, and an interval.

Of `n` events here `k` are of the category, of `n_near` near by `k_near`. With both totals given,
`k` follows Fisher's noncentral hypergeometric distribution (Fisher 1935; Fog 2008 for its name),
whose only parameter is the odds ratio. So the test carries the chance in the surroundings too,
however few events they hold.
"""

import math

from numba import njit


@njit(cache=True)
def tail(k: int, n: int, k_near: int, n_near: int, ratio: float) -> float:
    """P(at least `k` of the `n` here are of the category | both totals), if the odds here are
    `ratio` times those near by. 0 <= k <= n, 0 <= k_near <= n_near, ratio > 0.

    Terms relative to that of `k`, summed outwards until they no longer matter: no logarithms, no
    cancellation. Below 1e-290 the answer is 0.
    """
    total = k + k_near
    low = max(0, total - n_near)
    high = min(n, total)
    up = 1.0
    term = 1.0
    x = k
    while x < high:
        step = ratio * (n - x) * (total - x) / ((x + 1.0) * (n_near - total + x + 1.0))
        term *= step
        up += term
        x += 1
        # Below the mode the terms still grow: then the sum to `high` would be the larger part.
        if term > 1e290:
            return 1.0
        if step < 1.0 and term < up * 1e-17:
            break
    down = 0.0
    term = 1.0
    x = k
    while x > low:
        step = x * (n_near - total + x + 0.0) / (ratio * (n - x + 1.0) * (total - x + 1.0))
        term *= step
        down += term
        x -= 1
        if down > 1e290:
            return 0.0
        if step < 1.0 and term < down * 1e-17:
            break
    return up / (up + down)


def relative_risk(
    k: int, others: int, k_near: int, others_near: int
) -> tuple[float, float, float, float]:
    """(expected, relative risk, low, high): the category's events here against what the `others`
    here would bring at the odds near by, with its 95 % interval.

    Half an event is added to each count (Haldane 1956, Anscombe 1956; interval on the logarithm:
    Gart 1966), so that none of them is ever infinite. A place that was picked because it stands out
    is measured a little too high by this as by any other estimate.
    """
    expected = (others + 0.5) * (k_near + 0.5) / (others_near + 0.5)
    risk = (k + 0.5) / expected
    spread = math.sqrt(
        1 / (k + 0.5) + 1 / (others + 0.5) + 1 / (k_near + 0.5) + 1 / (others_near + 0.5)
    )
    wide = math.exp(1.959964 * spread)
    return expected, risk, risk / wide, risk * wide
