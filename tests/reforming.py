"""A reform of the small city, done by the real command, which is held and killed.

From `DAY` on the south-west of the small city is Phía Nam, with a code that was another ward's; the
east of ward 90003 is its new version (nothing changes for people there), and the northern row is
one ward.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import shapely
from holding import until

from builders import SIDE, SOUTH, WEST, all_over
from geo.reports.bulk import bulk_insert
from geo.store.database import create_engine
from geo.store.locks import Lock
from geo.wards.features import WardFeature, WardFile
from geo.wards.importing import import_wards

DAY = date(2026, 3, 1)
BEFORE = datetime(2026, 2, 1, tzinfo=UTC)
SET = "redrawn"

# PostGIS is the judge: open reports whose ward is not that of a day where they are.
ELSEWHERE = """
SELECT r.code, r.ward_id, w.id FROM reports r
LEFT JOIN LATERAL (
    SELECT id FROM wards w WHERE w.valid @> CAST(%s AS date) AND ST_Covers(w.geom, r.geom)
    ORDER BY w.code LIMIT 1
) w ON true
WHERE r.status IN ('received', 'assigned', 'in_progress', 'waiting')
    AND r.ward_id IS DISTINCT FROM w.id
"""


def redrawn() -> WardFile:
    """The wards of the reform."""
    split, east = WEST + 2.4 * SIDE, WEST + 3 * SIDE
    polygons = np.empty(3, dtype=object)
    polygons[0] = shapely.box(WEST, SOUTH, split, SOUTH + SIDE)
    polygons[1] = shapely.box(split, SOUTH, east, SOUTH + SIDE)
    polygons[2] = shapely.box(WEST, SOUTH + SIDE, east, SOUTH + 2 * SIDE)
    wards = (
        WardFeature("90002", "Phía Nam", None, "ward", "feature 0"),
        WardFeature("90003", "Đa Mẫu", None, "ward", "feature 1"),
        WardFeature("90007", "Phía Bắc", None, "ward", "feature 2"),
    )
    return WardFile(SET, wards, polygons)


def reported(n: int, **changes: Any) -> list[dict[str, Any]]:
    """Rows of reports all over the city; every tenth has a circle of 100 m, some are begun."""
    return [
        {
            **row,
            "created_at": BEFORE,
            "accuracy_m": 100.0 if k % 10 == 0 else None,
            "status": ("assigned", "received", "in_progress", "waiting")[k % 4],
            "source": "test",
            "source_id": str(k),
            **changes,
        }
        for k, row in enumerate(all_over(n, seed=11))
    ]


def store(url: str, rows: list[dict[str, Any]]) -> None:
    """Store reports, as an import does."""
    _work(url, lambda conn: bulk_insert(conn, rows))


def draw_anew(url: str, day: date = DAY, file: WardFile | None = None) -> None:
    """Import the reform's wards, in force from a day on."""
    wards = file or redrawn()
    _work(
        url,
        lambda conn: import_wards(conn, wards, name=SET, valid_from=day, city="Thành phố Thử"),
    )


def query(url: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """The rows of a statement."""
    with psycopg.connect(url) as db:
        return db.execute(statement, values).fetchall()


@contextmanager
def running(url: str, folder: Path, *words: str) -> Iterator["subprocess.Popen[str]"]:
    """`pinward wards reform …` in a process of its own; killed at the end of the block."""
    program = Path(sys.executable).with_name("pinward")
    process = subprocess.Popen(
        [program, "wards", "reform", *words],
        env={**os.environ, "PINWARD_DATABASE_URL": url, "PINWARD_STATE": str(folder / "state")},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def rows_held(url: str, codes: list[str]) -> Iterator[Callable[[], None]]:
    """Hold these reports' rows, so that whoever wants to change them waits, until the block ends or
    what it yields is called."""
    with psycopg.connect(url) as db:
        db.execute("SELECT FROM reports WHERE code = ANY (%s) FOR UPDATE", (codes,))
        yield db.rollback


@contextmanager
def today_held(url: str) -> Iterator[Callable[[], None]]:
    """Hold today's answers, which are made last."""
    with psycopg.connect(url) as db:
        db.execute("SELECT pg_advisory_xact_lock(%s)", (int(Lock.TODAY),))
        yield db.rollback


def until_held(url: str, process: "subprocess.Popen[str]", n: int) -> None:
    """Wait until at least `n` transactions of the process wait for a lock."""
    held = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND wait_event_type = 'Lock' AND state = 'active'"
    )

    def true() -> bool:
        assert process.poll() is None, process.communicate()
        return query(url, held)[0][0] >= n

    until(true)


def until_gone(url: str) -> None:
    """Wait until the server has ended what killed processes left under way: their rows stay locked
    until then, and who comes next would be held by them."""
    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    until(lambda: query(url, others) == [(0,)])


def kill(process: "subprocess.Popen[str]") -> None:
    """As power does."""
    process.send_signal(signal.SIGKILL)
    assert process.wait(30) == -signal.SIGKILL


def _work(url: str, work: Callable[[Any], Any]) -> None:
    async def run() -> None:
        engine = create_engine(url, pool_size=1)
        async with engine.begin() as conn:
            await work(conn)
        await engine.dispose()

    asyncio.run(run())
