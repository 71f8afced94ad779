import json

import numpy as np
import pytest
import shapely

import builders
from geo.wards import load
from geo.wards.check import SLIVER_M, check
from geo.wards.features import WardFeature, WardFile
from geo.wards.plane import Plane

WEST, SOUTH, SIDE = builders.WEST, builders.SOUTH, builders.SIDE
# Metres in a degree here, near enough for a percent.
LON_M, LAT_M = 109_370.0, 110_600.0


def a_file(*shapes, codes=None):
    polygons = np.empty(len(shapes), dtype=object)
    polygons[:] = shapes
    wards = tuple(
        WardFeature(codes[i] if codes else f"W{i}", f"Tên {i}", None, "ward", f"feature {i + 1}")
        for i in range(len(shapes))
    )
    return WardFile("made up", wards, polygons)


def the_city(**changed):
    """The small city, with other shapes for some wards: `w3=…` is the fourth."""
    return a_file(*(changed.get(f"w{n}", builders.square(n)) for n in range(6)))


def test_a_city_whose_wards_share_their_edges_has_no_defects():
    found = check(the_city())
    assert found.clean
    assert found.defects == 0
    assert found.as_json()["ok"] is True


def test_features_carry_their_area():
    (feature, *_) = check(the_city()).features
    assert feature.code == "W0"
    assert feature.area_m2 == pytest.approx(SIDE * LON_M * SIDE * LAT_M, rel=0.01)


def test_overlap_is_told_with_its_wards_area_and_place():
    # The first ward reaches 20 m into the second, over half of their common edge.
    inside = shapely.box(WEST + SIDE, SOUTH, WEST + SIDE + 20 / LON_M, SOUTH + SIDE / 2)
    found = check(the_city(w0=shapely.union(builders.square(0), inside)))
    (overlap,) = found.overlaps
    assert (overlap.code_a, overlap.name_a) == ("W0", "Tên 0")
    assert (overlap.code_b, overlap.name_b) == ("W1", "Tên 1")
    assert overlap.area_m2 == pytest.approx(20 * SIDE / 2 * LAT_M, rel=0.01)
    assert inside.contains(shapely.Point(overlap.lon, overlap.lat))
    assert not overlap.bent
    assert (found.defects, found.mendable) == (1, 1)


def test_overlaps_are_told_the_largest_first():
    wide = shapely.box(WEST, SOUTH, WEST + SIDE * 1.2, SOUTH + SIDE * 1.1)
    areas = [overlap.area_m2 for overlap in check(the_city(w0=wide)).overlaps]
    assert len(areas) == 3
    assert areas == sorted(areas, reverse=True)


def test_a_sliver_between_wards_is_a_defect_told_with_the_wards_around_it():
    # A wedge 3 m wide, inside the northern edge of the fifth ward's south: between W1 and W4.
    west, south = WEST + SIDE, SOUTH + SIDE
    wedge = shapely.Polygon(
        [(west + 0.005, south), (west + 0.01, south + 3 / LAT_M), (west + 0.015, south)]
    )
    found = check(the_city(w4=shapely.difference(builders.square(4), wedge)))
    (gap,) = found.gaps
    assert gap.codes == ("W1", "W4")
    assert gap.sliver
    assert gap.width_m == pytest.approx(3.0, rel=0.05)
    assert gap.area_m2 == pytest.approx(0.01 * LON_M * 3 / 2, rel=0.02)
    assert wedge.contains(shapely.Point(gap.lon, gap.lat))
    assert found.defects == 1


@pytest.mark.parametrize(("width_m", "sliver"), [(SLIVER_M - 1, True), (SLIVER_M + 1, False)])
def test_a_gap_wider_than_the_limit_is_told_but_is_no_defect(width_m, sliver):
    lon, lat = builders.middle(4)
    hole = shapely.box(lon, lat, lon + 0.004, lat + width_m / LAT_M)
    found = check(the_city(w4=shapely.difference(builders.square(4), hole)))
    assert [gap.sliver for gap in found.gaps] == [sliver]
    assert found.defects == int(sliver)


def test_an_island_ward_in_a_lake_is_no_part_of_the_gap():
    lon, lat = builders.middle(4)
    lake = shapely.box(lon, lat, lon + 0.004, lat + 0.004)
    island = shapely.box(lon + 0.001, lat + 0.001, lon + 0.003, lat + 0.003)
    shapes = [builders.square(n) for n in range(6)]
    shapes[4] = shapely.difference(shapes[4], lake)
    (gap,) = check(a_file(*shapes, island)).gaps
    assert gap.area_m2 == pytest.approx((16 - 4) * 1e-6 * LON_M * LAT_M, rel=0.01)
    assert gap.codes == ("W4", "W6")


def test_an_invalid_shape_is_told_with_its_reason_and_place():
    lon, lat = builders.middle(0)
    bowtie = shapely.Polygon(
        [(lon, lat), (lon + 0.002, lat + 0.002), (lon + 0.002, lat), (lon, lat + 0.002)]
    )
    (invalid,) = check(a_file(bowtie)).invalid
    assert (invalid.code, invalid.reason) == ("W0", "Self-intersection")
    assert (invalid.lon, invalid.lat) == pytest.approx((lon + 0.001, lat + 0.001))


def test_a_shape_without_area_is_invalid():
    flat = shapely.Polygon([(106.6, 10.7), (106.7, 10.7), (106.65, 10.7), (106.6, 10.7)])
    (invalid,) = check(a_file(builders.square(0), flat)).invalid
    assert invalid.code == "W1"


@pytest.mark.parametrize("north", [False, True])
def test_a_vertex_on_a_straight_edge_bends_in_metres_but_is_no_defect(north):
    # Ten times as long an edge: in the plane the vertex lies metres beside it.
    side, edge = 10 * SIDE, SOUTH
    wide = shapely.box(WEST, edge, WEST + 2 * side, edge + side * (1 if north else -1))
    row = edge - side if north else edge + side
    left = shapely.box(WEST, row, WEST + side, edge)
    right = shapely.box(WEST + side, row, WEST + 2 * side, edge)
    found = check(a_file(wide, left, right))
    assert len(found.overlaps if not north else found.gaps) >= 1
    assert all(one.bent for one in (*found.overlaps, *found.gaps))
    assert found.defects == 0


def test_same_shapes_and_same_codes_are_duplicates():
    shapes = [builders.square(0), builders.square(1), shapely.reverse(builders.square(1))]
    found = check(a_file(*shapes, codes=["A", "A", "B"]))
    assert [(one.what, one.codes) for one in found.duplicates] == [
        ("code", ("A", "A")),
        ("shape", ("A", "B")),
    ]
    assert found.duplicates[0].places == ("feature 1", "feature 2")


def test_json_is_one_object_whose_lists_are_plurals():
    found = json.loads(json.dumps(check(the_city(w0=builders.square(1))).as_json()))
    for plural in ("features", "invalid", "overlaps", "gaps", "duplicates"):
        assert isinstance(found[plural], list)
    assert len(found["features"]) == 6
    assert found["ok"] is False


def test_progress_ends_at_the_number_of_wards():
    told = []
    check(the_city(), told.append)
    assert told == sorted(told)
    assert told[-1] == 6


def test_lines_name_place_and_size():
    inside = shapely.box(WEST + SIDE, SOUTH, WEST + SIDE + 20 / LON_M, SOUTH + SIDE / 2)
    found = check(the_city(w0=shapely.union(builders.square(0), inside)))
    said = "\n".join(found.lines())
    assert "1 overlap between wards, " in said
    assert "no gaps between wards" in said
    assert "W0 Tên 0 and W1 Tên 1: " in said
    assert " m² at 106.6" in said


@pytest.mark.parametrize(
    ("lons", "name"),
    [
        ((106.0, 107.0), "EPSG:32648"),
        ((-71.2, -71.0), "EPSG:32619"),
        ((102.0, 117.0), "Lambert azimuthal equal-area around 109.53"),
        ((-179.9, 179.9), "EPSG:32660"),
    ],
)
def test_the_plane_is_utm_and_for_countries_an_equal_area_one(lons, name):
    shapes = [shapely.box(lon, 10.0, lon + 0.05, 10.05) for lon in lons]
    plane = Plane.of(np.array(shapes))
    assert plane.name.startswith(name)
    for shape in plane.flat(np.array(shapes)):
        assert shape.area == pytest.approx(0.05 * 109_640 * 0.05 * 110_605, rel=0.005)


def test_the_real_city_has_the_defects_that_are_known(shared_data):
    truth = json.loads((shared_data / "hcmc_wards_2025_defects.geojson").read_text())
    found = check(load.read(shared_data / "hcmc_wards_2025.geojson.gz"))
    assert (len(found.overlaps), len(found.gaps), len(found.invalid)) == (32, 41, 0)
    assert sum(overlap.area_m2 for overlap in found.overlaps) == pytest.approx(70.4, rel=0.01)
    assert sum(gap.area_m2 for gap in found.gaps) == pytest.approx(111.2, rel=0.01)
    known = {kind: [] for kind in ("overlap", "gap")}
    for feature in truth["features"]:
        known[feature["properties"]["kind"]].append(feature)
    areas = sorted(gap.area_m2 for gap in found.gaps)[1:]
    assert areas == pytest.approx(
        sorted(feature["properties"]["area_m2"] for feature in known["gap"]), rel=0.01, abs=0.006
    )
    pairs = {(overlap.code_a, overlap.code_b) for overlap in found.overlaps}
    assert {(f["properties"]["a"], f["properties"]["b"]) for f in known["overlap"]} <= pairs
    for gap in found.gaps[:10]:
        near = [shapely.geometry.shape(feature["geometry"]) for feature in known["gap"]]
        # The truth's coordinates are rounded: within a few centimetres.
        assert shapely.distance(near, shapely.Point(gap.lon, gap.lat)).min() < 1e-6


def test_the_cleaned_real_city_has_none(shared_data):
    assert check(load.read(shared_data / "hcmc_wards_2025_clean.geojson.gz")).clean
