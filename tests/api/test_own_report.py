"""What the reporter does with the secret: correcting, withdrawing, leaving a contact."""

from datetime import datetime, timedelta

import psycopg
import pytest
from listening import Listening
from own import LIST, Sent

import builders

CONTACT = {"name": "Trần Thị Sau", "phone": "0987 654 321"}
CHANGES = [
    ("PATCH", "", {"text": "khác"}),
    ("POST", "additions", {"text": "thêm"}),
    ("POST", "position", {"lon": builders.middle(0)[0], "lat": builders.middle(0)[1] + 1e-4}),
    ("POST", "withdraw", None),
    ("PUT", "contact", CONTACT),
    ("DELETE", "contact", None),
]


def contacts(service, code):
    with psycopg.connect(service.url) as db:
        kept = "SELECT count(*) FROM report_contacts JOIN reports ON id = report_id WHERE code = %s"
        return db.execute(kept, (code,)).fetchone()[0]


@pytest.mark.parametrize(("method", "what", "body"), CHANGES)
def test_nobody_changes_a_report_without_its_secret(service, method, what, body):
    sent, other = Sent(service), Sent(service)
    hidden = Sent(service, category="order.drugs")
    before = sent.done("GET"), sent.history(mine=True)
    kept = {} if body is None else {"json": body}
    for known, status in ((sent, 401), (hidden, 404)):
        path = f"{known.path}/{what}".rstrip("/")
        # Without one the answer is the same for a code that is none.
        assert service.http.request(method, path, **kept).status_code == 401
        assert known.ask(method, what, body, secret=other.secret).status_code == status
        assert known.ask(method, what, body, secret="é").status_code == status
    nowhere = f"{LIST}/2222-2222/{what}".rstrip("/")
    mine = {"Authorization": f"Report {sent.secret}"}
    assert service.http.request(method, nowhere, headers=mine, **kept).status_code == 404
    assert service.http.request(method, nowhere, **kept).status_code == 401
    assert (sent.done("GET"), sent.history(mine=True)) == before


def test_what_was_mistyped_is_corrected_and_the_history_says_so(service):
    sent = Sent(service, answers={"depth": "knee"})
    with Listening(service.base) as heard:
        seen = sent.done("PATCH", "", {"text": "Nước ngập trước chợ.", "answers": {}})
        heard.until(lambda: ("changed", sent.code) in heard.heard)
    assert seen["properties"]["text"] == "Nước ngập trước chợ."
    assert seen["properties"]["answers"] == {}
    assert sent.public.json()["properties"]["text"] == "Nước ngập trước chợ."
    assert sent.history()[-1] == ("corrected", "The reporter corrected the text, the answers.")
    lines, told = len(sent.history()), sent.changes()
    # The same once more is no change.
    sent.done("PATCH", "", {"text": "Nước ngập trước chợ."})
    assert (len(sent.history()), sent.changes()) == (lines, told)
    sent.done("PATCH", "", {"answers": {"depth": "ankle"}})
    assert sent.changes() == told + 1


def test_another_category_is_assigned_and_due_as_if_it_had_come_so(service):
    sent = Sent(service, answers={"depth": "knee"})
    twin = Sent(service, category="lighting.lamp_out").mine
    assert sent.mine["due_at"] is not None
    mine = sent.done("PATCH", "", {"category": "lighting.lamp_out"})["properties"]
    assert mine["category"]["code"] == "lighting.lamp_out"
    assert mine["answers"] == {}
    for same in ("ward", "organisation", "reasons", "status"):
        assert mine[same] == twin[same]

    def days(told):
        sent_at, due_at = (datetime.fromisoformat(told[at]) for at in ("created_at", "due_at"))
        return due_at - sent_at

    assert days(mine) == days(twin) != days(Sent(service).mine)
    assert sent.history()[-1] == ("corrected", "The reporter corrected the category, the answers.")
    found = service.http.get(LIST, params={"category": "lighting.lamp_out"}).json()["features"]
    assert sent.code in [feature["id"] for feature in found]


def test_a_report_corrected_into_a_hidden_category_is_hidden_at_once(service):
    sent = Sent(service, text="chỗ bán thuốc")
    with Listening(service.base) as heard:
        sent.done("PATCH", "", {"category": "order.drugs"})
        heard.until(lambda: ("removed", sent.code) in heard.heard)
    assert sent.public.status_code == 404
    assert sent.mine["visibility"] == "hidden"
    assert not service.http.get(LIST, params={"q": "chỗ bán thuốc"}).json()["features"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"category": "drainage.floodin"}, "drainage.flooding"),
        ({"category": "bus.skipped_stop"}, "answers.route: must be answered"),
        ({"answers": {"depth": "neck"}}, "answers.depth: must be one of"),
        ({"text": "  "}, "visible"),
        ({}, "must name what to correct"),
        ({"status": "closed"}, "status"),
        ({"text": "đúng", "category": "none.such"}, "no category"),
    ],
)
def test_a_correction_that_is_not_right_changes_nothing(service, body, words):
    sent = Sent(service, answers={"depth": "knee"})
    before = sent.done("GET"), sent.history(), sent.changes()
    answer = sent.ask("PATCH", "", body)
    assert answer.status_code == 422
    assert words in answer.text
    assert (sent.done("GET"), sent.history(), sent.changes()) == before


def test_after_half_an_hour_or_once_somebody_works_on_it_one_may_only_add(service):
    at = {"lon": builders.middle(0)[0], "lat": builders.middle(0)[1] + 1e-4}
    tries = [("PATCH", "", {"text": "khác"}), ("POST", "position", at)]
    late, taken = Sent(service), Sent(service)
    late.grows_older(29.5)
    until = datetime.fromisoformat(late.mine["correctable_until"])
    since = datetime.fromisoformat(late.mine["created_at"])
    assert until - since == timedelta(minutes=30)
    assert late.mine["allowed"][:2] == ["correct", "position"]
    late.done("PATCH", "", {"text": "vừa kịp"})
    late.grows_older(1)
    taken.becomes("status = 'in_progress'")
    for sent in (late, taken):
        for method, what, body in tries:
            answer = sent.ask(method, what, body)
            assert answer.status_code == 409
            told = answer.json()
            assert told["allowed"] == ["add", "withdraw", "contact", "erase"]
            assert sent.mine["allowed"] == told["allowed"]
            assert "add to it" in told["detail"]
            assert "viết bổ sung" in told["detail_vi"]
        assert sent.ask("POST", "additions", {"text": "thêm"}).status_code == 201
    assert late.mine["text"] == "vừa kịp"


def test_a_withdrawn_report_is_counted_as_that_and_stays_so(service):
    sent = Sent(service)
    with Listening(service.base) as heard:
        seen = sent.done("POST", "withdraw")
        heard.until(lambda: ("closed", sent.code) in heard.heard)
    assert seen["properties"]["status"] == "withdrawn"
    assert seen["properties"]["closed_at"] is not None
    assert sent.public.json()["properties"]["status"] == "withdrawn"
    assert sent.history()[-1] == ("withdrawn", "The reporter withdrew the report.")
    # The answer may have been lost on the way.
    sent.done("POST", "withdraw")
    assert [kind for kind, _ in sent.history()].count("withdrawn") == 1
    for method, what, body in CHANGES[:3]:
        assert sent.ask(method, what, body).status_code == 409


@pytest.mark.parametrize("status", ["resolved", "closed", "rejected", "duplicate"])
def test_what_is_done_with_is_not_withdrawn(service, status):
    sent = Sent(service)
    sent.becomes(f"status = '{status}'")
    answer = sent.ask("POST", "withdraw")
    assert answer.status_code == 409
    more = {"resolved": ["add", "confirm", "rate"], "duplicate": []}.get(status, ["rate"])
    assert answer.json()["allowed"] == [*more, "contact", "erase"]
    assert sent.mine["status"] == status


def test_a_contact_is_left_later_changed_and_taken_back(service):
    sent = Sent(service)
    public = sent.public.content
    assert sent.done("PUT", "contact", CONTACT)["properties"]["reporter"] == CONTACT
    sent.becomes("status = 'closed'")
    changed = sent.done("PUT", "contact", {"email": "sau@example.vn"})
    assert changed["properties"]["reporter"] == {"email": "sau@example.vn"}
    assert contacts(service, sent.code) == 1
    assert sent.done("DELETE", "contact")["properties"]["reporter"] == {}
    assert contacts(service, sent.code) == 0
    sent.done("DELETE", "contact")
    sent.done("PUT", "contact", CONTACT)
    assert sent.done("PUT", "contact", {})["properties"]["reporter"] == {}
    assert contacts(service, sent.code) == 0
    own = [words for kind, words in sent.history(mine=True) if kind == "contact"]
    left, back = "You left a contact.", "You took your contact back."
    assert own == [left, left, back, left, back]
    # That somebody can be reached is not for everybody to know.
    sent.becomes("status = 'assigned'")
    assert sent.public.content == public
    assert "contact" not in [kind for kind, _ in sent.history()]


def test_a_contact_that_cannot_be_one_is_refused(service):
    sent = Sent(service, reporter=CONTACT)
    for wrong in ({"phone": "123"}, {"email": "nobody"}, {"address": "Chợ Nhỏ"}):
        assert sent.ask("PUT", "contact", wrong).status_code == 422
    assert sent.mine["reporter"] == CONTACT


def test_what_was_erased_is_not_written_anew(service):
    sent = Sent(service)
    sent.done("POST", "erasure", {"text": True})
    for body in ({"text": "lại"}, {"answers": {"depth": "knee"}}):
        answer = sent.ask("PATCH", "", body)
        assert (answer.status_code, "erased" in answer.text) == (409, True)
    sent.done("PATCH", "", {"category": "lighting.lamp_out"})


def test_corrections_have_an_end(service):
    sent = Sent(service)
    for n in range(20):
        sent.done("PATCH", "", {"text": f"lần {n}"})
    answer = sent.ask("PATCH", "", {"text": "lần nữa"})
    assert (answer.status_code, "20 times" in answer.text) == (409, True)
    assert sent.mine["text"] == "lần 19"


def test_the_copy_of_ones_data_holds_all_that_one_did(service):
    sent = Sent(service)
    sent.done("PATCH", "", {"text": "sửa lại"})
    sent.done("POST", "additions", {"text": "còn nữa"})
    sent.done("PUT", "contact", CONTACT)
    told = sent.done("GET", "export")
    assert {"corrected", "added", "contact"} <= {line["kind"] for line in told["history"]}
    assert "còn nữa" in str(told["history"])
    assert {each["name"]: each["value"] for each in told["contact"]} == CONTACT
    # What one did oneself is no secret of the staff's.
    assert told["inner_lines_not_shown"] == 0
