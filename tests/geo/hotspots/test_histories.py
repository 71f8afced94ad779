"""The trend of a hotspot from reports in the table: the last weeks count, lonely places too."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import psycopg
import pytest
from planted import UNTIL, put_life, put_trouble

from builders import middle
from geo.hotspots.trend.histories import days_of, month_ends, months_back

CITY = ZoneInfo("Asia/Ho_Chi_Minh")
LON, LAT = middle(0)
# Eleven days before the month ends, so that a whole month would not hold them.
AS_OF = "2026-03-20"
LAST = 11.0


def spot(pinward, url):
    put_life(url, n=6000, days=720)
    done = pinward("hotspots", "run", "--as-of", AS_OF, "--category", "drainage", url=url)
    assert done.returncode == 0, done.stderr
    with psycopg.connect(url) as db:
        (found,) = db.execute("SELECT trend, history FROM hotspots").fetchall()
    return found


def test_what_broke_out_this_month_is_new(pinward, city_url):
    put_trouble(city_url, LON, LAT, days=(LAST, LAST + 18))
    trend, history = spot(pinward, city_url)
    assert trend == "new"
    assert history["from"] == "2024-03-21"
    assert sum(history["counts"][:-1]) < history["counts"][-1]


@pytest.mark.parametrize(
    ("until", "trend"),
    [
        # Forty reports between any two of these days.
        ((690, 500, 330, 200, 110, 50), "intensifying"),
        ((690, 577, 464, 351, 238, 125), "persistent"),
    ],
)
def test_where_nothing_else_is_reported_months_are_compared_by_their_days(
    pinward, city_url, until, trend
):
    ends = [*until, LAST]
    for k, (first, last) in enumerate(pairwise(ends)):
        put_trouble(city_url, LON, LAT, n=40, days=(last, first), seed=k)
    said, history = spot(pinward, city_url)
    assert sum(history["others"]) < 24
    assert said == trend


def test_months_end_with_the_window_on_the_day_that_they_have():
    until = datetime(2026, 5, 31, tzinfo=CITY)
    back = months_back(until, CITY)
    assert (back[-1], len(back)) == (until, 25)
    assert [(each.month, each.day) for each in back[-4:]] == [(2, 28), (3, 31), (4, 30), (5, 31)]
    assert month_ends(until, CITY)[-1] == datetime(2026, 5, 1, tzinfo=CITY)
    assert months_back(datetime(2026, 4, 1, tzinfo=CITY), CITY) == month_ends(
        datetime(2026, 4, 1, tzinfo=CITY), CITY
    )


def test_days_before_the_first_report_of_all_are_none():
    at = [UNTIL + timedelta(days=30 * k) for k in range(4)]
    assert days_of(at, None).tolist() == [30, 30, 30]
    assert days_of(at, UNTIL + timedelta(days=40)).tolist() == [0, 20, 30]
    assert np.isclose(days_of(at, datetime(1000, 1, 1, tzinfo=UTC)), 30).all()
