"""What is hidden, or was public once, is not told by hotspots either."""

import re
from datetime import timedelta

import psycopg
import pytest
from conftest import command, serving
from drawn import put_reports
from planted import AS_OF, UNTIL, USUAL, put_life, put_trouble

from builders import middle

LON, LAT = middle(0)


@pytest.fixture
def filled(city_url, tmp_path):
    with serving(city_url, tmp_path) as made:
        put_life(city_url)
        put_trouble(city_url, LON, LAT, n=300)
        put_trouble(city_url, *middle(2), n=14, radius_m=0, text="The same words again and again")
        yield made


@pytest.fixture
def run(city_url, tmp_path):
    def again(*words):
        pinward = command(tmp_path)
        done = pinward("hotspots", "run", "--as-of", str(AS_OF), *words, url=city_url)
        assert done.returncode == 0, done.stderr

    return again


def in_the_evenings(n):
    return [(UNTIL - timedelta(days=1 + i % 85, hours=5)).isoformat() for i in range(n)]


def told(service, path):
    answer = service.http.get(f"/api/v1/hotspots{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()["features"]


def all_but_when(service, path):
    """What is told, without when it was made."""
    answer = service.http.get(f"/api/v1/hotspots{path}")
    assert answer.status_code == 200, answer.text
    return re.sub(r'"made_at":"[^"]+"', "", answer.text)


def make(url, visibility):
    with psycopg.connect(url) as db:
        flooding = "UPDATE categories SET visibility = %s WHERE code = 'drainage.flooding'"
        db.execute(flooding, [visibility])


def test_hotspots_of_exact_places_end_with_the_category_being_public(filled, run):
    run()
    (spot,) = told(filled, "")
    assert told(filled, "/hexagons")
    for visibility in ("blurred", "hidden"):
        make(filled.url, visibility)
        for path in ("", f"?on={AS_OF}", "/hexagons", "/beginnings"):
            assert told(filled, path) == []
        assert filled.http.get(f"/api/v1/hotspots/{spot['id']}").status_code == 404
    # What is hidden is found all the same, at exact places: not for whom it is blurred to.
    run()
    make(filled.url, "blurred")
    assert told(filled, "") == []
    run()
    (anew, *_) = told(filled, "")
    assert anew["geometry"] != spot["geometry"]
    make(filled.url, "public")
    assert told(filled, "")


def test_nothing_that_is_told_depends_on_hidden_reports(filled, run):
    # A default point: many of everything, and little around.
    pile = middle(5)
    kinds = [*USUAL, "traffic.sign_damaged", "waste.dirty_street", "health.mosquitoes"]
    put_reports(filled.url, [pile] * 96, category_code=kinds * 12, created_at=in_the_evenings(96))
    run()
    assert "default_location" in {one["properties"]["kind"] for one in told(filled, "/artefacts")}
    ((spot,), hexagons) = (told(filled, path) for path in ("", "/hexagons"))
    assert hexagons
    paths = ("", f"/{spot['id']}", "/hexagons", "/beginnings", "/quiet", "/artefacts")
    before = [all_but_when(filled, path) for path in paths]
    # In the hotspot's hull and its hexagon, in their surroundings, and years before; around the
    # default point, so many that it would be none.
    put_trouble(filled.url, *pile, n=60, category_code="order.drugs", radius_m=150, seed=8)
    put_trouble(filled.url, LON, LAT, n=60, category_code="order.drugs", seed=5)
    put_trouble(filled.url, LON, LAT, 200, 2000, category_code="order.drugs", seed=6)
    put_trouble(
        filled.url, LON, LAT, days=(100, 600), category_code="order.drugs", seed=7, radius_m=300
    )
    run("--again")
    with psycopg.connect(filled.url) as db:
        stored = "SELECT count(*) FROM hotspot_answers WHERE category_code = 'order.drugs'"
        assert db.execute(stored).fetchone() == (1,)
    assert [all_but_when(filled, path) for path in paths] == before


def test_what_was_found_of_a_hidden_category_is_not_told_when_it_is_hidden_no_longer(filled, run):
    # It was measured against other hidden ones.
    make(filled.url, "hidden")
    run()
    make(filled.url, "public")
    for path in ("", "/hexagons"):
        assert told(filled, path) == []
    run()
    for path in ("", "/hexagons"):
        assert told(filled, path)


def test_one_sender_of_something_hidden_is_not_told(filled, run):
    run()
    (sender,) = told(filled, "/artefacts")
    assert sender["properties"]["kind"] == "one_sender"
    for visibility in ("hidden", "blurred"):
        make(filled.url, visibility)
        assert told(filled, "/artefacts") == []
        run()
        assert told(filled, "/artefacts") == []
