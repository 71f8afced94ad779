"""What a report's sender says of its end: confirming, rating, opening again."""

from datetime import UTC, datetime, timedelta

import pytest
from own import Sent
from staffed import signed_in
from working import At

import builders


@pytest.fixture(scope="module")
def crew(service):
    with signed_in(service, "crew", ward=builders.CODES[0], name="endings-crew") as client:
        yield client


def resolved(service, crew, **changes):
    sent = Sent(service, **changes)
    At(crew, sent.code).does("resolve", text="Đã sửa xong.")
    return sent


def test_who_confirms_closes_it_at_once_and_twice_is_no_harm(service, crew):
    sent = resolved(service, crew)
    assert sent.done("POST", "confirm")["properties"]["status"] == "closed"
    assert sent.done("POST", "confirm")["properties"]["status"] == "closed"
    assert sent.history()[-1] == ("closed", "Its sender confirmed that it is done.")
    assert sent.mine["closed_at"]


def test_what_is_not_resolved_cannot_be_confirmed_and_the_sender_reads_why(service):
    answer = Sent(service).ask("POST", "confirm")
    assert answer.status_code == 409
    assert answer.json()["allowed"] == ["withdraw"]
    assert "xác nhận" in answer.json()["detail_vi"]


def test_a_refusal_names_all_that_its_sender_may_do_with_what_has_ended(service, crew):
    sent = resolved(service, crew)
    refused = sent.ask("POST", "withdraw")
    assert refused.status_code == 409
    told = ["add", "confirm", "reopen", "rate", "contact", "erase"]
    assert refused.json()["allowed"] == told
    assert "confirm that it is done, open it again, rate it" in refused.json()["detail"]
    assert "xác nhận đã xong, mở lại, đánh giá" in refused.json()["detail_vi"]
    # What is told can be done, each.
    sent.done("POST", "additions", {"text": "Cảm ơn"})
    sent.done("POST", "confirm")
    assert sent.ask("POST", "withdraw").json()["allowed"] == told[2:]
    sent.done("POST", "rating", {"rating": 4})
    sent.becomes("resolved_at = now() - interval '15 days'")
    assert sent.ask("POST", "withdraw").json()["allowed"] == told[3:]
    sent.becomes("resolved_at = now() - interval '91 days'")
    assert sent.ask("POST", "rating", {"rating": 5}).json()["allowed"] == told[4:]


def test_a_rating_is_kept_once_the_last_one_counts_and_only_of_what_has_ended(service, crew):
    sent = Sent(service)
    assert sent.ask("POST", "rating", {"rating": 5}).status_code == 409
    At(crew, sent.code).does("resolve", text="Đã sửa xong.")
    for given in (2, 5, 5):
        assert sent.done("POST", "rating", {"rating": given})["properties"]["rating"] == given
    assert [line for kind, line in sent.history() if kind == "rated"] == [
        "Its sender rated it 2 of 5.",
        "Its sender rated it 5 of 5.",
    ]
    assert At(crew, sent.code).seen["rating"] == 5
    told = {each["name"]: each["value"] for each in sent.done("GET", "export")["report"]}
    rated_at = datetime.fromisoformat(told["rated_at"])
    assert datetime.now(UTC) - timedelta(minutes=5) < rated_at < datetime.now(UTC)
    assert (told["rating"], told["supports"]) == (5, 0)
    for wrong in (0, 6, 2.5, "5", None, True):
        assert sent.ask("POST", "rating", {"rating": wrong}).status_code == 422


def test_a_report_rated_to_no_end_is_refused(service, crew):
    sent = resolved(service, crew)
    for n in range(10):
        sent.done("POST", "rating", {"rating": 1 + n % 2})
    assert sent.ask("POST", "rating", {"rating": 5}).status_code == 409
    assert sent.mine["rating"] == 2


def test_long_after_its_end_nobody_rates_it(service, crew):
    sent = resolved(service, crew)
    sent.becomes("resolved_at = now() - interval '91 days'")
    assert sent.ask("POST", "rating", {"rating": 5}).status_code == 409


def test_whoever_opens_it_again_says_why_and_its_time_starts_anew(service, crew):
    sent = resolved(service, crew)
    sent.becomes("due_at = '2020-01-01', first_due_at = '2020-01-01', escalated = 2")
    seen = sent.done("POST", "reopen", {"text": "Vẫn còn ngập."})["properties"]
    assert (seen["status"], seen["resolved_at"]) == ("assigned", None)
    # As much time as at first, from now on.
    assert datetime.fromisoformat(seen["due_at"]) > datetime.now(UTC) + timedelta(hours=12)
    assert sent.history()[-2:] == [
        ("reopened", "Opened again."),
        ("added", "The reporter added: Vẫn còn ngập."),
    ]
    assert At(crew, sent.code).seen["reopened"] == 1
    again = sent.ask("POST", "reopen", {"text": "Lần nữa."})
    assert again.status_code == 409
    assert sent.ask("POST", "reopen", {}).status_code == 422


@pytest.mark.parametrize(("days", "status"), [(13.9, 200), (14.1, 409)])
def test_it_can_be_opened_again_for_fourteen_days(service, crew, days, status):
    sent = resolved(service, crew)
    sent.becomes(f"status = 'closed', resolved_at = now() - interval '{days * 24} hours'")
    answer = sent.ask("POST", "reopen", {"text": "Vẫn còn."})
    assert answer.status_code == status
    if status == 409:
        assert "14 ngày" in answer.json()["detail_vi"]
        assert sent.history()[-1][0] == "resolved"


def test_what_is_refused_can_be_opened_again_and_what_was_withdrawn_cannot(service, crew):
    with signed_in(service, "hotline_agent", name="endings-desk") as desk:
        sent = Sent(service)
        At(desk, sent.code).does("reject", text="Không thuộc thẩm quyền.")
    assert sent.done("POST", "reopen", {"text": "Thuộc chứ."})["properties"]["status"] == "assigned"
    sent.done("POST", "withdraw")
    assert sent.ask("POST", "reopen", {"text": "Thuộc chứ."}).status_code == 409


def test_a_suspicious_reason_waits_for_a_look_as_any_other_text(service, crew):
    sent = resolved(service, crew)
    seen = sent.done("POST", "reopen", {"text": "Xem https://spam.example nhé"})["properties"]
    assert seen["status"] == "assigned"
    assert sent.public.status_code == 404


def test_the_secret_of_another_report_opens_confirms_and_rates_nothing(service, crew):
    sent, other = resolved(service, crew), Sent(service)
    for what, body in (("confirm", None), ("rating", {"rating": 1}), ("reopen", {"text": "a"})):
        assert sent.ask("POST", what, body, secret=other.secret).status_code == 401
    assert sent.mine["status"] == "resolved"
