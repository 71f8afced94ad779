"""Working time: by minutes counted one by one, and by days that people know."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import Invalid
from geo.reports.deadlines.clock import VIETNAM_HOURS, CalendarClock, WorkingClock
from geo.reports.deadlines.workdays import Workdays

HCMC = ZoneInfo("Asia/Ho_Chi_Minh")
OFFICE = WorkingClock(HCMC, Workdays())


def local(said):
    return datetime.fromisoformat(said).replace(tzinfo=HCMC)


HOURS = st.sampled_from(
    [VIETNAM_HOURS, ((time(0), time(0)),), ((time(22), time(0)),), ((time(8), time(9, 1)),)]
)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 3, 31)).map(
    lambda each: each.replace(second=0, microsecond=0, tzinfo=HCMC)
)


@given(hours=HOURS, off=st.sets(st.integers(0, 6), max_size=6), start=MOMENTS, n=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_it_is_the_minutes_counted_one_by_one(hours, off, start, n):
    clock = WorkingClock(HCMC, lambda day: day.weekday() not in off, hours)
    end, worked = start, 0
    while worked < n:
        day, at = end.date(), end.time()
        open_now = any(one <= at < (two if two > time() else time.max) for one, two in hours)
        worked += open_now and day.weekday() not in off
        end += timedelta(minutes=1)
    amount = timedelta(minutes=n)
    assert clock.after(start, amount) == end
    assert clock.between(start, end) == amount


@given(start=MOMENTS, minutes=st.integers(1, 30_000), more=st.integers(0, 999_999))
def test_what_passes_until_the_due_moment_is_what_was_promised(start, minutes, more):
    amount = timedelta(minutes=minutes, microseconds=more)
    due = OFFICE.after(start, amount)
    assert due.tzinfo is UTC
    assert OFFICE.between(start, due) == amount
    assert OFFICE.between(start, due - timedelta(microseconds=1)) < amount


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        # Friday evening: Monday morning counts first
        ("2026-11-20 18:00", 2, "2026-11-23 09:30"),
        # to the end of a day, not the beginning of the next
        ("2026-11-23 07:30", 8, "2026-11-23 17:00"),
        ("2026-11-23 11:30", 4, "2026-11-23 17:00"),
        # 24 November: the day of Vietnam's culture, off from 2026 on
        ("2026-11-23 16:00", 2, "2026-11-25 08:30"),
        # Tết 2026 is off from Monday 16 to Friday 20 February
        ("2026-02-13 16:00", 2, "2026-02-23 08:30"),
        # and 2027 from Thursday 4 to Wednesday 10 February
        ("2027-02-03 16:00", 2, "2027-02-11 08:30"),
        # Saturday 22 August 2026 is worked for Monday 31
        ("2026-08-21 16:00", 2, "2026-08-22 08:30"),
        ("2026-08-28 16:00", 2, "2026-09-03 08:30"),
    ],
)
def test_the_working_days_of_vietnam(start, hours, due):
    assert OFFICE.after(local(start), timedelta(hours=hours)) == local(due)


def test_the_citys_own_days_win():
    own = Workdays(off={date(2026, 11, 23)}, worked={date(2026, 11, 21), date(2026, 11, 24)})
    clock = WorkingClock(HCMC, own)
    assert clock.after(local("2026-11-20 16:00"), timedelta(hours=2)) == local("2026-11-21 08:30")
    assert clock.after(local("2026-11-21 16:00"), timedelta(hours=2)) == local("2026-11-24 08:30")
    assert own.why_off(date(2026, 11, 24)) is None
    assert Workdays().why_off(date(2026, 2, 17)) == "Tết Nguyên Đán"
    assert Workdays(country="")(date(2026, 2, 17))


def test_backwards_nothing_passes():
    for clock in (OFFICE, CalendarClock()):
        assert clock.between(local("2026-11-23 10:00"), local("2026-11-23 09:00")) == timedelta()
        assert clock.after(local("2026-11-21 10:00"), timedelta()) == local("2026-11-21 10:00")
    one = timedelta(hours=1)
    assert CalendarClock().after(local("2026-11-21 23:30"), one) == local("2026-11-22 00:30")
    assert CalendarClock().between(local("2026-11-21 23:30"), local("2026-11-22 00:30")) == one


def test_an_hour_that_summer_time_leaves_out_is_no_worry():
    berlin = ZoneInfo("Europe/Berlin")
    clock = WorkingClock(berlin, lambda day: True, ((time(8), time(16)),))
    start = datetime(2026, 3, 28, 15, tzinfo=berlin)
    due = clock.after(start, timedelta(hours=2))
    assert due == datetime(2026, 3, 29, 9, tzinfo=berlin)
    assert clock.between(start, due) == timedelta(hours=2)


@pytest.mark.parametrize(
    "hours", [(), ((time(9), time(8)),), ((time(8), time(12)), (time(11), time(17)))]
)
def test_hours_that_make_no_day_are_refused(hours):
    with pytest.raises(Invalid, match="working hours"):
        WorkingClock(HCMC, Workdays(), hours)


def test_a_calendar_in_which_nobody_works_is_told():
    with pytest.raises(Invalid, match="nobody works"):
        WorkingClock(HCMC, lambda day: False).after(local("2026-01-01 08:00"), timedelta(hours=1))
