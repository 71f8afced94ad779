"""Sources in a database: tasks read their own reports, and say what one reader says."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import countries
import numpy as np
import psycopg
import pytest
from drawn import put_reports
from planted import AS_OF, UNTIL, put_life, put_trouble

from builders import SIDE, SOUTH, WEST, middle
from geo import crs
from geo.errors import Invalid, NotReady
from geo.hotspots import answer
from geo.hotspots.country.run import Job, clusters, labels
from geo.hotspots.country.significance import CityJob, hotspots
from geo.hotspots.country.sources import CategoryInDatabase, CityInDatabase
from geo.hotspots.days import window
from geo.hotspots.dbscan import dbscan
from geo.hotspots.window import planes
from geo.period import Period

EPS_M, MIN_POINTS, SIDE_M = 150.0, 5, 700.0
PERIOD = Period(datetime(2026, 1, 1, tzinfo=UTC), UNTIL)


def put(url, seed, **columns):
    """1,500 reports in heaps all over the small city; lon, lat."""
    rng = np.random.default_rng(seed)
    corner = np.array([WEST, SOUTH])
    heaps = rng.uniform(corner, corner + np.array([3, 2]) * SIDE, (30, 2))
    places = heaps[rng.integers(0, 30, 1500)] + rng.normal(0, 0.002, (1500, 2))
    put_reports(url, places.round(7).tolist(), **columns)


def by_number(url, category, ward_only=False):
    """(numbers, labels) that one machine gives the category's reports, in the order of numbers."""
    with psycopg.connect(url) as db:
        found = db.execute(
            "SELECT r.id, ST_X(p), ST_Y(p) FROM reports AS r JOIN categories AS c"
            " ON c.code = r.category_code, pinward_public_point(r.geom, c.visibility) AS p"
            " WHERE r.category_code = %s AND r.status <> 'duplicate' AND created_at >= '2026-01-01'"
            + (" AND r.ward_id IS NOT NULL" if ward_only else ""),
            (category,),
        ).fetchall()
    numbers = np.array([int.from_bytes(row[0].bytes[8:], "big", signed=True) for row in found])
    lon, lat = np.array([row[1:] for row in found])[np.argsort(numbers)].T
    x_m, y_m, _ = crs.to_metres(lon, lat, crs.UTM_48N)
    return np.sort(numbers), dbscan(np.column_stack([x_m, y_m]), EPS_M, MIN_POINTS)


@pytest.mark.parametrize("category", ["drainage.flooding", "noise.neighbours"])
def test_blocks_of_a_database_say_what_one_reader_says(city_url, category):
    put(city_url, 1, category_code=category)
    # None of these count.
    put(city_url, 2, category_code="traffic.pothole")
    put(city_url, 3, category_code=category, status="duplicate")
    put(city_url, 4, category_code=category, created_at="2025-12-31T23:59:59Z")
    source = CategoryInDatabase(city_url, PERIOD, category)
    assert city_url not in repr(source)
    assert len(source.blocks(SIDE_M)) > 20
    rows, found = labels(clusters([Job("Thử", category, source, EPS_M, MIN_POINTS, SIDE_M)]))
    numbers, wanted = by_number(city_url, category)
    assert len(numbers) == 1500
    assert wanted.max() > 5
    assert rows.tolist() == numbers.tolist()
    assert found.tolist() == wanted.tolist()


def test_a_block_reads_its_own_reports_and_those_near_by(city_url):
    put(city_url, 1)
    source = CategoryInDatabase(city_url, PERIOD, "drainage.flooding")
    assert len(source.blocks(1e6)) == 1
    parts = [len(part.kept[0]) for part in clusters([Job("Thử", "f", source, 150.0, 5, 700.0)])]
    assert sum(parts) == 1500
    assert max(parts) < 400


def test_a_city_is_the_wards_of_its_sets(city_url):
    with psycopg.connect(city_url) as db:
        (ward,) = db.execute("SELECT id FROM wards WHERE code = '90002'").fetchone()
    put(city_url, 1, ward_id=ward)
    put(city_url, 2)
    for city, n in (("Thành phố Thử", 1500), (None, 3000)):
        source = CategoryInDatabase(city_url, PERIOD, "drainage.flooding", city)
        rows, found = labels(clusters([Job("c", "f", source, EPS_M, MIN_POINTS, 20_000.0)]))
        assert len(rows) == n
        assert len(CityInDatabase(city_url, PERIOD, city).reports().number) == n
        if city == "Thành phố Thử":
            numbers, wanted = by_number(city_url, "drainage.flooding", ward_only=True)
            assert rows.tolist() == numbers.tolist()
            assert found.tolist() == wanted.tolist()


def test_a_flagged_default_point_counts_nowhere(city_url):
    put(city_url, 1)
    with psycopg.connect(city_url) as db:
        db.execute(
            "UPDATE reports SET flags = '{default-point}' WHERE id IN"
            " (SELECT id FROM reports ORDER BY id LIMIT 100)"
        )
    source = CategoryInDatabase(city_url, PERIOD, "drainage.flooding")
    rows, _ = labels(clusters([Job("c", "f", source, EPS_M, MIN_POINTS, SIDE_M)]))
    assert len(rows) == 1400


def test_workers_read_the_database_themselves(city_url, tmp_path):
    lon, lat = middle(0)
    put_life(city_url)
    put_trouble(city_url, lon, lat)
    put_trouble(city_url, lon + 0.001, lat, n=20, category_code="order.drugs", seed=4)
    zone = ZoneInfo("Asia/Ho_Chi_Minh")
    city = CityInDatabase(city_url, window(AS_OF, zone), None, zone)
    category = CategoryInDatabase(city_url, PERIOD, "drainage.flooding")
    job = Job("Thử", "flooding", category, EPS_M, MIN_POINTS, SIDE_M)
    with countries.machines(tmp_path) as made:
        ((_, many),) = hotspots([CityJob("Thử", city)], scheduler=made.scheduler)
        rows, found = labels(clusters([job], scheduler=made.scheduler))
    numbers, wanted = by_number(city_url, "drainage.flooding")
    assert (rows.tolist(), found.tolist()) == (numbers.tolist(), wanted.tolist())
    reports = city.reports()
    assert sorted(many) == sorted(set(reports.category[reports.kept].tolist()))
    (secret,) = reports.hidden & set(many)
    public = planes(reports, hidden=False)
    one = {c: answer.spots(public, c, len(many) - 1) for c in many}
    one[secret] = answer.spots(planes(reports, hidden=True), secret, len(many))
    told = {c: [(t.spot.rows.tolist(), t.spot.found.p_value) for t in many[c]] for c in many}
    assert told == {c: [(s.rows.tolist(), s.found.p_value) for s in one[c]] for c in one}
    assert sum(map(len, one.values())) == 2


def test_a_source_without_a_database_says_so():
    with pytest.raises(Invalid, match="needs its libpq URL"):
        CategoryInDatabase("", PERIOD, "drainage.flooding").blocks(SIDE_M)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"category": "castle"}, "no category 'castle'"),
        ({"category": "drainage.flooding", "city": "Atlantis"}, "no ward set is of a city"),
    ],
)
def test_a_name_nobody_bears_is_refused_not_taken_for_an_empty_city(city_url, source, said):
    with pytest.raises(Invalid, match=said):
        CategoryInDatabase(city_url, PERIOD, **source).blocks(SIDE_M)


def test_a_city_nobody_knows_has_no_reports_either(city_url):
    with pytest.raises(Invalid, match="no ward set is of a city 'Atlantis'"):
        CityInDatabase(city_url, PERIOD, "Atlantis").reports()


def test_a_url_that_is_none_is_not_repeated_with_its_password():
    with pytest.raises(NotReady) as refused:
        CategoryInDatabase("postgres//u:geheim@h/db", PERIOD, "drainage.flooding").blocks(SIDE_M)
    assert "geheim" not in str(refused.value)
    assert "none that libpq can read" in str(refused.value)
