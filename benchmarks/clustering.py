"""Exact DBSCAN against scikit-learn, PostGIS, the C++ package `dbscan` and one `np.argsort`.

Points as reports lie: dense quarters, streets, thin outskirts, piles on one spot. Pairs take turns,
the best of each counts (compiled functions are loaded before). scikit-learn and PostGIS are asked
once at a million: they take a quarter of a minute and more.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg

from geo.hotspots.dbscan import dbscan

EPS_M, MIN_POINTS = 100.0, 10
TURNS = 5
_SIDE_M = 30_000.0

Points = npt.NDArray[np.float64]


def measure(url: str, small: int = 100_000, large: int = 1_000_000) -> list[dict[str, Any]]:
    dbscan(city(60_000), EPS_M, MIN_POINTS)
    few, many, most = city(small), city(large), city(5 * large)
    made = [
        _row(small, "scikit-learn", few, lambda: _sklearn(few), "≥ 10", turns=2),
        _row(small, "PostGIS ST_ClusterDBSCAN", few, lambda: _postgis(url, few), "-", turns=1),
        _row(large, "scikit-learn", many, lambda: _sklearn(many), "≥ 100", turns=1),
        _row(large, "the C++ package dbscan", many, lambda: _package(many), "≥ 5"),
    ]
    sort = _row(5 * large, "one np.argsort of x", most, lambda: np.argsort(most[:, 0]), "≥ 0.83")
    return [*made, sort, _memory(large), _adversarial(few)]


def city(n: int, seed: int = 1) -> Points:
    """Half of the points in dense quarters, a third along streets, the rest anywhere; piles."""
    rng = np.random.default_rng(seed)
    quarters = rng.uniform(0, _SIDE_M, (60, 2))
    dense = quarters[rng.integers(0, 60, n // 2)] + rng.normal(0, 900, (n // 2, 2))
    ends = rng.uniform(0, _SIDE_M, (400, 2, 2))
    which, along = rng.integers(0, 400, n // 3), rng.uniform(0, 1, (n // 3, 1))
    streets = ends[which, 0] * along + ends[which, 1] * (1 - along) + rng.normal(0, 8, (n // 3, 2))
    anywhere = rng.uniform(0, _SIDE_M, (n - len(dense) - len(streets), 2))
    points = np.concatenate([dense, streets, anywhere])
    piles = rng.integers(0, n, n // 50)
    points[piles] = points[rng.integers(0, n, 200)][rng.integers(0, 200, len(piles))]
    rng.shuffle(points)
    return points


def awkward(n: int) -> dict[str, tuple[Points, float]]:
    """Input that naive pair loops break on, with the eps to ask: the same number of points each."""
    rng = np.random.default_rng(3)
    half = n // 2
    facing = np.concatenate(
        [rng.uniform(0, 60, (half, 2)), rng.uniform(0, 60, (n - half, 2)) + np.array([160.0, 0.0])]
    )
    side = int(np.sqrt(n))
    lattice = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).reshape(-1, 2) * 50.0
    line = np.column_stack([np.linspace(0, _SIDE_M, n), np.zeros(n)])
    return {
        "all on one spot": (np.zeros((n, 2)), EPS_M),
        "two heaps a hair apart": (facing, EPS_M),
        "a lattice": (lattice.astype(np.float64), EPS_M),
        "a line": (line, EPS_M),
        "eps 100 times too large": (city(n), 100 * EPS_M),
    }


def _row(
    n: int, whose: str, points: Points, theirs: Callable[[], Any], aim: str, turns: int = TURNS
) -> dict[str, Any]:
    ours_s, theirs_s = np.inf, np.inf
    for turn in range(turns):
        for mine in (True, False) if turn % 2 else (False, True):
            began = time.perf_counter()
            if mine:
                dbscan(points, EPS_M, MIN_POINTS)
                ours_s = min(ours_s, time.perf_counter() - began)
            else:
                theirs()
                theirs_s = min(theirs_s, time.perf_counter() - began)
    return {
        "what": f"exact DBSCAN, {n:,} points",
        "against": whose,
        "ours_s": ours_s,
        "theirs_s": theirs_s,
        "ratio": theirs_s / ours_s,
        "aim": aim,
        "note": f"best of {turns}, taking turns; {EPS_M:g} m, {MIN_POINTS} points",
    }


def _sklearn(points: Points) -> Any:
    from sklearn.cluster import DBSCAN

    return DBSCAN(eps=EPS_M, min_samples=MIN_POINTS, n_jobs=-1).fit(points).labels_


def _package(points: Points) -> Any:
    from dbscan import DBSCAN

    return DBSCAN(points, eps=EPS_M, min_samples=MIN_POINTS)


def _postgis(url: str, points: Points) -> None:
    with psycopg.connect(url) as db:
        db.execute("CREATE TEMP TABLE p (geom geometry)")
        with db.cursor().copy("COPY p FROM STDIN") as copy:
            copy.write("".join(f"POINT({x!r} {y!r})\n" for x, y in points.tolist()))
        db.execute(
            f"SELECT count(c) FROM (SELECT ST_ClusterDBSCAN(geom, {EPS_M}, {MIN_POINTS}) OVER ()"
            " AS c FROM p) AS q"
        )
        db.rollback()


_CHILD = """
import sys
sys.path.insert(0, {here!r})
import clustering, peak, numpy as np
points = np.load({file!r})
work = {work}
work(points[:60_000].copy())
before = peak.bytes_of()
work(points)
print(peak.bytes_of() - before)
"""


def _peak(points: Points, work: str) -> int:
    """Bytes that a process which holds the points needs beside them."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "points.npy"
        np.save(file, points)
        code = _CHILD.format(here=str(Path(__file__).parent), file=str(file), work=work)
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
    # Next to nothing where the process had the room already.
    return max(1, int(done.stdout))


def _memory(n: int) -> dict[str, Any]:
    points = city(n)
    ours = _peak(points, f"lambda p: clustering.dbscan(p, {EPS_M}, {MIN_POINTS})")
    theirs = _peak(points, "clustering._package")
    return {
        "what": f"exact DBSCAN, {n:,} points: memory beyond the input",
        "against": "the C++ package dbscan",
        "ours_s": None,
        "theirs_s": None,
        "ours_bytes": ours,
        "theirs_bytes": theirs,
        "ratio": theirs / max(ours, 1),
        "aim": "≥ 8, ≤ 40 bytes a point",
        "note": f"{ours / n:.0f} against {theirs / n:.0f} bytes a point, peaks of a process",
    }


def _adversarial(ordinary: Points) -> dict[str, Any]:
    def best(points: Points, eps_m: float) -> float:
        times = []
        for _ in range(TURNS):
            began = time.perf_counter()
            dbscan(points, eps_m, MIN_POINTS)
            times.append(time.perf_counter() - began)
        return min(times)

    usual = best(ordinary, EPS_M)
    took = {name: best(*one) for name, one in awkward(len(ordinary)).items()}
    worst = max(took, key=lambda name: took[name])
    return {
        "what": f"exact DBSCAN, {len(ordinary):,} awkward points: {worst}",
        "against": "as many ordinary ones",
        "ours_s": took[worst],
        "theirs_s": usual,
        "ratio": usual / took[worst],
        "aim": "≥ 0.5",
        "note": "; ".join(f"{name} {each * 1e3:.0f} ms" for name, each in took.items()),
    }
