import numpy as np
import pytest
from pyproj import Geod

from geo import crs
from geo.errors import Invalid


def test_vietnam_is_measured_in_utm_48n_even_east_of_108_degrees():
    assert crs.metric_epsg([106.7], [10.8]) == 32648
    assert crs.metric_epsg([109.2], [12.2]) == 32648


def test_elsewhere_the_zone_of_the_data_is_taken():
    assert crs.metric_epsg([-71.06], [42.36]) == 32619
    assert crs.metric_epsg([151.2], [-33.9]) == 32756
    assert crs.metric_epsg([180.0], [10.0]) == 32660


def test_distances_in_metres_differ_from_geodesics_by_at_most_six_in_ten_thousand():
    rng = np.random.default_rng(1)
    lon = rng.uniform(106.3, 107.6, 500)
    lat = rng.uniform(10.3, 11.5, 500)
    x, y, epsg = crs.to_metres(lon, lat)
    assert epsg == 32648
    plane = np.hypot(np.diff(x), np.diff(y))
    geodesic = Geod(ellps="WGS84").inv(lon[:-1], lat[:-1], lon[1:], lat[1:])[2]
    # k - 1 runs from -0.0004 at 105 degrees east to +0.0006 at 107.6
    assert np.abs(plane / geodesic - 1).max() < 6e-4


def test_the_way_there_and_back_is_exact_to_a_tenth_of_a_millimetre():
    lon, lat = np.array([106.698, 106.606]), np.array([10.7725, 8.683])
    back = crs.to_degrees(*crs.to_metres(lon, lat))
    assert np.allclose(back[0], lon, atol=1e-9)
    assert np.allclose(back[1], lat, atol=1e-9)


@pytest.mark.parametrize(
    ("lon", "lat"),
    [([np.nan], [10.0]), ([106.0], [np.inf]), ([181.0], [10.0]), ([106.0], [91.0]), ([1, 2], [1])],
)
def test_coordinates_that_are_no_place_are_refused(lon, lat):
    with pytest.raises(Invalid):
        crs.to_metres(lon, lat)


def test_no_points_give_no_metres():
    x, y, _ = crs.to_metres([], [])
    assert x.shape == y.shape == (0,)
