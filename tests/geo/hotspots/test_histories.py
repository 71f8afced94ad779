"""The trend of a hotspot from reports in the table: the last weeks count, lonely places too."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import psycopg
import pytest
import shapely
from drawn import put_reports
from planted import UNTIL, put_life, put_trouble

from builders import middle
from geo.hotspots.run import run
from geo.hotspots.trend.histories import month_ends, months_back
from geo.store.hotspot_inputs import history

CITY = ZoneInfo("Asia/Ho_Chi_Minh")
LON, LAT = middle(0)
# Eleven days before the month ends, so that a whole month would not hold them.
DAY = date(2026, 3, 20)
AS_OF = DAY.isoformat()
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


async def of_flooding(conn, **more):
    made = await run(conn, DAY, "drainage.flooding", zone=CITY, **more)
    (found,) = [spot for answer in made.answers for spot in answer.seen]
    return found["history"], made.unchanged


@pytest.mark.anyio
async def test_older_reports_that_come_late_are_noticed_where_they_matter(conn, city_url):
    put_life(city_url, n=12_000, days=120)
    put_trouble(city_url, LON, LAT, days=(LAST, LAST + 80))
    before, _ = await of_flooding(conn)
    far = middle(5)
    put_trouble(city_url, *far, n=5, days=(300, 400))
    put_trouble(city_url, *far, n=5, days=(800, 900))
    assert before["within_m"] < 1000
    assert (await of_flooding(conn))[1]
    put_trouble(city_url, LON, LAT, n=5, radius_m=20, days=(300, 400))
    after, unchanged = await of_flooding(conn)
    assert not unchanged
    assert sum(after["counts"]) == sum(before["counts"]) + 5
    assert (await of_flooding(conn))[1]


@pytest.mark.anyio
async def test_again_makes_anew_what_has_not_changed(conn, city_url):
    put_life(city_url, n=6000, days=120)
    put_trouble(city_url, LON, LAT, days=(LAST, LAST + 80))
    first, _ = await of_flooding(conn)
    assert (await of_flooding(conn))[1]
    assert await of_flooding(conn, again=True) == (first, False)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE wards SET name_en = 'Quay'",
        "UPDATE wards SET kind = 'town'",
        "UPDATE wards SET geom = ST_Multi(ST_Translate(geom, 0.0001, 0))",
        "UPDATE streets SET id = id + 1000",
    ],
)
async def test_what_a_run_tells_of_the_surroundings_is_noticed(conn, city_url, change):
    put_life(city_url)
    await conn.exec_driver_sql(
        "INSERT INTO streets (source, name, geom) VALUES"
        " ('OSM', 'Phố Thử', ST_GeomFromText('MULTILINESTRING((0 0, 1 1))', 4326))"
    )
    await run(conn, DAY, zone=CITY)
    assert (await run(conn, DAY, zone=CITY)).unchanged
    await conn.exec_driver_sql(change)
    assert not (await run(conn, DAY, zone=CITY)).unchanged


@pytest.mark.anyio
@pytest.mark.parametrize(
    "left_out",
    [
        # Where a blurred report truly is must not be told by what is counted in a hull.
        "UPDATE categories SET visibility = 'blurred' WHERE code = 'order.gathering'",
        "UPDATE reports SET flags = '{default-point}' WHERE category_code = 'order.gathering'",
        "UPDATE reports SET status = 'duplicate' WHERE category_code = 'order.gathering'",
    ],
)
async def test_what_is_no_independent_sign_is_no_part_of_the_past(conn, city_url, left_out):
    put_trouble(
        city_url, LON, LAT, n=30, radius_m=30, days=(100, 400), category_code="order.gathering"
    )
    await conn.exec_driver_sql("UPDATE categories SET visibility = 'public'")
    hull = shapely.Point(LON, LAT).buffer(0.0005)
    ends = [UNTIL - timedelta(days=500), UNTIL]

    async def others(reach_m=0.0):
        of = await history(conn, "drainage.flooding", "public", [hull], ends, reach_m)
        return of[1].sum()

    assert await others() == await others(300) == 30
    await conn.exec_driver_sql(left_out)
    assert await others() == await others(300) == 0


@pytest.mark.anyio
async def test_an_event_counts_once_in_the_period_it_began_in(conn, city_url):
    # Two reports of one lamp an hour apart, with a border between them, in one stretch of 36 hours.
    stretch = datetime.fromtimestamp(129_600 * 13_700, UTC)
    border = stretch + timedelta(hours=20)
    for hours in (-0.5, 0.5):
        at = (border + timedelta(hours=hours)).isoformat()
        put_reports(city_url, [(LON, LAT)], created_at=at)
    ends = [border - timedelta(days=30), border, border + timedelta(days=30)]
    hull = shapely.Point(LON, LAT).buffer(0.0005)
    mine, _ = await history(conn, "drainage.flooding", "public", [hull], ends)
    assert mine.tolist() == [[1, 0]]


@pytest.mark.anyio
async def test_of_a_blurred_category_nobody_is_told_whether_true_places_lie_together(
    conn, city_url
):
    (x, y), stretch = middle(0), datetime.fromtimestamp(129_600 * 13_700 + 3600, UTC)
    cell = await conn.exec_driver_sql(
        "SELECT ST_X(p), ST_Y(p)"
        f" FROM pinward_public_point(ST_SetSRID(ST_MakePoint({x}, {y}), 4326), 'blurred') AS p"
    )
    lon, lat = cell.one()
    ends = [stretch - timedelta(days=1), stretch + timedelta(days=1)]
    hull = shapely.Point(lon, lat).buffer(0.0005)
    for apart in (0.0, 0.0005):
        put_reports(
            city_url, [(lon + apart, lat), (lon - apart, lat)], created_at=stretch.isoformat(),
            category_code="order.gathering",
        )  # fmt: skip
        mine, _ = await history(conn, "order.gathering", "blurred", [hull], ends)
        assert mine.tolist() == [[1]]
