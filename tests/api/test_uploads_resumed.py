"""Photos sent in pieces (tus 1.0) over real HTTP, broken off anywhere and resumed."""

import hashlib
import os
import signal
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import psycopg
import pytest
from conftest import serving
from hostile import assert_says_nothing, drawn, exif, written

import builders

PHOTO = written(drawn(640, 480), "JPEG", exif=exif())
TUS = {"Tus-Resumable": "1.0.0"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("resumed")


@pytest.fixture(scope="module")
def service(clone, city_template, folder):
    with serving(clone(city_template), folder, PINWARD_BODY_TIMEOUT_S="2") as made:
        yield made


def _begin(service, length=len(PHOTO), **headers):
    asked = {**TUS, "Upload-Length": str(length), **headers}
    return service.http.post("/api/v1/uploads", headers=asked)


def _location(service, length=len(PHOTO)):
    answer = _begin(service, length)
    assert answer.status_code == 201, answer.text
    return answer.headers["location"]


def _patch(service, where, offset, data, **headers):
    asked = {
        **TUS,
        "Upload-Offset": str(offset),
        "Content-Type": "application/offset+octet-stream",
        **headers,
    }
    return service.http.patch(where, content=data, headers=asked)


def _offset(service, where):
    answer = service.http.head(where, headers=TUS)
    assert answer.headers["cache-control"] == "no-store"
    return int(answer.headers["upload-offset"])


def _parts(folder):
    return list((folder / "state" / "uploads").iterdir())


def test_a_photo_comes_in_pieces_and_its_report_shows_it_clean(service, folder, tmp_path):
    begun = _begin(service, **{"Upload-Metadata": "filename aG9tZS5qcGc="})
    assert begun.status_code == 201

    def until(answer):
        return parsedate_to_datetime(answer.headers["upload-expires"]) - datetime.now(UTC)

    # Sooner, as long as nothing of it came.
    assert timedelta(minutes=55) < until(begun) <= timedelta(hours=1)
    where = begun.headers["location"]
    assert _offset(service, where) == 0
    third = len(PHOTO) // 3
    for at in (0, third):
        answer = _patch(service, where, at, PHOTO[at : at + third])
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["upload-offset"] == str(at + third)
        assert answer.headers["tus-resumable"] == "1.0.0"
        assert timedelta(hours=23) < until(answer) <= timedelta(hours=24)
        assert _offset(service, where) == at + third
    last = _patch(service, where, 2 * third, PHOTO[2 * third :])
    assert last.status_code == 200
    said = last.json()
    assert said["id"] == where.rsplit("/", 1)[1]
    assert (said["width"], said["height"]) == (640, 480)
    assert _offset(service, where) == len(PHOTO)
    assert _parts(folder) == []
    report = builders.a_report(photos=[said["id"]])
    code = service.http.post("/api/v1/reports", json=report).json()["code"]
    picture = service.http.get(f"/api/v1/reports/{code}/photos/1").content
    assert_says_nothing(picture, tmp_path)
    # Used, it is no upload any more.
    assert service.http.head(where, headers=TUS).status_code == 404


def test_whose_last_answer_was_lost_gets_it_again(service):
    where = _location(service)
    first = _patch(service, where, 0, PHOTO)
    again = _patch(service, where, len(PHOTO), b"")
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json() == service.http.get(where).json()


def test_a_piece_at_another_offset_is_refused_and_nothing_changes(service):
    where = _location(service)
    assert _patch(service, where, 0, PHOTO[:1000]).status_code == 204
    for offset in (0, 999, 1001):
        answer = _patch(service, where, offset, PHOTO[offset : offset + 500])
        assert answer.status_code == 409
        assert "1000" in answer.json()["detail"]
        assert answer.headers["tus-resumable"] == "1.0.0"
    assert _patch(service, where, 1000, PHOTO[1000:]).status_code == 200


def test_a_piece_past_the_end_is_refused_and_the_upload_goes_on(service):
    where = _location(service)
    assert _patch(service, where, 0, PHOTO + b"more").status_code == 413
    at = _offset(service, where)
    assert _patch(service, where, at, PHOTO[at:]).status_code == 200


def test_a_connection_that_breaks_off_keeps_what_came(service):
    where = _location(service)
    host, port = service.base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as wire:
        wire.sendall(
            f"PATCH {where} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
            f"Content-Type: application/offset+octet-stream\r\n"
            f"Content-Length: {len(PHOTO)}\r\n\r\n".encode()
            + PHOTO[:5000]
        )
        _until(lambda: _offset(service, where) == 5000)
        # While it is under way nobody else writes.
        held = _patch(service, where, 5000, PHOTO[5000:])
        assert held.status_code == 423
    answer = _until(lambda: (a := _patch(service, where, 5000, PHOTO[5000:])).is_success and a)
    assert answer.status_code == 200


def _until(holds, within_s=10.0):
    for _ in range(int(within_s / 0.1)):
        if found := holds():
            return found
        time.sleep(0.1)
    raise AssertionError("not within the time")


@pytest.mark.parametrize(
    ("length", "status"),
    [("50000001", 413), ("0", 422), ("-1", 422), ("x", 422), ("1" * 30, 422), ("٣", 422)],
)
def test_a_length_that_cannot_be_is_refused_at_the_beginning(service, folder, length, status):
    answer = service.http.post("/api/v1/uploads", headers={**TUS, "Upload-Length": length.encode()})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_photo_over_20_mb_ends_with_its_first_bytes(service, folder):
    where = _location(service, 20_000_001)
    assert _patch(service, where, 0, PHOTO[:1000]).status_code == 413
    assert service.http.head(where, headers=TUS).status_code == 404


def test_what_cannot_be_cleaned_is_refused_and_deleted_at_once(service, folder):
    before = len(_parts(folder))
    where = _location(service, 5000)
    answer = _patch(service, where, 0, PHOTO[:5000])
    assert answer.status_code == 422
    assert answer.json()["detail_vi"].startswith("Không đọc được trọn ảnh")
    assert len(_parts(folder)) == before
    assert service.http.head(where, headers=TUS).status_code == 404


def test_another_version_and_another_type_are_refused(service):
    answer = service.http.post("/api/v1/uploads", headers={"Upload-Length": "9"})
    assert (answer.status_code, answer.headers["tus-version"]) == (412, "1.0.0")
    where = _location(service)
    wrong = _patch(service, where, 0, PHOTO, **{"Tus-Resumable": "0.2.2"})
    assert wrong.status_code == 412
    wrong = _patch(service, where, 0, PHOTO, **{"Content-Type": "image/jpeg"})
    assert wrong.status_code == 415
    told = service.http.options("/api/v1/uploads").headers
    assert set(told["tus-extension"].split(",")) == {"creation", "termination", "expiration"}
    assert told["tus-max-size"] == "50000000"


def test_an_upload_taken_back_leaves_nothing(service, folder):
    where = _location(service)
    _patch(service, where, 0, PHOTO[:1000])
    assert service.http.delete(where, headers=TUS).status_code == 204
    assert service.http.delete(where, headers=TUS).status_code == 404
    whole = _location(service)
    data = written(drawn(123, 45), "JPEG", exif=exif())
    whole = _location(service, len(data))
    upload_id = _patch(service, whole, 0, data).json()["id"]
    with psycopg.connect(service.url) as db:
        [sha256] = db.execute("SELECT sha256 FROM uploads WHERE width = 123").fetchone()
    media = folder / "state" / "media"
    assert len(list(media.rglob(sha256))) == 1
    assert service.http.delete(whole, headers=TUS).status_code == 204
    assert list(media.rglob(sha256)) == []
    report = builders.a_report(photos=[upload_id])
    assert service.http.post("/api/v1/reports", json=report).status_code == 422


def test_an_upload_past_its_time_is_over(service, folder):
    where = _location(service)
    name = hashlib.sha256(where.rsplit("/", 1)[1].encode()).hexdigest()
    [part] = (folder / "state" / "uploads").glob(f"{name}.*")
    part.rename(part.with_name(f"{name}.{len(PHOTO)}.{int(time.time()) - 1}.part"))
    assert service.http.head(where, headers=TUS).status_code == 404
    assert _patch(service, where, 0, PHOTO).status_code == 404


def test_a_page_of_another_site_may_send_in_pieces(service):
    asked = {
        "Origin": "https://other.example",
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "tus-resumable, upload-offset, content-type",
    }
    answer = service.http.options("/api/v1/uploads/x", headers=asked)
    assert answer.status_code == 200
    assert "PATCH" in answer.headers["access-control-allow-methods"]
    answer = _begin(service, Origin="https://other.example")
    assert "Upload-Offset" in answer.headers["access-control-expose-headers"]


def test_a_killed_service_keeps_every_piece_it_acknowledged_and_shows_no_half(
    clone, city_template, tmp_path
):
    url = clone(city_template)
    wheres, acknowledged = [], {}
    with serving(url, tmp_path) as service:
        wheres = [_location(service) for _ in range(4)]
        step = 700

        def send(where):
            try:
                for at in range(0, len(PHOTO), step):
                    if _patch(service, where, at, PHOTO[at : at + step]).is_success:
                        acknowledged[where] = min(at + step, len(PHOTO))
            except Exception:
                return

        def send_whole():
            try:
                while True:
                    files = {"file": ("a.jpg", PHOTO)}
                    service.http.post("/api/v1/uploads", files=files)
            except Exception:
                return

        sending = [threading.Thread(target=send, args=(where,)) for where in wheres]
        sending += [threading.Thread(target=send_whole) for _ in range(3)]
        for thread in sending:
            thread.start()
        _until(lambda: len(acknowledged) == 4)
        os.killpg(service.pid, signal.SIGKILL)
        for thread in sending:
            thread.join()
    media = tmp_path / "state" / "media"
    for path in media.glob("[0-9a-f][0-9a-f]/*"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
    with serving(url, tmp_path) as service:
        for where in wheres:
            at = _offset(service, where)
            assert at >= min(acknowledged[where], len(PHOTO) - 1)
            done = _patch(service, where, at, PHOTO[at:])
            assert done.status_code == 200, done.text
            report = builders.a_report(photos=[done.json()["id"]])
            assert service.http.post("/api/v1/reports", json=report).status_code == 201


def test_a_photo_that_was_all_here_but_not_cleaned_is_cleaned_when_its_end_comes_again(
    service, folder
):
    where = _location(service)
    _patch(service, where, 0, PHOTO[:-1])
    name = hashlib.sha256(where.rsplit("/", 1)[1].encode()).hexdigest()
    [part] = (folder / "state" / "uploads").glob(f"{name}.*")
    # As a service leaves it that is killed while it cleans.
    part.write_bytes(PHOTO)
    assert _offset(service, where) == len(PHOTO) - 1
    assert _patch(service, where, len(PHOTO) - 1, PHOTO[-1:]).status_code == 200
