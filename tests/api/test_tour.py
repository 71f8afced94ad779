"""Round trips over HTTP: whose tasks, in which order, how long."""

import numpy as np
import pytest
from pyproj import Geod
from staffed import signed_in
from tasked import organisations, put_tasks

import builders

TOUR = "/api/v1/tasks/tour"
LON, LAT = builders.middle(0)
HERE = {"lon": LON, "lat": LAT}


@pytest.fixture(scope="module")
def own(service):
    return organisations(service.url)[0]


@pytest.fixture(scope="module")
def crew(service, own):
    with signed_in(service, "crew", organisation=own) as client:
        yield client


@pytest.mark.parametrize("n", [1, 2, 30])
def test_a_trip_begins_and_ends_where_one_is_and_its_legs_are_those_of_its_line(
    service, crew, own, n
):
    places = np.random.default_rng(n).normal((LON, LAT), 0.005, (n, 2))
    codes = put_tasks(service.url, places, organisation_id=own)
    answer = crew.post(TOUR, json={**HERE, "codes": codes})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/geo+json"
    way, *stops = answer.json()["features"]
    line = way["geometry"]["coordinates"]
    assert line[0] == line[-1] == [LON, LAT]
    assert line[1:-1] == [stop["geometry"]["coordinates"] for stop in stops]
    assert sorted(stop["id"] for stop in stops) == sorted(codes)
    x, y = np.array(line).T
    _, _, legs = Geod(ellps="WGS84").inv(x[:-1], y[:-1], x[1:], y[1:])
    told = [stop["properties"]["leg_m"] for stop in stops] + [way["properties"]["back_m"]]
    np.testing.assert_allclose(told, legs, atol=0.01)
    assert way["properties"]["length_m"] == pytest.approx(sum(legs), abs=0.2)
    assert [stop["properties"]["stop"] for stop in stops] == list(range(1, n + 1))


def test_on_a_line_it_goes_along_the_line(service, crew, own):
    places = [(LON + 0.001 * k, LAT) for k in (3, 1, 5, 2, 4)]
    codes = put_tasks(service.url, places, organisation_id=own)
    stops = crew.post(TOUR, json={**HERE, "codes": codes}).json()["features"][1:]
    by_place = dict(zip((3, 1, 5, 2, 4), codes, strict=True))
    # Whichever goes out or comes back: the way is twice the farthest.
    length = crew.post(TOUR, json={**HERE, "codes": [by_place[5]]}).json()["features"][0]
    whole = crew.post(TOUR, json={**HERE, "codes": codes}).json()["features"][0]
    assert whole["properties"] == length["properties"] | {
        "back_m": whole["properties"]["back_m"],
        "length_m": pytest.approx(length["properties"]["length_m"], abs=0.05),
    }
    assert len(stops) == 5


def test_codes_that_are_nobody_s_or_another_s_are_named_alike(service, crew, own):
    place = [(LON, LAT)]
    (mine,) = put_tasks(service.url, place, organisation_id=own)
    (theirs,) = put_tasks(service.url, place, organisation_id=organisations(service.url)[1])
    (done,) = put_tasks(service.url, place, organisation_id=own, status="resolved")
    codes = [mine, theirs, "ZZZZZZZ", done, "no code", mine]
    answer = crew.post(TOUR, json={**HERE, "codes": codes})
    assert answer.status_code == 422
    errors = {each["field"]: each["message"] for each in answer.json()["errors"]}
    assert set(errors) == {f"codes.{n}" for n in range(1, 6)}
    assert errors["codes.1"] == errors["codes.2"] == errors["codes.3"] == errors["codes.4"]
    assert theirs in answer.json()["detail"]
    assert "already" in errors["codes.5"]


def test_more_than_thirty_or_none_is_no_trip(crew):
    for codes in ([], ["x"] * 31):
        answer = crew.post(TOUR, json={**HERE, "codes": codes})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "codes"
