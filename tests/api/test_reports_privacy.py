"""What only the reporter may see, and what nobody finds out."""

import math

import psycopg
import pytest

import builders
from geo.crs import GEOD

LIST = "/api/v1/reports"


def _send(service, **changes):
    answer = service.http.post(LIST, json=builders.a_report(**changes))
    assert answer.status_code == 201, answer.text
    return answer.json()


def _mine(said):
    return {"Authorization": f"Report {said['secret']}"}


def _codes(service, **query):
    answer = service.http.get(LIST, params=query)
    assert answer.status_code == 200, answer.text
    return [feature["id"] for feature in answer.json()["features"]]


PRIVATE = {"name": "Trần Thị Kín", "phone": "0987 654 321", "email": "kin@example.vn"}


def test_no_public_answer_holds_anything_of_the_reporter(service):
    said = _send(
        service,
        category="bus.skipped_stop",
        reporter=PRIVATE,
        accuracy_m=7.25,
        answers={"route": "19", "vehicle": "51B-99999"},
    )
    path = f"{LIST}/{said['code']}"
    seen = [
        service.http.get(path).text,
        service.http.get(f"{path}/events").text,
        service.http.get(LIST, params={"category": "bus"}).text,
    ]
    for text in seen:
        for secret in (*PRIVATE.values(), said["secret"], "51B-99999", "7.25", "secret"):
            assert secret not in text


def test_the_reporter_sees_their_own_report_by_its_secret(service):
    said = _send(service, reporter=PRIVATE, accuracy_m=7.25, answers={"depth": "knee"})
    answer = service.http.get(f"{LIST}/{said['code']}", headers=_mine(said))
    assert answer.headers["cache-control"] == "no-store"
    assert "authorization" in answer.headers["vary"].lower()
    properties = answer.json()["properties"]
    assert properties["mine"] is True
    assert properties["reporter"] == PRIVATE
    assert properties["answers"] == {"depth": "knee"}
    assert properties["accuracy_m"] == 7.25
    public = service.http.get(f"{LIST}/{said['code']}").json()["properties"]
    assert "mine" not in public
    assert "reporter" not in public


def test_a_wrong_secret_opens_nothing(service):
    said, other = _send(service, reporter=PRIVATE), _send(service)
    for wrong in (other["secret"], said["secret"][:-1], "x", "\u00e9"):
        header = {"Authorization": f"Report {wrong}".encode()}
        answer = service.http.get(f"{LIST}/{said['code']}", headers=header)
        assert answer.status_code == 401
        assert PRIVATE["phone"] not in answer.text
    assert (
        service.http.get(f"{LIST}/{said['code']}", headers={"Authorization": "Report"}).status_code
        == 401
    )


def test_somebody_elses_authorization_is_not_ours_to_judge(service):
    said = _send(service)
    header = {"Authorization": "Basic dXNlcjpwYXNz"}
    answer = service.http.get(f"{LIST}/{said['code']}", headers=header)
    assert answer.status_code == 200
    assert "mine" not in answer.json()["properties"]


def test_a_hidden_report_is_there_for_its_reporter_only(service):
    said = _send(service, category="order.drugs", text="chuyện kín đáo")
    path = f"{LIST}/{said['code']}"
    for headers in ({}, {"Authorization": "Report wrong"}):
        for address in (path, f"{path}/events"):
            assert service.http.get(address, headers=headers).status_code == 404
    assert _codes(service, q="chuyện kín đáo") == []
    assert _codes(service, category="order") == []
    mine = service.http.get(path, headers=_mine(said))
    assert mine.json()["properties"]["visibility"] == "hidden"
    assert mine.json()["geometry"]["coordinates"] == pytest.approx(builders.middle(0))
    assert service.http.get(f"{path}/events", headers=_mine(said)).status_code == 200


def test_a_blurred_report_is_shown_some_way_off_always_at_the_same_place(service):
    lon, lat = 106.61234, 10.71234
    said = _send(service, category="order.theft", lon=lon, lat=lat)
    near = _send(service, category="order.theft", lon=lon + 1e-5, lat=lat)
    seen = service.http.get(f"{LIST}/{said['code']}").json()
    shown = seen["geometry"]["coordinates"]
    assert seen["properties"]["blurred"] is True
    assert seen["properties"]["reasons"] == []
    off_m = GEOD.inv(lon, lat, *shown)[2]
    assert 1 < off_m < 110
    assert service.http.get(f"{LIST}/{near['code']}").json()["geometry"] == seen["geometry"]
    own = service.http.get(f"{LIST}/{said['code']}", headers=_mine(said)).json()
    assert own["geometry"]["coordinates"] == [lon, lat]


def test_ever_smaller_boxes_do_not_find_out_where_a_blurred_report_is(service):
    lon, lat = 106.63456, 10.73456
    code = _send(service, category="order.begging", lon=lon, lat=lat)["code"]
    shown = service.http.get(f"{LIST}/{code}").json()["geometry"]["coordinates"]

    def found(at, half):
        box = f"{at[0] - half},{at[1] - half},{at[0] + half},{at[1] + half}"
        return _codes(service, bbox=box, category="order.begging") == [code]

    assert not found((lon, lat), 1e-5)
    assert found(shown, 1e-5)
    assert found((lon, lat), 0.01)


def test_the_public_place_lies_in_the_cell_of_the_exact_one(service):
    # Tiles select by the cell (of zoom 18 at the finest); lists by the place. Both must select the
    # same reports.
    query = """
        SELECT count(*), count(*) FILTER (
                WHERE pinward_cell(ST_X(shown), ST_Y(shown)) >> 16 = cell >> 16
                    AND pinward_public_cell(cell, 'blurred') >> 16 = cell >> 16
            ),
            max(ST_Distance(exact::geography, shown::geography))
        FROM (
            SELECT exact, pinward_cell(ST_X(exact), ST_Y(exact)) AS cell,
                pinward_public_point(exact, 'blurred') AS shown
            FROM (
                SELECT ST_SetSRID(ST_MakePoint(
                    -180 + 360 * random(), -85 + 170 * random()), 4326) AS exact
                FROM generate_series(1, 5000)
            ) AS a
        ) AS b
    """
    with psycopg.connect(service.url) as conn:
        n, same, farthest = conn.execute(query).fetchone()
        place = "ST_SetSRID(ST_MakePoint(106.6, 10.7), 4326)"
        hidden, public = conn.execute(
            f"SELECT pinward_public_point({place}, 'hidden'), "
            f"ST_X(pinward_public_point({place}, 'public'))"
        ).fetchone()
    assert same == n
    # Half the diagonal of a cell at the equator.
    assert 100 < farthest < 153 / math.sqrt(2) + 1
    assert hidden is None
    assert public == 106.6


def test_an_imported_report_has_no_secret_that_fits(service):
    said = _send(service)
    with psycopg.connect(service.url) as conn:
        conn.execute("UPDATE reports SET secret_hash = NULL WHERE code = %s", (said["code"],))
    answer = service.http.get(f"{LIST}/{said['code']}", headers=_mine(said))
    assert answer.status_code == 401
