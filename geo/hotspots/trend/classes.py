"""Is a hotspot new, does it come and go, grow or fade, or just stay? By exact tests, in this order.

Judged are counts per period against an exposure per period, so that more people with the app, a
longer month or a month when the service was down is no trend. All tests are conditional: given the
total, only *when* the reports came says something, whatever the rate is.

| name | when |
|---|---|
| new | the last 3 periods are above the surroundings and above the time before, which was not |
| sporadic | it comes and goes more than chance adds to any steady rise or fall |
| intensifying, diminishing | the rate rises or falls with time |
| persistent | none of these, and the whole history is above the surroundings |

A steady rate is called sporadic in 2 % of cases at most, and rising or falling in another 2 %; a
steady *hotspot* is never new in practice, since its earlier periods stand out too. (A steady place
like its surroundings, which is no hotspot, is new in less than 5 %.) Whether it is a hotspot at all
was tested before, from other numbers: this test does not ask again.
"""

from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import special

from geo.errors import Invalid
from geo.hotspots.significance.core import MARGIN
from geo.hotspots.significance.odds import tail
from geo.hotspots.trend.dispersion import p_dispersion
from geo.hotspots.trend.season import at_least, months_of_return

TrendName = Literal["new", "sporadic", "intensifying", "diminishing", "persistent"]
Unsaid = Literal["short", "few_others", "ordinary"]

LAST: Final = 3
FEWEST_PERIODS: Final = 6
# Other reports a period. Fewer do not tell how much is reported: at one or two in a month half of
# all changes are missed, and would be called persistent.
FEWEST_OTHERS: Final = 5
STANDS_OUT: Final = 0.05
ALPHA: Final = 0.02
DRAWS: Final = 999
MOST: Final = 10_000_000

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Trend:
    """A class and what is behind it; where `name` is None, `unsaid` tells why.

    It is "short" where there are fewer than 6 periods, none of the reports or nothing in the last 3
    periods, "few_others" where too little else is reported to know what a rate is, and "ordinary"
    where all was tested and nothing shows.

    Every p is the chance of such a series if there were nothing: `p_new` that the last 3 periods
    are as the time before, `p_recent` that they, `p_before` that the time before, `p_level` that
    all are no more than the surroundings' odds (for the last two: a quarter above) bring,
    `p_dispersion` that a steady change explains the ups and downs, `p_slope` (two-sided) that there
    is no change, `p_season` that calendar months do not matter. 1 where there is nothing to test.
    `slope` is the change of the rate from one period to the next: 0.08 is 8 % more each time.
    `months` are the calendar months (1 to 12, ascending) it comes back in.
    """

    name: TrendName | None
    p_new: float = 1.0
    p_recent: float = 1.0
    p_before: float = 1.0
    p_level: float = 1.0
    p_dispersion: float = 1.0
    p_slope: float = 1.0
    slope: float = 0.0
    months: tuple[int, ...] = ()
    p_season: float = 1.0
    unsaid: Unsaid | None = None

    def __post_init__(self) -> None:
        if self.name is not None and self.name not in get_args(TrendName):
            raise Invalid(f"{self.name!r} is no trend; there are {', '.join(get_args(TrendName))}")
        for field in self.__slots__:
            if field.startswith("p_") and not 0.0 <= getattr(self, field) <= 1.0:
                raise Invalid(f"{field} must be from 0 to 1; it is {getattr(self, field)}")
        if not self.slope >= -1.0:
            raise Invalid(f"a rate cannot fall by more than all of it; slope is {self.slope}")
        if list(self.months) != sorted(set(self.months) & set(range(1, 13))):
            raise Invalid(f"months must ascend and be from 1 to 12; they are {self.months}")


@dataclass(frozen=True, slots=True)
class _Series:
    """Counts (periods,) with what they are counted against: binomial of `trials`, or Poisson."""

    counts: Ints
    exposure: Floats
    counted: bool

    @property
    def trials(self) -> Ints:
        return self.exposure.astype(np.int64)

    def part(self, periods: slice) -> "_Series":
        return _Series(self.counts[periods], self.exposure[periods], self.counted)

    def p_above(self, background: float, spare: int = 0) -> float:
        """P(a total like this or more), at `background` reports a unit (or odds, if counted);
        without `spare` of the reports."""
        k = max(0, int(self.counts.sum()) - spare)
        room = float(self.exposure.sum()) - spare * self.counted
        if self.counted:
            return at_least(k, int(room), background / (1.0 + background))
        return float(special.gammainc(k, background * room)) if k else 1.0

    def expected(self, level: float, slope: float) -> Floats:
        """Counts at a logarithm of the rate (or odds) of `level` in the middle period."""
        rate: Floats = np.exp(np.minimum(level + slope * _centred(len(self.counts)), 700.0))
        return self.exposure * (rate / (1.0 + rate) if self.counted else rate)

    def variance(self, expected: Floats) -> Floats:
        if not self.counted:
            return expected
        return expected * (1.0 - expected / np.maximum(self.exposure, 1.0))


def classify(
    counts: npt.ArrayLike,
    exposure: npt.ArrayLike,
    *,
    background: float,
    rng: np.random.Generator,
    counted: bool = True,
    first_month: int | None = None,
) -> Trend:
    """The trend of one hotspot, from (periods,) counts of its category in equal periods, in order.

    `exposure` (periods,) is what they are counted against. With `counted` it is the number of
    reports of *other* categories at the same place: then its own chance is part of every test (a
    count is a binomial part of all reports of its period), and a change in how many people report
    there cancels. Without, it is an amount known without chance, such as days of observation, what
    the surroundings lead one to expect, or a total of very many reports; few reports given as such
    are mistaken for a trend. Not the category's own total in the city, unless the question is
    whether the place does worse than the city: it would hide a season they share.

    `background` is what the surroundings bring of the category for each unit of exposure (with
    `counted` the odds near by: events of the category for each of another). Counts should be events
    after thinning: unmerged duplicates look like coming and going. Leading periods without any
    exposure are before the history. `first_month` (1 to 12) is the calendar month of the first
    period if periods are months; the months of return need two whole years.

    `rng` makes the draws of two Monte Carlo tests, whose p are exact and at least 0.001: give each
    hotspot a generator seeded by what it is, and no answer depends on the others. Raises `Invalid`.
    """
    series, skipped = _checked(counts, exposure, background, counted, first_month)
    last, before = series.part(slice(-LAST, None)), series.part(slice(None, -LAST))
    total, periods = int(series.counts.sum()), len(series.counts)
    if counted and series.exposure.sum() - total < FEWEST_OTHERS * periods:
        return Trend(None, unsaid="few_others")
    if periods < FEWEST_PERIODS or not total or not last.exposure.sum() > 0:
        return Trend(None, unsaid="short")
    level, slope = _fit(series)
    found = {
        "p_new": _p_step(last, before),
        "p_recent": last.p_above(background),
        "p_before": before.p_above(MARGIN * background, spare=1),
        "p_level": series.p_above(MARGIN * background),
        "p_dispersion": p_dispersion(
            series.counts,
            series.exposure,
            series.trials if counted else np.full(periods, -1, np.int64),
            rng,
        ),
        "p_slope": _p_slope(series, rng),
    }
    months: tuple[int, ...] = ()
    if first_month is not None:
        steady = series.expected(level, slope)
        months, found["p_season"] = months_of_return(
            series.counts, steady, series.variance(steady), first_month + skipped, rng
        )
    name = _name(found, slope)
    return Trend(
        name,
        **found,
        slope=float(np.expm1(slope)),
        months=months,
        unsaid=None if name else "ordinary",
    )


def _name(p: dict[str, float], slope: float) -> TrendName | None:
    if max(p["p_new"], p["p_recent"]) <= STANDS_OUT < p["p_before"]:
        return "new"
    if p["p_dispersion"] <= ALPHA:
        return "sporadic"
    if p["p_slope"] <= ALPHA:
        return "intensifying" if slope > 0 else "diminishing"
    return "persistent" if p["p_level"] <= STANDS_OUT else None


def _p_step(last: _Series, before: _Series) -> float:
    """P(so many of all reports in the last periods), if nothing began then."""
    k, k_before = int(last.counts.sum()), int(before.counts.sum())
    room, room_before = float(last.exposure.sum()), float(before.exposure.sum())
    if last.counted:
        return float(tail(k, int(room), k_before, int(room_before), 1.0))
    return at_least(k, k + k_before, room / (room + room_before))


def _p_slope(series: _Series, rng: np.random.Generator) -> float:
    """Two-sided p of the sum of counts times periods, given the total (Barnard 1963)."""
    total = int(series.counts.sum())
    periods = np.arange(len(series.counts))
    if series.counted:
        drawn = rng.multivariate_hypergeometric(series.trials, total, DRAWS, method="marginals")
    else:
        drawn = rng.multinomial(total, series.exposure / series.exposure.sum(), DRAWS)
    own, others = int(periods @ series.counts), drawn @ periods
    fewer = min(int((others >= own).sum()), int((others <= own).sum()))
    return min(1.0, 2 * (1 + fewer) / (DRAWS + 1))


def _fit(series: _Series) -> tuple[float, float]:
    """Most likely (level, slope) of the logarithm of the rate or odds, by Newton's method.

    Half a report is added to each side, spread like the exposure, so that both are finite.
    """
    spread = 0.5 * series.exposure / series.exposure.sum()
    y, room = series.counts + spread, series.exposure + 2 * spread * series.counted
    wide = _Series(series.counts, room, series.counted)
    at = np.column_stack([np.ones(len(y)), _centred(len(y))])
    odds = y.sum() / ((room - y).sum() if series.counted else room.sum())
    found = np.array([np.log(odds), 0.0])
    for _ in range(100):
        mean = wide.expected(*found)
        bend = at.T @ (wide.variance(mean)[:, None] * at)
        step = np.linalg.solve(bend, at.T @ (y - mean))
        # No period's rate changes by more than a factor e at once: far off, Newton overshoots.
        step /= max(1.0, float(np.abs(at @ step).max()))
        found = found + step
        if np.abs(step).max() < 1e-10:
            break
    return float(found[0]), float(found[1])


def _centred(periods: int) -> Floats:
    return np.asarray(np.arange(periods) - (periods - 1) / 2, dtype=np.float64)


def _checked(
    counts: npt.ArrayLike,
    exposure: npt.ArrayLike,
    background: float,
    counted: bool,
    first_month: int | None,
) -> tuple[_Series, int]:
    """The series from its first period with exposure on, and how many were skipped."""
    given = {"counts": np.asarray(counts, np.float64), "exposure": np.asarray(exposure, np.float64)}
    x, room = given.values()
    if x.ndim != 1 or x.shape != room.shape:
        raise Invalid(
            "counts and exposure must be one number each for every period; they have the shapes "
            f"{x.shape} and {room.shape}"
        )
    for name, values in given.items():
        if not (np.isfinite(values).all() and (values >= 0).all()):
            raise Invalid(f"{name} must be finite and not negative, in every period")
        if (counted or name == "counts") and not (values == np.floor(values)).all():
            raise Invalid(
                f"{name} must be whole numbers; give an amount that is not counted with "
                "counted=False"
            )
    if x.sum() + counted * room.sum() > MOST:
        raise Invalid(f"there may be {MOST:,} reports in all; take a smaller place")
    if not counted and (x[room == 0] > 0).any():
        raise Invalid("there are reports in a period without exposure; give it what it had")
    if not (np.isfinite(background) and background > 0):
        raise Invalid(f"background must be above 0; it is {background}")
    if first_month is not None and first_month not in range(1, 13):
        raise Invalid(f"first_month must be from 1 to 12; it is {first_month}")
    if counted:
        room = room + x
    some = np.flatnonzero(room > 0)
    skipped = int(some[0]) if len(some) else len(x)
    return _Series(x[skipped:].astype(np.int64), room[skipped:], counted), skipped
