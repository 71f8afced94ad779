""" "Me too": counted once, of nobody in particular."""

import secrets
import threading

import psycopg
import pytest
from conftest import serving
from own import LIST, Sent
from phones import is_challenge, of
from tasked import put_tasks

import builders


@pytest.fixture(scope="module")
def limited(clone, city_template, tmp_path_factory):
    """The service with limits: 12 of a device at once, 10 of a network, and then proofs."""
    said = {
        "PINWARD_LIMITS": "yes",
        "PINWARD_LIMIT_DEVICE_H": "30",
        "PINWARD_LIMIT_NETWORK_H": "100",
        "PINWARD_PROOF_WORK": "20",
        "PINWARD_SECRET_KEY": "k" * 40,
    }
    with serving(clone(city_template), tmp_path_factory.mktemp("limits"), **said) as made:
        yield made


def token():
    return secrets.token_urlsafe(16)


def says(sent, device=None, secret=None, **body):
    headers = {"Pinward-Device": device} if device else {}
    if secret:
        headers["Authorization"] = f"Report {secret}"
    return sent.service.http.post(f"{sent.path}/support", json=body, headers=headers)


def marks(service, code):
    with psycopg.connect(service.url) as db:
        found = db.execute(
            "SELECT mark FROM report_supports s JOIN reports r ON r.id = s.report_id"
            " WHERE r.code = %s",
            (code,),
        )
        return {bytes(mark) for (mark,) in found}


def shown(sent):
    return sent.public.json()["properties"]["supports"]


def test_a_device_counts_once_and_everybody_sees_how_many_there_are(service):
    sent, one, other = Sent(service), token(), token()
    assert shown(sent) == 0
    for device, n in ((one, 1), (one, 1), (other, 2), (one, 2)):
        answer = says(sent, device)
        assert answer.status_code == 200, answer.text
        assert answer.json() == {"code": sent.code, "supports": n}
    assert shown(sent) == 2


def test_two_answers_to_one_tap_count_once(service):
    sent, device = Sent(service), token()
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(says(sent, device).status_code))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 6
    assert shown(sent) == 1


def test_the_marks_of_one_device_on_two_reports_have_nothing_in_common(service):
    first, second, device = Sent(service), Sent(service), token()
    for sent in (first, second):
        assert says(sent, device).status_code == 200
    [one], [two] = marks(service, first.code), marks(service, second.code)
    assert one != two
    assert device.encode() not in one + two


def test_whoever_has_the_secret_of_another_report_counts_once_without_a_device(service):
    sent, mine = Sent(service), Sent(service)
    for _ in range(2):
        assert says(sent, secret=mine.secret, report=mine.code).json()["supports"] == 1
    wrong = says(sent, secret=sent.secret, report=mine.code)
    assert wrong.status_code == 401
    assert says(sent, report=mine.code).status_code == 422
    assert says(sent).status_code == 422
    assert shown(sent) == 1


def test_nobody_says_me_too_of_their_own_report(service):
    sent = Sent(service)
    for body in ({}, {"report": sent.code}):
        answer = says(sent, secret=sent.secret, **body)
        assert answer.status_code == 409, answer.text
    assert shown(sent) == 0


@pytest.mark.parametrize("sets", ["withheld = 'hidden'", "category_code = 'order.drugs'"])
def test_of_what_the_public_does_not_see_nobody_says_me_too(service, sets):
    sent = Sent(service)
    sent.becomes(sets)
    assert says(sent, token()).status_code == 404


def test_of_what_has_ended_nobody_says_me_too_and_of_a_duplicate_the_parent_is_named(service):
    sent, parent = Sent(service), Sent(service)
    sent.becomes("status = 'resolved'")
    assert says(sent, token()).json()["status_now"] == "resolved"
    merged = f"parent_id = (SELECT id FROM reports WHERE code = '{parent.code}')"
    sent.becomes(f"status = 'duplicate', {merged}")
    assert says(sent, token()).json()["duplicate_of"] == parent.code
    parent.becomes("withheld = 'review'")
    answer = says(sent, token())
    assert answer.status_code == 409
    assert parent.code not in answer.text


def test_it_needs_no_body_as_it_says_nothing_but_who(service):
    sent = Sent(service)
    answer = service.http.post(f"{sent.path}/support", headers={"Pinward-Device": token()})
    assert (answer.status_code, answer.json()["supports"]) == (200, 1)


def test_an_erasure_forgets_the_marks_of_what_has_ended_and_leaves_their_number(service):
    open_, ended = Sent(service), Sent(service)
    for sent in (open_, ended):
        says(sent, token())
    ended.becomes("status = 'closed', closed_at = now()")
    for sent in (open_, ended):
        answer = sent.ask("POST", "erasure", {"text": True})
        assert answer.status_code == 200, answer.text
    assert not marks(service, ended.code)
    assert len(marks(service, open_.code)) == 1
    assert shown(ended) == 1


def test_one_network_that_says_it_of_everything_is_asked_for_a_proof(limited):
    [code] = put_tasks(limited.url, [builders.middle(0)])
    path = f"{LIST}/{code}/support"
    answers = [
        limited.http.post(path, json={}, headers=of("203.0.113.77", token())) for _ in range(12)
    ]
    assert [answer.status_code for answer in answers[:10]] == [200] * 10
    assert is_challenge(answers[-1])


def test_one_device_that_says_it_of_everything_has_to_wait_and_once_more_costs_nothing(limited):
    device = token()
    sent = put_tasks(limited.url, [builders.middle(0)] * 4)
    headers = of("203.0.113.78", device)

    def ask(code):
        return limited.http.post(f"{LIST}/{code}/support", json={}, headers=headers).status_code

    assert [ask(one) for one in sent] == [200, 200, 200, 429]
    assert [ask(one) for one in sent[:3]] == [200] * 3
