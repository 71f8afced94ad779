"""What the staff do with photos: look at them in their scope, box out, hide; and who may not."""

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from conftest import serving
from hostile import drawn, written
from hostile_video import filmed
from PIL import Image
from staffed import signed_in

import builders
from geo.store.locks import Lock

PHOTO = written(drawn(320, 240), "JPEG")
HALF = {"left": 0, "top": 0, "right": 0.5, "bottom": 0.5}
BODY = {"boxes": [HALF], "reason": "khuôn mặt người qua đường"}
HIDE = {"reason": "ảnh không liên quan"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("staff")


@pytest.fixture(scope="module")
def service(clone, city_template, folder):
    # Two processes: what one keeps in memory the other would go on showing.
    with serving(clone(city_template), folder, 2) as made:
        yield made


def _upload(service, data):
    answer = service.http.post("/api/v1/uploads", files={"file": ("a", data)}, timeout=120)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def _sent(service, *photos, **changes):
    body = builders.a_report(photos=[_upload(service, each) for each in photos], **changes)
    answer = service.http.post("/api/v1/reports", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def _coloured(colour, size=(320, 240)):
    return written(Image.new("RGB", size, colour), "JPEG")


def _url(report, n=1):
    return f"/api/v1/reports/{report['code']}/photos/{n}"


def _moderated(report, what):
    return f"/api/v1/moderation/reports/{report['code']}/photos/1/{what}"


def _holds(folder, data):
    """Whether any file below `folder` holds these bytes."""
    return any(
        data in path.read_bytes() for path in (folder / "state").rglob("*") if path.is_file()
    )


def _said(url, code):
    with psycopg.connect(url) as db:
        lines = db.execute(
            "SELECT actor, action, reason FROM audit_log WHERE subject = %s ORDER BY n", (code,)
        ).fetchall()
        kinds = db.execute(
            "SELECT e.kind FROM report_events AS e JOIN reports AS r ON r.id = report_id"
            " WHERE code = %s AND e.kind LIKE 'photo%%' ORDER BY e.id",
            (code,),
        ).fetchall()
    return lines, [kind for (kind,) in kinds]


def test_photos_of_a_hidden_report_are_seen_by_those_who_answer_for_it(service):
    said = _sent(service, PHOTO, category="order.drugs")
    own, other = builders.CODES[0], builders.CODES[1]
    for path in (_url(said), f"{_url(said)}/still"):
        assert service.http.get(path).status_code == 404
    for role, ward, status in (
        ("planner", None, 403),
        ("ward_officer", other, 403),
        ("crew", other, 403),
        ("crew", own, 200),
        ("ward_officer", own, 200),
        ("hotline_agent", None, 200),
        ("admin", None, 200),
    ):
        with signed_in(service, role, ward=ward, name=f"{role}-{ward}-{said['code']}") as staff:
            for path in (_url(said), f"{_url(said)}/still"):
                answer = staff.get(path)
                assert answer.status_code == status, (role, ward, answer.text)
                assert (answer.headers["content-type"] == "image/jpeg") is (status == 200)
                assert answer.headers["cache-control"] == "no-store"
            assert staff.get(_url(said, 2)).status_code == (404 if status == 200 else 403)


def test_one_whose_sign_in_ran_out_still_sees_what_is_public(service):
    said, hidden = _sent(service, PHOTO), _sent(service, PHOTO, category="order.drugs")
    stale = {"Cookie": "pinward_session=" + "x" * 43}
    assert service.http.get(_url(said), headers=stale).status_code == 200
    assert service.http.get(_url(hidden), headers=stale).status_code == 401


def test_a_boxed_photo_takes_the_place_of_the_old_one_everywhere(service, folder):
    said = _sent(service, written(drawn(322, 242), "JPEG"))
    before = [service.http.get(_url(said)) for _ in range(4)]
    old, etag = before[0].content, before[0].headers["etag"]
    assert _holds(folder, old)
    with signed_in(service, "ward_officer", ward=builders.CODES[0]) as officer:
        answer = officer.post(f"{_url(said)}/boxes", json=BODY)
        assert answer.status_code == 200, answer.text
        assert answer.json() == {
            **{"n": 1, "width": 322, "height": 242, "url": _url(said)},
            **{"hidden": False, "note": None},
        } | {name: None for name in ("media_type", "still") if name in answer.json()}
        email = officer.get("/api/v1/session").json()["email"]
    # Whoever has the old one is not told that it is still right, whichever process is asked.
    for headers in ({"If-None-Match": etag}, {"Range": "bytes=0-9", "If-Range": etag}, {}) * 3:
        now = service.http.get(_url(said), headers=headers)
        assert now.status_code == 200
        assert now.headers["etag"] != etag
        assert now.content != old
        assert now.headers["cache-control"] == "no-cache"
    own = {"Authorization": f"Report {said['secret']}"}
    assert service.http.get(_url(said), headers=own).content == now.content
    with psycopg.connect(service.url) as db:
        row = db.execute(
            "SELECT sha256 FROM photos JOIN reports ON id = report_id WHERE code = %s",
            (said["code"],),
        ).fetchone()
    assert row == (hashlib.sha256(now.content).hexdigest(),)
    assert not _holds(folder, old)
    assert not list((folder / "state").rglob(etag.strip('"')))
    lines, kinds = _said(service.url, said["code"])
    assert lines == [(email, "photo.box", BODY["reason"])]
    assert kinds == ["photo_boxed"]


def test_nobody_is_told_that_the_old_photo_is_gone_where_it_is_not(service, folder):
    said = _sent(service, written(drawn(324, 244), "JPEG"))
    old = service.http.get(_url(said))
    number = int(old.headers["etag"][1:9], 16) - (1 << 31)
    waiting = (
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
        " AND NOT granted AND classid = %s"
    )
    with (
        signed_in(service, "ward_officer", ward=builders.CODES[0], name="unlucky") as officer,
        psycopg.connect(service.url, autocommit=True) as db,
        ThreadPoolExecutor(1) as beside,
    ):
        db.execute("SELECT pg_advisory_lock(%s, %s)", (int(Lock.PHOTO), number))
        answer = beside.submit(officer.post, f"{_url(said)}/boxes", json=BODY)
        # Its way to the old object ends here.
        for _ in range(300):
            if db.execute(waiting, (int(Lock.PHOTO),)).fetchall() or answer.done():
                break
            time.sleep(0.1)
        # Covered it is, and a 503 would have programs cover it once more.
        assert answer.result().status_code == 200, answer.result().text
        note = answer.result().json()["note"]
        assert "is covered" in note["en"]
        assert "could not be deleted" in note["en"]
        assert "chưa xóa được" in note["vi"]
    assert _holds(folder, old.content)
    now = service.http.get(_url(said))
    assert now.content != old.content
    assert _said(service.url, said["code"])[1] == ["photo_boxed"]


def test_what_was_boxed_is_grey_and_the_rest_is_as_it_was(service, tmp_path):
    said = _sent(service, _coloured((200, 30, 30)))
    with signed_in(service, "admin") as admin:
        assert admin.post(f"{_url(said)}/boxes", json=BODY).status_code == 200
    path = tmp_path / "now.jpg"
    path.write_bytes(service.http.get(_url(said)).content)
    with Image.open(path) as picture:
        covered, open_ = picture.getpixel((40, 40)), picture.getpixel((300, 200))
    assert max(abs(a - 128) for a in covered) < 8
    assert open_[0] > 150 > 100 > open_[1]


def test_a_picture_that_another_report_shows_stays_for_that_one(service, folder):
    shared = _coloured((10, 20, 200))
    one, other = _sent(service, shared), _sent(service, shared)
    old = service.http.get(_url(other)).content
    with signed_in(service, "admin", name="shared") as admin:
        assert admin.post(f"{_url(one)}/boxes", json=BODY).status_code == 200
        assert service.http.get(_url(other)).content == old
        assert admin.post(f"{_url(other)}/boxes", json=BODY).status_code == 200
    assert not _holds(folder, old)


def test_a_hidden_photo_is_for_its_reporter_and_those_who_hid_it(service):
    said = _sent(service, PHOTO, _coloured((1, 99, 9)))
    etag = service.http.get(_url(said)).headers["etag"]
    with (
        signed_in(service, "hotline_agent", name="hides") as agent,
        signed_in(service, "crew", ward=builders.CODES[0], name="crew-hides") as crew,
    ):
        email = agent.get("/api/v1/session").json()["email"]
        assert agent.post(_moderated(said, "hide"), json=HIDE).status_code == 200
        for headers in ({}, {"If-None-Match": etag}) * 2:
            assert service.http.get(_url(said), headers=headers).status_code == 404
            assert service.http.get(f"{_url(said)}/still", headers=headers).status_code == 404
        shown = service.http.get(f"/api/v1/reports/{said['code']}").json()["properties"]["photos"]
        assert [photo["n"] for photo in shown] == [2]
        assert agent.get(_url(said)).status_code == 200
        assert crew.get(_url(said)).status_code == 404
        own = {"Authorization": f"Report {said['secret']}"}
        assert service.http.get(_url(said), headers=own).status_code == 200
        listed = agent.get(f"/api/v1/reports/{said['code']}/photos").json()["photos"]
        assert [(photo["n"], photo["hidden"]) for photo in listed] == [(1, True), (2, False)]
        assert agent.post(f"{_url(said)}/boxes", json=BODY).status_code == 200
        # Boxed, it is as hidden as before.
        assert service.http.get(_url(said)).status_code == 404
        # Again: nothing happens, so nothing is written down.
        assert agent.post(_moderated(said, "hide"), json=HIDE).status_code == 409
        assert agent.post(_moderated(said, "show"), json=HIDE).status_code == 200
        assert service.http.get(_url(said)).status_code == 200
    lines, kinds = _said(service.url, said["code"])
    assert kinds == ["photo_hidden", "photo_boxed", "photo_shown"]
    assert [line[1] for line in lines] == [
        *("report.photo.hide", "photo.box", "report.photo.show"),
    ]
    assert {line[0] for line in lines} == {email}


def test_only_those_who_answer_for_it_may_box_a_photo(service):
    said, body = _sent(service, PHOTO), BODY
    path = f"{_url(said)}/boxes"
    old = service.http.get(_url(said)).content
    assert service.http.post(path, json=body).status_code == 401
    own = {"Authorization": f"Report {said['secret']}"}
    assert service.http.post(path, json=body, headers=own).status_code == 401
    other = builders.CODES[1]
    for role, ward in (
        ("planner", None),
        ("crew", builders.CODES[0]),
        ("ward_officer", other),
        ("hotline_agent", other),
    ):
        name = f"{role}-{said['code']}"
        with signed_in(service, role, ward=ward, name=name) as staff:
            assert staff.post(path, json=body).status_code == 403, role
            listed = staff.get(f"/api/v1/reports/{said['code']}/photos")
            assert listed.status_code == 403
    assert service.http.get(_url(said)).content == old
    assert _said(service.url, said["code"]) == ([], [])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**BODY, "boxes": []}, "boxes"),
        ({**BODY, "boxes": [HALF] * 51}, "boxes"),
        ({**BODY, "boxes": [HALF, {**HALF, "right": 0}]}, "boxes.1"),
        ({**BODY, "boxes": [{**HALF, "left": -0.1}]}, "boxes.0"),
        ({"boxes": [HALF]}, "reason"),
        ({**BODY, "reason": "ab"}, "reason"),
    ],
)
def test_what_is_no_box_and_has_no_reason_changes_nothing(service, body, field):
    said = _sent(service, PHOTO)
    with signed_in(service, "admin", name=f"wrong-{said['code']}") as admin:
        answer = admin.post(f"{_url(said)}/boxes", json=body)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == field
        missing = admin.post(f"{_url(said, 2)}/boxes", json=BODY)
        assert missing.status_code == 404
    assert _said(service.url, said["code"]) == ([], [])


def test_a_video_is_hidden_but_not_boxed(service):
    said = _sent(service, filmed(5))
    with signed_in(service, "admin", name="video") as admin:
        answer = admin.post(f"{_url(said)}/boxes", json=BODY)
        assert answer.status_code == 409
        assert "hide it" in answer.json()["detail"]
        assert admin.post(_moderated(said, "hide"), json=HIDE).status_code == 200
    for path in (_url(said), f"{_url(said)}/still"):
        assert service.http.get(path).status_code == 404
