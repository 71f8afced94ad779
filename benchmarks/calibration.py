"""False alarms: hotspots found in simulated cities that have none, beside the usual methods.

Every category of every city is tested as a run does: p <= 0.05 after the correction for points,
scales and categories, so that at most 5 % of cities should have any. `ours_wrong` is the part of
cities with a false alarm anywhere; of hexagons, whose promise is one in twenty maps of a category,
the note says in how many maps there are any. `theirs_wrong` is that of Getis-Ord Gi* (esda: 200 m
cells, queen neighbours, p by the normal approximation, false discovery rate of 5 % in each
category's map). The note adds plain DBSCAN, whose clusters are scikit-learn's. Both see the first
few of the same cities. Times are for one city, all categories, on one core.
"""

import functools
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, NamedTuple, TypeVar

import numba
import numpy as np
import simulated
from scipy import stats

from geo.hotspots.dbscan import dbscan
from geo.hotspots.hexes.found import Tally
from geo.hotspots.hexes.found import find_in as hexagons_in
from geo.hotspots.identity import ENTER
from geo.hotspots.significance.core import Neighbourhood
from geo.hotspots.significance.found import find_in

CITIES = 200
COMPARED = 10
REPORTS = 40_000
CORES = 2
AIM = 0.07
CASES: dict[str, dict[str, Any]] = {
    "even": {"uneven": False},
    "uneven": {},
    "uneven, the mix changes over 2.5 km": {"smooth_mix": 0.5},
    "uneven, another mix in each ward": {"sharp_mix": 0.3},
    "uneven, another mix in each block": {"block_mix": 0.3},
    "uneven, 10 % with duplicates": {"duplicates": 0.1},
    "uneven, a storm over the city": {"storm": 0.3},
    "uneven, some of everything": {
        "smooth_mix": 0.4,
        "sharp_mix": 0.2,
        "block_mix": 0.2,
        "duplicates": 0.1,
        "storm": 0.2,
    },
}
CELL_M = 200.0
EPS_M, MIN_POINTS = 100.0, 10

Task = TypeVar("Task")
Answer = TypeVar("Answer")


class Told(NamedTuple):
    """What one city was said to have; None where the usual methods were not asked."""

    reports: int
    hotspots: int
    maps: int  # categories with any hexagon
    ours_s: float
    clusters: int | None = None
    clusters_s: float = 0.0
    cells: int | None = None
    cells_s: float = 0.0


def measure(
    url: str,
    cities: int = CITIES,
    compared: int = COMPARED,
    reports: int = REPORTS,
    cases: Sequence[str] = tuple(CASES),
) -> list[dict[str, Any]]:
    tasks = [(case, seed, seed < compared, reports) for case in cases for seed in range(cities)]
    told = list(over(_look, tasks))
    return [_row(case, told[k * cities : (k + 1) * cities]) for k, case in enumerate(cases)]


def over(work: Callable[[Task], Answer], tasks: Iterable[Task]) -> Iterable[Answer]:
    """The answers in the order of the tasks, by processes of one thread each."""
    with ProcessPoolExecutor(
        CORES, mp_context=get_context("spawn"), initializer=numba.set_num_threads, initargs=(1,)
    ) as pool:
        yield from pool.map(work, tasks)


def _look(task: tuple[str, int, bool, int]) -> Told:
    case, seed, compare, reports = task
    compiled()
    city = simulated.city(np.random.default_rng([seed, 7]), reports=reports, **CASES[case])
    kinds = range(len(simulated.SHARES))
    began = time.perf_counter()
    around = Neighbourhood.of(city.points_m, city.at_days, city.categories)
    hotspots = sum(len(find_in(around, kind, categories=len(kinds), alpha=ENTER)) for kind in kinds)
    took_s = time.perf_counter() - began
    tally = Tally.of(around)
    maps = sum(bool(hexagons_in([tally], kind)) for kind in kinds)
    told = Told(len(city.points_m), hotspots, maps, took_s)
    if not compare:
        return told
    each = [city.points_m[city.categories == kind] for kind in kinds]
    began = time.perf_counter()
    clusters = sum(int(dbscan(at_m, EPS_M, MIN_POINTS).max(initial=-1)) + 1 for at_m in each)
    between = time.perf_counter()
    cells = sum(_flagged(at_m) for at_m in each)
    ended = time.perf_counter()
    return told._replace(
        clusters=clusters, clusters_s=between - began, cells=cells, cells_s=ended - between
    )


@functools.cache
def compiled() -> None:
    """Loads and compiles what is timed, once a process."""
    city = simulated.city(np.random.default_rng(0), reports=2000)
    find_in(Neighbourhood.of(city.points_m, city.at_days, city.categories), 0, alpha=1.0)
    dbscan(city.points_m, EPS_M, MIN_POINTS)
    _flagged(city.points_m)


@functools.cache
def _weights(side: int) -> Any:
    from libpysal.weights import lat2W

    return lat2W(side, side, rook=False)


def _flagged(at_m: simulated.Floats) -> int:
    """Cells that Gi* calls hot, at a false discovery rate of 5 % (Benjamini and Hochberg 1995)."""
    from esda.getisord import G_Local

    side = round(simulated.SIDE_M / CELL_M)
    edges = np.linspace(0.0, simulated.SIDE_M, side + 1)
    counts = np.histogram2d(at_m[:, 0], at_m[:, 1], [edges, edges])[0].ravel()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        z = G_Local(counts, _weights(side), transform="B", star=True, permutations=0).Zs
    p = 2 * stats.norm.sf(np.abs(z))
    return int(((stats.false_discovery_control(p) <= 0.05) & (z > 0)).sum())


def _row(case: str, told: list[Told]) -> dict[str, Any]:
    false = sum(each.hotspots > 0 for each in told)
    sure = stats.binomtest(false, len(told)).proportion_ci(method="exact")
    asked = [each for each in told if each.cells is not None]
    clusters, cells, clusters_s, cells_s = (
        float(np.mean([getattr(each, name) for each in asked]))
        for name in ("clusters", "cells", "clusters_s", "cells_s")
    )
    theirs = float(np.mean([each.cells > 0 for each in asked if each.cells is not None]))
    ours = false / len(told)
    maps = float(np.mean([each.maps for each in told])) / len(simulated.SHARES)
    return {
        "what": f"false alarms, {len(told)} cities without hotspots: {case}",
        "against": f"Getis-Ord Gi* with FDR (esda), {len(asked)} of them",
        "ours_s": float(np.mean([each.ours_s for each in told])),
        "theirs_s": cells_s,
        "ours_wrong": ours,
        "theirs_wrong": theirs,
        "ratio": theirs / max(ours, 0.5 / len(told)),
        "aim": f"<= {AIM:.0%} of cities",
        "note": f"{false} of {len(told)} cities (95 %: {sure.low:.1%} to {sure.high:.1%}), "
        f"{np.mean([each.hotspots for each in told]):.3f} hotspots a city of "
        f"{np.mean([each.reports for each in told]):,.0f} reports and {len(simulated.SHARES)} "
        f"categories, {np.mean([each.ours_s for each in told]):.2f} s; hexagons in {maps:.1%} of "
        f"{len(told) * len(simulated.SHARES):,} maps; Gi* flags {cells:,.0f} "
        f"cells in {cells_s:.2f} s; plain DBSCAN ({EPS_M:g} m, {MIN_POINTS} points) draws "
        f"{clusters:,.0f} clusters in {clusters_s:.2f} s",
    }
