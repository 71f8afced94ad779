"""Exact DBSCAN over metres: where points lie densely enough to be one group.

A point is a *core* when at least `min_points` points, itself included, lie within `eps_m` of it
(distance <= eps_m). Cores within `eps_m` of each other are one cluster; any other point within
`eps_m` of a core belongs to the nearest core's cluster (of equally near ones to that of the lowest
x, then y), and what is left is noise. Unlike the usual "whichever cluster came first", no border
point depends on the order of the points.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from geo.errors import Invalid
from geo.hotspots.kernel import grid
from geo.hotspots.kernel.crew import Crew
from geo.hotspots.kernel.density import cores
from geo.hotspots.kernel.joining import join
from geo.hotspots.kernel.labels import labels
from geo.hotspots.kernel.sorting import Floats, Wide

# Squares of these are ordinary numbers, and points are counted in 32 bits.
_LEAST_EPS, _MOST_EPS = 1e-150, 1e150
_MOST_POINTS = 2**31 - 1

Marks = npt.NDArray[np.bool_]


def dbscan(
    points_m: npt.ArrayLike, eps_m: float, min_points: int, *, threads: int | None = None
) -> Wide:
    """Cluster labels of planar points.

    `points_m` is (n, 2) float64, metres in one plane; `eps_m` > 0 in metres; `min_points` >= 1
    counts the point itself. Returns (n,) int64: -1 is noise, clusters are 0, 1, … in the order of
    their lowest member's index. No points give no labels. Raises `Invalid` on NaN, infinite
    values, another shape, or parameters out of range.

    Two points are neighbours where dx * dx + dy * dy <= eps_m * eps_m in float64. `threads` (all
    processors unless given) changes how long it takes, never the answer. That is n log n, unless
    `min_points` comes near to what lies within reach of most points: then neighbours are counted
    one by one up to it, n * min_points.
    """
    return clustered(checked(points_m, eps_m, min_points), eps_m, min_points, threads)


def cored(
    points_m: npt.ArrayLike, eps_m: float, min_points: int, threads: int | None = None
) -> tuple[Wide, Marks]:
    """(labels, cores), (n,) each: what `dbscan` answers, and which points are cores."""
    points = checked(points_m, eps_m, min_points)
    marks = np.zeros(len(points), dtype=bool)
    return clustered(points, eps_m, min_points, threads, marks=marks), marks


def clustered(
    points: Floats,
    eps_m: float,
    min_points: int,
    threads: int | None,
    at: Floats | None = None,
    days: float = np.inf,
    marks: Marks | None = None,
) -> Wide:
    """Labels of checked points; with `at`, neighbours are at most `days` apart as well.

    `marks` (n,), all false, is told which points are cores.
    """
    if len(points) == 0:
        return np.empty(0, dtype=np.int64)
    if threads is not None and threads < 1:
        raise Invalid(f"threads must be at least 1; it is {threads}")
    # Squares of numpy's short integers would overflow without a word.
    eps_m, days = float(eps_m), float(days)
    enough = int(min(min_points, len(points) + 1))
    with Crew(len(points), threads) as crew:
        extent = grid.extent(points, crew)
        if extent is None:
            bad = int(np.flatnonzero(~np.isfinite(points).all(axis=1))[0])
            raise Invalid(f"points_m must be finite; point {bad} is {tuple(points[bad].tolist())}")
        cells = grid.cells(points, *extent, eps_m, crew, at, days)
        core = cores(cells, eps_m, days, enough, crew)
        if marks is not None:
            # Those of a cell come first: a step up at its start, a step down behind the last.
            some = core > 0
            steps = np.zeros(len(points) + 1, dtype=np.int8)
            steps[cells.start[:-1][some]] += 1
            steps[cells.start[:-1][some] + core[some]] -= 1
            marks[cells.order] = np.cumsum(steps[:-1], dtype=np.int8)
        cluster = join(cells, core, eps_m, days, crew)
        return labels(cells, core, cluster, eps_m, days, crew)


def checked(points_m: npt.ArrayLike, eps_m: float, min_points: int) -> Floats:
    """The points as an (n, 2) array, whose values may still be infinite or NaN.

    Raises `Invalid` on another shape, or parameters out of range.
    """
    points = np.ascontiguousarray(points_m, dtype=np.float64)
    if points.size == 0 and points.ndim <= 2 and points.shape[-1] in (0, 2):
        points = points.reshape(0, 2)
    if points.ndim != 2 or points.shape[1] != 2:
        raise Invalid(f"points_m must have the shape (n, 2); it has {points.shape}")
    if len(points) > _MOST_POINTS:
        raise Invalid(f"points_m may have {_MOST_POINTS} points; it has {len(points)}")
    if not _LEAST_EPS <= number(eps_m, "eps_m") <= _MOST_EPS:
        raise Invalid(
            f"eps_m must be a finite number of metres above 0 ({_LEAST_EPS} to {_MOST_EPS}); "
            f"it is {eps_m}"
        )
    least = number(min_points, "min_points")
    if not (math.isfinite(least) and least >= 1 and least == int(least)):
        raise Invalid(f"min_points must be a whole number from 1; it is {min_points}")
    return points


def number(value: Any, name: str) -> float:
    """The value as a float, maybe NaN or infinite; raises `Invalid` where it is no number."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise Invalid(f"{name} must be a number; it is {value!r}") from error
