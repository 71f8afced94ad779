import numpy as np
import shapely

from geo import crs
from geo.demo import planted
from geo.demo.city import City
from geo.hotspots import run
from geo.hotspots.scales import scale_of


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


def test_density_finds_each_planted_hotspot_among_the_largest(demo_city: City) -> None:
    """What `hotspots run` does, on the last 90 days without what it leaves out."""
    reports = demo_city.reports
    recent = reports.created >= reports.created.max() - np.timedelta64(90, "D")
    counted = recent & ~np.isin(reports.moves.status, ["duplicate", "rejected", "withdrawn"])
    for category in {spot.category for spot in demo_city.hotspots}:
        rows = np.flatnonzero(counted & (reports.category == category))
        at = [t.item() for t in reports.created[rows].astype("datetime64[ms]")]
        found, _ = run.find(
            reports.lon[rows], reports.lat[rows], at, scale_of(category, category.split(".")[0])
        )
        wanted = [spot for spot in demo_city.hotspots if spot.category == category]
        largest = found[: len(wanted) + 2]
        for spot in wanted:
            middle = shapely.Point(spot.lon, spot.lat)
            assert any(hotspot.shape.distance(middle) < 0.0005 for hotspot in largest), spot
