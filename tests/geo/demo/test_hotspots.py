import numpy as np
import shapely

from geo import crs
from geo.demo import planted
from geo.demo.city import City
from geo.hotspots.identity import ENTER
from geo.hotspots.significance.core import Neighbourhood
from geo.hotspots.significance.found import find_in


def test_a_dozen_and_more_are_planted_in_the_wards_they_name(demo_city: City) -> None:
    assert len(demo_city.hotspots) == len(planted.PLANS) >= 12
    shape = {w.unit.code: w.shape for w in demo_city.wards}
    for spot in demo_city.hotspots:
        assert shape[spot.ward_code].distance(shapely.Point(spot.lon, spot.lat)) < 0.0005, spot


def test_each_planted_hotspot_holds_its_reports_in_its_time(demo_city: City) -> None:
    reports = demo_city.reports
    for spot in demo_city.hotspots:
        lon, lat = np.full(len(reports), spot.lon), np.full(len(reports), spot.lat)
        away_m = crs.GEOD.inv(reports.lon, reports.lat, lon, lat)[2]
        since = np.datetime64(spot.since.replace(tzinfo=None), "ms")
        until = np.datetime64(spot.until.replace(tzinfo=None), "ms")
        inside = (
            (reports.category == spot.category)
            & (away_m <= spot.radius_m + 1.0)
            & (reports.created >= since)
            & (reports.created <= until)
        )
        # a report at the bank may have been pulled ashore
        assert inside.sum() >= 0.9 * spot.n, spot


def test_each_planted_hotspot_is_found_and_told_from_chance(demo_city: City) -> None:
    """What `hotspots run` does, on the last 90 days without what it leaves out."""
    reports = demo_city.reports
    recent = reports.created >= reports.created.max() - np.timedelta64(90, "D")
    rows = np.flatnonzero(
        recent & ~np.isin(reports.moves.status, ["duplicate", "rejected", "withdrawn"])
    )
    names, kinds = np.unique(reports.category[rows], return_inverse=True)
    x_m, y_m, epsg = crs.to_metres(reports.lon[rows], reports.lat[rows])
    days = reports.created[rows].astype("datetime64[ms]").astype(np.int64) / 86_400_000
    around = Neighbourhood.of(np.column_stack([x_m, y_m]), days, kinds)
    missed = []
    for spot in demo_city.hotspots:
        category = names.tolist().index(spot.category)
        found = find_in(around, category, alpha=ENTER, categories=len(names))
        middle_x, middle_y, _ = crs.to_metres([spot.lon], [spot.lat], epsg)
        away = [
            np.hypot(x_m[one.members] - middle_x, y_m[one.members] - middle_y).min()
            for one in found
        ]
        if not away or min(away) > spot.radius_m:
            missed.append(spot.title)
    assert missed == []
