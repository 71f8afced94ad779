"""A scheduler and workers of Dask as processes of their own, and sources that they can load."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from geo.hotspots.country.blocks import Block, Box, Cut
from geo.hotspots.country.sources import Stored
from geo.hotspots.window import DAY_US, Reports

HERE = Path(__file__).resolve().parent


@dataclass
class Machines:
    """The address of a scheduler, and its workers by process id."""

    scheduler: str
    workers: dict[int, subprocess.Popen]


@contextmanager
def machines(folder: Path, workers: int = 2) -> Iterator[Machines]:
    """A real scheduler and real workers of one thread each; nothing listens but on this machine."""
    told, started = folder / "scheduler.json", []
    # What they are asked to do may be in this folder.
    env = {**os.environ, "PYTHONPATH": str(HERE), "NUMBA_NUM_THREADS": "1"}

    def start(*command: str) -> subprocess.Popen:
        with (folder / "log").open("a") as log:
            made = subprocess.Popen(
                [sys.executable, "-m", "dask", *command, "--host", "127.0.0.1"],
                env=env,
                cwd=folder,
                stdout=log,
                stderr=log,
            )
        started.append(made)
        return made

    try:
        start("scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", str(told))
        until = time.monotonic() + 60
        while not told.exists():
            assert time.monotonic() < until, (folder / "log").read_text()
            time.sleep(0.05)
        alone = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "0")
        made = [
            start("worker", "--scheduler-file", str(told), *alone, "--local-directory", str(folder))
            for _ in range(workers)
        ]
        from distributed import Client

        with Client(scheduler_file=str(told), set_as_default=False) as client:
            if workers:
                client.wait_for_workers(workers, timeout=60)
            address = client.scheduler.address
        yield Machines(address, {one.pid: one for one in made})
    finally:
        for one in reversed(started):
            one.kill()
            one.wait()


def points(seed: int, n: int = 4000) -> np.ndarray:
    """Heaps, a long line and stray points over 2 by 2 km, on tenths of a metre: ties are common."""
    rng = np.random.default_rng(seed)
    heaps = rng.uniform(0, 2000, (12, 2))[rng.integers(0, 12, n // 2)] + rng.normal(
        0, 60, (n // 2, 2)
    )
    line = np.column_stack([np.linspace(-300, 2300, n // 4), np.full(n // 4, 1000.0)])
    stray = rng.uniform(-200, 2200, (n - n // 2 - n // 4, 2))
    made = np.concatenate([heaps, line, stray]).round(1)
    rng.shuffle(made)
    return made


def stored(folder: Path, points_m: np.ndarray, side_m: float) -> Stored:
    Cut.of(points_m, side_m).save(folder)
    return Stored(folder)


@dataclass(frozen=True)
class Held:
    """A source that waits for `go` before it gives what lies in a block, and says who waits."""

    inner: Stored
    column: float
    waits: Path
    go: Path

    def blocks(self, side_m: float) -> list[Block]:
        return self.inner.blocks(side_m)

    def load(self, box: Box):
        if box.left_m < self.column < box.right_m and not self.go.exists():
            # Two at a time may wait, each in a process of its own.
            (self.waits / str(os.getpid())).touch()
            until = time.monotonic() + 60
            while not self.go.exists():
                assert time.monotonic() < until
                time.sleep(0.01)
        return self.inner.load(box)


@dataclass(frozen=True)
class Broken:
    """A source that cannot load what lies right of a line: ever, or so many times."""

    inner: Stored
    beyond_m: float
    times: int
    tally: Path

    def blocks(self, side_m: float) -> list[Block]:
        return self.inner.blocks(side_m)

    def load(self, box: Box):
        if box.left_m > self.beyond_m:
            made = len(list(self.tally.iterdir()))
            if made < self.times:
                (self.tally / str(made)).touch()
                raise OSError("the disk is on fire")
        return self.inner.load(box)


@dataclass(frozen=True)
class Drawn:
    """A city's reports by seed: an ordinary life of five categories, and one place of trouble."""

    seed: int
    n: int = 3000

    def reports(self) -> Reports:
        rng = np.random.default_rng(self.seed)
        west, south = 105.5 + self.seed, 10.5 + self.seed
        lon = rng.uniform(west, west + 0.05, self.n)
        lat = rng.uniform(south, south + 0.05, self.n)
        kind = rng.integers(1, 6, self.n)
        lon[:40] = west + 0.02 + rng.normal(0, 0.0004, 40)
        lat[:40] = south + 0.03 + rng.normal(0, 0.0004, 40)
        kind[:40] = 3
        start = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
        at_us = start + np.sort(rng.integers(0, 90 * DAY_US, self.n))
        rng.shuffle(at_us)
        columns = {
            "number": np.arange(self.n) * 7919 % 1_000_003,
            "lon": lon,
            "lat": lat,
            "at_us": at_us,
            "category": kind,
            "open": np.ones(self.n, dtype=bool),
            "channel": np.arange(self.n) % 3,
            "sender": np.full(self.n, -1),
            "flagged": np.zeros(self.n, dtype=bool),
        }
        return Reports.of(columns)


def with_pid(rows: np.ndarray, labels: np.ndarray):
    """Kept of a block: who did it, rows, labels."""
    return os.getpid(), rows, labels
