"""Adding to one's report: once a key, bounded, and two changes at once lose neither."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import psycopg
import pytest
from listening import Listening
from own import Sent

import builders

MORE = "Nước đã lên đến đầu gối, <b>xe máy</b> không qua được."


def add(sent, text=MORE, key=None):
    headers = {"Idempotency-Key": key} if key else {}
    return sent.ask("POST", "additions", {"text": text}, **headers)


def added(sent):
    return [words for kind, words in sent.history() if kind == "added"]


def test_what_is_added_stands_in_the_history_and_open_maps_are_told(service):
    sent = Sent(service)
    sent.becomes("status = 'in_progress'")
    with Listening(service.base) as heard:
        answer = add(sent)
        assert answer.status_code == 201
        heard.until(lambda: ("changed", sent.code) in heard.heard)
    assert answer.json()["left"] == 19
    assert added(sent) == [f"The reporter added: {MORE}"]
    public = sent.public.json()["properties"]
    assert public["updated_at"] == answer.json()["at"]
    assert public["text"] == builders.a_report()["text"]


def test_of_a_hidden_report_nobody_is_told_that_something_was_added(service):
    sent = Sent(service, category="order.drugs")
    assert add(sent).status_code == 201
    assert sent.changes() == 0


def test_the_same_sent_again_is_added_once_and_answered_as_the_first_time(service):
    sent, other = Sent(service), Sent(service)
    key = str(uuid4())
    first = add(sent, key=key)
    sent.becomes("status = 'closed'")
    again = add(sent, key=key)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert len(added(sent)) == 1
    for answer in (add(sent, "khác", key), add(other, key=key), add(sent, key="no uuid")):
        assert answer.status_code == 422
    # A key that a report was sent with is none for an addition, either.
    header = {"Idempotency-Key": (used := str(uuid4()))}
    service.http.post("/api/v1/reports", json=builders.a_report(), headers=header)
    assert add(other, key=used).status_code == 422
    assert added(other) == []


def test_ten_at_once_with_one_key_are_one(service):
    sent, key = Sent(service), str(uuid4())
    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(lambda _: add(sent, key=key), range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
    assert len({answer.text for answer in answers}) == 1
    assert len(added(sent)) == 1


def test_additions_have_an_end_also_when_they_come_all_at_once(service):
    sent = Sent(service)
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda n: add(sent, f"dòng {n}"), range(25)))
    taken = [answer.json()["left"] for answer in answers if answer.status_code == 201]
    assert sorted(taken) == list(range(20))
    assert [a.status_code for a in answers if a.status_code != 201] == [409] * 5
    assert len(added(sent)) == 20


@pytest.mark.parametrize("text", ["", " \n", "\u202e", "x" * 2001])
def test_what_cannot_stand_there_is_refused(service, text):
    sent = Sent(service)
    assert add(sent, text).status_code == 422
    assert added(sent) == []


def test_what_is_not_seen_is_taken_out(service):
    sent = Sent(service)
    assert add(sent, "\u202eđảo\u200b ngược").status_code == 201
    assert added(sent) == ["The reporter added: đảo ngược"]


def test_an_erasure_takes_what_was_added_and_a_replay_brings_nothing_back(service):
    sent, key = Sent(service), str(uuid4())
    first = add(sent, key=key)
    sent.done("POST", "erasure", {})
    with psycopg.connect(service.url) as db:
        left = db.execute(
            "SELECT count(*) FROM idempotency_keys WHERE answer ->> 'code' = %s"
            " AND body_hash <> ''",
            (sent.code,),
        ).fetchone()
    assert left == (0,)
    again = add(sent, key=key)
    assert (again.status_code, again.json()) == (200, first.json())
    assert MORE not in str(sent.history(mine=True))


def test_nothing_is_added_to_what_was_erased(service):
    sent = Sent(service)
    sent.done("POST", "erasure", {"text": True})
    answer = add(sent)
    assert (answer.status_code, "send a new report" in answer.json()["detail"]) == (409, True)
    assert "phản ánh mới" in answer.json()["detail_vi"]
    assert MORE not in str(sent.history(mine=True))


def test_two_changes_at_once_lose_neither(service):
    sent = Sent(service)
    with psycopg.connect(service.url) as db:
        # Whoever comes first waits here, and the other one behind it.
        db.execute("SELECT FROM reports WHERE code = %s FOR UPDATE", (sent.code,))
        answers = {}

        def ask(name, *request):
            with httpx.Client(base_url=service.base, timeout=30) as client:
                mine = {"Authorization": f"Report {sent.secret}"}
                method, what, body = request
                path = f"{sent.path}/{what}".rstrip("/")
                answers[name] = client.request(method, path, json=body, headers=mine)

        threads = [
            threading.Thread(target=ask, args=("text", "PATCH", "", {"text": "sửa một"})),
            threading.Thread(target=ask, args=("answers", "PATCH", "", {"answers": {}})),
            threading.Thread(target=ask, args=("more", "POST", "additions", {"text": "thêm"})),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(0.7)
        assert answers == {}
        db.execute(
            'UPDATE reports SET answers = \'{"depth": "knee"}\' WHERE code = %s', (sent.code,)
        )
    for thread in threads:
        thread.join(20)
    assert {answer.status_code for answer in answers.values()} == {200, 201}
    mine = sent.mine
    # The second saw what was there by then, not when it was sent.
    assert (mine["text"], mine["answers"]) == ("sửa một", {})
    kinds = [kind for kind, _ in sent.history()]
    assert (kinds.count("corrected"), kinds.count("added")) == (2, 1)


def test_who_read_an_older_version_is_told_instead_of_overwriting(service):
    sent = Sent(service)
    etag = sent.ask("GET").headers["etag"]
    first = sent.ask("PATCH", "", {"text": "một"}, **{"If-Match": etag})
    assert first.status_code == 200
    for method, what, body in (
        ("PATCH", "", {"text": "hai"}),
        ("POST", "withdraw", None),
        ("PUT", "contact", {"phone": "0987 654 321"}),
    ):
        answer = sent.ask(method, what, body, **{"If-Match": etag})
        assert answer.status_code == 412
        assert answer.json()["type"].endswith("/changed-meanwhile")
    assert (sent.mine["text"], sent.mine["status"]) == ("một", "assigned")
    newer = first.headers["etag"]
    assert newer == sent.ask("GET").headers["etag"]
    # What is added does away with nothing, and may be sent again.
    body = {"text": "thêm"}
    assert sent.ask("POST", "additions", body, **{"If-Match": etag}).status_code == 201
    assert sent.ask("PATCH", "", {"text": "hai"}, **{"If-Match": newer}).status_code == 412
    newest = sent.ask("GET").headers["etag"]
    several = {"If-Match": f'"other", {newest}'}
    assert sent.ask("PATCH", "", {"text": "hai"}, **several).status_code == 200
