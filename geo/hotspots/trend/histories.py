"""The past of hotspots: their months before now, what trend these show, and when they come back."""

import calendar
from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from geo.hotspots.answer import Spot
from geo.hotspots.trend.classes import Trend, classify
from geo.period import Period
from geo.store import hotspot_inputs as inputs
from geo.store.database import AnyRow, AsyncConnection

MONTHS: Final = 24
# With fewer other events in all its past than one a month a place does not tell how much is
# reported there: then its months are compared by their days alone.
LEAST_OTHERS: Final = 24

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


async def of(
    conn: AsyncConnection, category: AnyRow, spots: Sequence[Spot], period: Period, zone: tzinfo
) -> list[dict[str, Any]]:
    """`{trend, history, months}` of each spot, columns of `hotspots`.

    Counted are the events in its hull, of the category and of all others: for the trend in the 24
    months that end with the window, so that what broke out last week is in the last of them; for
    the months of return in the 24 whole calendar months before. The trend compares with the odds
    around the hotspot, as the test that found it did, or by days where little else is reported.
    """
    back, whole = months_back(period.until, zone), month_ends(period.until, zone)
    # One reading for both: an event on a border within the other's month may count twice.
    ends = sorted({*back, *whole})
    mine, others = await inputs.history(
        conn, category.code, category.visibility, [spot.shape for spot in spots], ends
    )
    began = await inputs.first_report_at(conn) if spots else None
    found = []
    for spot, counts, exposure in zip(spots, mine, others, strict=True):
        rolling = _joined(counts, ends, back), _joined(exposure, ends, back)
        trend = _trend(spot, *rolling, days_of(back, began), period)
        seasons = _trend(
            spot,
            _joined(counts, ends, whole),
            _joined(exposure, ends, whole),
            days_of(whole, began),
            period,
            first_month=whole[0].astimezone(zone).month,
        )
        found.append(
            {
                "trend": trend.name,
                "months": list(seasons.months),
                "history": _told(trend, seasons, back[0].astimezone(zone), *rolling),
            }
        )
    return found


def _trend(
    spot: Spot,
    counts: Ints,
    others: Ints,
    days: Floats,
    period: Period,
    first_month: int | None = None,
) -> Trend:
    # By the series itself: the same one is always judged the same.
    rng = np.random.default_rng(np.concatenate([counts, others]))
    if others.sum() >= LEAST_OTHERS:
        return classify(
            counts, others, background=spot.found.odds_near, rng=rng, first_month=first_month
        )
    return classify(
        np.where(days > 0, counts, 0),
        days,
        background=spot.found.expected / period.days,
        rng=rng,
        counted=False,
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


def days_of(borders: Sequence[datetime], began: datetime | None) -> Floats:
    """How many days each period between two borders has since `began`, the first report of all."""
    at = np.array([border.timestamp() for border in borders]) / 86_400
    if began is not None:
        at = np.maximum(at, began.timestamp() / 86_400)
    return np.diff(at)


def _joined(counts: Ints, ends: Sequence[datetime], borders: Sequence[datetime]) -> Ints:
    """Counts between `ends` as counts between some of them, `borders`."""
    before = np.concatenate([[0], np.cumsum(counts)])
    return np.diff(before[[ends.index(border) for border in borders]])


def _told(
    trend: Trend, seasons: Trend, first: datetime, counts: Ints, others: Ints
) -> dict[str, Any]:
    return {
        "from": f"{first:%Y-%m-%d}",
        "counts": counts.tolist(),
        "others": others.tolist(),
        "slope": float(f"{trend.slope:.4g}"),
        **{
            name: float(f"{getattr(trend, name):.4g}")
            for name in ("p_new", "p_dispersion", "p_slope", "p_level")
        },
        "p_season": float(f"{seasons.p_season:.4g}"),
    }
