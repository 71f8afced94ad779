"""When the demo's reports are made: hour, weekday, season, rain, tides and Tết, by local clock.

Vietnam keeps UTC+7 all year and has since 1975, so the clock is an offset.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.datetime64]

LOCAL = timezone(timedelta(hours=7))
DAYS = 365

# Weight of each hour of the day, from midnight; only ratios matter.
_HOURS: dict[str, tuple[float, ...]] = {
    "office": (1, 0, 0, 0, 0, 2, 6, 18, 30, 34, 30, 20, 12, 20, 30, 30, 26, 18, 10, 9, 9, 7, 4, 2),
    "day": (2, 1, 1, 1, 2, 6, 14, 22, 26, 26, 23, 19, 15, 17, 21, 22, 23, 23, 20, 19, 18, 14, 9, 4),
    "morning": (1, 0, 0, 1, 4, 16, 34, 38, 30, 22, 15, 10, 7, 6, 7, 8, 10, 12, 10, 8, 6, 4, 2, 1),
    "rush": (1, 0, 0, 0, 1, 6, 22, 38, 30, 16, 11, 12, 10, 9, 11, 16, 30, 40, 30, 16, 9, 6, 4, 2),
    "dark": (6, 3, 2, 2, 3, 5, 4, 3, 4, 5, 4, 3, 3, 3, 4, 4, 5, 14, 36, 44, 40, 32, 22, 12),
    "night": (26, 14, 6, 2, 1, 1, 2, 3, 4, 4, 4, 5, 5, 4, 4, 5, 7, 11, 20, 34, 46, 52, 54, 44),
    "works": (16, 12, 9, 6, 6, 10, 14, 10, 9, 8, 8, 8, 9, 7, 7, 7, 8, 10, 13, 16, 20, 28, 32, 26),
    "storm": (3, 2, 1, 1, 1, 2, 3, 3, 3, 3, 4, 6, 10, 18, 30, 40, 46, 48, 40, 28, 18, 11, 7, 4),
    "tide": (2, 3, 6, 14, 26, 34, 22, 10, 5, 3, 3, 3, 3, 4, 6, 12, 28, 44, 42, 24, 12, 6, 3, 2),
}
# Monday to Sunday.
_WEEK: dict[str, tuple[float, ...]] = {
    "flat": (1, 1, 1, 1, 1, 1, 1),
    "working": (1.25, 1.2, 1.15, 1.1, 1.1, 0.7, 0.4),
    "weekend": (0.7, 0.7, 0.75, 0.85, 1.25, 2.0, 1.75),
}
# January to December.
_YEAR: dict[str, tuple[float, ...]] = {
    "flat": (1,) * 12,
    "rain": (0.05, 0.03, 0.08, 0.3, 1.6, 2.1, 2.2, 2.2, 2.6, 2.7, 1.4, 0.3),
    "wet": (0.7, 0.6, 0.7, 0.9, 1.3, 1.4, 1.4, 1.4, 1.5, 1.5, 1.1, 0.8),
    "hot": (0.7, 0.9, 1.4, 1.8, 1.6, 1.1, 0.9, 0.9, 0.8, 0.8, 0.7, 0.7),
    "tide": (1.6, 0.8, 0.2, 0.1, 0.05, 0.05, 0.1, 0.2, 1.2, 2.6, 2.6, 2.2),
    "new_year": (1.6, 1.5, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 1.0, 1.3),
}
# First day of the lunar year: offices close for the week around it, karaoke does not.
_TET = (
    *(date(2024, 2, 10), date(2025, 1, 29), date(2026, 2, 17), date(2027, 2, 6)),
    *(date(2028, 1, 26), date(2029, 2, 13), date(2030, 2, 3), date(2031, 1, 23)),
)
# A new moon, and the mean time from one spring tide to the next.
_NEW_MOON = date(2024, 1, 11)
_SPRING_TIDE_DAYS = 14.765


@dataclass(frozen=True)
class Rhythm:
    """Names of the tables above, and what else drives it: `rain` and `tide` in 0–1."""

    hours: str
    week: str = "flat"
    year: str = "flat"
    rain: float = 0.0
    tide: float = 0.0


class Calendar:
    """Every hour of the `DAYS` days up to `now`, with the weather the demo made up for it."""

    def __init__(self, rng: np.random.Generator, now: datetime) -> None:
        local = now.astimezone(LOCAL)
        self._end = np.datetime64(local.replace(tzinfo=None), "ms")
        first = local.date() - timedelta(days=DAYS)
        self._days = [first + timedelta(days=i) for i in range(DAYS + 1)]
        self._start = np.datetime64(local.replace(tzinfo=None) - timedelta(days=DAYS), "ms")
        self._month = np.array([d.month for d in self._days])
        self._weekday = np.array([d.weekday() for d in self._days])
        self.rain = self._make_rain(rng)
        self._spring = self._spring_tide()
        self._tet = np.array([_near_tet(d) for d in self._days])

    def _make_rain(self, rng: np.random.Generator) -> Floats:
        """Millimetres a day: showers most afternoons of the season, a cloudburst now and then."""
        chance = np.array((3, 2, 4, 12, 45, 58, 62, 60, 62, 58, 32, 10))[self._month - 1] / 100
        wet = rng.random(len(self._days)) < chance
        return np.where(wet, rng.gamma(0.8, 24.0, len(self._days)), 0.0)

    def _spring_tide(self) -> Floats:
        age = np.array([(d - _NEW_MOON).days for d in self._days]) % _SPRING_TIDE_DAYS
        off = np.minimum(age, _SPRING_TIDE_DAYS - age)
        return np.exp(-((off / 1.8) ** 2))

    def draw(self, rng: np.random.Generator, n: int, rhythm: Rhythm) -> Times:
        """`n` times (UTC, datetime64[ms]) of this rhythm, none after `now`, in no order."""
        by_day = np.array(_YEAR[rhythm.year])[self._month - 1]
        by_day = by_day * np.array(_WEEK[rhythm.week])[self._weekday]
        # The hotline gets better known.
        by_day = by_day * np.linspace(0.85, 1.15, len(by_day))
        if rhythm.rain:
            flood = np.clip((self.rain - 12.0) / 40.0, 0.0, 2.5)
            by_day = by_day * ((1.0 - rhythm.rain) + rhythm.rain * 6.0 * flood)
        if rhythm.tide:
            by_day = by_day * ((1.0 - rhythm.tide) + rhythm.tide * 4.0 * self._spring)
        if rhythm.week == "working":
            by_day = by_day * np.where(self._tet, 0.2, 1.0)
        elif rhythm.year == "new_year":
            by_day = by_day * np.where(self._tet, 1.8, 1.0)
        hours = np.array(_HOURS[rhythm.hours], dtype=np.float64)
        return self._pick(rng, n, by_day[:, None] * hours)

    def spread(
        self, rng: np.random.Generator, n: int, rhythm: Rhythm, first_day: int, last_day: int
    ) -> Times:
        """As `draw`, but only between `first_day` and `last_day` days before `now`."""
        hours = np.array(_HOURS[rhythm.hours], dtype=np.float64)
        ago = np.arange(len(self._days))[::-1]
        by_day = np.array(_WEEK[rhythm.week])[self._weekday]
        if rhythm.rain:
            by_day = by_day * (0.02 + np.clip((self.rain - 8.0) / 40.0, 0.0, 2.0))
        by_day = np.where((ago <= first_day) & (ago >= last_day), by_day, 0.0)
        return self._pick(rng, n, by_day[:, None] * hours)

    def _pick(self, rng: np.random.Generator, n: int, weight: Floats) -> Times:
        starts = np.array([np.datetime64(d, "ms") for d in self._days])[:, None] + (
            np.arange(24) * np.timedelta64(3_600_000, "ms")
        )
        hour = np.timedelta64(3_600_000, "ms")
        # Hours that lie outside the year, in part or as a whole, are not picked.
        weight = np.where((starts >= self._start) & (starts + hour <= self._end), weight, 0.0)
        sums = np.cumsum(weight.ravel())
        picked = np.searchsorted(sums, rng.random(n) * sums[-1], side="right")
        within = rng.integers(0, 3_600_000, n).astype("timedelta64[ms]")
        local = starts.ravel()[picked] + within
        return np.asarray(local - np.timedelta64(7 * 3_600_000, "ms"))


def utc(now: datetime) -> np.datetime64:
    """A zoned time as numpy's UTC milliseconds."""
    return np.datetime64(now.astimezone(UTC).replace(tzinfo=None), "ms")


def _near_tet(day: date) -> bool:
    return any(-3 <= (day - tet).days <= 5 for tet in _TET)
