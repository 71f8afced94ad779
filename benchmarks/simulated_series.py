"""Months of a hotspot made by rule and chance, of which it is known what they are.

The surroundings bring `background` reports a month. On top of them come, on average while it lasts,
`excess` more: for the last three months (new), for a random half of the months, twice as many
(sporadic), more from month to month from none to twice as many (intensifying), or the other way
round (diminishing), or always (persistent).
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

PERIODS = 24
NAMES = ("new", "sporadic", "intensifying", "diminishing", "persistent")

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def extra(rng: np.random.Generator, name: str, periods: int = PERIODS) -> Floats:
    """What is above the background in each period, as a part of the excess."""
    rising = np.linspace(0.0, 2.0, periods)
    return {
        "new": (np.arange(periods) >= periods - 3).astype(np.float64),
        "sporadic": 2.0 * (rng.random(periods) < 0.5),
        "intensifying": rising,
        "diminishing": rising[::-1],
        "persistent": np.ones(periods),
    }[name]


def series(
    rng: np.random.Generator, each: int, background: float, excess: float
) -> Iterator[tuple[str, Ints]]:
    """`each` of every class: (name, counts)."""
    for name in NAMES:
        for _ in range(each):
            yield name, rng.poisson(background + excess * extra(rng, name))


def against_others(
    rng: np.random.Generator, each: int, background: float, excess: float, others: float
) -> Iterator[tuple[str, Ints, Ints]]:
    """The same where ever more people report: (name, counts, reports of other categories there).

    All rates double over the time, with a bad month for both; `others` a month on average.
    """
    eager = np.linspace(2 / 3, 4 / 3, PERIODS)
    eager[10] /= 4
    for name in NAMES:
        for _ in range(each):
            rate = eager * (background + excess * extra(rng, name))
            yield name, rng.poisson(rate), rng.poisson(eager * others)
