"""Answers written once, for everybody on the city's desks."""

import pytest
from staffed import signed_in

import builders

PATH = "/api/v1/answer-templates"


def a_template(**changes):
    said = {"name": "Đã nhận", "text_vi": "{organisation} đã nhận {code}.", "text_en": ""}
    return {**said, **changes}


@pytest.fixture(scope="module")
def desk(service):
    with signed_in(service, "ward_officer", ward=builders.CODES[0]) as client:
        yield client


def test_what_one_desk_writes_another_finds_and_mends(service, desk):
    made = desk.post(PATH, json=a_template(name="  Đã nhận việc "))
    assert made.status_code == 201, made.text
    one = made.json()
    assert one["name"] == "Đã nhận việc"
    with signed_in(service, "hotline_agent") as other:
        found = {each["id"]: each for each in other.get(PATH).json()["templates"]}
        assert found[one["id"]]["text_vi"] == "{organisation} đã nhận {code}."
        body = a_template(name="Đã nhận việc", text_en="Taken.", version=one["version"])
        changed = other.put(f"{PATH}/{one['id']}", json=body)
        assert changed.status_code == 200, changed.text
        assert changed.json()["version"] == 2
        assert other.delete(f"{PATH}/{one['id']}").status_code == 204
    assert desk.delete(f"{PATH}/{one['id']}").status_code == 404


def test_a_change_made_meanwhile_is_not_overwritten(desk):
    one = desk.post(PATH, json=a_template(name="Hai người")).json()
    path = f"{PATH}/{one['id']}"
    first = desk.put(path, json=a_template(name="Hai người", text_vi="Một.", version=1))
    assert first.status_code == 200
    second = desk.put(path, json=a_template(name="Hai người", text_vi="Hai.", version=1))
    assert second.status_code == 412
    told = next(each for each in desk.get(PATH).json()["templates"] if each["id"] == one["id"])
    assert told["text_vi"] == "Một."


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"text_vi": "Chào {name}."}, "text_vi"),
        ({"text_en": "Dear {}."}, "text_en"),
        ({"text_vi": "   "}, "text_vi"),
        ({"name": ""}, "name"),
        ({"name": "a" * 81}, "name"),
        ({"text_vi": "a" * 1_501}, "text_vi"),
    ],
)
def test_what_could_not_be_filled_in_or_read_is_refused_by_field(desk, wrong, field):
    answer = desk.post(PATH, json=a_template(**wrong))
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == [field]


def test_two_of_one_name_are_not_told_apart_so_there_is_one(desk):
    assert desk.post(PATH, json=a_template(name="Một tên")).status_code == 201
    assert desk.post(PATH, json=a_template(name="một TÊN")).status_code == 409


def test_whoever_may_be_given_a_report_is_listed(service):
    found = service.http.get("/api/v1/organisations").json()["organisations"]
    assert {"ward-90001", "ward-90006"} <= {each["code"] for each in found}
    assert found[0]["name"]["vi"] == "UBND phường Bến Thử"
