"""The past of hotspots: their months before now, what trend these show, and when they come back."""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any, Final

import numpy as np

from geo.hotspots.answer import Spot
from geo.hotspots.trend.classes import Trend, classify
from geo.period import Period
from geo.store import hotspot_inputs as inputs
from geo.store.database import AnyRow, AsyncConnection

MONTHS: Final = 24


async def of(
    conn: AsyncConnection, category: AnyRow, spots: Sequence[Spot], period: Period, zone: tzinfo
) -> list[dict[str, Any]]:
    """`{trend, history, months}` of each spot, columns of `hotspots`.

    Counted are the events in its hull in the 24 whole calendar months before the window's end, of
    the category and of all others. The trend compares with the odds around the hotspot, as the test
    that found it did.
    """
    ends = month_ends(period.until, zone)
    mine, others = await inputs.history(
        conn, category.code, category.visibility, [spot.shape for spot in spots], ends
    )
    first = ends[0].astimezone(zone)
    found = []
    for spot, counts, exposure in zip(spots, mine, others, strict=True):
        trend = classify(
            counts,
            exposure,
            background=spot.found.odds_near,
            # By the series itself: the same one is always judged the same.
            rng=np.random.default_rng(np.concatenate([counts, exposure])),
            first_month=first.month,
        )
        found.append(
            {
                "trend": trend.name,
                "months": list(trend.months),
                "history": _told(trend, first, counts.tolist(), exposure.tolist()),
            }
        )
    return found


def month_ends(until: datetime, zone: tzinfo) -> list[datetime]:
    """The borders of the 24 whole months before a moment: 25 first instants of months."""
    here = until.astimezone(zone)
    last = here.year * 12 + here.month - 1
    return [
        datetime(number // 12, number % 12 + 1, 1, tzinfo=zone)
        for number in range(last - MONTHS, last + 1)
    ]


def _told(trend: Trend, first: datetime, counts: list[int], others: list[int]) -> dict[str, Any]:
    return {
        "from": f"{first:%Y-%m}",
        "counts": counts,
        "others": others,
        "slope": float(f"{trend.slope:.4g}"),
        **{
            name: float(f"{getattr(trend, name):.4g}")
            for name in ("p_new", "p_dispersion", "p_slope", "p_level", "p_season")
        },
    }
