"""The worker: one works, the others wait, and killing any of them spoils nothing."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest
from conftest import serving
from drawn import put_reports
from listening import Listening, numbered, wait_until

from api import worker
from builders import middle
from geo.settings import Settings
from geo.store import migrate
from geo.store.cluster import Cluster
from geo.store.locks import Lock

PLACE = middle(0)
PINWARD = Path(sys.executable).with_name("pinward")


class Workers:
    """`pinward worker` processes on one database."""

    def __init__(self, url, folder):
        self.url = url
        self.folder = folder
        self.all = []

    def start(self, *options):
        # Of this test alone, and no night's work beside.
        environment = {
            **os.environ,
            "PINWARD_DATABASE_URL": self.url,
            "PINWARD_STATE": str(self.folder / "state"),
            "PINWARD_HOTSPOTS_HOUR": "24",
            "PINWARD_RETENTION_HOUR": "24",
        }
        log = self.folder / f"worker-{len(self.all)}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [PINWARD, "worker", *options], env=environment, stdout=out, stderr=out
            )
        self.all.append((process, log))
        return process

    def leads(self, process):
        return "this worker leads" in dict(self.all)[process].read_text()

    def stands_by(self, process):
        return "stands by" in dict(self.all)[process].read_text()


@pytest.fixture
def workers(city_url, tmp_path):
    made = Workers(city_url, tmp_path)
    yield made
    for process, _ in made.all:
        process.kill()
        process.wait(30)


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children(pid, like=" worker "):
    done = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    )
    return [int(line.split()[0]) for line in done.stdout.splitlines() if like in line]


def test_one_works_and_another_takes_over_soon_after_its_death(workers, city_url):
    first = workers.start()
    wait_until(lambda: workers.leads(first), 30)
    second = workers.start()
    wait_until(lambda: workers.stands_by(second), 30)
    put_reports(city_url, [PLACE])
    wait_until(lambda: numbered(city_url), 60)
    assert not workers.leads(second)
    first.send_signal(signal.SIGKILL)
    wait_until(lambda: workers.leads(second), 60)
    put_reports(city_url, [PLACE])
    wait_until(lambda: numbered(city_url), 60)


def test_killed_again_and_again_while_others_write_every_change_gets_one_number(workers, city_url):
    done = threading.Event()
    codes = []

    def write():
        while not done.is_set():
            codes.extend(put_reports(city_url, [PLACE] * 20))

    writers = [threading.Thread(target=write) for _ in range(4)]
    for thread in writers:
        thread.start()
    try:
        leader = workers.start()
        wait_until(lambda: workers.leads(leader), 30)
        for _ in range(3):
            following = workers.start()
            wait_until(lambda following=following: workers.stands_by(following), 30)
            leader.kill()
            wait_until(lambda following=following: workers.leads(following), 30)
            leader = following
    finally:
        done.set()
        for thread in writers:
            thread.join()
    wait_until(lambda: numbered(city_url), 60)
    with psycopg.connect(city_url) as db:
        rows = db.execute(
            "SELECT subject FROM changes WHERE topic = 'report' ORDER BY seq"
        ).fetchall()
    assert len(codes) > 200
    assert sorted(code for (code,) in rows) == sorted(codes)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_end_it_ends_at_once_and_well(workers, how):
    both = workers.start(), workers.start()
    # Before they have said so they may not have begun to listen for signals.
    wait_until(lambda: any(map(workers.leads, both)) and any(map(workers.stands_by, both)), 60)
    for process in both:
        process.send_signal(how)
    assert [process.wait(60) for process in both] == [0, 0]


def test_it_ends_when_the_process_it_belongs_to_was_killed(workers):
    parent = subprocess.Popen(["sleep", "60"])
    # Not its child: as after the parent's death.
    orphan = workers.start("--parent", str(parent.pid))
    parent.kill()
    parent.wait()
    assert orphan.wait(30) == 0


def test_it_waits_for_a_database_that_restarts(tmp_path):
    cluster = Cluster(tmp_path / "own", durable=False)
    workers = Workers(cluster.start(), tmp_path)
    try:
        migrate.upgrade(workers.url)
        process = workers.start()
        wait_until(lambda: workers.leads(process), 30)
        cluster.stop()
        time.sleep(2)
        assert process.poll() is None
        cluster.start()
        with psycopg.connect(workers.url) as db:
            db.execute("INSERT INTO changes (topic) VALUES ('x')")
        wait_until(lambda: numbered(workers.url), 60)
    finally:
        for process, _ in workers.all:
            process.kill()
            process.wait()
        cluster.remove()


def test_interrupted_it_numbers_again_though_its_jobs_do_not_end_well(workers, city_url):
    leader = workers.start()
    wait_until(lambda: workers.leads(leader), 60)
    with psycopg.connect(city_url, autocommit=True) as db:
        # Doing jobs has begun, and cannot say that it ends: as when the database goes away.
        registered = "SELECT count(*) FROM procrastinate_workers"
        wait_until(lambda: db.execute(registered).fetchone() == (1,), 60)
        db.execute("DROP FUNCTION procrastinate_unregister_worker_v1")
        leading = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE objid = %s AND granted"
        assert db.execute(leading, (int(Lock.LEADING),)).fetchall() == [(True,)]
    put_reports(city_url, [PLACE])
    wait_until(lambda: numbered(city_url), 30)


def test_serve_runs_one_starts_it_again_when_it_dies_and_takes_it_along(city_url, tmp_path):
    with serving(city_url, tmp_path) as service:
        wait_until(lambda: children(service.pid), 60)
        (first,) = children(service.pid)
        wait_until(lambda: numbered(city_url), 20)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: children(service.pid) not in ([], [first]), 60)
        put_reports(city_url, [PLACE])
        wait_until(lambda: numbered(city_url), 20)
        (second,) = children(service.pid)
    assert not alive(second)


def test_serve_killed_leaves_nothing_behind(city_url, tmp_path):
    with serving(city_url, tmp_path, 2) as service:
        wait_until(lambda: children(service.pid), 60)
        wait_until(lambda: numbered(city_url), 20)
        left = children(service.pid, " ")
        assert len(left) == 3
        with Listening(service.base):
            os.kill(service.pid, signal.SIGKILL)
            wait_until(lambda: not any(map(alive, left)), 60)


def test_serve_can_be_told_to_run_none(city_url, tmp_path):
    with serving(city_url, tmp_path, 1, "--no-worker") as service:
        put_reports(city_url, [PLACE])
        time.sleep(2)
        assert children(service.pid) == []
        assert not numbered(city_url)


def test_old_changes_are_forgotten_once_folded(city_url, tmp_path, monkeypatch):
    monkeypatch.setenv("PINWARD_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("PINWARD_DATABASE_URL", city_url)
    monkeypatch.setattr(worker, "PURGE_EVERY_S", 0.2)
    put_reports(city_url, [PLACE] * 3)
    with psycopg.connect(city_url) as db:
        db.execute("UPDATE changes SET at = at - interval '2 hours'")

    def kept():
        with psycopg.connect(city_url) as db:
            return db.execute("SELECT count(*) FROM changes").fetchone()[0]

    async def work():
        stop = asyncio.Event()
        working = asyncio.create_task(
            worker.Worker(
                city_url, Settings(changes_kept_h=1, hotspots_hour=24, retention_hour=24), stop
            ).run()
        )
        # Folded because they are old, and only then forgotten.
        await asyncio.to_thread(wait_until, lambda: kept() == 0, 60)
        put_reports(city_url, [PLACE])
        await asyncio.sleep(1)
        assert kept() == 1
        stop.set()
        await asyncio.wait_for(working, 60)

    asyncio.run(work())
