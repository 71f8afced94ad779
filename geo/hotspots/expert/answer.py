"""The answer to an expert's question: reports read, the method done, shapes in degrees."""

from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from geo.hotspots import hulls
from geo.hotspots.expert import clusters
from geo.hotspots.expert.question import Question, refuse_shapes
from geo.hotspots.hexes import grid
from geo.hotspots.metres import by_plane
from geo.store import hotspot_inputs as inputs
from geo.store import hotspots as lookup
from geo.store.area import Bbox
from geo.store.database import AsyncConnection

Floats = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A polygon in WGS 84 degrees, its reports, and of a cell the test."""

    polygon: shapely.Polygon
    n: int
    z: float | None = None
    p_value: float | None = None
    q_value: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Shapes, the fullest or the most significant first; `n_reports` of the category were looked
    at, and of cells `n_cells`."""

    shapes: list[Shape]
    n_reports: int
    n_cells: int | None = None


async def answer(conn: AsyncConnection, question: Question, zone: tzinfo) -> Answer:
    """Read the reports at the places the public sees, without hidden categories, and look.

    Merged duplicates, rejected and withdrawn reports are missing; nothing else is left out.
    Raises `Invalid` when there are more shapes than are drawn.
    """
    period = question.period(zone)
    rows = await inputs.rows(conn, period, None, question.counted, question.area, hidden=False)
    numbers = {one.code: one.number for one in await lookup.categories(conn, question.category)}
    lon, lat = rows["lon"].astype(np.float64), rows["lat"].astype(np.float64)
    mine = rows["category"] == numbers[question.category]
    if question.area:
        inside = within(question.area, lon, lat)
        lon, lat, mine = lon[inside], lat[inside], mine[inside]
    return look(question, lon, lat, mine)


def look(question: Question, lon: Floats, lat: Floats, mine: Marks) -> Answer:
    """The answer of reports at (n,) WGS 84 degrees, those of the category marked `mine`."""
    if question.method == "gi_star":
        return _cells(question, lon, lat, mine)
    grouped = []
    for epsg, _, points_m in by_plane(lon[mine], lat[mine]):
        grouped += [(epsg, points_m[rows]) for rows in _clusters(question, points_m)]
    refuse_shapes(question, len(grouped))
    # Of HDBSCAN's clusters no distance is known; they are drawn with the least margin there is.
    eps_m = question.parameters.get("eps_m", 0.0)
    shapes = [
        Shape(hulls.to_degrees(hulls.hull(points_m, eps_m), epsg), len(points_m))
        for epsg, points_m in sorted(grouped, key=lambda group: -len(group[1]))
    ]
    return Answer(shapes, int(mine.sum()))


def _clusters(question: Question, points_m: Floats) -> list[npt.NDArray[np.int64]]:
    own = question.parameters
    if question.method == "dbscan":
        return clusters.by_dbscan(points_m, own["eps_m"], int(own["min_points"]))
    return clusters.by_hdbscan(points_m, int(own["min_cluster_size"]))


def _cells(question: Question, lon: Floats, lat: Floats, mine: Marks) -> Answer:
    # Here, not above: scipy's statistics take a second to import, and clusters need none.
    from geo.hotspots.expert import gi_star

    cell_m = question.parameters["cell_m"]
    planes = [
        (epsg, gi_star.by_gi_star(points_m, mine[rows], cell_m))
        for epsg, rows, points_m in by_plane(lon, lat)
    ]
    if not planes:
        return Answer([], 0, 0)
    q = gi_star.false_discovery([cells.p for _, cells in planes])
    flagged = [np.flatnonzero(each <= question.parameters["alpha"]) for each in q]
    refuse_shapes(question, sum(map(len, flagged)))
    shapes = [
        Shape(polygon, int(cells.n[i]), float(cells.z[i]), float(cells.p[i]), float(of[i]))
        for (epsg, cells), of, chosen in zip(planes, q, flagged, strict=True)
        for i, polygon in zip(
            chosen, grid.polygons(cells.number[chosen], epsg, cell_m), strict=True
        )
    ]
    shapes.sort(key=lambda shape: -(shape.z or 0.0))
    return Answer(shapes, int(mine.sum()), sum(len(cells.number) for _, cells in planes))


def within(area: Bbox, lon: Floats, lat: Floats) -> Marks:
    """Which points lie in the box, edges included."""
    inside = np.zeros(len(lon), dtype=bool)
    for west, south, east, north in area.parts:
        inside |= (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    return inside


def geojson(shape: Shape) -> dict[str, Any]:
    """A shape as a GeoJSON feature, its coordinates to 0.1 m."""
    ring = np.round(shapely.get_coordinates(shape.polygon.exterior), 6).tolist()
    tested = {
        name: value
        for name in ("z", "p_value", "q_value")
        if (value := getattr(shape, name)) is not None
    }
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"n": shape.n, **tested},
    }
