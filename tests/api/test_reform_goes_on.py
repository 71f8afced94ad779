"""What the worker does about reforms every few minutes: end what was broken off, either way, and
move what came late; and what it leaves alone."""

import asyncio
from datetime import UTC, date, datetime
from types import SimpleNamespace

import numpy as np
import psycopg
import pytest
import shapely
from reforming import (
    DAY,
    ELSEWHERE,
    SET,
    draw_anew,
    kill,
    query,
    redrawn,
    reported,
    rows_held,
    running,
    store,
    until_held,
)

from api import jobs
from builders import SIDE, SOUTH, WEST
from geo.reports.reform.apply import due
from geo.settings import Settings
from geo.store.database import create_engine
from geo.wards.features import WardFile

# A corner that no ward of the reform has, and a place in it that is 440 m from all of them.
CORNER = shapely.box(WEST, SOUTH, WEST + 0.008, SOUTH + 0.008)
NOWHERE = {"lon": WEST + 0.0035, "lat": SOUTH + 0.0035}

STATE = "SELECT state FROM reforms"
TOLD = "SELECT count(*) FROM report_events WHERE kind = 'moved'"
STANDING = "SELECT to_jsonb(r) - 'updated_at' FROM reports r ORDER BY id"
# As a process does that had not heard of the new wards: the old ward, and after the reform.
UNDER_THE_OLD = """
UPDATE reports r SET ward_id = w.id, organisation_id = w.organisation_id FROM wards w
WHERE r.source = 'late' AND upper(w.valid) = %s AND ST_Covers(w.geom, r.geom)
"""


@pytest.fixture
def city(city_url, monkeypatch):
    """Six hundred open reports and the wards of the reform, which lack a corner of the city."""
    monkeypatch.setenv("PINWARD_DATABASE_URL", city_url)
    store(city_url, [row for row in reported(600) if not CORNER.intersects(place(row))])
    file = redrawn()
    lacking = np.array([shapely.difference(each, CORNER) for each in file.polygons], dtype=object)
    draw_anew(city_url, file=WardFile(SET, file.wards, lacking))
    return city_url


def place(row):
    return shapely.Point(row["lon"], row["lat"])


def work(url):
    """Let the worker do what it does; returns what it saw to do."""

    async def run():
        async with (engine := create_engine(url, pool_size=1)).connect() as conn:
            seen = await due(conn, date(2026, 4, 1))
        await engine.dispose()
        context = SimpleNamespace(additional_context={"url": url, "settings": Settings()})
        await jobs.reforms.func(context, int(datetime(2026, 4, 1, tzinfo=UTC).timestamp()))
        return seen

    return asyncio.run(run())


def came_late(url, n, **changes):
    rows = reported(n, source="late", **changes)
    store(url, [row for row in rows if changes or not CORNER.intersects(place(row))])
    with psycopg.connect(url) as db:
        db.execute(UNDER_THE_OLD, (DAY,))


@pytest.fixture
def applied(city, pinward):
    done = pinward("wards", "reform", "apply", "--to", SET, url=city)
    assert done.returncode == 0, done.stderr
    assert query(city, ELSEWHERE, DAY) == []
    return city


def test_an_undo_that_was_killed_is_ended_and_not_begun_again(city, pinward, tmp_path):
    before = query(city, STANDING)
    pinward("wards", "reform", "apply", "--to", SET, url=city)
    codes = [code for (code,) in query(city, "SELECT code FROM reports ORDER BY id")]
    with (
        rows_held(city, [codes[0], codes[200]]),
        running(city, tmp_path, "undo", "--to", SET) as process,
    ):
        until_held(city, process, 2)
        kill(process)
    assert query(city, STATE) == [("undoing",)]
    assert work(city) == [("undo", SET)]
    assert query(city, STATE) == [("undone",)]
    assert query(city, STANDING) == before
    assert work(city) == []
    assert query(city, STANDING) == before


def test_reports_that_came_late_are_moved_with_an_event_and_once(applied):
    assert work(applied) == []
    [(told,)] = query(applied, TOLD)
    came_late(applied, 40)
    assert len(query(applied, ELSEWHERE, DAY)) > 30
    assert work(applied) == [("apply", SET)]
    assert query(applied, ELSEWHERE, DAY) == []
    [(told_now,)] = query(applied, TOLD)
    assert told + 20 < told_now <= told + 40
    assert work(applied) == []


def test_a_report_opened_again_is_moved_as_if_it_had_been_open(applied):
    came_late(applied, 10, status="closed", **{"lon": WEST + SIDE / 2, "lat": SOUTH + SIDE * 0.7})
    assert work(applied) == []
    with psycopg.connect(applied) as db:
        db.execute("UPDATE reports SET status = 'in_progress' WHERE source_id = '3'")
    assert work(applied) == [("apply", SET)]
    assert query(applied, ELSEWHERE, DAY) == []


def test_reports_in_no_ward_of_the_reform_are_looked_at_once(applied):
    came_late(applied, 3, **NOWHERE)
    assert work(applied) == [("apply", SET)]
    assert len(query(applied, ELSEWHERE, DAY)) == 3
    assert work(applied) == []
    # Nor do they hide another one.
    with psycopg.connect(applied) as db:
        db.execute("UPDATE reports SET source = 'stays' WHERE source = 'late'")
    came_late(applied, 1, lon=WEST + SIDE / 2, lat=SOUTH + SIDE * 0.7)
    assert work(applied) == [("apply", SET)]
    assert len(query(applied, ELSEWHERE, DAY)) == 3
    assert work(applied) == []


def test_what_was_undone_is_left_alone_whatever_comes(applied, pinward):
    assert pinward("wards", "reform", "undo", "--to", SET, url=applied).returncode == 0
    came_late(applied, 20)
    assert work(applied) == []
    assert query(applied, STATE) == [("undone",)]


def test_a_reform_that_leaves_reports_behind_is_not_over(city, tmp_path):
    with psycopg.connect(city) as db:
        db.execute("DELETE FROM reports WHERE source_id <> '7'")
    [(code,)] = query(city, "SELECT code FROM reports")
    with psycopg.connect(city) as desk:
        # Handed to somebody else while the reform is about to move it.
        desk.execute("UPDATE reports SET organisation_id = NULL WHERE code = %s", (code,))
        with running(city, tmp_path, "apply", "--to", SET) as process:
            until_held(city, process, 1)
            desk.commit()
            said, complained = process.communicate(timeout=30)
    assert process.returncode == 0, complained
    assert "1 changed again and again meanwhile and are not moved yet: the worker goes on" in said
    assert query(city, STATE) == [("applying",)]
    assert work(city) == [("apply", SET)]
    assert query(city, STATE) == [("applied",)]
    assert query(city, ELSEWHERE, DAY) == []
    assert query(city, "SELECT summary -> 'left', summary -> 'moved' FROM reforms") == [(0, 1)]
