"""Whose wards a list goes by: who answers now, who did on the day, who is there today."""

import pytest
from conftest import serving
from reformed import YEAR, reform

LIST = "/api/v1/reports"
FLOODING = {**YEAR, "category": "drainage.flooding"}


@pytest.fixture(scope="module")
def asked(clone, city_template, tmp_path_factory):
    """The service on a city after a reform."""
    folder = tmp_path_factory.mktemp("lists")
    url = clone(city_template)
    reform(url, folder)
    with serving(url, folder) as made:
        yield made


def listed(asked, **query):
    answer = asked.http.get(LIST, params={**FLOODING, **query})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("ward", "now", "then", "today"),
    [
        # What a reform moved left 90002 for the new 90003; what was closed before did not.
        ({"ward": "90002", "on": "2024-06-01"}, 6, 7, 0),
        ({"ward": "90003"}, 3, 2, 6),
        # The code's ward of today did not exist then.
        ({"ward": "90002"}, 0, 0, 8),
        ({"ward": "90001,90003,90004", "on": "2024-06-01"}, 14, 13, 12),
        ({"ward": "nowhere"}, 0, 0, 0),
    ],
)
def test_a_ward_holds_whom_it_answers_for_or_had_then_or_has_today(asked, ward, now, then, today):
    for word, n in (({}, now), ({"wards": "then"}, then), ({"wards": "today"}, today)):
        found = listed(asked, **ward, **word)["features"]
        assert len({each["id"] for each in found}) == len(found) == n, word
        # Every cell of the map is in the one around the world.
        assert len(listed(asked, **ward, **word, cell=1)["features"]) == n, word


@pytest.mark.parametrize("wards", ["then", "today"])
def test_a_list_has_as_many_as_statistics_count(asked, wards):
    for code in ("90001", "90002", "90003", "90004"):
        for on in ({"on": "2024-06-01"}, {}):
            query = {**FLOODING, **on, "ward": code, "wards": wards}
            counted = asked.http.get("/api/v1/statistics", params=query).json()["total"]
            assert len(listed(asked, **query)["features"]) == counted["received"]


def test_members_say_who_answers_and_who_is_there_today(asked):
    [moved] = listed(asked, ward="90002", on="2024-06-01", wards="then", status="assigned")[
        "features"
    ]
    assert moved["properties"]["ward"]["code"] == "90003"
    closed = listed(asked, ward="90002", on="2024-06-01")["features"]
    assert {each["properties"]["ward"]["code"] for each in closed} == {"90002"}
    assert {each["properties"]["ward_today"]["code"] for each in closed} == {"90002", "90003"}


@pytest.mark.parametrize("word", [{}, {"wards": "then"}, {"wards": "today"}])
def test_pages_of_several_wards_are_one_list_in_the_order_of_time(asked, word):
    query = {"ward": "90001,90002,90003,90004", "on": "2024-06-01", **word}
    whole = [each["id"] for each in listed(asked, **query)["features"]]
    assert len(whole) >= 12
    paged, page = [], listed(asked, **query, limit=4)
    while True:
        assert len(page["features"]) <= 4
        paged += page["features"]
        if not page["next"]:
            break
        page = asked.http.get(page["next"]).json()
    assert [each["id"] for each in paged] == whole
    times = [each["properties"]["created_at"] for each in paged]
    assert times == sorted(times, reverse=True)
