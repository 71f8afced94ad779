"""Promises with pauses: by hours counted one by one, and what is late stays late."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.reports.deadlines.clock import CalendarClock, WorkingClock
from geo.reports.deadlines.due import Promise
from geo.reports.deadlines.workdays import Workdays

HCMC = ZoneInfo("Asia/Ho_Chi_Minh")
MONDAY = datetime(2026, 3, 2, 7, 30, tzinfo=HCMC)
HOUR = timedelta(hours=1)
CLOCKS = {"calendar": CalendarClock(), "working": WorkingClock(HCMC, Workdays())}


def at(half_hours):
    return MONDAY + timedelta(minutes=30) * half_hours


@given(
    clock=st.sampled_from(sorted(CLOCKS)),
    amount=st.integers(1, 30),
    pauses=st.lists(st.tuples(st.integers(-5, 300), st.integers(0, 200)), max_size=4),
)
@settings(max_examples=150, deadline=None)
def test_it_is_the_half_hours_counted_outside_of_pauses(clock, amount, pauses):
    clock = CLOCKS[clock]
    step, used = 0, 0
    while used < amount:
        paused = any(begin <= step < begin + lasts for begin, lasts in pauses)
        used += not paused and bool(clock.between(at(step), at(step + 1)))
        step += 1
    promise = Promise(amount * HOUR / 2, clock)
    stretches = [(at(begin), at(begin + lasts)) for begin, lasts in pauses]
    assert promise.due(MONDAY, stretches) == at(step)
    assert promise.used(MONDAY, at(step), stretches) == promise.amount
    assert promise.used(MONDAY, at(step - 1), stretches) < promise.amount


def test_a_pause_over_a_weekend_costs_no_working_time():
    friday = datetime(2026, 3, 6, 17, tzinfo=HCMC)
    weekend = [(friday, friday + timedelta(hours=62, minutes=30))]
    promise = Promise(48 * HOUR, CLOCKS["working"])
    assert promise.due(MONDAY, weekend) == promise.due(MONDAY)
    always = Promise(200 * HOUR, CLOCKS["calendar"])
    assert always.due(MONDAY, weekend) - always.due(MONDAY) == timedelta(hours=62, minutes=30)


def test_what_waited_before_it_began_costs_nothing():
    promise = Promise(4 * HOUR, CLOCKS["calendar"])
    before = [(MONDAY - 9 * HOUR, MONDAY - 5 * HOUR), (MONDAY - HOUR, MONDAY + HOUR)]
    assert promise.due(MONDAY, before[:1]) == MONDAY + 4 * HOUR
    assert promise.due(MONDAY, before) == MONDAY + 5 * HOUR
    assert promise.used(MONDAY, MONDAY + 3 * HOUR, before[:1]) == 3 * HOUR


def test_what_was_late_before_it_waited_stays_late():
    promise = Promise(4 * HOUR, CLOCKS["calendar"])
    assert promise.due(MONDAY, [(MONDAY + 5 * HOUR, MONDAY + 50 * HOUR)]) == MONDAY + 4 * HOUR
    assert promise.due(MONDAY, [(MONDAY + 4 * HOUR, MONDAY + 50 * HOUR)]) == MONDAY + 4 * HOUR
    assert promise.due(MONDAY, [(MONDAY + 3 * HOUR, MONDAY + 50 * HOUR)]) == MONDAY + 51 * HOUR


@pytest.mark.parametrize("clock", CLOCKS.values())
def test_the_warning_comes_after_four_fifths(clock):
    promise = Promise(10 * HOUR, clock)
    warned = promise.warn(MONDAY)
    assert promise.used(MONDAY, warned) == 8 * HOUR
    assert warned < promise.due(MONDAY)
