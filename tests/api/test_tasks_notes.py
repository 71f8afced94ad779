"""Notes of desk and field, and the photos that come with them."""

from uuid import uuid4

import psycopg
import pytest
from hostile import drawn, written
from own import Sent
from staffed import signed_in
from working import At

import builders

ACTIONS = "/api/v1/tasks/actions"


@pytest.fixture(scope="module")
def crew(service):
    with signed_in(service, "crew", ward=builders.CODES[0], name="notes-crew") as client:
        yield client


def upload(service, width):
    files = {"file": ("a", written(drawn(width, 30), "JPEG"))}
    return service.http.post("/api/v1/uploads", files=files, timeout=120).json()["id"]


def widths(told):
    return [photo["width"] for photo in told["photos"]]


def test_photos_of_a_note_are_the_report_s_and_its_words_the_staff_s(service, crew):
    sent = Sent(service, photos=[upload(service, 41)])
    at = At(crew, sent.code)
    before, etag = at.seen, sent.public.headers["etag"]
    new = [upload(service, 42), upload(service, 43)]
    told = at.does("notes", inner="Nắp cống vỡ", photos=new)
    assert widths(told) == [41, 42, 43]
    assert told["events"][-1]["data"]["photos"] == [2, 3]
    assert at.lines()[-1] == ("note", "Nắp cống vỡ", False)
    changed = {"version", "events", "photos"}
    assert {each: before[each] for each in before if before[each] != told[each]}.keys() == changed
    shown = sent.public
    assert widths(shown.json()["properties"]) == [41, 42, 43]
    assert shown.headers["etag"] != etag
    assert "Nắp cống" not in str(sent.history(mine=True))
    # Used up: neither in a second note nor elsewhere.
    again = at.ask("notes", inner="Nữa", photos=new[:1])
    assert (again.status_code, again.json()["errors"][0]["field"]) == (422, "photos.0")


def test_photos_need_no_words_and_a_note_needs_one_of_both(service, crew):
    at = At(crew, Sent(service).code)
    assert at.ask("notes").status_code == 422
    at.does("notes", photos=[upload(service, 44)])
    assert at.lines()[-1] == ("note", "Photos were added.", False)
    assert at.ask("notes", photos=["x"] * 7).status_code == 422


def test_what_was_erased_gets_no_new_photos(service, crew):
    """No rule of how long things are kept would come to them any more."""
    sent = Sent(service)
    at = At(crew, sent.code)
    with psycopg.connect(service.url) as db:
        db.execute("UPDATE reports SET content_gone_at = now() WHERE code = %s", (sent.code,))
    answer = at.ask("notes", inner="Sau này", photos=[upload(service, 45)])
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "photos")
    assert at.seen["photos"] == []
    at.does("notes", inner="Sau này")
    # Nor by its end, also where its category wants to see that.
    with psycopg.connect(service.url) as db:
        wants = "UPDATE categories SET photo_wanted = %s WHERE code = 'drainage.flooding'"
        db.execute(wants, (True,))
        db.commit()
        try:
            at.does("take")
            at.does("start")
            assert at.seen["photo_wanted"] is False
            end = {"text": "Đã xong."}
            assert at.ask("resolve", **end, photos=[upload(service, 46)]).status_code == 422
            at.does("resolve", **end)
        finally:
            db.execute(wants, (False,))
    assert at.seen["photos"] == []


def test_a_note_s_photos_of_without_a_signal_are_added_once(service, crew):
    code = Sent(service).code
    action = {"id": str(uuid4()), "code": code, "move": "note", "inner": ""}
    action["photos"] = [upload(service, 46)]
    for told in ("done", "again"):
        results = crew.post(ACTIONS, json={"actions": [action]}).json()["results"]
        assert [each["status"] for each in results] == [told]
    assert widths(At(crew, code).seen) == [46]
