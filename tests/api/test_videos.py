"""Videos sent over real HTTP: cleaned in a line of their own, asked for again, shown in parts."""

import hashlib
import os
import socket
import threading
import time

import psycopg
import pytest
from conftest import serving
from hostile import assert_says_nothing, drawn, written
from hostile_video import assert_bare, filmed, said_by, talkative

import builders

TUS = {"Tus-Resumable": "1.0.0"}
# Some seconds of work.
SLOW = filmed(200, size=(640, 480))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("videos")


@pytest.fixture(scope="module")
def service(clone, city_template, folder):
    with serving(clone(city_template), folder) as made:
        yield made


@pytest.fixture(scope="module")
def shown(service):
    """A report's video as its JSON has it, and the answer to its upload."""
    answer = _upload(service, talkative("mov"))
    assert answer.status_code == 201, answer.text
    code = _report(service, answer.json()["id"])["code"]
    [video] = service.http.get(f"/api/v1/reports/{code}").json()["properties"]["photos"]
    return video, answer.json()


def _upload(service, data, name="VID_0001.MOV"):
    return service.http.post("/api/v1/uploads", files={"file": (name, data)}, timeout=120)


def _report(service, *ids):
    answer = service.http.post("/api/v1/reports", json=builders.a_report(photos=list(ids)))
    assert answer.status_code == 201, answer.text
    return answer.json()


def _begun(service, data):
    asked = {**TUS, "Upload-Length": str(len(data))}
    answer = service.http.post("/api/v1/uploads", headers=asked)
    assert answer.status_code == 201, answer.text
    return answer.headers["location"]


def _patch(service, where, offset, data):
    asked = {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
    return service.http.patch(where, content=data, headers={**TUS, **asked}, timeout=120)


def _objects(folder):
    return {path.name for path in (folder / "state" / "media").glob("??/*")}


def test_a_talkative_video_comes_out_of_a_report_bare_with_its_still(service, shown, tmp_path):
    video, upload = shown
    assert upload["media_type"] == "video/mp4"
    assert video["media_type"] == "video/mp4"
    assert video["still"] == f"{video['url']}/still"
    film = service.http.get(video["url"])
    assert film.headers["content-type"] == "video/mp4"
    assert film.headers["accept-ranges"] == "bytes"
    assert film.headers["x-content-type-options"] == "nosniff"
    assert film.headers["etag"] == f'"{hashlib.sha256(film.content).hexdigest()}"'
    assert_bare(film.content)
    assert "GPS" not in str(said_by(film.content, tmp_path))
    still = service.http.get(video["still"])
    assert still.headers["content-type"] == "image/jpeg"
    assert still.headers["etag"] != film.headers["etag"]
    assert_says_nothing(still.content, tmp_path)


def test_a_photo_is_its_own_still_and_says_no_type(service):
    photo = written(drawn(90, 60), "JPEG")
    code = _report(service, _upload(service, photo).json()["id"])["code"]
    [told] = service.http.get(f"/api/v1/reports/{code}").json()["properties"]["photos"]
    assert set(told) == {"n", "width", "height", "url"}
    still = service.http.get(f"{told['url']}/still")
    assert still.content == service.http.get(told["url"]).content


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [
        ("bytes=0-99", 0, 100),
        ("bytes=100-", 100, None),
        ("bytes=-100", -100, None),
        ("bytes=0-99999999", 0, None),
        ("bytes=-99999999", 0, None),
    ],
)
def test_a_part_is_answered_as_players_ask_for_it(service, shown, asked, first, end):
    whole = service.http.get(shown[0]["url"]).content
    part = service.http.get(shown[0]["url"], headers={"Range": asked})
    assert part.status_code == 206
    assert part.content == whole[first:end]
    begins = first % len(whole)
    said = f"bytes {begins}-{begins + len(part.content) - 1}/{len(whole)}"
    assert part.headers["content-range"] == said
    assert part.headers["content-length"] == str(len(part.content))


def test_what_no_range_is_gets_all_and_an_empty_one_is_refused(service, shown):
    url = shown[0]["url"]
    whole = service.http.get(url)
    size, etag = len(whole.content), whole.headers["etag"]
    for asked in ("bytes=0-1,5-6", "bytes=9-2", "lines=1-2", "bytes=", "bytes=-", "bytes=٣-"):
        answer = service.http.get(url, headers={"Range": asked.encode()})
        assert (answer.status_code, len(answer.content)) == (200, size), asked
    for asked in (f"bytes={size}-", "bytes=-0"):
        answer = service.http.get(url, headers={"Range": asked})
        assert answer.status_code == 416
        assert answer.headers["content-range"] == f"bytes */{size}"
        assert answer.headers["content-type"] == "application/problem+json"
    for known, status in ((etag, 206), ('"other"', 200)):
        answer = service.http.get(url, headers={"Range": "bytes=0-9", "If-Range": known})
        assert answer.status_code == status
    known = service.http.get(url, headers={"Range": "bytes=0-9", "If-None-Match": etag})
    assert known.status_code == 304


def test_a_photo_does_not_wait_for_a_video(service):
    done = {}

    def film():
        done["video"] = (_upload(service, SLOW).status_code, time.monotonic())

    threads = [threading.Thread(target=film) for _ in range(2)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    for _ in range(3):
        assert _upload(service, written(drawn(90, 60), "PNG")).status_code == 201
    photos_at = time.monotonic()
    assert "video" not in done
    for thread in threads:
        thread.join()
    status, at = done["video"]
    assert status == 201
    assert at > photos_at


def test_when_too_many_videos_wait_the_next_is_told_to_come_later_but_no_photo(service):
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(_upload(service, SLOW))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    while not answers:
        time.sleep(0.05)
    assert answers[0].status_code == 503
    assert "video" in answers[0].json()["detail"]
    assert int(answers[0].headers["retry-after"]) >= 30
    assert _upload(service, written(drawn(90, 60), "PNG")).status_code == 201
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [201] * 4 + [503] * 2


def test_whose_connection_breaks_while_it_is_cleaned_asks_again_and_finds_it_done(service, folder):
    where = _begun(service, SLOW)
    last = len(SLOW) - 1
    assert _patch(service, where, 0, SLOW[:last]).status_code == 204
    host, port = service.base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as wire:
        wire.sendall(
            f"PATCH {where} HTTP/1.1\r\nHost: x\r\nUpload-Offset: {last}\r\n"
            "Tus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\n"
            "Content-Length: 1\r\n\r\n".encode()
            + SLOW[last:]
        )
        time.sleep(0.5)
    # The connection is gone.
    answers = [_patch(service, where, last, SLOW[last:])]
    assert answers[0].status_code == 423
    # Nobody cleans it anew: it is found done by asking alone.
    while (told := service.http.get(where, headers=TUS)).status_code == 204:
        time.sleep(0.1)
    again = _patch(service, where, len(SLOW), b"")
    assert (told.status_code, again.status_code) == (200, 200)
    assert told.json() == again.json()
    assert told.json()["media_type"] == "video/mp4"
    assert _report(service, told.json()["id"])["code"]
    assert list((folder / "state" / "uploads").iterdir()) == []


def test_a_video_may_have_50_mb_and_a_photo_in_its_clothes_20(service):
    film = filmed(3)
    where = _begun(service, b"\0" * 20_000_001)
    assert _patch(service, where, 0, film).status_code == 204
    asked = {**TUS, "Upload-Length": "50000001"}
    assert service.http.post("/api/v1/uploads", headers=asked).status_code == 413
    broken = _upload(service, film[: len(film) // 2])
    assert broken.status_code == 422
    assert broken.json()["type"].endswith("/refused-video")
    assert broken.json()["detail_vi"].startswith("Không đọc được trọn video")


def test_still_and_video_go_together_when_taken_back_and_when_erased(service, folder):
    before = _objects(folder)
    where = _begun(service, film := filmed(7))
    assert _patch(service, where, 0, film).status_code == 200
    assert len(_objects(folder) - before) == 2
    assert service.http.delete(where, headers=TUS).status_code == 204
    assert _objects(folder) == before
    said = _report(service, _upload(service, filmed(8)).json()["id"])
    assert len(_objects(folder) - before) == 2
    own = {"Authorization": f"Report {said['secret']}"}
    url = f"/api/v1/reports/{said['code']}/erasure"
    assert service.http.post(url, headers=own, json={}).status_code == 200
    for _ in range(50):
        if _objects(folder) == before:
            break
        time.sleep(0.1)
    assert _objects(folder) == before


def test_a_still_is_nobodys_waste_and_is_in_the_backup(
    service, shown, folder, pinward, clone, empty_template, tmp_path
):
    media = folder / "state" / "media"
    waits = _upload(service, filmed(9)).json()
    before = _objects(folder)
    for path in media.glob("??/*"):
        then = time.time() - 3 * 86400

        os.utime(path, (then, then))
    state = {"PINWARD_STATE": str(folder / "state"), "PINWARD_MEDIA": str(media)}
    swept = pinward("photos", "sweep", url=service.url, **state)
    assert swept.returncode == 0, swept.stderr
    with psycopg.connect(service.url) as db:
        named = db.execute(
            "SELECT sha256 FROM uploads UNION SELECT still_sha256 FROM uploads"
            " UNION SELECT sha256 FROM photos UNION SELECT still_sha256 FROM photos"
        ).fetchall()
    needed = {sha256 for (sha256,) in named if sha256}
    assert needed <= _objects(folder) <= before
    made = pinward("db", "backup", "city.tar", url=service.url, **state)
    assert made.returncode == 0, made.stderr
    other = tmp_path / "other"
    done = pinward("db", "restore", "city.tar", url=clone(empty_template), PINWARD_MEDIA=str(other))
    assert done.returncode == 0, done.stderr
    assert {path.name for path in other.glob("??/*")} == needed
    assert _report(service, waits["id"])["code"]
