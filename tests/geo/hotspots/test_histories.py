"""The trend of a hotspot from reports in the table: the last weeks count, lonely places too."""

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import psycopg
import pytest
from planted import put_life, put_trouble

from builders import middle
from geo.hotspots.trend.histories import month_ends, months_back

CITY = ZoneInfo("Asia/Ho_Chi_Minh")
LON, LAT = middle(0)
# Eleven days before the month ends, so that a whole month would not hold them.
AS_OF = "2026-03-20"
LAST = 11.0


def spot(pinward, url, life=True):
    if life:
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
def test_where_nothing_else_is_reported_the_reports_around_are_the_measure(
    pinward, city_url, until, trend
):
    ends = [*until, LAST]
    for k, (first, last) in enumerate(pairwise(ends)):
        put_trouble(city_url, LON, LAT, n=40, days=(last, first), seed=k)
    said, history = spot(pinward, city_url)
    assert history["others_in"] < 24
    assert history["within_m"] == 1000
    assert sum(history["others"]) > 500
    assert said == trend


def test_a_lonely_place_that_grows_with_the_city_has_no_trend(pinward, city_url):
    # All of the city reports ever more, this place as well.
    days = 720 * (1 - np.sqrt(np.linspace(0, 0.97, 9)))
    for k, (first, last) in enumerate(pairwise(days)):
        put_trouble(city_url, LON, LAT, n=15, days=(max(last, LAST), first), seed=k)
    put_life(city_url, n=3000, days=720)
    for k in range(1, 8):
        put_life(city_url, n=1500, days=720 - 90 * k, seed=k + 1)
    said, history = spot(pinward, city_url, life=False)
    assert history["within_m"] > 0
    assert sum(history["counts"][12:]) > 2 * sum(history["counts"][:12])
    assert said == "persistent"


def test_where_nobody_else_reports_no_trend_is_told(pinward, city_url):
    put_trouble(city_url, LON, LAT, n=60, days=(LAST, 700))
    # Somebody does now, far enough for the test and too few for a rate.
    put_life(city_url, n=100, days=80)
    put_trouble(city_url, LON, LAT, n=20, days=(LAST, 80), seed=3)
    said, history = spot(pinward, city_url, life=False)
    assert (said, history["unsaid"]) == (None, "few_others")


def test_months_end_with_the_window_on_the_day_that_they_have():
    until = datetime(2026, 5, 31, tzinfo=CITY)
    back = months_back(until, CITY)
    assert (back[-1], len(back)) == (until, 25)
    assert [(each.month, each.day) for each in back[-4:]] == [(2, 28), (3, 31), (4, 30), (5, 31)]
    assert month_ends(until, CITY)[-1] == datetime(2026, 5, 1, tzinfo=CITY)
    assert months_back(datetime(2026, 4, 1, tzinfo=CITY), CITY) == month_ends(
        datetime(2026, 4, 1, tzinfo=CITY), CITY
    )
