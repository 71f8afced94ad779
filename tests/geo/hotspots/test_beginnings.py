"""What began lately is found where and when it did, said once, and not where nothing did."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
import shapely
from planted import AS_OF, put_life, put_trouble

from builders import middle
from geo.hotspots.run import run
from geo.hotspots.words import Began, say_began
from geo.store.database import create_engine

pytestmark = pytest.mark.anyio
CITY = ZoneInfo("Asia/Ho_Chi_Minh")
FLOOD = "drainage.flooding"


async def made(url, **options):
    engine = create_engine(url)
    try:
        async with engine.begin() as conn:
            found = await run(conn, AS_OF, zone=CITY, **options)
    finally:
        await engine.dispose()
    return {answer.category: answer.beginnings for answer in found.answers}


async def test_where_nothing_began_nothing_is_said(city_url):
    put_life(city_url)
    # Much of it, but always: a hotspot, and no beginning.
    put_trouble(city_url, *middle(4), n=60, days=(0, 89))
    assert not any((await made(city_url)).values())


async def test_what_began_is_found_there_and_since_then_and_said_once(city_url):
    put_life(city_url)
    put_trouble(city_url, *middle(4), n=25, radius_m=350, days=(0, 5))
    found = await made(city_url)
    (one,) = found.pop(FLOOD)
    assert not any(found.values())
    assert one["level"] == "square"
    assert AS_OF - timedelta(days=6) <= one["since"] <= AS_OF - timedelta(days=3)
    assert one["observed"] >= 18 > 6 > one["expected"]
    assert one["p_value"] <= 0.05
    assert shapely.from_wkt(one["geom"]).covers(shapely.Point(*middle(4)))
    with psycopg.connect(city_url) as db:
        codes = db.execute(
            "SELECT array_agg(code) FROM wards WHERE ST_Covers(geom, ST_GeomFromText(%s, 4326))",
            (shapely.Point(*middle(4)).wkt,),
        ).fetchone()[0]
    assert one["ward_codes"] == codes
    assert "bình thường" not in one["said"]["sentence"]["vi"]


async def test_what_began_all_over_some_wards_is_found_by_wards(city_url):
    put_life(city_url)
    for ward in (0, 1):
        put_trouble(city_url, *middle(ward), n=25, radius_m=900, days=(0, 6), seed=ward)
    (one, *more) = (await made(city_url))[FLOOD]
    assert not more
    assert one["level"] == "ward"
    assert len(one["ward_codes"]) == 2


async def test_two_drains_told_of_again_and_again_are_no_beginning(city_url):
    put_life(city_url)
    lon, lat = middle(4)
    for east in (0, 0.001):
        # Farther apart than what counts as one event.
        put_trouble(city_url, lon + east, lat, n=7, radius_m=10, days=(0, 13.5))
    assert not any((await made(city_url)).values())


async def test_the_same_is_said_when_asked_again(city_url):
    put_life(city_url)
    put_trouble(city_url, *middle(4), n=25, radius_m=350, days=(0, 5))
    first = await made(city_url)
    kept = await made(city_url)
    with psycopg.connect(city_url) as db:
        db.execute("DELETE FROM hotspot_answers")
    again = await made(city_url)
    assert first == kept == again


def test_words():
    wards = [{"vi": f"phường {name}", "en": f"{name} Ward"} for name in "ABCD"]
    flood = {"vi": "Ngập nước", "en": "Flooding"}
    said = say_began(Began(flood, date(2026, 11, 24), 25, 6.2, 0.011, None, wards))
    assert said["name"]["vi"] == "Ngập nước, phường A, phường B và 2 phường, xã khác"
    assert said["sentence"] == {
        "vi": "Từ thứ Ba 24/11: 25 sự việc “ngập nước” ở phường A, phường B và 2 phường, xã "
        "khác; theo nhịp thường ngày của nơi này và của thành phố thì khoảng 6; khả năng do ngẫu "
        "nhiên dưới 1/20.",
        "en": "Since Tuesday 24 November: 25 separate events of “flooding” in A Ward, B Ward and 2 "
        "more; about 6 expected from what is usual here and in the city on these days; chance "
        "below 1 in 20.",
    }
    alone = say_began(Began(flood, date(2026, 11, 22), 1, 0.1, 0.04, 250.0, []))
    assert alone["name"]["en"] == "Flooding"
    assert alone["sentence"]["en"].startswith(
        "Since Sunday 22 November: 1 separate event of “flooding” within 300 m; fewer than 1 "
    )
