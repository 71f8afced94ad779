"""Whoever dies in the middle of a fold leaves cells, days and log as they were before it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from holding import until
from serviced import ZONE, Serviced

from geo.store.statistics import fold
from geo.store.statistics.verify import verify

pytestmark = pytest.mark.anyio

# Rows that a fold wants to change, late in it and later; as long as another has them it waits.
AT = {
    "cells": "SELECT FROM statistics_cells FOR UPDATE",
    "the log": "SELECT FROM statistics_log FOR UPDATE",
    "its own count": "SELECT FROM statistics_state FOR UPDATE",
}
WAITING = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
    " AND wait_event_type = 'Lock' AND query LIKE '%statistics_%'"
)
KEPT = [
    f"SELECT md5(string_agg({table}::text, '|' ORDER BY {table}::text)) FROM {table}"
    for table in ("statistics_cells", "statistics_days", "statistics_log", "statistics_state")
]


def start_worker(url, folder):
    return subprocess.Popen(
        [Path(sys.executable).with_name("pinward"), "worker"],
        env={**os.environ, "PINWARD_DATABASE_URL": url, "PINWARD_STATE": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


@pytest.mark.parametrize("place", AT)
async def test_a_worker_killed_in_the_middle_of_a_fold_leaves_all_as_it_was(
    engine, city_url, tmp_path, place
):
    world = Serviced(city_url, 11)
    world.insert(60)
    await fold.rebuild(engine, ZONE)
    world.insert(20)
    for _ in range(5):
        world.change()

    def kept():
        return [world.db.execute(query).fetchone() for query in KEPT]

    # Nothing closes by itself meanwhile.
    world.db.execute("UPDATE reports SET resolved_at = now() WHERE status = 'resolved'")
    before = kept()
    worker = None
    try:
        with psycopg.connect(city_url) as holding:
            holding.execute(AT[place])
            worker = start_worker(city_url, tmp_path)
            until(lambda: world.db.execute(WAITING).fetchone())
            [pid] = world.db.execute(WAITING).fetchone()
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait(10)
        # It finds out that nobody is there any more once it may go on.
        until(
            lambda: (
                not world.db.execute(
                    "SELECT FROM pg_stat_activity WHERE pid = %s", (pid,)
                ).fetchone()
            )
        )
    finally:
        if worker is not None and worker.poll() is None:
            os.killpg(worker.pid, signal.SIGKILL)
    assert kept() == before
    assert (await verify(engine, ZONE)).equal
    assert await fold.fold(engine, ZONE) > 0
    assert kept() != before
    assert (await verify(engine, ZONE)).equal
    world.db.close()
