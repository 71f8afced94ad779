"""Which runs count: those that are done or that somebody makes, not those whose process died."""

import asyncio
import os
import signal
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest
from conftest import serving
from listening import wait_until
from planted import put_life

from api import jobs
from geo.hotspots.days import window
from geo.settings import Settings
from geo.store import hotspot_queue, hotspot_runs
from geo.store.locks import Lock

pytestmark = pytest.mark.anyio
CITY = ZoneInfo("Asia/Ho_Chi_Minh")
DAY = date(2026, 3, 10)
OVER = window(DAY, CITY).until


async def put(engine, **columns):
    """A run of all categories as of the day, with columns of its own, and no job."""
    async with engine.begin() as conn:
        run_id = await hotspot_runs.ask(conn, None, DAY, window(DAY, CITY))
        await hotspot_runs.tell(conn, run_id, **columns)
        return run_id


async def asked(engine, day=DAY):
    async with engine.begin() as conn:
        return await jobs.ask(conn, None, day, Settings())


async def made_of(engine):
    async with engine.connect() as conn:
        return await hotspot_queue.made_of(conn, DAY)


async def one(engine, run_id):
    async with engine.connect() as conn:
        return await hotspot_runs.one(conn, run_id)


async def bury(engine):
    async with engine.begin() as conn:
        await hotspot_queue.bury(conn)


@pytest.mark.parametrize("state", ["waiting", "running"])
async def test_what_nobody_makes_is_buried_and_asked_for_anew(engine, state):
    dead = await put(engine, state=state)
    assert not await made_of(engine)
    async with engine.connect() as conn:
        assert await hotspot_queue.waiting(conn, None, DAY) is None
    anew = await asked(engine)
    assert anew != dead
    row = await one(engine, dead)
    assert (row.state, row.error) == ("failed", hotspot_queue.DIED)
    assert row.finished_at
    # and the new one, which has a job, lives
    assert await made_of(engine)
    await bury(engine)
    assert (await one(engine, anew)).state == "waiting"
    assert await asked(engine) == anew


@pytest.mark.parametrize("status", ["failed", "aborted", "cancelled"])
async def test_a_job_that_is_over_makes_no_run(engine, status):
    dead = await asked(engine)
    async with engine.begin() as conn:
        await conn.exec_driver_sql(f"UPDATE procrastinate_jobs SET status = '{status}'")
    assert not await made_of(engine)
    assert await asked(engine) != dead


async def test_a_run_whose_process_holds_it_lives_until_that_ends(engine):
    run_id = await put(engine, state="running")
    holding = await engine.connect()
    await hotspot_queue.hold(holding, run_id)
    await holding.commit()
    assert await made_of(engine)
    await bury(engine)
    assert (await one(engine, run_id)).state == "running"
    await holding.invalidate()
    await holding.close()
    await bury(engine)
    assert (await one(engine, run_id)).state == "failed"
    assert not await made_of(engine)


@pytest.mark.parametrize(("state", "counts"), [("done", True), ("failed", False)])
async def test_what_has_ended_counts_if_it_is_done(engine, state, counts):
    await put(engine, state=state)
    assert await made_of(engine) is counts


async def test_a_run_of_a_part_of_the_day_is_none_of_the_day(engine):
    part = OVER - timedelta(hours=12)
    await put(engine, state="done", queued_at=part, started_at=part)
    assert not await made_of(engine)
    # asked for on the day, begun when it was over
    await put(engine, state="done", queued_at=part, started_at=OVER)
    assert await made_of(engine)


async def test_a_run_of_a_part_of_the_day_that_goes_on_is_none_of_the_day(engine):
    run_id = await put(engine, state="running")
    async with engine.connect() as holding:
        await hotspot_queue.hold(holding, run_id)
        await holding.commit()
        assert await made_of(engine)
        async with engine.begin() as conn:
            await hotspot_runs.tell(conn, run_id, started_at=OVER - timedelta(hours=1))
        assert not await made_of(engine)
        await holding.invalidate()


def test_a_run_of_the_command_line_that_is_killed_is_told_as_failed(city_url, tmp_path):
    put_life(city_url, n=200)
    environment = {**os.environ, "PINWARD_DATABASE_URL": city_url}
    words = ("hotspots", "run", "--as-of", str(DAY))

    def state():
        with psycopg.connect(city_url) as db:
            return db.execute("SELECT state FROM hotspot_runs").fetchall()

    with psycopg.connect(city_url) as db:
        db.execute("SELECT pg_advisory_lock(%s)", (Lock.HOTSPOTS,))
        command = subprocess.Popen(
            [Path(sys.executable).with_name("pinward"), *words], env=environment
        )
        try:
            wait_until(lambda: state() == [("running",)], 40)
            with serving(city_url, tmp_path) as service:
                wait_until(lambda: "this worker leads" in service.log.read_text(), 40)
                assert state() == [("running",)]
            command.send_signal(signal.SIGKILL)
        finally:
            command.kill()
            command.wait()
        assert state() == [("running",)]
    with serving(city_url, tmp_path):
        wait_until(lambda: state() == [("failed",)], 40)


async def test_of_many_who_ask_at_once_all_get_the_same_run(engine):
    assert len(set(await asyncio.gather(*(asked(engine) for _ in range(6))))) == 1
