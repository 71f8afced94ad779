"""Hexagons and the mask of few reports, from the run that finds them to the answers."""

import psycopg
import pytest
import shapely
from conftest import command
from planted import AS_OF, put_life, put_trouble

from builders import middle

PATH = "/api/v1/hotspots/hexagons"
LON, LAT = middle(0)
FAR = middle(2)


@pytest.fixture(scope="module")
def filled(service, tmp_path_factory):
    put_life(service.url, n=1000)
    put_trouble(service.url, LON, LAT, n=300)
    put_trouble(service.url, *FAR, n=300, category_code="order.drugs", seed=3)
    pinward = command(tmp_path_factory.mktemp("run"))
    done = pinward("hotspots", "run", "--as-of", str(AS_OF), url=service.url)
    assert done.returncode == 0, done.stderr
    return service


def told(service, query="", path=PATH):
    answer = service.http.get(path + query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_hexagons_stand_where_the_trouble_is_and_hidden_ones_are_not_told(filled):
    body = told(filled)
    assert {one["properties"]["category"] for one in body["features"]} == {"drainage.flooding"}
    assert "order.drugs" not in {answer["category"] for answer in body["answers"]}
    shapes = [shapely.geometry.shape(one["geometry"]) for one in body["features"]]
    assert all(shape.is_valid and len(shape.exterior.coords) == 7 for shape in shapes)
    assert shapely.union_all(shapes).covers(shapely.Point(LON, LAT))
    first = body["features"][0]["properties"]
    assert first["q_value"] <= 0.0001
    assert 20 < first["events"] <= first["n"]
    assert first["events"] <= first["events_all"]
    assert first["risk_low"] < first["relative_risk"] < first["risk_high"]
    assert first["sentence"]["vi"].startswith(f"{first['n']} phản ánh “ngập nước”")
    assert "expected to be chance" in first["sentence"]["en"]
    assert "5%" in body["note"]["vi"]
    with psycopg.connect(filled.url) as db:
        kept = db.execute(
            "SELECT count(*) FROM hotspot_hexagons h JOIN hotspot_answers a ON a.id = h.answer_id"
            " WHERE a.category_code = 'order.drugs'"
        ).fetchone()
    assert kept[0] > 0


def test_they_come_in_pages_that_join_to_all(filled):
    every = told(filled)
    assert len(every["features"]) > 1
    assert every["next"] is None
    pages, query = [], "?limit=1"
    while query and len(pages) <= len(every["features"]):
        page = told(filled, query)
        pages += page["features"]
        query = page["next"] and "?" + page["next"].partition("?")[2]
    assert pages == every["features"]


def test_they_are_asked_for_by_category_day_and_box(filled):
    assert told(filled, "?category=drainage")["features"]
    assert not told(filled, "?category=noise")["features"]
    assert told(filled, "?on=2026-04-02")["features"]
    assert not told(filled, "?on=2026-03-30")["features"]
    assert told(filled, f"?bbox={LON - 0.0001},{LAT - 0.0001},{LON},{LAT}")["features"]
    assert not told(filled, f"?bbox={LON + 0.1},{LAT},{LON + 0.2},{LAT + 0.1}")["features"]


@pytest.mark.parametrize(
    "field", ["category=castle", "on=someday", "bbox=1", "cursor=x", "limit=0", "colour=red"]
)
def test_nonsense_is_422_that_names_the_field(filled, field):
    answer = filled.http.get(f"{PATH}?{field}")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field.partition("=")[0]]


def test_where_few_report_is_one_shape_within_the_wards(filled):
    (mask,) = told(filled, path="/api/v1/hotspots/quiet")["features"]
    quiet = shapely.geometry.shape(mask["geometry"])
    assert quiet.is_valid
    # What is planted is heard, unless it is hidden: that
    # something is reported there is nobody's to know.
    assert not quiet.covers(shapely.Point(LON, LAT))
    assert quiet.covers(shapely.Point(*FAR))
    with psycopg.connect(filled.url) as db:
        wkb = db.execute("SELECT ST_AsBinary(ST_Union(geom)) FROM wards").fetchone()[0]
    assert shapely.from_wkb(wkb).buffer(1e-6).covers(quiet)
    said = mask["properties"]
    assert said["as_of"] == "2026-03-31"
    assert f"fewer than {said['least_events']} events" in said["sentence"]["en"]
    assert "90 ngày" in said["sentence"]["vi"]
    assert told(filled, "?on=2026-03-30", "/api/v1/hotspots/quiet")["features"] == []
    assert filled.http.get("/api/v1/hotspots/quiet?on=x").status_code == 422


def test_an_unchanged_answer_costs_no_bytes(filled):
    for path in (PATH, "/api/v1/hotspots/quiet"):
        first = filled.http.get(path)
        again = filled.http.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert again.status_code == 304
