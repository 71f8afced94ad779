"""Hotspots from the command that finds them to the answers that name them."""

import json
from datetime import UTC, datetime

import numpy as np
import psycopg
import pytest
import shapely
from drawn import put_hotspots, put_reports

from api.parameters import encode_cursor
from builders import middle

SINCE, UNTIL = "2026-02-01T00:00:00Z", "2026-04-01T00:00:00Z"
LON, LAT = middle(0)


def crowd(n, seed=0):
    rng = np.random.default_rng(seed)
    return [(LON + dx, LAT + dy) for dx, dy in rng.uniform(-2e-4, 2e-4, (n, 2)).tolist()]


def run(pinward, url, *words):
    return pinward("hotspots", "run", "--since", SINCE, "--until", UNTIL, *words, url=url)


def test_a_run_finds_the_crowd_and_says_so(pinward, city_url):
    put_reports(city_url, crowd(25))
    put_reports(city_url, crowd(5, seed=1), category_code="noise.karaoke")
    done = run(pinward, city_url, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["since"] == "2026-02-01T00:00:00+00:00"
    runs = {one["category"]: one for one in found["runs"]}
    assert [spot["n"] for spot in runs["drainage.flooding"]["hotspots"]] == [25]
    assert runs["noise.karaoke"]["hotspots"] == []
    assert runs["noise.karaoke"]["n_reports"] == 5


def test_given_parameters_are_used_and_kept(pinward, city_url):
    put_reports(city_url, crowd(25))
    words = ("--category", "drainage.flooding", "--eps-m", "40", "--min-points", "3")
    done = run(pinward, city_url, *words)
    assert "3 within 40 m" in done.stdout
    with psycopg.connect(city_url) as db:
        kept = db.execute("SELECT eps_m, min_points, since FROM hotspot_runs").fetchall()
    assert kept == [(40.0, 3, datetime(2026, 2, 1, tzinfo=UTC))]


def test_days_are_the_citys(pinward, city_url):
    put_reports(city_url, crowd(8))
    words = ("--category", "drainage.flooding", "--json")
    done = pinward("hotspots", "run", "--since", "2026-02-01", "--until", "2026-03-02", *words,
                   url=city_url)  # fmt: skip
    assert json.loads(done.stdout)["since"] == "2026-01-31T17:00:00+00:00"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--category", "castle"), 1, "castle"),
        (("--eps-m", "0.1"), 1, "eps_m"),
        (("--min-points", "1"), 1, "min_points"),
    ],
)
def test_a_refused_run_changes_nothing(pinward, city_url, words, code, said):
    put_reports(city_url, crowd(25))
    done = run(pinward, city_url, *words)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    with psycopg.connect(city_url) as db:
        assert db.execute("SELECT count(*) FROM hotspot_runs").fetchone() == (0,)


def test_a_time_that_is_none_is_misuse(pinward, city_url):
    assert pinward("hotspots", "run", "--since", "yesterday", url=city_url).returncode == 2


def box(lon, lat, side=0.001):
    return shapely.box(lon, lat, lon + side, lat + side).wkt


@pytest.fixture(scope="module")
def filled(service):
    old = {"since": datetime(2025, 1, 1, tzinfo=UTC), "until": datetime(2025, 4, 1, tzinfo=UTC)}
    put_hotspots(service.url, [box(LON - 0.01, LAT)], **old)
    put_hotspots(service.url, [box(LON, LAT), box(LON + 0.05, LAT)])
    put_hotspots(service.url, [box(LON, LAT)], category="noise.karaoke")
    put_hotspots(service.url, [box(LON, LAT)], category="order.drugs")
    return service


def listed(service, query=""):
    answer = service.http.get(f"/api/v1/hotspots{query}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/geo+json"
    return answer.json()


def categories_of(body):
    return sorted(feature["properties"]["category"] for feature in body["features"])


def test_the_newest_runs_hotspots_are_listed_and_hidden_ones_not(filled):
    body = listed(filled)
    assert categories_of(body) == ["drainage.flooding", "drainage.flooding", "noise.karaoke"]
    assert [one["category"] for one in body["runs"]] == ["drainage.flooding", "noise.karaoke"]


def test_a_hotspot_says_what_is_known_and_null_where_nothing_was_tested(filled):
    (found,) = listed(filled, "?category=noise")["features"]
    assert shapely.geometry.shape(found["geometry"]).is_valid
    assert found["properties"] == {
        "id": found["id"],
        "category": "noise.karaoke",
        "family": "noise",
        "n": 10,
        "since": "2026-01-01T00:00:00Z",
        "until": "2026-04-01T00:00:00Z",
        "first_seen": "2026-01-01T00:00:00Z",
        "last_seen": "2026-01-01T00:00:00Z",
        "area_m2": 1000.0,
        "expected": None,
        "relative_risk": None,
        "p_value": None,
        "trend": None,
    }


def test_nothing_is_called_significant_that_was_not_tested(filled):
    body = listed(filled, "?significant=true")
    assert body["features"] == []
    assert "not tested" in body["note"]["en"]
    assert len(listed(filled, "?significant=false")["features"]) == 3


def test_a_period_asks_for_the_runs_of_that_time(filled):
    body = listed(filled, "?period=2025-02-01T00:00:00Z/2025-03-01T00:00:00Z")
    (found,) = body["features"]
    assert found["properties"]["until"] == "2025-04-01T00:00:00Z"
    assert listed(filled, "?period=2020-01-01T00:00:00Z/2020-02-01T00:00:00Z")["features"] == []


def test_a_box_leaves_what_it_touches(filled):
    body = listed(filled, f"?bbox={LON + 0.04},{LAT},{LON + 0.06},{LAT + 0.01}")
    assert categories_of(body) == ["drainage.flooding"]


def test_pages_hold_everything_once(filled):
    seen, path = [], "/api/v1/hotspots?limit=1"
    while path:
        body = filled.http.get(path).json()
        seen += [feature["id"] for feature in body["features"]]
        path = body["next"]
    assert len(seen) == len(set(seen)) == 3


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("category=castle", "category"),
        ("period=2026", "period"),
        ("period=2026-01-01/2026-02-01", "period"),
        ("period=2026-02-01T00:00:00Z/2026-01-01T00:00:00Z", "period"),
        ("significant=perhaps", "significant"),
        ("bbox=a", "bbox"),
        ("colour=red", "colour"),
        ("cursor=zzz", "cursor"),
    ],
)
def test_nonsense_is_422_that_names_the_field(filled, query, field):
    answer = filled.http.get(f"/api/v1/hotspots?{query}")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize("number", [10**30, -(10**30), 0])
def test_a_made_up_cursor_is_no_server_error(filled, number):
    answer = filled.http.get(f"/api/v1/hotspots?cursor={encode_cursor(number)}")
    assert answer.status_code == 200
