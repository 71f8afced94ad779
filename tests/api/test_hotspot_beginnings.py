"""What began lately, from the run that finds it to the answer that tells it."""

import pytest
import shapely
from conftest import command
from planted import AS_OF, put_life, put_trouble

from builders import middle

PATH = "/api/v1/hotspots/beginnings"
LON, LAT = middle(4)


@pytest.fixture(scope="module")
def filled(service, tmp_path_factory):
    put_life(service.url)
    drugs = {"category_code": "order.drugs"}
    put_trouble(service.url, LON, LAT, n=100, radius_m=2000, days=(0, 89), seed=5, **drugs)
    for category in ({}, drugs):
        put_trouble(service.url, LON, LAT, n=25, radius_m=350, days=(0, 5), **category)
    pinward = command(tmp_path_factory.mktemp("run"))
    done = pinward("hotspots", "run", "--as-of", str(AS_OF), url=service.url)
    assert done.returncode == 0, done.stderr
    # The category is hidden from the public, not from the command line.
    assert done.stdout.count("Since ") == 2
    return service


def told(service, query=""):
    answer = service.http.get(PATH + query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_it_is_told_with_its_squares_and_hidden_ones_are_not(filled):
    body = told(filled)
    (one,) = body["features"]
    squares = shapely.geometry.shape(one["geometry"])
    assert squares.is_valid
    assert squares.covers(shapely.Point(LON, LAT))
    said = one["properties"]
    assert said["category"] == "drainage.flooding"
    assert (said["level"], said["as_of"]) == ("square", "2026-03-31")
    assert said["since"] <= "2026-03-28"
    assert "Ngập nước" in said["name"]["vi"]
    assert "“flooding”" in said["sentence"]["en"]
    assert said["observed"] > 2 * said["expected"]
    assert {answer["category"] for answer in body["answers"]} >= {"drainage.flooding"}
    assert "order.drugs" not in {answer["category"] for answer in body["answers"]}
    assert "weekly rhythm" in body["note"]["en"]


def test_it_is_asked_for_by_category_day_and_box(filled):
    assert told(filled, "?category=drainage")["features"]
    assert not told(filled, "?category=noise")["features"]
    assert told(filled, "?on=2026-04-02")["features"]
    assert not told(filled, "?on=2026-03-30")["features"]
    assert told(filled, f"?bbox={LON - 0.001},{LAT - 0.001},{LON},{LAT}")["features"]
    assert not told(filled, f"?bbox={LON + 0.1},{LAT},{LON + 0.2},{LAT + 0.1}")["features"]


@pytest.mark.parametrize("field", ["category=castle", "on=someday", "bbox=1", "colour=red"])
def test_nonsense_is_422_that_names_the_field(filled, field):
    answer = filled.http.get(f"{PATH}?{field}")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field.partition("=")[0]]


def test_an_unchanged_answer_costs_no_bytes(filled):
    first = filled.http.get(PATH)
    again = filled.http.get(PATH, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
