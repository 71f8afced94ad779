from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from geo.errors import Invalid
from geo.reports.dates import Dates
from geo.reports.times import LocalZone, rfc3339

EPOCH = datetime(1970, 1, 1)
ZONES = ("America/New_York", "Asia/Ho_Chi_Minh", "Australia/Lord_Howe", "Africa/Casablanca")
RULES = {name: LocalZone(name, 2000, 2030) for name in ZONES}


@given(st.sampled_from(ZONES), st.datetimes(datetime(2000, 1, 2), datetime(2030, 12, 30)))
@example("America/New_York", datetime(2015, 3, 8, 2, 0))
@example("America/New_York", datetime(2015, 3, 8, 1, 59, 59))
@example("America/New_York", datetime(2015, 3, 8, 3, 0))
@example("America/New_York", datetime(2015, 11, 1, 0, 59, 59))
@example("America/New_York", datetime(2015, 11, 1, 1, 0))
@example("America/New_York", datetime(2015, 11, 1, 1, 59, 59))
@example("America/New_York", datetime(2015, 11, 1, 2, 0))
@example("Australia/Lord_Howe", datetime(2015, 4, 5, 1, 45))
@example("Africa/Casablanca", datetime(2030, 12, 22, 2, 0, fold=1))
def test_local_times_are_placed_as_the_standard_library_places_them(name, wall):
    wall = wall.replace(microsecond=0)
    local_s = int((wall - EPOCH).total_seconds())
    utc_s, ambiguous, nonexistent = RULES[name].to_utc(np.array([local_s]))
    # What is drawn has a `fold` of its own now and then.
    first = wall.replace(tzinfo=ZoneInfo(name), fold=0).timestamp()
    second = wall.replace(tzinfo=ZoneInfo(name), fold=1).timestamp()
    assert utc_s[0] == first
    assert ambiguous[0] == (second > first)
    assert nonexistent[0] == (second < first)


def test_a_zone_that_does_not_exist_is_said():
    for name in ("Mars/Olympus", "", "../../etc/passwd", "America"):
        with pytest.raises(Invalid, match="no time zone"):
            LocalZone(name, 2000, 2001)


def _read(order, *texts, zone="America/New_York"):
    found = Dates(zone, order).read(pa.array(texts, pa.string()))
    times = [
        None if missing else "bad" if bad else rfc3339(datetime.fromtimestamp(us / 1e6, UTC))
        for us, missing, bad in zip(found.utc, found.missing, found.bad, strict=True)
    ]
    return times, found


def test_iso_dates_are_local_unless_they_say_otherwise():
    times, found = _read(
        "iso",
        "2015-01-01T00:20:09",
        "2015-07-01 00:20",
        "2015-07-01",
        "2015-01-01T00:00:00.25",
        "2015-01-01T00:00:00Z",
        "2015-01-01T00:00:00+07:00",
        "2015-01-01 00:00:00-0500",
        "",
        None,
    )
    assert times == [
        "2015-01-01T05:20:09Z",
        "2015-07-01T04:20:00Z",
        "2015-07-01T04:00:00Z",
        "2015-01-01T05:00:00.250000Z",
        "2015-01-01T00:00:00Z",
        "2014-12-31T17:00:00Z",
        "2015-01-01T05:00:00Z",
        None,
        None,
    ]
    # The day by the zone's own clocks, whatever zone the time was written in.
    days = [str(day) for day in found.local_day[:7]]
    assert days == [
        *("2015-01-01", "2015-07-01", "2015-07-01", "2015-01-01"),
        *("2014-12-31", "2014-12-31", "2015-01-01"),
    ]


def test_hours_that_come_twice_or_never_are_told_apart():
    times, found = _read(
        "iso", "2015-11-01T01:30:00", "2015-03-08T02:30:00", "2015-11-01T01:30:00-04:00"
    )
    assert times == ["2015-11-01T05:30:00Z", "2015-03-08T07:30:00Z", "2015-11-01T05:30:00Z"]
    assert found.ambiguous.tolist() == [True, False, False]
    assert found.nonexistent.tolist() == [False, True, False]


@pytest.mark.parametrize(
    "text",
    [
        *("2015-02-30", "2015-13-01", "2015-01-01T24:00:01", "2015-01-01T10", "31/12/2015", "x"),
        *("20150101", "2015-1-1", "1899-12-31", "2101-01-02", "2015-01-01T10:00:00+99:00", "0"),
    ],
)
def test_what_is_no_iso_date_is_bad(text):
    times, _ = _read("iso", "2015-01-01", text)
    assert times == ["2015-01-01T05:00:00Z", "bad"]


@pytest.mark.parametrize(
    ("order", "text", "time"),
    [
        ("dmy", "31/12/2025 23:59:59", "2025-12-31T16:59:59Z"),
        ("dmy", "1.2.2025", "2025-01-31T17:00:00Z"),
        ("dmy", "01-02-2025 07:05", "2025-02-01T00:05:00Z"),
        ("dmy", "12/31/2025", "bad"),
        ("mdy", "12/31/2025 11:59:59 PM", "2025-12-31T16:59:59Z"),
        ("mdy", "1/2/2025 12:00 am", "2025-01-01T17:00:00Z"),
        ("mdy", "1/2/2025 12:30:00 PM", "2025-01-02T05:30:00Z"),
        ("mdy", "31/12/2025", "bad"),
        ("mdy", "2/29/2024", "2024-02-28T17:00:00Z"),
        ("mdy", "2/29/2023", "bad"),
        ("mdy", "1/1/2025 13:00 PM", "bad"),
        ("mdy", "1/1/2025 24:00", "bad"),
        ("mdy", "0/1/2025", "bad"),
        ("mdy", "2025-01-01", "bad"),
    ],
)
def test_dates_with_the_day_or_the_month_first(order, text, time):
    times, _ = _read(order, text, zone="Asia/Ho_Chi_Minh")
    assert times == [time]


_DATES = {order: Dates("Asia/Ho_Chi_Minh", order) for order in ("iso", "dmy", "mdy")}
NEARLY = st.from_regex(r"\A[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}([T ][0-9:]{4,8})?\Z")


@given(
    st.lists(st.text(max_size=25) | NEARLY, min_size=1, max_size=5), st.sampled_from(list(_DATES))
)
def test_whatever_is_written_is_a_time_within_two_centuries_or_said_to_be_none(texts, order):
    found = _DATES[order].read(pa.array(texts, pa.string()))
    good = found.utc[~(found.bad | found.missing)].astype("datetime64[us]")
    assert (good > np.datetime64("1899-12-30")).all()
    assert (good < np.datetime64("2101-01-03")).all()
    assert found.missing.tolist() == [text == "" for text in texts]


def test_times_are_written_in_utc_with_z():
    at = datetime(2026, 1, 1, 7, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))
    assert rfc3339(at) == "2026-01-01T00:00:00Z"
    assert rfc3339(at + timedelta(microseconds=5)) == "2026-01-01T00:00:00.000005Z"
