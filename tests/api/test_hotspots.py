"""Hotspots from the command that finds them to the answers that name them."""

import json
from datetime import UTC, date, datetime

import psycopg
import pytest
import shapely
from drawn import SAID, put_hotspots
from planted import put_life, put_trouble

from api.parameters import encode_cursor
from builders import middle

LON, LAT = middle(0)
DAY = "2026-03-31"


def run(pinward, url, *words):
    return pinward("hotspots", "run", "--as-of", DAY, *words, url=url)


def test_a_run_finds_the_trouble_and_says_so(pinward, city_url):
    put_life(city_url)
    put_trouble(city_url, LON, LAT)
    done = run(pinward, city_url)
    assert done.returncode == 0, done.stderr
    assert "drainage.flooding: 1 hotspots" in done.stdout
    assert "reports of “flooding”" in done.stdout
    assert "1 hotspots as of 2026-03-31" in done.stdout
    listed = pinward("hotspots", "list", "--json", url=city_url)
    (found,) = json.loads(listed.stdout)["hotspots"]
    assert found["category"] == "drainage.flooding"
    with psycopg.connect(city_url) as db:
        row = db.execute(
            "SELECT state, done, total, n_hotspots, unchanged, error FROM hotspot_runs"
        ).fetchone()
    assert row == ("done", 7, 7, 1, False, None)


def test_two_runs_print_the_same_bytes(pinward, city_url):
    put_life(city_url)
    put_trouble(city_url, LON, LAT)
    first = run(pinward, city_url, "--json").stdout
    with psycopg.connect(city_url) as db:
        db.execute("TRUNCATE hotspot_answers, hotspot_runs CASCADE")
    assert run(pinward, city_url, "--json").stdout == first
    # and taken from the table
    assert run(pinward, city_url, "--json").stdout == first
    (flooding, *_) = json.loads(first)["answers"]
    assert flooding["hotspots"]
    assert flooding["hexagons"]


def test_a_refused_run_changes_nothing(pinward, city_url):
    put_life(city_url, n=100)
    done = run(pinward, city_url, "--category", "castle")
    assert done.returncode == 1
    assert "castle" in done.stderr
    assert "Traceback" not in done.stderr
    with psycopg.connect(city_url) as db:
        assert db.execute("SELECT count(*) FROM hotspot_answers").fetchone() == (0,)


def test_a_day_that_is_none_is_misuse(pinward, city_url):
    done = pinward("hotspots", "run", "--as-of", "yesterday", url=city_url)
    assert done.returncode == 2


def box(lon, lat, side=0.001):
    return shapely.box(lon, lat, lon + side, lat + side).wkt


@pytest.fixture(scope="module")
def filled(service):
    old = {"since": datetime(2025, 1, 1, tzinfo=UTC), "until": datetime(2025, 4, 1, tzinfo=UTC)}
    put_hotspots(service.url, [box(LON - 0.01, LAT)], as_of=date(2025, 3, 31), **old)
    put_hotspots(service.url, [box(LON, LAT), box(LON + 0.05, LAT)])
    put_hotspots(service.url, [box(LON, LAT)], category="noise.karaoke", p_value=0.1, trend="new")
    put_hotspots(service.url, [box(LON, LAT)], category="order.drugs")
    return service


def listed(service, query=""):
    answer = service.http.get(f"/api/v1/hotspots{query}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/geo+json"
    return answer.json()


def categories_of(body):
    return sorted(feature["properties"]["category"] for feature in body["features"])


def test_the_newest_answers_hotspots_are_listed_and_hidden_ones_not(filled):
    body = listed(filled)
    assert categories_of(body) == ["drainage.flooding", "drainage.flooding", "noise.karaoke"]
    assert [one["category"] for one in body["answers"]] == ["drainage.flooding", "noise.karaoke"]
    assert "silence is not safety" in body["note"]["en"]


def test_a_hotspot_says_all_that_is_known(filled):
    (found,) = listed(filled, "?category=noise")["features"]
    assert shapely.geometry.shape(found["geometry"]).is_valid
    assert found["id"] == found["properties"]["id"]
    assert found["properties"] == {
        "id": found["id"],
        "category": "noise.karaoke",
        "family": "noise",
        "as_of": "2026-03-31",
        "since": "2026-01-01T00:00:00Z",
        "until": "2026-04-01T00:00:00Z",
        **SAID,
        "n": 10,
        "events": 9,
        "expected": 2.0,
        "relative_risk": 5.0,
        "risk_low": 3.0,
        "risk_high": 8.0,
        "p_value": 0.1,
        "scale_m": 100.0,
        "trend": "new",
        "months": [],
        "seen": "new",
        "parents": [],
        "first_seen": "2026-03-31",
        "last_seen": "2026-04-01T00:00:00Z",
        "first_report_at": "2026-01-01T00:00:00Z",
        "last_report_at": "2026-01-01T00:00:00Z",
        "open_share": 0.0,
        "ward": None,
        "near": [],
        "area_m2": 1000.0,
    }


def test_the_uncertain_are_left_out_where_significance_is_asked_for(filled):
    assert categories_of(listed(filled, "?significant=true")) == ["drainage.flooding"] * 2
    assert len(listed(filled, "?significant=false")["features"]) == 3


def test_what_was_said_on_a_day_is_listed_by_the_day(filled):
    (found,) = listed(filled, "?on=2025-06-01")["features"]
    assert found["properties"]["as_of"] == "2025-03-31"
    assert listed(filled, "?on=2024-06-01")["features"] == []


def test_a_period_asks_for_the_answers_of_that_time(filled):
    body = listed(filled, "?period=2025-02-01T00:00:00Z/2025-03-01T00:00:00Z")
    (found,) = body["features"]
    assert found["properties"]["until"] == "2025-04-01T00:00:00Z"
    assert listed(filled, "?period=2020-01-01T00:00:00Z/2020-02-01T00:00:00Z")["features"] == []


def test_a_hotspot_is_followed_through_its_days(filled):
    (found,) = listed(filled, "?category=noise")["features"]
    answer = filled.http.get(f"/api/v1/hotspots/{found['id']}")
    assert answer.json() == {
        "type": "FeatureCollection",
        "features": [found],
        "ended_on": None,
        "into": None,
    }


def test_a_hidden_hotspot_and_one_that_never_was_are_not_found(filled):
    with psycopg.connect(filled.url) as db:
        (hidden,) = db.execute(
            "SELECT h.id FROM hotspots h JOIN hotspot_answers a ON a.id = h.answer_id"
            " WHERE a.category_code = 'order.drugs'"
        ).fetchone()
    for name in (hidden, "H-0000-0000", "%00"):
        answer = filled.http.get(f"/api/v1/hotspots/{name}")
        assert answer.status_code in (404, 422), name
        assert answer.headers["content-type"] == "application/problem+json"


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
        ("on=someday", "on"),
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
