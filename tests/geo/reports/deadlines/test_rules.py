"""Which rule of deadlines counts: the nearest to the category, in force on the report's day."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from geo.errors import Invalid
from geo.reports.deadlines.rules import FIRST_REPLY, RESOLVE, Deadlines, Rule

HCMC = ZoneInfo("Asia/Ho_Chi_Minh")
HOUR = timedelta(hours=1)
SHIPPED = {"first_reply_h": 2, "resolve_days": 5}
THEN = datetime(2025, 8, 31, 23, 30, tzinfo=HCMC)
NOW = datetime(2025, 9, 1, 0, 30, tzinfo=HCMC)
CHANGE = date(2025, 9, 1)


def rule(category, hours, clock="calendar", promise=RESOLVE, **dates):
    return Rule(category, promise, hours * HOUR, clock, **dates)


def due(rules, created_at, category="noise.karaoke", family="noise", promise=RESOLVE):
    term = Deadlines("Asia/Ho_Chi_Minh", rules).of(promise, category, family, SHIPPED, created_at)
    return term.due(created_at) - created_at


def test_without_rules_what_is_shipped_counts():
    assert due([], NOW) == timedelta(days=5)
    assert due([], NOW, promise=FIRST_REPLY) == 2 * HOUR
    none = Deadlines("Asia/Ho_Chi_Minh").of(RESOLVE, "other", None, {}, NOW)
    assert none is None


def test_the_nearest_rule_counts_whatever_order_they_come_in():
    rules = [rule("*", 3), rule("noise", 2), rule("noise.karaoke", 1)]
    for those in (rules, rules[::-1]):
        assert due(those, NOW) == HOUR
        assert due(those, NOW, "noise.factory") == 2 * HOUR
        assert due(those, NOW, "water", None) == 3 * HOUR
        assert due(those, NOW, promise=FIRST_REPLY) == 2 * HOUR


def test_the_rule_of_the_reports_local_day_counts():
    # Before September 2025 five days, since then ten: midnight of the city, not of UTC.
    rules = [rule("*", 120, until=CHANGE), rule("*", 240, since=CHANGE)]
    assert due(rules, THEN) == timedelta(days=5)
    assert due(rules, NOW) == timedelta(days=10)


def test_a_rule_that_is_over_leaves_the_family_to_count():
    rules = [rule("noise.karaoke", 1, until=CHANGE), rule("noise", 7)]
    assert due(rules, THEN) == HOUR
    assert due(rules, NOW) == 7 * HOUR


def test_working_hours_and_words():
    deadlines = Deadlines("Asia/Ho_Chi_Minh")
    term = deadlines.term(RESOLVE, 16 * HOUR, "working", "QĐ 4874")
    assert term.due(datetime(2025, 8, 29, 13, tzinfo=HCMC)) == datetime(
        2025, 9, 4, 11, 30, tzinfo=HCMC
    )
    assert term.said == {
        "vi": "Thời hạn xử lý xong: 16 giờ làm việc theo QĐ 4874.",
        "en": "Time for the result: 16 working hours by QĐ 4874.",
    }
    said = deadlines.term(FIRST_REPLY, HOUR, "calendar").said
    assert said["en"] == "Time for the first reply: 1 hour."
    assert deadlines.term(RESOLVE, 240 * HOUR, "calendar").said["vi"].endswith("10 ngày.")
    with pytest.raises(Invalid, match="clock"):
        deadlines.term(RESOLVE, HOUR, "lunar")
