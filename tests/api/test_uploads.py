"""Photos sent over real HTTP: cleaned, kept, used in a report once, shown to whom it may be."""

import hashlib
import socket
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from conftest import serving
from hostile import FORMATS, assert_says_nothing, drawn, exif, said_by, written

import builders

GPS = written(drawn(320, 240), "JPEG", exif=exif())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture(scope="module")
def service(clone, city_template, folder):
    with serving(clone(city_template), folder) as made:
        yield made


def _upload(service, data=GPS, name="IMG_0001.JPG"):
    files = {"file": (name, data, "image/jpeg")}
    return service.http.post("/api/v1/uploads", files=files, timeout=120)


def _send(service, ids, headers=None, **changes):
    body = builders.a_report(photos=ids, **changes)
    return service.http.post("/api/v1/reports", json=body, headers=headers)


def _an_id(service, data=GPS):
    answer = _upload(service, data)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def _left(folder):
    return [path for path in (folder / "state" / "uploads").rglob("*") if path.is_file()]


@pytest.mark.parametrize("form", FORMATS)
def test_a_photo_that_tells_its_place_comes_out_of_a_report_saying_nothing(service, form, tmp_path):
    photo = written(drawn(320, 240), form, exif=exif())
    assert "GPS" in str(said_by(photo, tmp_path))
    answer = _upload(service, photo)
    assert answer.status_code == 201, answer.text
    said = answer.json()
    assert (said["width"], said["height"], said["media_type"]) == (320, 240, "image/jpeg")
    code = _send(service, [said["id"]]).json()["code"]
    [shown] = service.http.get(f"/api/v1/reports/{code}").json()["properties"]["photos"]
    assert shown == {
        "n": 1,
        "width": 320,
        "height": 240,
        "url": f"/api/v1/reports/{code}/photos/1",
    }
    picture = service.http.get(shown["url"])
    assert picture.headers["content-type"] == "image/jpeg"
    assert picture.headers["x-content-type-options"] == "nosniff"
    assert picture.headers["cache-control"] == "no-cache"
    assert picture.headers["etag"] == f'"{hashlib.sha256(picture.content).hexdigest()}"'
    assert_says_nothing(picture.content, tmp_path)


def test_a_client_that_has_the_picture_is_told_so(service):
    code = _send(service, [_an_id(service)]).json()["code"]
    url = f"/api/v1/reports/{code}/photos/1"
    etag = service.http.get(url).headers["etag"]
    again = service.http.get(url, headers={"If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)


def test_a_hidden_or_replaced_photo_is_gone_at_the_next_asking(service):
    said = _send(service, [_an_id(service), _an_id(service)]).json()
    url = f"/api/v1/reports/{said['code']}/photos/1"
    etag = service.http.get(url).headers["etag"]
    with psycopg.connect(service.url) as db:
        db.execute(
            "UPDATE photos SET hidden = true WHERE n = 1 AND report_id ="
            " (SELECT id FROM reports WHERE code = %s)",
            (said["code"],),
        )
    assert service.http.get(url, headers={"If-None-Match": etag}).status_code == 404
    shown = service.http.get(f"/api/v1/reports/{said['code']}").json()["properties"]["photos"]
    assert [photo["n"] for photo in shown] == [2]
    own = {"Authorization": f"Report {said['secret']}"}
    assert service.http.get(url, headers=own).status_code == 200


def test_photos_of_a_hidden_report_are_for_its_secret_alone(service):
    said = _send(service, [_an_id(service)], category="order.drugs").json()
    url = f"/api/v1/reports/{said['code']}/photos/1"
    assert service.http.get(url).status_code == 404
    wrong = {"Authorization": "Report wrong"}
    assert service.http.get(url, headers=wrong).status_code == 404
    own = service.http.get(url, headers={"Authorization": f"Report {said['secret']}"})
    assert (own.status_code, own.headers["cache-control"]) == (200, "no-store")
    assert "Authorization" in own.headers["vary"]


def test_a_number_that_is_no_photo_of_the_report_is_404(service):
    code = _send(service, [_an_id(service)]).json()["code"]
    assert service.http.get(f"/api/v1/reports/{code}/photos/2").status_code == 404
    assert service.http.get(f"/api/v1/reports/{code}/photos/0").status_code == 422


def test_a_report_without_photos_has_an_empty_list_and_lists_carry_photos(service):
    bare = _send(service, []).json()["code"]
    two = _send(service, [_an_id(service), _an_id(service)]).json()["code"]
    listed = service.http.get("/api/v1/reports").json()["features"]
    found = {feature["id"]: feature["properties"]["photos"] for feature in listed}
    assert found[bare] == []
    assert [photo["n"] for photo in found[two]] == [1, 2]


@pytest.mark.parametrize("bad", ["used", "expired", "unknown", "twice"])
def test_an_id_that_cannot_be_used_is_named_and_nothing_is_kept(service, bad):
    good, wrong = _an_id(service), _an_id(service)
    if bad == "used":
        assert _send(service, [wrong]).status_code == 201
    elif bad == "expired":
        with psycopg.connect(service.url) as db:
            db.execute(
                "UPDATE uploads SET expires_at = now() - interval '1 second' WHERE id_hash = %s",
                (hashlib.sha256(wrong.encode()).digest(),),
            )
    elif bad == "unknown":
        wrong = "A" * 32
    else:
        wrong = good
    key = builders.a_key()
    answer = _send(service, [good, wrong], key)
    assert answer.status_code == 422
    assert [item["field"] for item in answer.json()["errors"]] == ["photos.1"]
    # Neither the good one nor the key was used up.
    assert _send(service, [good], key).status_code == 201


def test_of_two_reports_that_name_one_photo_at_once_one_gets_it(service):
    wanted = _an_id(service)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: _send(service, [wanted]), range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 422, 422, 422]


def test_a_replay_with_photos_gets_the_first_answer(service):
    key, ids = builders.a_key(), [_an_id(service)]
    first, again = _send(service, ids, key), _send(service, ids, key)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = _send(service, [], key)
    assert other.json()["type"].endswith("idempotency-key-reused")


def test_more_than_six_photos_are_refused_by_name(service):
    answer = _send(service, ["A" * 32] * 7)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "photos"


def test_what_cannot_be_cleaned_is_refused_with_its_sentence_and_deleted(service, folder):
    for data in (GPS[: len(GPS) // 2], b"<svg/>", b"\0\0\0\x18ftypmp42" + bytes(100), b""):
        answer = _upload(service, data)
        assert answer.status_code == 422
        said = answer.json()
        kind = "video" if b"ftyp" in data else "photo"
        assert said["type"].endswith(f"/refused-{kind}")
        assert min(len(said["detail"]), len(said["detail_vi"])) > 20
    assert _left(folder) == []


def test_a_photo_over_20_mb_is_refused_before_it_is_all_sent(service, folder):
    sent = 0

    def pieces():
        nonlocal sent
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + GPS
        for _ in range(480):
            sent += 100_000
            yield bytes(100_000)

    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = service.http.post("/api/v1/uploads", content=pieces(), headers=kind)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert "20 MB" in answer.json()["detail"]
    assert sent < 40_000_000
    assert _left(folder) == []


def test_a_length_said_over_the_limit_is_refused_at_once(service):
    host, port = service.base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as wire:
        wire.sendall(
            b"POST /api/v1/uploads HTTP/1.1\r\nHost: x\r\nContent-Length: 60000000\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\n\r\n--b"
        )
        assert wire.recv(4096).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("image/jpeg", GPS, 415),
        ("multipart/form-data", b"", 422),
        ("multipart/form-data; boundary=b", b"--b--\r\n", 422),
        ("multipart/form-data; boundary=b", b"nothing of the kind", 422),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="other"\r\n\r\nx\r\n--b--\r\n',
            422,
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nbroken off',
            422,
        ),
    ],
)
def test_a_body_without_one_whole_file_is_refused(service, folder, kind, body, status):
    answer = service.http.post("/api/v1/uploads", content=body, headers={"Content-Type": kind})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert _left(folder) == []


def test_what_was_sent_and_what_is_kept_is_for_the_owner_alone(service, folder):
    _an_id(service)
    for name in ("uploads", "media"):
        assert stat.S_IMODE((folder / "state" / name).stat().st_mode) == 0o700


def test_equal_photos_are_one_object_and_two_uploads(service, folder):
    data = written(drawn(111, 77), "PNG")
    assert _an_id(service, data) != _an_id(service, data)
    with psycopg.connect(service.url) as db:
        rows = db.execute("SELECT sha256 FROM uploads WHERE width = 111").fetchall()
    assert len(rows) == 2
    assert len(set(rows)) == 1
    assert len(list(Path(folder / "state" / "media").rglob(rows[0][0]))) == 1


def test_when_too_many_wait_the_next_is_told_to_come_later(service):
    slow = written(drawn(3000, 3000), "PNG")
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda _: _upload(service, slow), range(24)))
    found = {answer.status_code for answer in answers}
    assert found == {201, 503}, found
    refused = next(answer for answer in answers if answer.status_code == 503)
    assert int(refused.headers["retry-after"]) > 0
    assert _upload(service).status_code == 201


def test_an_erased_report_takes_its_photos_along_but_not_those_of_others(service, folder):
    alone, shared = written(drawn(131, 50), "PNG"), written(drawn(132, 50), "PNG")
    erased = _send(service, [_an_id(service, alone), _an_id(service, shared)]).json()
    other = _send(service, [_an_id(service, shared)]).json()
    media = folder / "state" / "media"
    kept = len(list(media.glob("??/*")))
    own = {"Authorization": f"Report {erased['secret']}"}
    answer = service.http.post(f"/api/v1/reports/{erased['code']}/erasure", headers=own, json={})
    assert answer.status_code == 200, answer.text
    for _ in range(50):
        if len(list(media.glob("??/*"))) == kept - 1:
            break
        time.sleep(0.1)
    assert len(list(media.glob("??/*"))) == kept - 1
    url = "/api/v1/reports/{}/photos/1"
    assert service.http.get(url.format(erased["code"])).status_code == 404
    assert service.http.get(url.format(erased["code"]), headers=own).status_code == 404
    assert service.http.get(url.format(other["code"])).status_code == 200
