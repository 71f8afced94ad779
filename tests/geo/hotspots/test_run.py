"""A run over real rows: what counts, what is stored, what the shapes hold."""

import uuid
from datetime import UTC, datetime, timedelta

import numpy as np
import psycopg
import pytest
import shapely

from geo.errors import UnknownCategory
from geo.hotspots import find, run
from geo.period import Period
from geo.store.database import create_engine

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 7, 1, tzinfo=UTC)
PERIOD = Period(NOW - timedelta(days=90), NOW)
YESTERDAY = NOW - timedelta(days=1)
LON, LAT = 106.7, 10.8
# about one metre here
METRE = 1 / 111_000


@pytest.fixture
async def conn(url):
    engine = create_engine(url)
    async with engine.connect() as made:
        yield made
    await engine.dispose()


def put(url, places, category="drainage.flooding", status="received", flags=(), at=None):
    with psycopg.connect(url) as db:
        for lon, lat in places:
            mark = uuid.uuid4()
            db.execute(
                """
                INSERT INTO reports
                    (id, code, category_code, status, text, geom, created_at, flags)
                VALUES
                    (%s, %s, %s, %s, 'x', ST_SetSRID(ST_MakePoint(%s, %s), 4326), %s, %s)
                """,
                (mark, str(mark), category, status, lon, lat, at or YESTERDAY, list(flags)),
            )


def near(n, lon=LON, lat=LAT, spread_m=30.0, seed=0):
    rng = np.random.default_rng(seed)
    offsets = rng.uniform(-spread_m, spread_m, (n, 2)) * METRE
    return [(lon + dx, lat + dy) for dx, dy in offsets]


async def the_hotspots(conn, **changes):
    runs = await run.run(conn, PERIOD, "drainage.flooding", **changes)
    return [hotspot for one in runs for hotspot in one.hotspots]


async def test_a_dense_group_is_a_hotspot_and_scattered_reports_are_none(conn, url):
    put(url, near(20))
    put(url, near(20, lat=LAT + 0.1, spread_m=5000))
    (found,) = await the_hotspots(conn)
    assert found.n == 20
    assert found.shape.contains(shapely.Point(LON, LAT))


async def test_every_report_of_a_hotspot_lies_in_its_shape(conn, url):
    places = near(80, spread_m=200)
    put(url, places)
    found = await the_hotspots(conn)
    shape = shapely.union_all([hotspot.shape for hotspot in found])
    inside = sum(shape.contains(shapely.Point(*place)) for place in places)
    assert inside >= sum(hotspot.n for hotspot in found) > 60


async def test_twenty_reports_on_one_spot_are_a_polygon(conn, url):
    put(url, [(LON, LAT)] * 20)
    (found,) = await the_hotspots(conn)
    assert found.shape.geom_type == "Polygon"
    assert found.shape.is_valid
    # a circle of a third of eps, 40 m, less the corners cut off
    assert 0.95 * np.pi * 40**2 < found.area_m2 <= np.pi * 40**2


@pytest.mark.parametrize("status", ["duplicate", "rejected", "withdrawn"])
async def test_reports_that_are_no_sign_of_their_own_do_not_count(conn, url, status):
    put(url, near(7))
    put(url, near(20, seed=1), status=status)
    assert await the_hotspots(conn) == []


async def test_a_pile_on_a_default_point_is_no_hotspot(conn, url):
    put(url, [(LON, LAT)] * 200, flags=["default-point"])
    assert await the_hotspots(conn) == []


async def test_the_period_is_half_open(conn, url):
    put(url, near(7))
    put(url, near(1), at=PERIOD.until)
    assert await the_hotspots(conn) == []
    put(url, near(1), at=PERIOD.since)
    assert [hotspot.n for hotspot in await the_hotspots(conn)] == [8]


async def test_another_category_does_not_help_to_be_dense(conn, url):
    put(url, near(7))
    put(url, near(20), category="drainage.blocked_drain")
    assert await the_hotspots(conn) == []


async def test_a_family_runs_each_of_its_categories(conn, url):
    put(url, near(20))
    put(url, near(20), category="drainage.blocked_drain")
    put(url, near(20), category="noise.karaoke")
    made = await run.run(conn, PERIOD, "drainage")
    assert {one.category for one in made} == {"drainage.flooding", "drainage.blocked_drain"}


async def test_an_unknown_category_is_named(conn):
    with pytest.raises(UnknownCategory, match="castle"):
        await run.run(conn, PERIOD, "castle")


async def test_given_scales_replace_the_fixed_ones(conn, url):
    put(url, near(4))
    assert await the_hotspots(conn) == []
    (found,) = await the_hotspots(conn, min_points=3)
    assert found.n == 4


async def test_only_the_newest_runs_are_kept(conn, url):
    put(url, near(20))
    for _ in range(5):
        (newest,) = await run.run(conn, PERIOD, "drainage.flooding", kept_runs=3)
    kept = (await conn.exec_driver_sql("SELECT array_agg(id) FROM hotspot_runs")).scalar_one()
    assert len(kept) == 3
    assert max(kept) == newest.id
    orphans = await conn.exec_driver_sql("SELECT count(*) FROM hotspots")
    assert orphans.scalar_one() == 3


async def test_a_hotspot_that_is_over_leaves_the_map(conn, url):
    put(url, near(20))
    await run.run(conn, PERIOD)
    assert len((await find.page(conn))[1]) == 1
    later = Period(PERIOD.until + timedelta(days=1), PERIOD.until + timedelta(days=91))
    await run.run(conn, later)
    runs, found = await find.page(conn)
    assert [one.n_reports for one in runs] == [0]
    assert found == []
    # asked for the time before, it is still there
    assert len((await find.page(conn, until=PERIOD.until))[1]) == 1


async def test_a_run_of_an_old_period_does_not_replace_a_newer_ones_hotspots(conn, url):
    put(url, near(20))
    await run.run(conn, PERIOD)
    await run.run(conn, Period(PERIOD.since - timedelta(days=90), PERIOD.since))
    assert len((await find.page(conn))[1]) == 1


async def test_hotspots_of_a_hidden_category_stay_inside(conn, url):
    put(url, near(20), category="order.drugs")
    made = await run.run(conn, PERIOD, "order.drugs", min_points=5)
    assert len(made[0].hotspots) == 1
    assert await find.page(conn) == ([], [])


async def test_two_cities_in_one_database_are_each_measured_in_their_own_plane(conn, url):
    put(url, near(20))
    put(url, near(20, lon=-71.0589, lat=42.3601))
    found = await the_hotspots(conn)
    assert sorted(hotspot.n for hotspot in found) == [20, 20]
    areas = [hotspot.area_m2 for hotspot in found]
    # 30 m of a degree of longitude are shorter in Boston
    assert 0.5 < min(areas) / max(areas) < 1


async def test_the_plane_of_a_run_is_stored(conn, url):
    put(url, near(20))
    await run.run(conn, PERIOD, "drainage.flooding")
    stored = await conn.exec_driver_sql("SELECT epsg, n_reports, eps_m FROM hotspot_runs")
    assert tuple(stored.one()) == (32648, 20, 120.0)


async def test_a_blurred_category_is_found_where_the_public_sees_it(conn, url):
    # On one house; the shape must not be drawn around that house.
    put(url, [(LON + 0.0001, LAT + 0.0003)] * 20, category="noise.neighbours")
    (one,) = await run.run(conn, PERIOD, "noise.neighbours")
    (found,) = one.hotspots
    seen = await conn.exec_driver_sql(
        "SELECT ST_X(p), ST_Y(p) FROM (SELECT pinward_public_point(geom, 'blurred') FROM reports)"
        " AS r (p) LIMIT 1"
    )
    shown = shapely.Point(*seen.one())
    assert found.shape.centroid.distance(shown) < 2 * METRE
    assert shown.distance(shapely.Point(LON + 0.0001, LAT + 0.0003)) > 10 * METRE
