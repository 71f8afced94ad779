"""The space-time permutation scan with 999 replicas, against the same in plain numpy.

Both count the same circles and windows. The yardstick, on one core, is timed over a few replicas
and multiplied: all of them would take the better part of an hour.
"""

import time
from typing import Any

import numpy as np
import numpy.typing as npt

from geo.hotspots.scan.places import Places
from geo.hotspots.scan.scan import Search, scan

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DAYS = 90
# (what, places, reports, seconds at most, replicas of the yardstick)
CITIES = (("wards", 168, 10_000, 1, 20), ("cells", 5_000, 50_000, 12, 1))


def measure(
    url: str, cities: tuple[tuple[str, int, int, int, int], ...] = CITIES
) -> list[dict[str, Any]]:
    rows = []
    for what, places, reports, aim_s, timed in cities:
        where, days = city(np.random.default_rng(0), places, reports)
        search = Search(alpha=1.0, most=1)

        def ours(where: Places = where, days: Ints = days, search: Search = search) -> Any:
            return scan(where, days, rng=np.random.default_rng(1), search=search)

        ours()  # compiles, where nothing did yet
        began = time.perf_counter()
        (top,) = ours()
        ours_s = time.perf_counter() - began
        plain = Plain(where, search)
        recent = plain.recent(where.of, days)
        assert abs(plain.largest(recent) - top.log_ratio) < 1e-8, "another most likely cluster"
        rng = np.random.default_rng(2)
        began = time.perf_counter()
        for _ in range(timed):
            plain.largest(plain.recent(where.of, rng.permutation(days)))
        theirs_s = (time.perf_counter() - began) / timed * search.replicas
        rows.append(
            {
                "what": f"scan of {places:,} {what}, {DAYS} days, {reports:,} reports, "
                f"{search.replicas} replicas",
                "against": "plain numpy on one core",
                "ours_s": ours_s,
                "theirs_s": theirs_s,
                "ratio": theirs_s / ours_s,
                "aim": f"<= {aim_s} s",
                "note": f"{plain.looked_at:,} circles x windows a replica; numpy timed over "
                f"{timed} of them",
            }
        )
    return rows


def city(rng: np.random.Generator, places: int, reports: int) -> tuple[Places, Ints]:
    """Unequal places, in which nothing begins."""
    weight = rng.gamma(1.5, 1.0, places)
    # One report in each at least: only places that hold any are looked at.
    more = rng.choice(places, reports - places, p=weight / weight.sum())
    of = np.concatenate([np.arange(places), more])
    return Places(of, rng.uniform(0, 20_000, (places, 2))), rng.integers(0, DAYS, reports)


class Plain:
    """The scan as one writes it with numpy: per centre a running sum, then logarithms of all."""

    def __init__(self, where: Places, search: Search) -> None:
        self.sizes = np.bincount(where.of, minlength=len(where.centres_m))
        self.windows, self.n = search.max_days, len(where.of)
        self.circles: list[tuple[Ints, Ints]] = []
        for centre in where.centres_m:
            order = np.argsort(((where.centres_m - centre) ** 2).sum(axis=1))
            total = np.cumsum(self.sizes[order])
            fits = int(np.searchsorted(total, search.max_share * self.n, side="right"))
            self.circles.append((order[:fits].astype(np.int32), total[:fits]))
        self.looked_at = sum(len(order) for order, _ in self.circles) * self.windows

    def recent(self, of: Ints, days: Ints) -> Ints:
        """(places, windows) reports on the last 1, 2, … days."""
        ages = days.max() - days
        new = ages < self.windows
        cell = of[new] * self.windows + ages[new]
        counts = np.bincount(cell, minlength=len(self.sizes) * self.windows)
        return np.cumsum(counts.reshape(-1, self.windows), axis=1)

    def largest(self, recent: Ints) -> float:
        """The largest ratio of all circles and windows."""
        best, city = 0.0, recent.sum(axis=0)
        for order, total in self.circles:
            c = np.cumsum(recent[order], axis=0)
            mu = total[:, None] * city / self.n
            with np.errstate(divide="ignore", invalid="ignore"):
                ratio = c * np.log(c / mu) + (self.n - c) * np.log((self.n - c) / (self.n - mu))
            best = max(best, float(np.where(c > mu, ratio, 0.0).max(initial=0.0)))
        return best
