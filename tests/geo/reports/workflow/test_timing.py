"""What moves do to a report's clocks: pauses, deadlines moved by them, first replies, ends."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from geo.reports.deadlines.rules import FIRST_REPLY, RESOLVE, Deadlines
from geo.reports.workflow.graph import MOVES
from geo.reports.workflow.timing import Terms, dues, moved, paused, pauses

SENT = datetime(2026, 11, 23, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = Deadlines("Asia/Ho_Chi_Minh").term(RESOLVE, 24 * HOUR, "calendar")
REPLY = Deadlines("Asia/Ho_Chi_Minh").term(FIRST_REPLY, 10 * HOUR, "calendar")
TERMS = Terms(REPLY, DAY)


class Report(SimpleNamespace):
    """A row as it changes by moves."""

    def __init__(self, **more):
        start = {"status": "assigned", "created_at": SENT, "runs_since": None, "waits_since": None}
        ends = {"paused": [], "replied_at": None, "resolved_at": None, "closed_at": None}
        due = {"due_at": DAY.due(SENT), "warn_at": DAY.promise.warn(SENT), "escalated": 0}
        first = {"first_due_at": REPLY.due(SENT), "first_warn_at": REPLY.promise.warn(SENT)}
        told = {"first_escalated": 0, "reopened": 0}
        super().__init__(**{**start, **ends, **due, **first, **told, **more})

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


def test_a_pause_after_four_fifths_does_not_have_them_told_again():
    report = Report(escalated=1)
    for begin in (20, 22):
        report.go("wait", begin)
        report.go("start", begin + 1)
    assert report.due_at == SENT + 26 * HOUR
    assert report.escalated == 1


def test_what_was_told_is_told_again_when_its_moment_moved():
    report = Report(escalated=2)
    report.go("resolve", 30)
    report.go("reopen", 40)
    assert (report.warn_at, report.escalated) == (SENT + 59.2 * HOUR, 0)


def test_the_end_is_told_again_where_it_alone_moved():
    report = Report(escalated=2, due_at=SENT)
    assert dues(report, {}, TERMS)["escalated"] == 1


def test_a_first_reply_that_is_still_to_come_is_due_so_much_later_as_no_time_ran():
    merged = {"paused": paused([], SENT + 2 * HOUR, SENT + 7 * HOUR)}
    values = dues(Report(first_escalated=2), merged, TERMS)
    assert values["first_due_at"] == SENT + 15 * HOUR
    assert values["first_warn_at"] == SENT + 13 * HOUR
    assert values["first_escalated"] == 0
    # One that was given, or of which nothing is asked any more, stays as it was.
    for given in ({"replied_at": SENT}, {"reopened": 1}):
        assert "first_due_at" not in dues(Report(**given), merged, TERMS)


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
