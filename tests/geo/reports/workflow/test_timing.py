"""What moves do to a report's clocks: pauses, deadlines moved by them, first replies, ends."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from geo.reports.deadlines.rules import RESOLVE, Deadlines
from geo.reports.workflow.graph import MOVES
from geo.reports.workflow.timing import Terms, moved, pauses

SENT = datetime(2026, 11, 23, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = Deadlines("Asia/Ho_Chi_Minh").term(RESOLVE, 24 * HOUR, "calendar")
TERMS = Terms(None, DAY)


class Report(SimpleNamespace):
    """A row as it changes by moves."""

    def __init__(self, **more):
        start = {"status": "assigned", "created_at": SENT, "runs_since": None, "waits_since": None}
        ends = {"paused": [], "replied_at": None, "resolved_at": None, "closed_at": None}
        dues = {"due_at": DAY.due(SENT), "warn_at": None, "reopened": 0}
        super().__init__(**{**start, **ends, **dues, "escalated": 0, **more})

    def go(self, name, hours):
        values = moved(self, MOVES[name], TERMS, SENT + hours * HOUR)
        self.__dict__.update(values)
        return values


def test_a_pause_moves_the_deadline_by_itself():
    report = Report()
    assert report.go("wait", 2)["waits_since"] == SENT + 2 * HOUR
    assert report.due_at == SENT + 24 * HOUR
    report.go("start", 12)
    assert (report.status, report.waits_since) == ("in_progress", None)
    assert report.due_at == SENT + 34 * HOUR
    assert report.warn_at == SENT + 29.2 * HOUR
    report.go("wait", 20)
    report.go("resolve", 21)
    assert report.due_at == SENT + 35 * HOUR
    assert pauses(report.paused) == [
        (SENT + 2 * HOUR, SENT + 12 * HOUR),
        (SENT + 20 * HOUR, SENT + 21 * HOUR),
    ]


def test_a_wait_of_no_time_is_no_pause():
    report = Report()
    report.go("wait", 2)
    report.go("start", 3)
    report.go("wait", 5)
    report.go("start", 5)
    assert pauses(report.paused) == [(SENT + 2 * HOUR, SENT + 3 * HOUR)]
    assert report.due_at == SENT + 25 * HOUR


def test_what_was_late_before_it_waited_stays_late():
    report = Report(escalated=2)
    report.go("wait", 30)
    report.go("start", 50)
    assert report.due_at == SENT + 24 * HOUR
    assert report.escalated == 2


def test_what_was_told_is_told_again_when_the_deadline_moved():
    report = Report(escalated=1)
    report.go("wait", 20)
    assert report.escalated == 1
    report.go("start", 21)
    assert report.escalated == 0


@pytest.mark.parametrize(
    ("name", "replies"),
    [("start", True), ("wait", True), ("resolve", True), ("reject", True), ("assign", False)],
)
def test_the_first_reply_is_what_tells_the_sender_something(name, replies):
    report = Report()
    report.go(name, 3)
    assert report.replied_at == (SENT + 3 * HOUR if replies else None)
    report.go("wait" if report.status in MOVES["wait"].starts else "reopen", 4)
    assert report.replied_at == (SENT + (3 if replies else 4) * HOUR)


def test_ends_and_beginning_again():
    report = Report()
    report.go("resolve", 5)
    assert (report.resolved_at, report.closed_at) == (SENT + 5 * HOUR, None)
    report.go("close", 400)
    assert report.closed_at == SENT + 400 * HOUR
    report.go("reopen", 500)
    assert (report.resolved_at, report.closed_at, report.reopened) == (None, None, 1)
    assert (report.due_at, report.escalated) == (SENT + 524 * HOUR, 0)
    report.go("wait", 501)
    report.go("start", 502)
    assert report.due_at == SENT + 525 * HOUR


def test_without_a_promise_nothing_is_due():
    report = Report()
    values = moved(report, MOVES["wait"], Terms(None, None), SENT)
    report.__dict__.update(values)
    values = moved(report, MOVES["start"], Terms(None, None), SENT + HOUR)
    assert (values["due_at"], values["warn_at"]) == (None, None)
