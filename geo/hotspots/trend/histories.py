"""The past of hotspots: their months before now, what trend these show, and when they come back."""

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely

from geo.hotspots.answer import Spot
from geo.hotspots.trend.classes import FEWEST_OTHERS, Trend, classify
from geo.period import Period
from geo.store import hotspot_inputs as inputs
from geo.store.database import AnyRow, AsyncConnection

MONTHS: Final = 24
# Where hardly anything else is reported in the hull itself, what is reported within so many metres
# of it tells how much people report, the nearest that is enough.
REACHES_M: Final = (300.0, 1000.0, 5000.0)

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class _Months:
    """Events of 24 months from an instant on, (24,) each: of the category in the hull, and others
    within reach of it."""

    first: datetime
    counts: Ints
    others: Ints

    def told(self) -> dict[str, Any]:
        return {
            "from": f"{self.first:%Y-%m-%d}",
            "counts": self.counts.tolist(),
            "others": self.others.tolist(),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """What is counted of a hotspot: the months that `end` with the window, and `whole` calendar
    months; `within_m` is how far around the hull others count, `others_in` how many of them there
    are in the hull, `others` in all."""

    end: _Months
    whole: _Months
    within_m: float
    others_in: int
    others: int

    def told(self) -> dict[str, Any]:
        """As the column `history` has it, beside what was judged by it."""
        return self.end.told() | {
            "within_m": self.within_m,
            "others_in": self.others_in,
            "whole": self.whole.told(),
        }


async def of(
    conn: AsyncConnection, category: AnyRow, spots: Sequence[Spot], period: Period, zone: tzinfo
) -> list[dict[str, Any]]:
    """`{trend, history, months}` of each spot, columns of `hotspots`.

    Counted are the events in its hull, of the category and of all others: for the trend in the 24
    months that end with the window, so that what broke out last week is in the last of them; for
    the months of return in the 24 whole calendar months before. The trend compares with the odds
    around the hotspot, as the test that found it did; others are counted around it, too, where few
    are in it.
    """
    pasts = await read(conn, category, [spot.shape for spot in spots], period, zone)
    found = []
    for spot, past in zip(spots, pasts, strict=True):
        # What others in the hull would bring, for each of those that are counted.
        share = (past.others_in + 0.5) / (past.others + 0.5) if past.within_m else 1.0
        background = spot.found.odds_near * share
        trend = _trend(past.end, background)
        seasons = _trend(past.whole, background, first_month=past.whole.first.month)
        found.append(
            {
                "trend": trend.name,
                "months": list(seasons.months),
                "history": past.told() | _judged(trend, seasons),
            }
        )
    return found


async def read(
    conn: AsyncConnection,
    category: AnyRow,
    shapes: Sequence[shapely.Geometry],
    period: Period,
    zone: tzinfo,
) -> list[Past]:
    """The past of each hull (WGS 84 degrees) of a category, as of the period's end."""
    back, whole = months_back(period.until, zone), month_ends(period.until, zone)
    ends = sorted({*back, *whole})
    mine, others_in = await inputs.history(conn, category.code, category.visibility, shapes, ends)
    others, within = others_in.copy(), np.zeros(len(shapes))
    for reach_m in REACHES_M:
        few = np.flatnonzero(others.sum(axis=1) < FEWEST_OTHERS * MONTHS).tolist()
        _, others[few] = await inputs.history(
            conn, category.code, category.visibility, [shapes[i] for i in few], ends, reach_m
        )
        within[few] = reach_m
    return [
        Past(
            _months(back, ends, mine[i], others[i], zone),
            _months(whole, ends, mine[i], others[i], zone),
            within_m=float(within[i]),
            others_in=int(others_in[i].sum()),
            others=int(others[i].sum()),
        )
        for i in range(len(shapes))
    ]


async def same(
    conn: AsyncConnection, category: AnyRow, rows: Sequence[AnyRow], period: Period, zone: tzinfo
) -> bool:
    """Whether the past of stored hotspots (`hotspot_answers.remembered`) still is what their
    `history` says. Reports older than the window come late, with an import."""
    seen = [row for row in rows if row.seen != "dormant"]
    shapes = [shapely.from_wkb(bytes(row.shape)) for row in seen]
    pasts = await read(conn, category, shapes, period, zone)
    return all(
        row.history == row.history | past.told() for row, past in zip(seen, pasts, strict=True)
    )


def _months(
    borders: Sequence[datetime], ends: Sequence[datetime], mine: Ints, others: Ints, zone: tzinfo
) -> _Months:
    """Of counts between `ends` those between some of them, `borders`."""
    at = [ends.index(border) for border in borders]
    counts, exposure = (
        np.diff(np.concatenate([[0], np.cumsum(each)])[at]) for each in (mine, others)
    )
    return _Months(borders[0].astimezone(zone), counts, exposure)


def _trend(months: _Months, background: float, first_month: int | None = None) -> Trend:
    return classify(
        months.counts,
        months.others,
        background=background,
        # By the series itself: the same one is always judged the same.
        rng=np.random.default_rng(np.concatenate([months.counts, months.others])),
        first_month=first_month,
    )


def months_back(until: datetime, zone: tzinfo) -> list[datetime]:
    """The borders of the 24 months that end with a moment, each on the same day of its month, or on
    the last that it has."""
    here = until.astimezone(zone)
    last = here.year * 12 + here.month - 1
    borders = []
    for number in range(last - MONTHS, last + 1):
        year, month = number // 12, number % 12 + 1
        day = min(here.day, calendar.monthrange(year, month)[1])
        borders.append(here.replace(year=year, month=month, day=day))
    return borders


def month_ends(until: datetime, zone: tzinfo) -> list[datetime]:
    """The borders of the 24 whole months before a moment: 25 first instants of months."""
    here = until.astimezone(zone)
    last = here.year * 12 + here.month - 1
    return [
        datetime(number // 12, number % 12 + 1, 1, tzinfo=zone)
        for number in range(last - MONTHS, last + 1)
    ]


def _judged(trend: Trend, seasons: Trend) -> dict[str, Any]:
    return {
        "unsaid": trend.unsaid,
        "slope": float(f"{trend.slope:.4g}"),
        **{
            name: float(f"{getattr(trend, name):.4g}")
            for name in ("p_new", "p_dispersion", "p_slope", "p_level")
        },
        "p_season": float(f"{seasons.p_season:.4g}"),
    }
