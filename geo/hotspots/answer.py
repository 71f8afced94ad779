"""One category's answer: hotspots with a shape, an identity, a history and words.

Pure from the database's side: everything that is read is handed in, so that an answer is the same
whoever computes it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely

from geo import crs
from geo.hotspots import hulls
from geo.hotspots.identity import Current, Matches, Previous, Sighting, keep_told, match
from geo.hotspots.significance.found import Found, find_in
from geo.hotspots.window import DAY_US, Plane, Reports
from geo.period import Period
from geo.store.database import AnyRow

Ints = npt.NDArray[np.int64]

_DAY_S: Final = 86_400.0
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, eq=False)
class Spot:
    """A hotspot of a run with its shape: `rows` are its reports' in the window's arrays.

    `shape_m` is in metres of `epsg`, `shape` the same in WGS 84 degrees; `middle` lon, lat lies in
    it, where its reports are; `radius_m` reaches from there to the farthest of them.
    """

    found: Found
    rows: Ints
    epsg: int
    shape_m: shapely.Polygon
    shape: shapely.Polygon
    middle: tuple[float, float]
    radius_m: float


def spots(planes: Sequence[Plane], category: int, categories: int) -> list[Spot]:
    """The hotspots of a category (number) in all planes, the most significant first.

    `categories` is how many the run looks at: p is corrected for all of them.
    """
    made = [
        _spot(plane, found)
        for plane in planes
        for found in find_in(plane.around, category, categories=categories)
    ]
    return sorted(
        made, key=lambda spot: (spot.found.p_value, -spot.found.events, int(spot.rows[0]))
    )


def _spot(plane: Plane, found: Found) -> Spot:
    points_m = plane.points_m[found.members]
    shape_m = hulls.hull(points_m, found.scale_m)
    centre = np.median(points_m, axis=0)
    if not shape_m.covers(shapely.Point(centre)):
        nearest = np.hypot(*(points_m - centre).T).argmin()
        centre = points_m[nearest]
    lon, lat = crs.to_degrees(centre[:1], centre[1:], plane.epsg)
    return Spot(
        found=found,
        rows=plane.rows[found.members],
        epsg=plane.epsg,
        shape_m=shape_m,
        shape=hulls.to_degrees(shape_m, plane.epsg),
        middle=(round(float(lon[0]), 6), round(float(lat[0]), 6)),
        radius_m=float(np.hypot(*(points_m - centre).T).max()),
    )


def identities(
    category: str,
    as_of: date,
    period: Period,
    reports: Reports,
    found: Sequence[Spot],
    remembered: Sequence[AnyRow],
    known: Collection[str],
    told: Sequence[AnyRow] = (),
) -> Matches:
    """Who is who among the spots, going on from the rows of `hotspot_answers.remembered`.

    `told` are the rows of what was said of this very day before: the ids given then stay.
    """
    window = days_of(period)
    planes = sorted({spot.epsg for spot in found})
    current = [
        Current(
            Sighting(
                reports.number[spot.rows],
                reports.at_us[spot.rows] / DAY_US,
                _apart(spot.shape_m, spot.epsg),
                window,
            ),
            lowest_code=f"{int(reports.number[spot.rows].view(np.uint64).min()):016x}",
            p_value=spot.found.p_value,
        )
        for spot in found
    ]
    previous = [_previous(row, planes) for row in remembered]
    given = [_previous(row, planes) for row in told if row.seen != "dormant"]
    known = {*known, *(one.id for one in given)}
    made = match(previous, current, category=category, as_of=as_of, window=window, known=known)
    if not given:
        return made
    same = match(given, current, category=category, as_of=as_of, window=window, known=known)
    return keep_told(made, same, {one.id for one in given}, {one.id for one in previous})


def _previous(row: AnyRow, planes: Sequence[int]) -> Previous:
    ring = shapely.get_coordinates(shapely.from_wkb(bytes(row.shape)))
    own = crs.metric_epsg(ring[:, 0], ring[:, 1])
    # A city on a zone's border has one plane, which need not be the one of this ring alone.
    epsg = min(planes, key=lambda plane: (abs(plane - own), plane), default=own)
    x_m, y_m, _ = crs.to_metres(ring[:, 0], ring[:, 1], epsg)
    shape_m = _apart(shapely.Polygon(np.column_stack([x_m, y_m])), epsg)
    return Previous(
        id=row.id,
        seen=Sighting(
            np.array(row.numbers, dtype=np.int64),
            np.array(row.at_us, dtype=np.float64) / DAY_US,
            shape_m if shape_m.is_valid else shape_m.buffer(0),
            days_of(Period(row.seen_since, row.seen_until)),
        ),
        born_days=float(row.born_on.toordinal()),
        dormant=row.seen == "dormant",
    )


def _apart(shape_m: shapely.Polygon, epsg: int) -> shapely.Polygon:
    """The shape moved east by its UTM zone's number, so that zones have no metres in common."""
    return shapely.transform(shape_m, lambda at: at + np.array([(epsg - 32600) * 1e7, 0.0]))


def days_of(period: Period) -> tuple[float, float]:
    """A period in days since 1970 UTC."""
    since, until = period.since - _EPOCH, period.until - _EPOCH
    return since.total_seconds() / _DAY_S, until.total_seconds() / _DAY_S


def columns(
    spot: Spot, reports: Reports, period: Period, born_on: date, **more: Any
) -> dict[str, Any]:
    """A spot as a row of `hotspots`, with its members; `more` are columns that others know."""
    found, at_us = spot.found, reports.at_us[spot.rows]
    order = np.argsort(reports.number[spot.rows], kind="stable")
    return {
        "born_on": born_on,
        "seen_since": period.since,
        "seen_until": period.until,
        "n": found.people,
        "n_open": int(reports.open[spot.rows].sum()),
        "events": found.events,
        "expected": short(found.expected),
        "relative_risk": short(found.relative_risk),
        "risk_low": short(found.risk_low),
        "risk_high": short(found.risk_high),
        "p_value": short(found.p_value),
        "scale_m": found.scale_m,
        "area_m2": round(spot.shape_m.area, 1),
        "first_report_at": _time(int(at_us.min())),
        "last_report_at": _time(int(at_us.max())),
        "geom": shapely.to_wkt(spot.shape, rounding_precision=-1),
        "numbers": reports.number[spot.rows][order].tolist(),
        "at_us": at_us[order].tolist(),
        **more,
    }


def short(value: float) -> float:
    """Six digits: what two runs compare must not hang on the last bits of a sum."""
    return float(f"{value:.6g}")


def _time(us: int) -> datetime:
    return datetime.fromtimestamp(us // 1_000_000, UTC).replace(microsecond=us % 1_000_000)
