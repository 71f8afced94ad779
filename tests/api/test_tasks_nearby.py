"""Tasks near by over HTTP: whose they are, and what a crew is told of them."""

import psycopg
import pytest
from hostile import drawn, written
from staffed import signed_in
from tasked import organisations, put_tasks

import builders

NEAR = "/api/v1/tasks/nearby"
HERE = dict(zip(("lon", "lat"), builders.middle(0), strict=True))


@pytest.fixture(scope="module")
def own(service):
    return organisations(service.url)[0]


def _photo(service):
    files = {"file": ("a.jpg", written(drawn(40, 30), "JPEG"))}
    return service.http.post("/api/v1/uploads", files=files, timeout=120).json()["id"]


def _sent(service, **changes):
    body = builders.a_report(photos=[_photo(service)], **changes)
    answer = service.http.post("/api/v1/reports", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["code"]


def _near(client, **query):
    answer = client.get(NEAR, params={**HERE, **query})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/geo+json"
    assert answer.headers["cache-control"] == "no-store"
    return {each["id"]: each for each in answer.json()["features"]}


def test_a_crew_sees_its_own_organisation_s_tasks_and_nobody_else_s(service, own):
    other = organisations(service.url)[1]
    place = [builders.middle(0)]
    (mine,) = put_tasks(service.url, place, organisation_id=own)
    (theirs,) = put_tasks(service.url, place, organisation_id=other)
    with signed_in(service, "crew", organisation=own) as crew:
        found = _near(crew)
        assert mine in found
        assert theirs not in found
        assert found[mine]["properties"]["distance_m"] == 0
    with signed_in(service, "crew", organisation=other) as crew:
        assert set(_near(crew)) == {theirs}
    with signed_in(service, "crew", name="forgotten") as crew:
        assert crew.get(NEAR, params=HERE).status_code == 403


def test_a_crew_is_told_all_it_needs_of_what_the_public_does_not_see(service, own):
    code = _sent(service, category="order.drugs", text="Cửa sau nhà số 7")
    withheld = _sent(service, text="Chờ xem lại")
    with psycopg.connect(service.url) as db:
        db.execute("UPDATE reports SET withheld = 'review' WHERE code = %s", (withheld,))
        db.execute(
            "UPDATE photos SET hidden = true FROM reports WHERE id = report_id AND code = %s",
            (withheld,),
        )
    with signed_in(service, "crew", organisation=own, name="told") as crew:
        found = _near(crew)
        task = found[code]["properties"]
        assert task["text"] == "Cửa sau nhà số 7"
        assert task["public"] is False
        assert found[code]["geometry"]["coordinates"] == list(builders.middle(0))
        (photo,) = task["photos"]
        assert crew.get(photo["url"]).status_code == 200
        # What the staff hid is for those who may hide.
        assert found[withheld]["properties"]["photos"] == []
        assert found[withheld]["properties"]["public"] is False
    assert service.http.get(photo["url"]).status_code == 404
    with signed_in(service, "planner", name="not-told") as planner:
        assert planner.get(NEAR, params=HERE).status_code == 403
    assert service.http.get(NEAR, params=HERE).status_code == 401


def test_who_holds_it_and_whether_it_is_late_is_told(service, own):
    place = [builders.middle(0)]
    past = "2020-01-01T00:00:00Z"
    (held,) = put_tasks(service.url, place, organisation_id=own, due_at=past)
    (waits,) = put_tasks(
        service.url,
        place,
        organisation_id=own,
        due_at=past,
        status="waiting",
        waits_since=past,
    )
    with (
        signed_in(service, "crew", organisation=own, name="holds") as crew,
        signed_in(service, "crew", organisation=own, name="looks") as other,
        psycopg.connect(service.url, autocommit=True) as db,
    ):
        account = db.execute("SELECT id FROM users WHERE email LIKE 'holds%'").fetchone()[0]
        db.execute("UPDATE reports SET holder_id = %s WHERE code = %s", (account, held))
        assert set(_near(crew, holder="me")) == {held}
        mine = _near(crew)[held]["properties"]
        assert mine["holder"] == {"mine": True, "name": "Người Thử"}
        assert mine["late"] is True
        assert mine["version"].isdigit()
        assert _near(other)[held]["properties"]["holder"]["mine"] is False
        assert _near(other)[waits]["properties"]["late"] is False
        assert _near(other)[waits]["properties"]["waits_since"] == past
        assert held not in _near(other, holder="none")


@pytest.mark.parametrize(
    "query", [{"lon": 200}, {"radius_m": 0}, {"limit": 101}, {"order": "name"}, {"radius": 5}]
)
def test_what_is_misspelt_or_out_of_bounds_is_named(service, own, query):
    with signed_in(service, "crew", organisation=own, name=f"bad-{next(iter(query))}") as crew:
        answer = crew.get(NEAR, params={**HERE, **query})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == next(iter(query))
