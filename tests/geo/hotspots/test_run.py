"""A run over real rows: what counts, what is said, what stays, what goes on."""

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import shapely
from drawn import put_facilities, put_reports
from planted import AS_OF, METRE, UNTIL, put_life, put_trouble

from builders import middle
from geo.errors import Invalid, UnknownCategory
from geo.hotspots import find
from geo.hotspots.days import window
from geo.hotspots.run import run
from geo.store import changes, hotspot_runs
from geo.store import hotspots as store

pytestmark = pytest.mark.anyio

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
LON, LAT = middle(0)
FLOODING = "drainage.flooding"
WEEK = timedelta(days=7)


async def said(conn, as_of=AS_OF, category=FLOODING, **more):
    """The hotspots of one category that a run says are there."""
    made = await run(conn, as_of, category, zone=ZONE, **more)
    return [spot for answer in made.answers for spot in answer.seen]


async def test_an_excess_is_a_hotspot_that_says_what_it_is(conn, city_url):
    put_life(city_url)
    put_trouble(city_url, LON, LAT)
    put_facilities(
        city_url,
        [
            (LON + 150 * METRE, LAT, "school", "Trường Mẫu"),
            (LON + 350 * METRE, LAT, "clinic", "Trạm Gần"),
            (LON + 900 * METRE, LAT, "clinic", "Trạm Xa"),
        ],
    )
    (found,) = await said(conn)
    shape = shapely.from_wkt(found["geom"])
    assert shape.is_valid
    assert shape.contains(shapely.Point(LON, LAT))
    assert len(shape.exterior.coords) <= 200
    assert 36 <= found["n"] <= 46
    assert found["events"] <= found["n"]
    assert found["expected"] < 8
    assert found["risk_low"] < found["relative_risk"] < found["risk_high"]
    assert found["p_value"] < 1e-6
    assert found["n_open"] == found["n"]
    assert found["seen"] == "new"
    assert found["born_on"] == AS_OF
    assert found["ward_code"] == "90001"
    assert [one["name"] for one in found["near"]] == ["Trường Mẫu", "Trạm Gần"]
    vi, en = (found["said"]["sentence"][lang] for lang in ("vi", "en"))
    assert vi.startswith(f"{found['n']} phản ánh “ngập nước”")
    assert "90 ngày" in vi
    assert "khả năng do ngẫu nhiên dưới 1/1.000.000" in vi
    assert "chance below 1 in 1,000,000" in en
    assert found["said"]["name"]["vi"] == "Ngập nước, gần Trường Mẫu, phường Bến Thử"
    assert found["said"]["name"]["en"] == "Flooding, near Trường Mẫu, Bến Thử Ward"
    assert found["said"]["confidence"]["level"] == "very_high"


async def test_an_ordinary_life_has_no_hotspots(conn, city_url):
    put_life(city_url)
    made = await run(conn, AS_OF, zone=ZONE)
    assert [answer.seen for answer in made.answers] == [[]] * 5


async def test_a_crowd_that_reports_everything_is_no_hotspot(conn, city_url):
    put_life(city_url)
    for i, category in enumerate(
        (FLOODING, "lighting.lamp_out", "traffic.pothole", "waste.dumping")
    ):
        n = 15 if category == FLOODING else 45
        put_trouble(city_url, LON, LAT, n, radius_m=100, seed=i, category_code=category)
    assert await said(conn) == []


def flat(made):
    """All that a run says, as bytes."""
    return json.dumps([answer.hotspots for answer in made.answers], default=str, sort_keys=True)


async def test_the_same_run_says_the_same_byte_for_byte(conn, city_url):
    put_life(city_url)
    put_trouble(city_url, LON, LAT)
    first = await run(conn, AS_OF, zone=ZONE)
    second = await run(conn, AS_OF, zone=ZONE)
    assert not first.unchanged
    assert second.unchanged
    assert flat(second) == flat(first)
    # and found anew, not taken from the table
    await conn.exec_driver_sql("UPDATE hotspot_answers SET digest = ''")
    third = await run(conn, AS_OF, zone=ZONE)
    assert not third.unchanged
    assert flat(third) == flat(first)


async def test_a_change_anywhere_in_the_window_is_looked_at_again(conn, city_url):
    put_life(city_url)
    await said(conn)
    put_reports(city_url, [(LON, LAT)], created_at=(UNTIL - timedelta(days=1)).isoformat())
    assert not (await run(conn, AS_OF, FLOODING, zone=ZONE)).unchanged
    # outside of the window it is none
    put_reports(city_url, [(LON, LAT)], created_at=UNTIL.isoformat())
    assert (await run(conn, AS_OF, FLOODING, zone=ZONE)).unchanged


async def test_one_category_alone_says_what_it_says_among_all(conn, city_url):
    put_life(city_url)
    put_trouble(city_url, LON, LAT)
    alone = await said(conn)
    await conn.exec_driver_sql("TRUNCATE hotspot_answers CASCADE")
    together = await said(conn, category=None)
    assert json.dumps(alone, default=str) == json.dumps(together, default=str)


async def test_a_hotspot_keeps_its_id_while_the_window_moves(conn, city_url):
    put_life(city_url)
    put_trouble(city_url, LON, LAT)
    (before,) = await said(conn, AS_OF - WEEK)
    (after,) = await said(conn)
    assert after["id"] == before["id"]
    assert after["seen"] == "kept"
    assert after["born_on"] == AS_OF - WEEK
    days, end = await find.through_time(conn, after["id"])
    assert [row.as_of for row in days] == [AS_OF, AS_OF - WEEK]
    assert end is None


async def test_what_was_said_of_a_day_can_be_asked_for_and_stays(conn, city_url):
    put_life(city_url)
    put_trouble(city_url, LON, LAT, days=(8, 60))
    (before,) = await said(conn, AS_OF - WEEK)
    put_trouble(city_url, *middle(4), days=(0.1, 6))
    assert len(await said(conn)) == 2
    _, then = await find.page(conn, on=AS_OF - timedelta(days=1))
    assert [row.id for row in then] == [before["id"]]
    _, now = await find.page(conn)
    assert len(now) == 2
    assert (await find.page(conn, on=AS_OF - WEEK - timedelta(days=1)))[1] == []
    # Reports of then change; what was said then does not, since later days went on from it.
    await conn.exec_driver_sql("UPDATE reports SET status = 'rejected'")
    (kept,) = await said(conn, AS_OF - WEEK)
    assert kept["n"] == before["n"]
    assert await said(conn, AS_OF - WEEK, again=True) == []


async def test_a_hotspot_that_is_over_sleeps_then_ends(conn, city_url):
    put_life(city_url, days=400, n=9000)
    put_trouble(city_url, LON, LAT, days=(300, 388))
    first = AS_OF - timedelta(days=300)
    (found,) = await said(conn, first)
    asleep = await run(conn, first + timedelta(days=95), FLOODING, zone=ZONE)
    assert [spot["seen"] for spot in asleep.answers[0].hotspots] == ["dormant"]
    assert (await find.page(conn))[1] == []
    over = await run(conn, first + timedelta(days=290), FLOODING, zone=ZONE)
    assert over.answers[0].hotspots == []
    _, end = await find.through_time(conn, found["id"])
    assert (end.as_of, end.into_id) == (first + timedelta(days=290), None)


@pytest.mark.parametrize("status", ["duplicate", "rejected", "withdrawn"])
async def test_reports_that_are_no_sign_of_their_own_do_not_count(conn, city_url, status):
    put_life(city_url)
    put_trouble(city_url, LON, LAT, status=status)
    assert await said(conn) == []


async def test_many_people_telling_of_one_thing_are_no_hotspot(conn, city_url):
    put_life(city_url)
    put_trouble(city_url, LON, LAT, n=60, radius_m=8, days=(10, 11))
    assert await said(conn) == []


async def test_a_default_point_is_named_and_makes_no_hotspot(conn, city_url):
    put_life(city_url, n=6000)
    categories = [
        "drainage.flooding", "lighting.lamp_out", "traffic.pothole", "waste.dumping",
        "noise.karaoke", "trees.fallen", "water.leak", "power.outage", "street.parking",
    ]  # fmt: skip
    for i, category in enumerate(categories):
        put_trouble(city_url, LON, LAT, n=40, radius_m=0, seed=i, category_code=category)
    made = await run(conn, AS_OF, zone=ZONE)
    assert all(answer.seen == [] for answer in made.answers)
    (artefact,) = [each for each in made.artefacts if each.kind == "default_location"]
    assert artefact.n == 360
    assert (artefact.lon, artefact.lat) == (pytest.approx(LON), pytest.approx(LAT))
    stored = await conn.exec_driver_sql("SELECT kind, n, left_out FROM hotspot_artefacts")
    assert ("default_location", 360, True) in [tuple(row) for row in stored]


async def test_a_pile_that_an_import_flagged_makes_no_hotspot(conn, city_url):
    put_life(city_url)
    put_trouble(city_url, LON, LAT)
    await conn.exec_driver_sql(
        "UPDATE reports SET flags = '{default-point}'"
        f" WHERE ST_DWithin(geom::geography, ST_MakePoint({LON}, {LAT})::geography, 200)"
    )
    assert await said(conn) == []


async def test_a_window_ends_with_the_citys_day_and_has_its_length():
    assert window(AS_OF, ZONE).until == UNTIL
    assert window(AS_OF, ZONE).days == 90
    with pytest.raises(Invalid, match="7 to 3660"):
        window(AS_OF, ZONE, 3)


async def test_a_blurred_category_is_found_where_the_public_sees_it(conn, city_url):
    put_life(city_url)
    true = (LON + 0.0001, LAT + 0.0003)
    put_trouble(city_url, *true, radius_m=5, category_code="order.gathering")
    (found,) = await said(conn, category="order.gathering")
    place = await conn.exec_driver_sql(
        "SELECT ST_X(p), ST_Y(p) FROM (SELECT pinward_public_point(geom, 'blurred') FROM reports"
        " WHERE category_code = 'order.gathering') AS r (p) LIMIT 1"
    )
    shown = shapely.Point(*place.one())
    assert shapely.from_wkt(found["geom"]).centroid.distance(shown) < 60 * METRE
    assert shown.distance(shapely.Point(*true)) > 10 * METRE


async def test_hotspots_of_a_hidden_category_are_stored_and_not_looked_up(conn, city_url):
    put_life(city_url)
    put_trouble(city_url, LON, LAT, category_code="order.drugs")
    (found,) = await said(conn, category="order.drugs")
    assert await find.page(conn) == ([], [])
    with pytest.raises(Exception, match="no hotspot"):
        await find.through_time(conn, found["id"])


async def test_two_cities_in_one_database_are_each_measured_in_their_own_plane(conn, city_url):
    put_life(city_url)
    put_trouble(city_url, LON, LAT)
    for i in range(3):
        put_trouble(
            city_url, -71.06, 42.36, n=400, radius_m=3000, seed=9 + i,
            category_code=["lighting.lamp_out", "traffic.pothole", FLOODING][i],
        )  # fmt: skip
    put_trouble(city_url, -71.0589, 42.3601)
    found = await said(conn)
    assert len(found) == 2
    ids = {spot["id"] for spot in found}
    assert {spot["id"] for spot in await said(conn, AS_OF + timedelta(days=1))} == ids


async def test_where_nothing_is_reported_all_is_quiet(conn):
    assert await store.quiet(conn, AS_OF) is None
    assert (await run(conn, AS_OF, zone=ZONE)).answers == []
    mask = await store.quiet(conn, AS_OF)
    assert mask.as_of == AS_OF
    assert shapely.from_geojson(mask.geojson).contains(shapely.Point(LON, LAT))


async def test_a_family_runs_each_of_its_categories(conn, city_url):
    put_life(city_url)
    put_trouble(city_url, LON, LAT, n=3, category_code="drainage.blocked_drain")
    made = await run(conn, AS_OF, "drainage", zone=ZONE)
    assert [answer.category for answer in made.answers] == ["drainage.blocked_drain", FLOODING]


async def test_an_unknown_category_is_named(conn):
    with pytest.raises(UnknownCategory, match="castle"):
        await run(conn, AS_OF, "castle", zone=ZONE)


async def test_a_city_without_reports_says_nothing(conn):
    made = await run(conn, date(2026, 1, 1), zone=ZONE)
    assert (made.n_reports, made.answers, made.artefacts) == (0, [], [])
    assert made.period.until == datetime(2026, 1, 1, 17, tzinfo=UTC)


async def test_changes_go_on_being_numbered_while_a_run_works(conn, engine, city_url):
    # A run holds its lock for as long as it computes; the live map must not stand still meanwhile.
    await hotspot_runs.alone(conn)
    put_reports(city_url, [(LON, LAT)])
    async with engine.begin() as other, asyncio.timeout(5):
        assert await changes.number(other)
