"""A country in blocks over Dask, against one process that takes city by city whole.

34 provinces and 3,321 wards where they really are; what lies in a ward is drawn by its own seed by
whoever needs it, so no points are sent about. A ward of which two blocks see a part is drawn twice:
that is in our time. One scheduler and two workers of one thread each, real processes, on the same
processors as the one process, which uses all of them: the ratio tells what blocks, halos and merge
cost, and there is nothing to win on one machine. Every label is compared, by hashes.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import peak

from geo import crs
from geo.hotspots.country.blocks import Block, Box, places
from geo.hotspots.country.run import Job, clusters
from geo.hotspots.dbscan import dbscan

POINTS = 50_000_000
WORKERS = 2
EPS_M, MIN_POINTS = 100.0, 10
SIDE_M = 100_000.0
# Of a province's reports.
SHARES = {"traffic": 0.4, "lighting": 0.3, "waste": 0.2, "flooding": 0.1}

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Wards:
    """(wards,) each: the province's code, middle in metres, radius, share of the country."""

    province: npt.NDArray[np.str_]
    middle_m: Floats
    radius_m: Floats
    share: Floats


@cache
def wards() -> Wards:
    """The country's wards; the more people live in one, the smaller it is."""
    from geo.demo.units import query

    rows = query(
        "SELECT provinceCode, wardLon, wardLat, wardAreaKm2 FROM admin_units"
        " WHERE wardCode <> ? ORDER BY wardCode",
        "",
    )
    province, lon, lat, area_km2 = zip(*rows, strict=True)
    x_m, y_m, _ = crs.to_metres(lon, lat, crs.UTM_48N)
    # Some islands' areas are not told.
    area_km2 = np.nan_to_num(np.array(area_km2, dtype=float), nan=10.0)
    radius_m = np.clip(np.sqrt(area_km2 / np.pi) * 1000, 500, 6000)
    weight = np.random.default_rng(34).lognormal(0, 0.5, len(rows)) / radius_m
    return Wards(np.array(province), np.column_stack([x_m, y_m]), radius_m, weight / weight.sum())


@dataclass(frozen=True)
class Province:
    """Points of a province and category: a source that draws the wards that a box touches."""

    code: str
    category: str
    points: int

    def blocks(self, side_m: float) -> list[Block]:
        all_ = wards()
        mine = np.flatnonzero(all_.province == self.code)
        found: set[Block] = set()
        for middle_m, radius_m in zip(all_.middle_m[mine], all_.radius_m[mine], strict=True):
            (c0, r0), (c1, r1) = places(
                np.array([middle_m - radius_m, middle_m + radius_m]), side_m
            ).tolist()
            found.update(Block(c, r) for c in range(c0, c1 + 1) for r in range(r0, r1 + 1))
        return sorted(found)

    def load(self, box: Box | None) -> tuple[Ints, Floats]:
        """All of the province without a box."""
        all_ = wards()
        counts = np.round(all_.share * self.points * SHARES[self.category]).astype(np.int64)
        mine = all_.province == self.code
        first = np.cumsum(np.where(mine, counts, 0)) - counts
        if box is not None:
            low, high = (
                all_.middle_m - all_.radius_m[:, None],
                all_.middle_m + all_.radius_m[:, None],
            )
            mine &= (low[:, 0] <= box.right_m) & (high[:, 0] >= box.left_m)
            mine &= (low[:, 1] <= box.high_m) & (high[:, 1] >= box.low_m)
        rows, points = [np.empty(0, np.int64)], [np.empty((0, 2))]
        for ward in np.flatnonzero(mine).tolist():
            drawn = _ward(ward, self.category, int(counts[ward]))
            number = first[ward] + np.arange(len(drawn))
            here = slice(None) if box is None else box.holds(drawn)
            rows.append(number[here])
            points.append(drawn[here])
        return np.concatenate(rows), np.concatenate(points)


def _ward(ward: int, category: str, n: int) -> Floats:
    """A ward's points: half in quarters, a third along streets, the rest anywhere; all inside."""
    rng = np.random.default_rng([ward, list(SHARES).index(category)])
    radius_m = wards().radius_m[ward]
    quarters, ends = rng.uniform(-0.8, 0.8, (6, 2)), rng.uniform(-1, 1, (30, 2, 2))
    dense, street = n // 2, n // 3
    at = rng.uniform(-1, 1, (n, 2))
    at[:dense] = quarters[rng.integers(0, 6, dense)] + rng.normal(0, 0.06, (dense, 2))
    which, along = rng.integers(0, 30, street), rng.random((street, 1))
    line = ends[which, 0] * along + ends[which, 1] * (1 - along)
    at[dense : dense + street] = line + rng.normal(0, 8.0 / radius_m, (street, 2))
    return wards().middle_m[ward] + np.clip(at, -1, 1) * radius_m


def checksum(rows: Ints, labels: Ints) -> tuple[int, int]:
    """(points, a sum of hashes), the same however the points are cut and ordered."""
    mixed = rows.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= (labels + 2).astype(np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(32)
    return len(rows), int(mixed.sum(dtype=np.uint64))


def provinces(points: int) -> list[Province]:
    codes = np.unique(wards().province).tolist()
    return [Province(code, category, points) for code in codes for category in SHARES]


def whole(points: int) -> dict[str, Any]:
    """One process, city by city: seconds, peak bytes, and a checksum for each."""
    dbscan(_ward(0, "traffic", 60_000), EPS_M, MIN_POINTS)
    began, found, clustered = time.perf_counter(), {}, 0
    for each in provinces(points):
        rows, at = each.load(None)
        labels = dbscan(at, EPS_M, MIN_POINTS)
        clustered += int(labels.max(initial=-1)) + 1
        found[f"{each.code} {each.category}"] = checksum(rows, labels)
    took_s = time.perf_counter() - began
    return {"s": took_s, "bytes": peak.bytes_of(), "found": found, "clusters": clustered}


def measure(url: str, points: int = POINTS) -> list[dict[str, Any]]:
    theirs = json.loads(_run(f"import json, country; print(json.dumps(country.whole({points})))"))
    with machines() as (address, peaks):
        jobs = [
            Job(each.code, each.category, each, EPS_M, MIN_POINTS, SIDE_M)
            for each in provinces(points)
        ]
        # Compiled functions are loaded before, as in the other process.
        warm = Province("79", "flooding", 1_000_000)
        list(clusters([Job("79", "x", warm, EPS_M, MIN_POINTS, SIDE_M)] * 4, scheduler=address))
        began, blocks = time.perf_counter(), 0
        found: dict[str, tuple[int, int]] = {}
        for part in clusters(jobs, keep=checksum, scheduler=address):
            name = f"{part.job.city} {part.job.category}"
            n, total = found.get(name, (0, 0))
            found[name] = n + part.kept[0], (total + part.kept[1]) % 2**64
            blocks += 1
        ours_s = time.perf_counter() - began
        ours_bytes = peaks()
    assert found == {name: tuple(told) for name, told in theirs["found"].items()}, "other labels"
    n = sum(each for each, _ in found.values())
    what = f"a country of 34 provinces, {len(wards().share):,} wards, {n:,} points"
    return [
        {
            "what": f"{what}: {WORKERS} workers",
            "against": "one process, city by city",
            "ours_s": ours_s,
            "theirs_s": theirs["s"],
            "ratio": theirs["s"] / ours_s,
            "aim": "-",
            "note": f"{n / ours_s:,.0f} against {n / theirs['s']:,.0f} points/s, drawing them "
            f"included; {len(found)} cities x categories, {blocks:,} blocks of {SIDE_M / 1000:g} "
            f"km, {theirs['clusters']:,} clusters, all labels the same",
        },
        {
            "what": f"{what}: memory of the largest worker",
            "against": "one process, city by city",
            "ours_s": None,
            "theirs_s": None,
            "ours_bytes": max(ours_bytes),
            "theirs_bytes": theirs["bytes"],
            "ratio": theirs["bytes"] / max(ours_bytes),
            "aim": "-",
            "note": "peaks of the workers: "
            + ", ".join(f"{each / 1e6:,.0f} MB" for each in ours_bytes)
            + f"; of the driver {peak.bytes_of() / 1e6:,.0f} MB",
        },
    ]


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}


def _run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=_environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


@contextmanager
def machines() -> Iterator[tuple[str, Any]]:
    """(address of a scheduler with two workers, what the workers' peaks are in bytes)."""
    from distributed import Client

    started: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory() as folder:

        def start(*command: str) -> None:
            with (Path(folder) / "log").open("a") as log:
                made = subprocess.Popen(
                    [sys.executable, "-m", "dask", *command, "--host", "127.0.0.1"],
                    env=_environment(),
                    cwd=folder,
                    stdout=log,
                    stderr=log,
                )
            started.append(made)

        try:
            told = Path(folder) / "scheduler.json"
            start("scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", str(told))
            until = time.monotonic() + 60
            while not told.exists():
                assert time.monotonic() < until, (Path(folder) / "log").read_text()
                time.sleep(0.1)
            for _ in range(WORKERS):
                start("worker", "--scheduler-file", str(told), "--nthreads", "1", "--no-nanny",
                      "--no-dashboard", "--local-directory", folder)  # fmt: skip
            with Client(scheduler_file=str(told), set_as_default=False) as client:
                client.wait_for_workers(WORKERS, timeout=60)
                yield client.scheduler.address, lambda: list(client.run(peak.bytes_of).values())
        finally:
            for each in reversed(started):
                each.kill()
                each.wait()
