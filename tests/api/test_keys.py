"""API keys over HTTP: no further than their maker, no longer than they should, and never alone."""

import time

import httpx
import psycopg
import pytest
from staffed import signed_in

import builders

PATH = "/api/v1/keys"
WHO = "/api/v1/session"


def asked(service, key, path=WHO, method="GET", **more):
    headers = {"Authorization": f"Bearer {key}", **more}
    return httpx.request(method, service.base + path, headers=headers, timeout=30)


def make(admin, **changes):
    body = {"name": "cổng 1022", "role": "planner", **changes}
    answer = admin.post(PATH, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.fixture
def admin(service):
    with signed_in(service, "admin", name=f"keys-{time.time_ns()}") as client:
        yield client


def test_a_key_is_shown_once_acts_and_is_revoked(service, admin):
    made = make(admin, ward_code="90001")
    key = made["key"]
    assert key.startswith("pw_")
    who = asked(service, key).json()
    assert (who["role"], who["ward"]["code"], who["name"]) == ("planner", "90001", "cổng 1022")
    listed = next(k for k in admin.get(PATH).json()["keys"] if k["id"] == made["id"])
    assert listed["used_at"] is not None
    assert key.startswith(listed["prefix"])
    assert key not in admin.get(PATH).text
    with psycopg.connect(service.url) as db:
        assert key not in str(db.execute("SELECT * FROM api_keys").fetchall())
    assert admin.delete(f"{PATH}/{made['id']}").status_code == 204
    assert asked(service, key).status_code == 401
    assert key not in service.log.read_text()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE api_keys SET expires_at = now() WHERE id = {id}",
        "UPDATE users SET disabled = true WHERE id = (SELECT owner_id FROM api_keys WHERE id={id})",
        "UPDATE users SET role = 'crew' WHERE id = (SELECT owner_id FROM api_keys WHERE id = {id})",
        "UPDATE users SET ward_code = '90002' "
        "WHERE id = (SELECT owner_id FROM api_keys WHERE id = {id})",
    ],
)
def test_a_key_ends_in_time_and_with_what_its_owner_may(service, admin, change):
    made = make(admin)
    assert asked(service, made["key"]).status_code == 200
    with psycopg.connect(service.url) as db:
        db.execute(change.format(id=made["id"]))
    assert asked(service, made["key"]).status_code == 401


def test_a_key_is_no_wider_than_its_maker(service):
    with signed_in(service, "admin", ward="90001", name=f"narrow-{time.time_ns()}") as narrow:
        for ward in (None, "90002"):
            body = {"name": "x", "role": "planner", "ward_code": ward}
            assert narrow.post(PATH, json=body).status_code == 403
        make(narrow, ward_code="90001")
        listed = narrow.get(PATH).json()["keys"]
        assert {k["ward_code"] for k in listed} == {"90001"}
    with signed_in(service, "planner", name=f"planner-{time.time_ns()}") as planner:
        assert planner.post(PATH, json={"name": "x", "role": "planner"}).status_code == 403
        assert planner.get(PATH).status_code == 403


def test_a_key_manages_no_sign_ins(service, admin):
    key = make(admin, role="admin")["key"]
    for method, path in (
        ("GET", PATH),
        ("GET", "/api/v1/sessions"),
        ("DELETE", "/api/v1/sessions"),
    ):
        assert asked(service, key, path, method).status_code == 403
    assert admin.get(WHO).status_code == 200


def test_cookie_and_key_at_once_are_refused(service, admin):
    key = make(admin)["key"]
    cookie = f"pinward_session={admin.cookies['pinward_session']}"
    assert asked(service, key, Cookie=cookie).status_code == 422
    assert asked(service, "pw_" + "A" * 43).status_code == 401


def test_the_command_makes_lists_and_revokes(service, admin, pinward):
    owner = admin.get(WHO).json()["email"]
    words = ("keys", "add", "bảng tin", "--owner", owner, "--role", "planner")
    key = pinward(*words, url=service.url).stdout.strip()
    assert asked(service, key).status_code == 200
    listed = pinward("keys", "list", url=service.url)
    assert key not in listed.stdout + listed.stderr
    number = next(k["id"] for k in admin.get(PATH).json()["keys"] if key.startswith(k["prefix"]))
    assert pinward("keys", "revoke", str(number), url=service.url).returncode == 0
    assert asked(service, key).status_code == 401
    assert pinward("keys", "revoke", "999999", url=service.url).returncode == 1


def test_a_key_reads_contacts_and_erases_within_its_ward_alone(service, admin):
    key = make(admin, role="admin", ward_code="90001")["key"]
    for n, allowed in ((0, True), (1, False)):
        lon, lat = builders.middle(n)
        told = builders.a_report(lon=lon, lat=lat, reporter={"phone": "0912 345 678"})
        code = service.http.post("/api/v1/reports", json=told).json()["code"]
        path = f"/api/v1/reports/{code}"
        contact = asked(service, key, f"{path}/contact?why=callback")
        assert contact.status_code == (200 if allowed else 403), contact.text
        if allowed:
            assert contact.json()["contact"]["phone"] == "0912 345 678"
        erased = httpx.post(
            f"{service.base}{path}/erasure",
            json={"reason": "letter 3"},
            headers={"Authorization": f"Bearer {key}"},
            timeout=30,
        )
        assert erased.status_code == (200 if allowed else 403), erased.text
