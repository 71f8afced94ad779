import unicodedata

import numpy as np
import pytest
import shapely

from geo import crs
from geo.demo import city, terrain, units
from geo.demo.city import City


@pytest.fixture(scope="module")
def shapes(demo_city: City) -> np.ndarray:
    return np.array([ward.shape for ward in demo_city.wards])


def test_there_are_168_units_with_real_codes_and_kinds(demo_city: City) -> None:
    kinds = [ward.unit.kind for ward in demo_city.wards]
    codes = {ward.unit.code for ward in demo_city.wards}
    assert (kinds.count("Phường"), kinds.count("Xã"), kinds.count("Đặc khu")) == (113, 54, 1)
    assert len(codes) == 168
    assert all(len(code) == 5 and code.isdigit() for code in codes)


def test_names_are_nfc(demo_city: City) -> None:
    names = [ward.unit.name for ward in demo_city.wards]
    assert "Bến Thành" in names
    assert all(unicodedata.is_normalized("NFC", name) for name in names)


def test_shapes_are_a_valid_coverage_after_rounding_to_what_is_written(shapes: np.ndarray) -> None:
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)
    coordinates = shapely.get_coordinates(shapes)
    assert np.array_equal(coordinates, np.round(coordinates, 6))


def test_no_hole_opens_between_wards(shapes: np.ndarray) -> None:
    whole = shapely.union_all(shapes)
    assert sum(len(part.interiors) for part in shapely.get_parts(whole)) == 0


def test_every_real_centre_lies_in_its_own_ward(demo_city: City) -> None:
    strayed = [
        ward.unit.name
        for ward in demo_city.wards
        if not ward.shape.covers(shapely.Point(ward.unit.lon, ward.unit.lat))
    ]
    assert strayed == []


@pytest.mark.parametrize(("place", "lon", "lat", "code"), units.KNOWN_PLACES)
def test_a_known_place_lies_in_its_ward(
    demo_city: City, place: str, lon: float, lat: float, code: str
) -> None:
    point = shapely.Point(lon, lat)
    assert [w.unit.code for w in demo_city.wards if w.shape.covers(point)] == [code]


def test_wards_end_at_the_river(demo_city: City, shapes: np.ndarray) -> None:
    """The Sài Gòn river between the Bạch Đằng quay and Thủ Thiêm belongs to nobody."""
    river = shapely.Point(106.7093, 10.7745)
    west, east = shapely.Point(106.7040, 10.7770), shapely.Point(106.7200, 10.7750)
    found = {
        name: [w.unit.name for w in demo_city.wards if w.shape.covers(point)]
        for name, point in (("river", river), ("west", west), ("east", east))
    }
    assert found == {"river": [], "west": ["Sài Gòn"], "east": ["An Khánh"]}


def test_a_ward_on_dry_land_is_one_piece(demo_city: City) -> None:
    pieces = {w.unit.name: len(w.shape.geoms) for w in demo_city.wards}
    assert pieces["Bến Thành"] == pieces["Củ Chi"] == pieces["Dầu Tiếng"] == 1
    # the island district has its islets, the mangroves their creeks
    assert pieces["Côn Đảo"] == 4
    assert pieces["An Thới Đông"] > 1


def test_con_dao_lies_far_out_at_sea(demo_city: City, shapes: np.ndarray) -> None:
    island = next(w.shape for w in demo_city.wards if w.unit.name == "Côn Đảo")
    town = next(w.unit for w in demo_city.wards if w.unit.name == "Vũng Tàu")
    middle = island.centroid
    _, _, away_m = crs.GEOD.inv(middle.x, middle.y, town.lon, town.lat)
    assert 170_000 < away_m < 200_000
    others = shapely.union_all(shapes[[w.unit.name != "Côn Đảo" for w in demo_city.wards]])
    assert others.bounds[1] > 10.2


def test_borders_are_not_ruled_lines(demo_city: City) -> None:
    """A Voronoi edge is straight for kilometres; ours bends."""
    large = [w.shape for w in demo_city.wards if w.unit.area_km2 > 50]
    for shape in large:
        ring = max(shapely.get_parts(shape), key=shapely.area).exterior
        x, y, _ = crs.to_metres(*np.array(ring.coords).T, terrain.EPSG)
        assert np.hypot(np.diff(x), np.diff(y)).max() < 1500.0


def test_the_source_says_that_shapes_are_approximate() -> None:
    assert "Approximate" in city.SOURCE
    assert "vietnamadminunits" in city.SOURCE


def test_shapes_resemble_the_real_ones(demo_city: City, shared_data: object) -> None:
    """Most of the ground lies in the unit that it really belongs to."""
    import json
    from pathlib import Path

    path = Path(str(shared_data)) / "hcmc_wards_2025_simplified.geojson"
    real = {
        f["properties"]["code"]: shapely.make_valid(shapely.geometry.shape(f["geometry"]))
        for f in json.loads(path.read_text(encoding="utf-8"))["features"]
    }
    common = sum(shapely.intersection(w.shape, real[w.unit.code]).area for w in demo_city.wards)
    assert common / sum(w.shape.area for w in demo_city.wards) > 0.75
