"""Nothing that dies or runs beside a fold leaves the pyramid wrong."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time

import psycopg
import pytest
from conftest import ROOT
from drawn import decoded, put_reports
from worlds import World

from geo.store import changes
from geo.store.database import create_engine
from tiles.filters import Filter
from tiles.pyramid import build, fold, store

pytestmark = pytest.mark.anyio

# A process that numbers and folds without end, with leaves that are full with few reports.
FOLDING = """
import asyncio, sys
from geo.store import changes
from geo.store.database import create_engine
from tiles.pyramid import fold, tree
tree.LEAF_MOST = fold.LEAF_MOST = 20
async def main():
    engine = create_engine(sys.argv[1])
    print("up", flush=True)
    while True:
        async with engine.begin() as conn:
            await changes.number(conn)
        await fold.fold(engine)
asyncio.run(main())
"""


def start_folding(url):
    return subprocess.Popen(
        [sys.executable, "-c", FOLDING, url],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        start_new_session=True,
    )


@pytest.fixture
async def engine(city_url):
    made = create_engine(city_url)
    yield made
    await made.dispose()


async def numbered(engine):
    async with engine.begin() as conn:
        await changes.number(conn)


async def test_a_folder_killed_again_and_again_leaves_the_pyramid_right(city_url, engine):
    world = World(city_url, 5)
    for turn in range(6):
        folding = start_folding(city_url)
        assert folding.stdout is not None
        folding.stdout.readline()
        end = time.monotonic() + 0.2 + 0.25 * turn
        while time.monotonic() < end:
            world.insert(20)
            world.change(1)
        os.killpg(folding.pid, signal.SIGKILL)
        folding.wait()
        folding.stdout.close()
        verdict = await build.verify(engine)
        assert verdict.equal, verdict
        chosen = Filter()
        expected = world.expected(chosen)
        assert await world.told(chosen, 9, decoded) == (expected, sum(expected.values()))
    with psycopg.connect(city_url) as db:
        (folded,) = db.execute("SELECT folded_seq FROM pyramid_state").fetchone()
    assert folded > 0, "it never folded before it died"
    world.db.close()


async def test_a_rebuild_beside_writers_misses_and_repeats_nothing(city_url, engine):
    world = World(city_url, 6)
    world.insert(400)
    stop = threading.Event()

    def write(seed):
        mine = World(city_url, seed)
        while not stop.is_set():
            mine.insert(5)
            mine.change(1)
        mine.db.close()

    writers = [threading.Thread(target=write, args=(seed,)) for seed in (7, 8)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(4):
            await build.rebuild(engine)
            verdict = await build.verify(engine)
            assert verdict.equal, verdict
            await numbered(engine)
            await fold.fold(engine)
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    verdict = await build.verify(engine)
    assert verdict.equal, verdict
    world.db.close()


async def test_changes_without_a_number_at_a_rebuild_are_counted_once(
    city_url, engine, monkeypatch
):
    put_reports(city_url, [(106.61, 10.71)] * 5)

    async def numbered_by_nobody(engine):
        pass

    monkeypatch.setattr(build, "_number_all", numbered_by_nobody)
    await build.rebuild(engine)
    world = World(city_url, 1)
    assert (await world.told(Filter(), 12, decoded))[1] == 5
    await numbered(engine)
    assert (await world.told(Filter(), 12, decoded))[1] == 5
    put_reports(city_url, [(106.61, 10.71)] * 2)
    await numbered(engine)
    await fold.fold(engine)
    assert (await world.told(Filter(), 12, decoded))[1] == 7
    async with store.locked(engine) as raw:
        assert (await store.state(raw)).counted == ()
    world.db.close()


async def test_verify_sees_what_is_wrong_and_rebuild_mends_it(city_url, engine):
    put_reports(city_url, [(106.61, 10.71), (106.62, 10.72)] * 10)
    await build.rebuild(engine)
    assert (await build.verify(engine)).equal
    with psycopg.connect(city_url) as db:
        db.execute("ALTER TABLE reports DISABLE TRIGGER USER")
        db.execute("DELETE FROM reports WHERE code = (SELECT min(code) FROM reports)")
        db.execute("ALTER TABLE reports ENABLE TRIGGER USER")
    verdict = await build.verify(engine)
    assert not verdict.equal
    assert verdict.examples
    await build.rebuild(engine)
    assert (await build.verify(engine)).equal


async def test_counts_that_lack_what_is_taken_away_are_made_anew(city_url, engine):
    put_reports(city_url, [(106.61, 10.71)] * 10)
    await build.rebuild(engine)
    with psycopg.connect(city_url) as db:
        db.execute("DELETE FROM pyramid_counts WHERE category = -1")
        db.execute("UPDATE reports SET status = 'closed'")
    await numbered(engine)
    await fold.fold(engine)
    assert (await build.verify(engine)).equal


async def test_two_folders_at_once_fold_each_change_once(city_url, engine):
    world = World(city_url, 9)
    other = create_engine(city_url)
    for _ in range(3):
        world.insert(200)
        await numbered(engine)
        await asyncio.gather(fold.fold(engine), fold.fold(other))
    await other.dispose()
    verdict = await build.verify(engine)
    assert verdict.equal, verdict
    world.db.close()


async def test_an_emptied_table_empties_the_map(city_url, engine):
    put_reports(city_url, [(106.61, 10.71)] * 10)
    await build.rebuild(engine)
    put_reports(city_url, [(106.61, 10.71)] * 3)
    with psycopg.connect(city_url) as db:
        db.execute("TRUNCATE reports CASCADE")
    assert (await build.verify(engine)).equal
    put_reports(city_url, [(106.61, 10.71)] * 2)
    world = World(city_url, 1)
    assert (await world.told(Filter(), 9, decoded))[1] == 2
    world.db.close()
