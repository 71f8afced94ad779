"""What a run looks at: the reports of a window, the artefacts among them, and their planes."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from geo import crs
from geo.hotspots.artefacts import repeats as artefacts
from geo.hotspots.artefacts.artefact import Artefact
from geo.hotspots.significance.core import Neighbourhood

DAY_US: Final = 86_400_000_000

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Reports:
    """The reports of a window, (n,) each, in the order of time and number.

    `number` names a report, `lon`, `lat` are WGS 84 degrees where the public sees it, `at_us`
    microseconds since 1970 UTC, `category` a category's number. `artefacts` are what was found
    among them, `kept` the reports that hotspots may be built on.
    """

    number: Ints
    lon: Floats
    lat: Floats
    at_us: Ints
    category: Ints
    open: Marks
    artefacts: list[Artefact]
    kept: Marks

    @classmethod
    def of(
        cls,
        rows: Mapping[str, npt.NDArray[Any]],
        zone: tzinfo = UTC,
        blurred: Collection[int] = (),
    ) -> "Reports":
        """From the columns of `geo.store.hotspot_inputs.rows`; `zone` is that of sentences.

        Places of `blurred` categories (numbers) lie on a grid by our own doing, so nobody is
        accused of it.
        """
        lon, lat, category = rows["lon"], rows["lat"], rows["category"]
        exact = np.flatnonzero(~np.isin(category, list(blurred)))
        found = [
            *_of_all(exact, artefacts.default_points(lon[exact], lat[exact], category[exact])),
            *artefacts.one_sender(lon, lat, rows["sender"], category, rows["at_us"]),
            *_of_all(exact, artefacts.coarse_grids(lon[exact], lat[exact])),
            *artefacts.bulk_imports(rows["at_us"], rows["channel"], zone),
        ]
        return cls(
            number=rows["number"],
            lon=lon,
            lat=lat,
            at_us=rows["at_us"],
            category=category,
            open=rows["open"],
            artefacts=found,
            # What an import has flagged as a default point stays out also where it is no pile here.
            kept=~artefacts.left_out(found, len(lon)) & ~rows["flagged"],
        )

    def digest(self, *more: str) -> str:
        """Changes when any report of the window does, or what else is told."""
        made = hashlib.sha256("\0".join(more).encode())
        for column in (self.number, self.lon, self.lat, self.at_us, self.category, self.open):
            made.update(np.ascontiguousarray(column).tobytes())
        made.update(self.kept.tobytes())
        return made.hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """Reports measured in one plane: `rows` (m,) of the window's, their metres, their neighbours.

    Rows of `points_m` and reports of `around` are in the order of `rows`.
    """

    epsg: int
    rows: Ints
    points_m: Floats
    around: Neighbourhood


def planes(reports: Reports) -> list[Plane]:
    """The kept reports by plane; a city, or all of Vietnam, is one. Those of most reports first."""
    kept = np.flatnonzero(reports.kept).astype(np.int64)
    by_epsg: dict[int, list[Ints]] = {}
    for members in _places(reports.lon[kept], reports.lat[kept]):
        rows = kept[members]
        epsg = crs.metric_epsg(reports.lon[rows], reports.lat[rows])
        by_epsg.setdefault(epsg, []).append(rows)
    made = []
    for epsg, parts in by_epsg.items():
        rows = np.sort(np.concatenate(parts))
        x_m, y_m, _ = crs.to_metres(reports.lon[rows], reports.lat[rows], epsg)
        points_m = np.column_stack([x_m, y_m])
        around = Neighbourhood.of(points_m, reports.at_us[rows] / DAY_US, reports.category[rows])
        made.append(Plane(epsg, rows, points_m, around))
    return sorted(made, key=lambda plane: (-len(plane.rows), plane.epsg))


def _of_all(rows: Ints, found: list[Artefact]) -> list[Artefact]:
    """Artefacts found among some rows, named by their places among all of them."""
    return [
        replace(each, members=rows[each.members], left_out=rows[each.left_out]) for each in found
    ]


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
