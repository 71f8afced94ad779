"""Uploads that were begun are promised room on the disk: many of them cannot fill it together."""

import fcntl
import os
import secrets
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from conftest import serving
from hostile import drawn, written

from geo.errors import NotReady
from geo.photos.inbox import FIRST_BYTES, KEPT_FOR, ROOM_BYTES, Inbox

PHOTO = written(drawn(64, 48), "JPEG")
TUS = {"Tus-Resumable": "1.0.0"}


@pytest.fixture
def quiet_disk(tmp_path, monkeypatch):
    """Others use this disk, too: as free as it is now it stays."""
    space = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: space)


def _left(folder):
    """What may be promised now."""
    return shutil.disk_usage(folder).free - ROOM_BYTES


def _promise(inbox, length):
    ends = datetime.now(UTC) + timedelta(hours=24)
    return inbox.begin(secrets.token_bytes(32), length, ends)


def _age(part, minutes):
    then = (datetime.now(UTC) - timedelta(minutes=minutes)).timestamp()
    os.utime(part.path, (then, then))


def test_no_more_is_promised_than_there_is(tmp_path, quiet_disk):
    inbox = Inbox(tmp_path / "uploads")
    most = _left(tmp_path)
    with inbox.once(int(most * 0.6)):
        with pytest.raises(NotReady, match="no room for photos"):
            _promise(inbox, int(most * 0.6))
        with pytest.raises(NotReady), inbox.once(int(most * 0.6)):
            pass
    first = _promise(inbox, int(most * 0.6))
    # As much again as came; that is on the disk, or would be: it is a hole here.
    os.truncate(first.path, int(most * 0.3))
    with pytest.raises(NotReady):
        _promise(inbox, int(most * 0.8))
    # Of itself it takes nothing away.
    inbox.check_room(int(most * 0.8), first)
    _age(first, KEPT_FOR.seconds / 60 - 1)
    with pytest.raises(NotReady):
        _promise(inbox, int(most * 0.8))
    _age(first, KEPT_FOR.seconds / 60 + 1)
    _promise(inbox, int(most * 0.8))


def test_who_begins_many_and_sends_next_to_nothing_does_not_hold_the_disk(tmp_path, quiet_disk):
    inbox = Inbox(tmp_path / "uploads")
    most = _left(tmp_path)
    for _ in range(50):
        os.truncate(_promise(inbox, most // 10).path, 1)
    _promise(inbox, most - 60 * FIRST_BYTES - (64 << 20))


def test_one_into_which_nothing_came_ends_within_the_hour(tmp_path):
    inbox = Inbox(tmp_path / "uploads")
    now = datetime.now(UTC)
    ends = now + timedelta(hours=24)
    names = [secrets.token_bytes(32) for _ in range(3)]
    empty, begun, fresh = (inbox.begin(name, 100, ends) for name in names)
    os.truncate(begun.path, 1)
    for part in (empty, begun):
        _age(part, 61)
    assert [inbox.find(name, now) for name in names] == [None, begun, fresh]
    assert fresh.ends_at < now + timedelta(hours=1, minutes=1) < ends
    assert begun.ends_at > now + timedelta(hours=23)
    assert inbox.resumable(now) == set(names[1:])
    assert inbox.clear(now) == [empty.path]


def test_a_disk_that_fills_all_the_same_is_told_while_pieces_come(tmp_path, monkeypatch):
    inbox = Inbox(tmp_path / "uploads")
    inbox.check_free()
    full = shutil.disk_usage(tmp_path)._replace(free=ROOM_BYTES // 2 - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full)
    with pytest.raises(NotReady, match="no room for photos"):
        inbox.check_free()


def test_who_asks_for_room_waits_for_who_is_just_promised_some(tmp_path):
    inbox = Inbox(tmp_path / "uploads")
    handle = os.open(inbox.folder, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    with ThreadPoolExecutor(1) as beside:
        asked = beside.submit(_promise, inbox, 10)
        time.sleep(0.3)
        waited = not asked.done()
        os.close(handle)
        assert asked.result().length == 10
    assert waited


def test_the_service_says_when_to_come_again(clone, city_template, tmp_path):
    with serving(clone(city_template), tmp_path, 1, "--no-worker") as service:

        def begin():
            asked = {**TUS, "Upload-Length": str(len(PHOTO))}
            return service.http.post("/api/v1/uploads", headers=asked)

        def patch(where):
            asked = {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
            return service.http.patch(where, content=PHOTO, headers=asked)

        begun = begin()
        assert begun.status_code == 201
        inbox = Inbox(tmp_path / "state" / "uploads")
        # Far more than there is, so that it does not matter what others do with this disk.
        over = inbox.folder / f"{secrets.token_hex(16)}.{_left(tmp_path) * 2}.once"
        over.touch(0o600)
        whole = {"file": ("a.jpg", PHOTO)}
        for answer in (
            begin(),
            patch(begun.headers["location"]),
            service.http.post("/api/v1/uploads", files=whole),
        ):
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "300")
            assert "no room for photos" in answer.json()["detail"]
        over.unlink()
        assert patch(begun.headers["location"]).status_code == 200
        assert service.http.post("/api/v1/uploads", files=whole).status_code == 201
