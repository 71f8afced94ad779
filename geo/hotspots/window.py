"""What a run looks at: the reports of a window, the artefacts among them, and their planes."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from geo.hotspots.artefacts import repeats as artefacts
from geo.hotspots.artefacts.artefact import Artefact
from geo.hotspots.metres import by_plane
from geo.hotspots.significance.core import Neighbourhood

DAY_US: Final = 86_400_000_000

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Reports:
    """The reports of a window, (n,) each, in the order of time and number.

    `number` names a report, `lon`, `lat` are WGS 84 degrees where the public sees it, `at_us`
    microseconds since 1970 UTC, `category` a category's number. `artefacts` are those that may be
    told: found among reports whose category and place everybody may know. `kept` are the reports
    that are no artefact among those that the public is told of, `kept_hidden` among all. `blurred`
    are the categories (numbers) that the public sees in the middles of cells, `hidden` those of
    which it is told nothing.
    """

    number: Ints
    lon: Floats
    lat: Floats
    at_us: Ints
    category: Ints
    open: Marks
    artefacts: list[Artefact]
    kept: Marks
    kept_hidden: Marks
    blurred: frozenset[int] = frozenset()
    hidden: frozenset[int] = frozenset()

    @classmethod
    def of(
        cls,
        rows: Mapping[str, npt.NDArray[Any]],
        zone: tzinfo = UTC,
        blurred: Collection[int] = (),
        hidden: Collection[int] = (),
    ) -> "Reports":
        """From the columns of `geo.store.hotspot_inputs.rows`; `zone` is that of sentences.

        Places of `blurred` categories (numbers) lie on a grid by our own doing, so nobody is
        accused of it. What makes an artefact of them is left out like any other, but not told: a
        sender who repeats would be told where. Nothing that is told knows of `hidden` ones, not
        even what is left out.
        """
        lon, lat, category = rows["lon"], rows["lat"], rows["category"]

        def among(marks: Marks, known: list[Artefact]) -> list[Artefact]:
            return known if marks.all() else _artefacts(rows, np.flatnonzero(marks), blurred, zone)

        every = _artefacts(rows, np.arange(len(lon)), blurred, zone)
        public = among(~np.isin(category, list(hidden)), every)
        told = among(~np.isin(category, [*blurred, *hidden]), public)
        return cls(
            number=rows["number"],
            lon=lon,
            lat=lat,
            at_us=rows["at_us"],
            category=category,
            open=rows["open"],
            artefacts=told,
            # What an import has flagged as a default point stays out also where it is no pile here.
            kept=~artefacts.left_out(public, len(lon)) & ~rows["flagged"],
            kept_hidden=~artefacts.left_out(every, len(lon)) & ~rows["flagged"],
            blurred=frozenset(blurred),
            hidden=frozenset(hidden),
        )

    def counted(self, *, hidden: bool) -> Marks:
        """The reports that hotspots are made from: what the public may know, for what it is told.

        From what is expected of one place one could work out how much is hidden there, so `hidden`
        categories count for those alone, which are found among all.
        """
        if hidden:
            return self.kept_hidden
        return self.kept & ~np.isin(self.category, list(self.hidden))

    def digest(self, *more: str) -> str:
        """Changes when any report of the window does, or what else is told."""
        made = hashlib.sha256("\0".join(more).encode())
        for column in (self.number, self.lon, self.lat, self.at_us, self.category, self.open):
            made.update(np.ascontiguousarray(column).tobytes())
        made.update(self.kept.tobytes())
        made.update(self.kept_hidden.tobytes())
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


def planes(reports: Reports, *, hidden: bool) -> list[Plane]:
    """The counted reports by plane; a city, or all of Vietnam, is one. Those of most reports first.

    `hidden` as in `Reports.counted`.
    """
    kept = np.flatnonzero(reports.counted(hidden=hidden)).astype(np.int64)
    made = []
    for epsg, members, points_m in by_plane(reports.lon[kept], reports.lat[kept]):
        rows = kept[members]
        around = Neighbourhood.of(
            points_m,
            reports.at_us[rows] / DAY_US,
            reports.category[rows],
            coarse=reports.blurred,
        )
        made.append(Plane(epsg, rows, points_m, around))
    return sorted(made, key=lambda plane: (-len(plane.rows), plane.epsg))


def categories_of(where: Iterable[Plane]) -> set[int]:
    """The categories (numbers) with any event, which are tested."""
    return {kind for plane in where for kind in np.unique(plane.around.kinds).tolist()}


def _artefacts(
    rows: Mapping[str, npt.NDArray[Any]], among: Ints, blurred: Collection[int], zone: tzinfo
) -> list[Artefact]:
    """Those found among some of the reports."""
    own = {name: column[among] for name, column in rows.items()}
    lon, lat, category = own["lon"], own["lat"], own["category"]
    exact = np.flatnonzero(~np.isin(category, list(blurred)))
    found = [
        *_of_all(exact, artefacts.default_points(lon[exact], lat[exact], category[exact])),
        *artefacts.one_sender(lon, lat, own["sender"], category, own["at_us"]),
        *_of_all(exact, artefacts.coarse_grids(lon[exact], lat[exact])),
        *artefacts.bulk_imports(own["at_us"], own["channel"], zone),
    ]
    return _of_all(among, found)


def _of_all(rows: Ints, found: list[Artefact]) -> list[Artefact]:
    """Artefacts found among some rows, named by their places among all of them."""
    return [
        replace(each, members=rows[each.members], left_out=rows[each.left_out]) for each in found
    ]
