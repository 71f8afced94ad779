"""What time does to reports: told once that it runs out, and once that it is over; closed."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

import builders
from geo.reports.codes import new_code
from geo.reports.deadlines.rules import Deadlines
from geo.reports.workflow import timers

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
DAY = timedelta(days=1)
DEADLINES = Deadlines("Asia/Ho_Chi_Minh")


def put(url, status="assigned", **columns):
    code = new_code()
    lon, lat = builders.middle(0)
    names = ", ".join(columns)
    marks = ", ".join(["%s"] * len(columns))
    with psycopg.connect(url) as db:
        db.execute(
            "INSERT INTO reports (id, code, category_code, status, text, geom, created_at,"
            f" {names}) SELECT gen_random_uuid(), %s, 'drainage.flooding', %s, 'Ngập',"
            f" ST_SetSRID(ST_MakePoint(%s, %s), 4326), %s, {marks}",
            (code, status, lon, lat, NOW - 30 * DAY, *columns.values()),
        )
    return code


def lines(url, code):
    with psycopg.connect(url) as db:
        return db.execute(
            "SELECT e.kind, e.text_en, e.public FROM report_events AS e JOIN reports AS r"
            " ON r.id = e.report_id WHERE r.code = %s ORDER BY e.id",
            (code,),
        ).fetchall()


def value(url, code, column):
    with psycopg.connect(url) as db:
        return db.execute(f"SELECT {column} FROM reports WHERE code = %s", (code,)).fetchone()[0]


async def escalate(engine, now=NOW):
    async with engine.begin() as conn:
        return await timers.escalate(conn, now)


async def test_at_four_fifths_and_at_the_end_the_staff_are_told_once_each(engine, city_url):
    code = put(city_url, warn_at=NOW, due_at=NOW + DAY)
    assert await escalate(engine, NOW - timedelta(seconds=1)) == 0
    assert await escalate(engine) == 1
    assert await escalate(engine) == 0
    assert await escalate(engine, NOW + DAY) == 1
    assert await escalate(engine, NOW + 2 * DAY) == 0
    assert lines(city_url, code) == [
        ("escalated", "Four fifths of its time are over.", False),
        ("escalated", "Its time is over.", False),
    ]
    assert value(city_url, code, "escalated") == 2


async def test_after_a_night_without_a_worker_both_are_told(engine, city_url):
    code = put(city_url, warn_at=NOW - DAY, due_at=NOW)
    assert await escalate(engine) == 2
    assert len(lines(city_url, code)) == 2


async def test_that_nobody_answers_is_told_at_four_fifths_and_at_the_end_once_each(
    engine, city_url
):
    code = put(city_url, first_warn_at=NOW, first_due_at=NOW + DAY, due_at=NOW + 9 * DAY)
    assert await escalate(engine, NOW - timedelta(seconds=1)) == 0
    for at, told in ((NOW, 1), (NOW, 0), (NOW + DAY, 1), (NOW + 2 * DAY, 0)):
        assert await escalate(engine, at) == told
    assert lines(city_url, code) == [
        ("escalated", "Four fifths of the time for a first reply are over.", False),
        ("escalated", "The time for a first reply is over, and nobody has answered.", False),
    ]
    assert value(city_url, code, "first_escalated") == 2
    assert value(city_url, code, "escalated") == 0


async def test_what_was_answered_waits_or_has_ended_is_not_told_of_a_first_reply(engine, city_url):
    late = {"first_warn_at": NOW - DAY, "first_due_at": NOW - DAY}
    put(city_url, "in_progress", replied_at=NOW - 2 * DAY, **late)
    for status in ("waiting", "resolved", "closed", "rejected", "duplicate", "withdrawn"):
        put(city_url, status, **late)
    assert await escalate(engine) == 0


async def test_of_both_promises_each_is_told_by_itself(engine, city_url):
    both = {"warn_at": NOW, "due_at": NOW, "first_warn_at": NOW, "first_due_at": NOW}
    code = put(city_url, "received", **both)
    assert await escalate(engine) == 4
    assert await escalate(engine, NOW + DAY) == 0
    with psycopg.connect(city_url) as db:
        told = db.execute(
            "SELECT e.data ->> 'promise', e.data -> 'level' FROM report_events AS e JOIN reports"
            " AS r ON r.id = e.report_id WHERE r.code = %s ORDER BY e.id",
            (code,),
        ).fetchall()
    assert told == [("first_reply", 1), ("first_reply", 2), ("resolve", 1), ("resolve", 2)]


@pytest.mark.parametrize("status", ["waiting", "resolved", "closed", "rejected", "withdrawn"])
async def test_what_waits_or_has_ended_is_not_told(engine, city_url, status):
    put(city_url, status, warn_at=NOW - DAY, due_at=NOW - DAY)
    assert await escalate(engine) == 0


async def test_what_somebody_works_on_just_now_is_told_at_the_next_look(engine, city_url):
    code = put(city_url, warn_at=NOW, due_at=NOW + DAY)
    with psycopg.connect(city_url) as db:
        db.execute("SELECT 1 FROM reports WHERE code = %s FOR UPDATE", (code,))
        assert await escalate(engine) == 0
    assert await escalate(engine) == 1


async def test_silence_closes_after_fourteen_days_and_says_so(engine, city_url):
    old = put(city_url, "resolved", resolved_at=NOW - 14 * DAY)
    young = put(city_url, "resolved", resolved_at=NOW - 14 * DAY + timedelta(seconds=1))
    async with engine.begin() as conn:
        assert await timers.close(conn, DEADLINES, NOW) == 1
    assert (value(city_url, old, "status"), value(city_url, old, "closed_at")) == ("closed", NOW)
    assert value(city_url, young, "status") == "resolved"
    assert lines(city_url, old) == [("closed", "Closed after 14 days.", True)]
