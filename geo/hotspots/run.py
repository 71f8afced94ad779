"""A run: where the reports of a category lie densely in a period, found and stored.

First version: density only. A hotspot here says "many reports near each other"; whether that is
more than chance and the background explain is not tested yet.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import shapely
from scipy import ndimage

from geo import crs
from geo.errors import UnknownCategory
from geo.hotspots import hulls
from geo.hotspots.dbscan import dbscan
from geo.hotspots.scales import Scale, scale_of
from geo.period import Period
from geo.store import hotspots as store
from geo.store.database import AsyncConnection

DEFAULT_DAYS = 90
KEPT_RUNS = 10

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Hotspot:
    """One dense group: its reports, and the shape around them in WGS 84 degrees."""

    n: int
    area_m2: float
    first_report_at: datetime
    last_report_at: datetime
    shape: shapely.Polygon


@dataclass(frozen=True, slots=True)
class Run:
    """One category's run as it was stored."""

    id: int
    category: str
    scale: Scale
    n_reports: int
    hotspots: list[Hotspot]


async def run(
    conn: AsyncConnection,
    period: Period,
    category: str | None = None,
    *,
    eps_m: float | None = None,
    min_points: int | None = None,
    kept_runs: int = KEPT_RUNS,
    done: Callable[[int, int], None] = lambda n, of: None,
) -> list[Run]:
    """Find and store the hotspots of a period, a run for each category with reports in it.

    `category` limits it to one, or to a family's; without it all are run. `eps_m` and `min_points`
    replace the fixed scales. Reports that are duplicates, rejected or withdrawn, and those on a
    source's default point, are left out. Reports of blurred categories count where the public map
    shows them. Of each category the newest `kept_runs` runs stay. `done(n, of)` is told after each
    category. All of it happens in the caller's transaction; raises `UnknownCategory`, `Invalid`.
    """
    chosen = await store.categories(conn, category)
    if category is not None and not chosen:
        raise UnknownCategory(f"there is no category {category!r}; `pinward hotspots run` runs all")
    made: list[Run] = []
    for i, (code, family) in enumerate(chosen):
        usual = scale_of(code, family)
        scale = Scale(eps_m or usual.eps_m, min_points or usual.min_points)
        made += await _run_one(conn, code, period, scale, kept_runs)
        done(i + 1, len(chosen))
    return made


async def _run_one(
    conn: AsyncConnection, category: str, period: Period, scale: Scale, kept_runs: int
) -> list[Run]:
    rows = await store.points(conn, category, period)
    # A category without reports gets a run too if it had one before: its hotspots are over.
    if not rows and not await store.has_runs(conn, category):
        return []
    lon = np.array([row.lon for row in rows], dtype=np.float64)
    lat = np.array([row.lat for row in rows], dtype=np.float64)
    at = [row.created_at for row in rows]
    found, epsg = find(lon, lat, at, scale)
    run_id = await store.insert_run(
        conn,
        category_code=category,
        since=period.since,
        until=period.until,
        eps_m=scale.eps_m,
        min_points=scale.min_points,
        epsg=epsg,
        n_reports=len(rows),
    )
    await store.insert_hotspots(
        conn,
        [
            {
                "run_id": run_id,
                "n": hotspot.n,
                "area_m2": hotspot.area_m2,
                "first_report_at": hotspot.first_report_at,
                "last_report_at": hotspot.last_report_at,
                "geom": shapely.to_wkt(hotspot.shape, rounding_precision=-1),
            }
            for hotspot in found
        ],
    )
    await store.prune(conn, category, kept_runs)
    return [Run(run_id, category, scale, len(rows), found)]


def find(
    lon: Floats, lat: Floats, at: Sequence[datetime], scale: Scale
) -> tuple[list[Hotspot], int]:
    """Dense groups of WGS 84 points, the largest first, and the EPSG code they were measured in.

    Points of places too far apart for one plane are measured each in its own; the code is then that
    of the place with most points.
    """
    found: list[Hotspot] = []
    plane = (0, crs.UTM_48N)
    for members in _places(lon, lat):
        x_m, y_m, epsg = crs.to_metres(lon[members], lat[members])
        plane = max(plane, (len(members), epsg))
        points_m = np.column_stack([x_m, y_m])
        labels = dbscan(points_m, scale.eps_m, scale.min_points)
        for label in range(int(labels.max(initial=-1)) + 1):
            inside = np.flatnonzero(labels == label)
            shape_m = hulls.hull(points_m[inside], scale.eps_m)
            times = [at[int(i)] for i in members[inside]]
            found.append(
                Hotspot(
                    n=len(inside),
                    area_m2=round(shape_m.area, 1),
                    first_report_at=min(times),
                    last_report_at=max(times),
                    shape=hulls.to_degrees(shape_m, epsg),
                )
            )
    found.sort(key=lambda hotspot: -hotspot.n)
    return found, plane[1]


def _places(lon: Floats, lat: Floats) -> list[npt.NDArray[np.intp]]:
    """Indices of the points, by place: at least one empty square of one degree lies between two.

    A city, or a country, is one place.
    """
    if not len(lon):
        return []
    column = np.minimum((lon + 180.0).astype(np.int64), 359)
    row = np.minimum((lat + 90.0).astype(np.int64), 179)
    taken = np.zeros((180, 360), dtype=bool)
    taken[row, column] = True
    squares, n = ndimage.label(taken, structure=np.ones((3, 3)))
    place = squares[row, column]
    return [np.flatnonzero(place == i) for i in range(1, n + 1)]
