"""Has something begun here lately? The prospective space-time permutation scan.

Kulldorff, Heffernan, Hartman, Assunção and Mostashari 2005 (PLoS Medicine 2(3): e59). Every circle
around a place and every stretch of days that ends today is asked: did more reports of the category
come than this circle's share of all reports, on all days, times the city's number on these days
would bring? Both margins are given, so a place that always reports much is no alarm, nor is a day
on which the whole city does; only what is new *here* is. The largest likelihood ratio is compared
with those of replicas in which the days are dealt out anew among the reports, so `p_value` already
counts that all circles and windows were tried.

What it cannot tell apart from a beginning: places whose weekly rhythm differs (an office quarter on
a Monday), and reports that are not separate events; thin them first
(`geo.hotspots.significance.thin`).
"""

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final

import numba
import numpy as np
import numpy.typing as npt

from geo.errors import Invalid
from geo.hotspots.scan import circles as scan_circles
from geo.hotspots.scan import kernel
from geo.hotspots.scan.circles import Circles
from geo.hotspots.scan.kernel import Peaks
from geo.hotspots.scan.places import Places

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Places in circles held at once, 5.6 bytes each: what does not fit is done in turns, each with the
# replicas drawn anew. And how many distances a thread sorts at once.
_HELD: Final = 32_000_000
_SLICE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for.

    Windows are the last 1 … `max_days` days. Circles hold at most `max_share` of all reports and
    reach `max_radius_m` metres (None: no limit). `replicas` bound p from below at
    1 / (replicas + 1). Clusters with p <= `alpha` are answered, at most `most`; with `alpha` 1 the
    most likely one whatever its chance.
    """

    max_days: int = 7
    max_share: float = 0.5
    max_radius_m: float | None = None
    replicas: int = 999
    alpha: float = 0.05
    most: int = 20

    def __post_init__(self) -> None:
        for name in ("max_days", "replicas", "most"):
            value = getattr(self, name)
            if int(value) != value or value < 1:
                raise Invalid(f"{name} must be a whole number from 1; it is {value}")
        for name in ("max_share", "alpha"):
            if not 0 < getattr(self, name) <= 1:
                raise Invalid(f"{name} must be above 0 and at most 1; it is {getattr(self, name)}")
        if self.max_radius_m is not None and not 0 <= self.max_radius_m < math.inf:
            raise Invalid(f"max_radius_m must be metres from 0; it is {self.max_radius_m}")


@dataclass(frozen=True, slots=True)
class Cluster:
    """More reports in a circle since a day than both margins explain.

    `places` are those in the circle that hold reports, ascending; `centre` is one of them, the
    circle's middle at `centre_m`, and `radius_m` reaches the farthest. It began on day `since` and
    lasts to the last day. `expected` = reports of the places on all days times reports of all
    places since that day, by all reports. `relative_risk` is observed by expected in the circle
    and window, by the same outside. `log_ratio` is the statistic. A scan run once a day, on
    unchanging habits, errs as badly once in `recurrence_days` = 1 / p_value.
    """

    places: tuple[int, ...]
    centre: int
    centre_m: tuple[float, float]
    radius_m: float
    since: int
    observed: int
    expected: float
    relative_risk: float
    log_ratio: float
    p_value: float
    recurrence_days: float


def scan(
    places: Places,
    days: npt.ArrayLike,
    *,
    rng: np.random.Generator,
    today: int | None = None,
    search: Search | None = None,
    threads: int | None = None,
) -> list[Cluster]:
    """What began lately in the reports of one category, the most significant first.

    `days` (n,) are whole numbers, one a report in `places`, on any count (`date.toordinal`); all
    days of the array are the background, 60 to 90 are good. Windows end on `today`, by default the
    last day with a report. No two clusters share a place; of the second and later ones p is too
    high rather than too low. Four numbers are taken from `rng`; the same ones give the same answer,
    to the last byte, for any number of `threads` (default: numba's) and any order of the reports.

    Memory: up to 180 MB and, for each thread, 32 bytes a place and window. Time: as the square of
    the places times the windows, unless `max_radius_m` is small.
    Raises `Invalid` on days of another length, that are no whole numbers or lie after `today`.
    """
    search = search or Search()
    seed = [int(number) for number in rng.integers(0, 2**32, 4)]
    at = _days(days, places, today)
    if not len(at):
        return []
    ages = (int(at.max()) if today is None else today) - at
    city = _City(places, ages, search)
    if not len(city.recent_ages):
        return []
    threads = threads or numba.get_num_threads()
    with ThreadPoolExecutor(threads) as pool:
        best, maxima = city.compare(seed, search, pool, threads)
    last_day = int(at[0] + ages[0])
    return [city.cluster(*one, last_day) for one in city.choose(best, maxima, search)]


def _days(days: npt.ArrayLike, places: Places, today: int | None) -> Ints:
    given = np.asarray(days)
    if given.shape != places.of.shape:
        raise Invalid(f"days must have the shape {places.of.shape}; it has {given.shape}")
    if not given.size:
        return np.empty(0, np.int64)
    number = given.dtype.kind in "iuf"
    # Within 2**40, so that NaN, infinity and what no calendar holds are refused too.
    if not number or not ((given % 1 == 0) & (given >= -(2**40)) & (given <= 2**40)).all():
        raise Invalid("days must be whole numbers, such as date.toordinal() gives")
    at = given.astype(np.int64)
    if today is not None and at.max() > today:
        raise Invalid(f"a report lies on day {at.max()}, after today, {today}; leave it out")
    return at


class _City:
    """Places that hold reports, renumbered, and what all replicas share."""

    def __init__(self, places: Places, ages: Ints, search: Search) -> None:
        self.original, of = np.unique(places.of, return_inverse=True)
        self.x_m, self.y_m = np.ascontiguousarray(places.centres_m[self.original].T)
        # Sorted, so that replicas do not depend on the order of the reports.
        self.of = np.sort(of.reshape(-1))
        n, held = len(self.of), len(self.original)
        # Longer windows than the oldest report is old hold everything: no excess there.
        windows = min(search.max_days, int(ages.max()) + 1)
        new = ages < windows
        self.recent_ages = np.sort(ages[new])
        self.recent = np.zeros((held + 1, windows), np.int64)
        np.add.at(self.recent, (of.reshape(-1)[new], ages[new]), 1)
        self.recent = np.cumsum(self.recent, axis=1)
        self.largest = math.floor(search.max_share * n * (1 + 1e-12))
        # A count needs its highest bit for the comparison.
        self.lane_bits = 16 if len(self.recent_ages) < 2**15 else 32
        self.batch = kernel.WORDS * 64 // self.lane_bits
        self.margins = kernel.margins(
            np.bincount(self.of), self.recent.sum(axis=0), self.largest, self.lane_bits
        )
        self.place_bits = max(1, (held - 1).bit_length())
        reach_m = math.inf if search.max_radius_m is None else search.max_radius_m
        self.reach_mm = int(min(reach_m * 1000.0 + 0.5, 2.0**60))

    def __len__(self) -> int:
        return len(self.original)

    def compare(
        self, seed: list[int], search: Search, pool: ThreadPoolExecutor, threads: int
    ) -> tuple[Peaks, Floats]:
        """The best circle of each centre, and the replicas' largest ratios, ascending.

        As soon as so many replicas reach the observed ratio that it cannot be significant any more,
        no further ones are drawn, and those not drawn are infinite.
        """
        maxima = np.zeros(search.replicas)
        most = search.alpha * (search.replicas + 1) - 1
        seen = []
        for around, all_of_them in self._turns(pool, threads):
            seen += list(pool.map(self._peaks, around))
            work = partial(self._replicate, around, seed, maxima)
            top = max(float(each.ratio.max()) for each in seen)
            step = self.batch * threads
            for first in range(0, search.replicas, step):
                last = min(first + step, search.replicas)
                list(pool.map(work, range(first, last, self.batch)))
                if all_of_them and (maxima[:last] >= top).sum() > most:
                    maxima[last:] = np.inf
                    break
        best = Peaks(*(np.concatenate(parts) for parts in zip(*seen, strict=True)))
        return best, np.sort(maxima)

    def _turns(
        self, pool: ThreadPoolExecutor, threads: int
    ) -> Iterator[tuple[list[Circles], bool]]:
        """Circles around as many centres as may be held at once; and whether they are all."""
        rows = max(1, _SLICE // len(self))
        slices = [np.arange(i, min(i + rows, len(self))) for i in range(0, len(self), rows)]
        held: list[Circles] = []
        first = True
        while slices:
            now, slices = slices[:threads], slices[threads:]
            held += pool.map(self.circles, now)
            if slices and sum(each.near.size for each in held) > _HELD:
                yield held, False
                held, first = [], False
        yield held, first

    def circles(self, centres: Ints, within_mm: Ints | None = None) -> Circles:
        """Circles around some centres; `within_mm` (centres,) limits each."""
        if within_mm is None:
            within_mm = np.full(len(centres), self.reach_mm)
        keys = scan_circles.distances(self.x_m, self.y_m, centres, self.place_bits)
        keys.sort(axis=1)
        found: Circles = scan_circles.circles(
            keys,
            self.place_bits,
            self.margins.sizes,
            self.largest,
            within_mm,
            self.margins.shift,
            self.margins.room.shape[1] - 1,
        )
        return found

    def _peaks(self, around: Circles) -> Peaks:
        found: Peaks = kernel.peaks(around, self.margins, self.recent)
        return found

    def _replicate(
        self, around: list[Circles], seed: list[int], maxima: Floats, first: int
    ) -> None:
        mine = maxima[first : first + self.batch]
        dealt = []
        for replica in range(first, first + len(mine)):
            # Its own seed, so that it does not matter which thread draws it, and when.
            rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(replica,)))
            dealt.append(self.of[rng.choice(len(self.of), len(self.recent_ages), replace=False)])
        self.raise_maxima(around, dealt, mine)

    def raise_maxima(self, around: list[Circles], dealt: list[Ints], maxima: Floats) -> None:
        """Raise `maxima`, the largest ratio of each of at most `batch` replicas, by some circles.

        `dealt` are the places of a replica's recent reports, in the order of `recent_ages`.
        """
        field = kernel.field(len(self), len(self.margins.windows))
        for replica, places in enumerate(dealt):
            kernel.fill(field, replica, self.lane_bits, places, self.recent_ages)
        kernel.lengthen(field, len(self.margins.windows))
        # The empty rest of the batch must not hold down what a count has to reach.
        best = np.full(self.batch, np.inf)
        best[: len(maxima)] = maxima
        for some in around:
            kernel.replicate(some, self.margins, field, self.lane_bits, best)
        maxima[:] = best[: len(maxima)]

    def choose(
        self, best: Peaks, maxima: Floats, search: Search
    ) -> Iterator[tuple[Ints, int, int, int, float, float]]:
        """The most likely cluster, then the most likely one that shares no place with it, and so
        on: (places, centre, radius in mm, window, ratio, p)."""
        ratio, edge, window = best.ratio.copy(), best.edge.copy(), best.window.copy()
        nearest_mm = np.full(len(self), np.int64(2**60))
        for _ in range(search.most):
            reached = len(maxima) - np.searchsorted(maxima, ratio)
            chances = (1 + reached) / (1 + len(maxima))
            ratio[chances > search.alpha] = 0.0
            radius_mm = scan_circles.radii_mm(self.x_m, self.y_m, edge)
            top = int(np.lexsort((radius_mm, -ratio))[0])
            if ratio[top] == 0.0:
                return
            apart = scan_circles.distances(self.x_m, self.y_m, np.array([top]), self.place_bits)[0]
            inside = np.flatnonzero(apart >> self.place_bits <= radius_mm[top])
            yield inside, top, int(radius_mm[top]), int(window[top]), ratio[top], chances[top]
            # Circles that reach a place taken shrink. The others stay as they are, and a circle
            # that is not significant does not become so by shrinking.
            scan_circles.nearest_mm(self.x_m, self.y_m, inside, nearest_mm)
            touched = np.flatnonzero((ratio > 0.0) & (nearest_mm <= radius_mm))
            rows = max(1, _SLICE // len(self))
            for some in np.split(touched, np.arange(rows, len(touched), rows)):
                left = self.circles(some, nearest_mm[some] - 1)
                ratio[some], edge[some], window[some] = self._peaks(left)

    def cluster(
        self,
        inside: Ints,
        centre: int,
        radius_mm: int,
        window: int,
        ratio: float,
        p_value: float,
        last_day: int,
    ) -> Cluster:
        """One of `choose` in the words of the caller."""
        n = self.margins.n
        observed = int(self.recent[inside, window].sum())
        total = int(self.margins.sizes[inside].sum())
        expected = total * int(self.margins.windows[window]) / n
        return Cluster(
            places=tuple(self.original[inside].tolist()),
            centre=int(self.original[centre]),
            centre_m=(float(self.x_m[centre]), float(self.y_m[centre])),
            radius_m=radius_mm / 1000.0,
            since=last_day - window,
            observed=observed,
            expected=expected,
            relative_risk=(observed / expected) / ((n - observed) / (n - expected)),
            log_ratio=float(ratio),
            p_value=float(p_value),
            recurrence_days=1.0 / float(p_value),
        )
