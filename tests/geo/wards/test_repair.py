import json

import numpy as np
import pytest
import shapely

import builders
from geo.errors import RefusedImport
from geo.wards import load
from geo.wards.check import SLIVER_M, check
from geo.wards.features import WardFeature, WardFile
from geo.wards.repair import repair

WEST, SOUTH, SIDE = builders.WEST, builders.SOUTH, builders.SIDE
LON_M, LAT_M = 109_370.0, 110_600.0


def a_file(*shapes, codes=None):
    polygons = np.empty(len(shapes), dtype=object)
    polygons[:] = shapes
    wards = tuple(
        WardFeature(codes[i] if codes else f"W{i}", f"Tên {i}", None, "ward", f"feature {i + 1}")
        for i in range(len(shapes))
    )
    return WardFile("made up", wards, polygons)


def square(n):
    """Ward `n` of the small city, its corners the very numbers of its neighbours' corners."""
    return shapely.Polygon(np.round(builders.square(n).exterior.coords, 6))


def the_city(**changed):
    return a_file(*(changed.get(f"w{n}", square(n)) for n in range(6)))


def wedge(width_m):
    """A wedge of a kilometre between the second ward and the fifth, in the fifth's south."""
    west, south = WEST + SIDE, SOUTH + SIDE
    top = (west + 0.01, south + width_m / LAT_M)
    return shapely.Polygon([(west + 0.005, south), top, (west + 0.015, south)])


def area_m2(shape):
    return shapely.area(shape) * LON_M * LAT_M


def is_a_coverage(file):
    """Valid polygons, no two with ground in common, none empty, neighbours with one edge."""
    assert shapely.is_valid(file.polygons).all()
    assert not shapely.is_empty(file.polygons).any()
    assert np.isin(shapely.get_type_id(file.polygons), (3, 6)).all()
    assert shapely.coverage_is_valid(file.polygons)
    assert check(file).defects == 0
    return True


def test_what_two_wards_claim_goes_to_the_smaller_one():
    # The third ward is larger by a tail and reaches a tenth into the second.
    large = shapely.box(WEST + 1.9 * SIDE, SOUTH, WEST + 4 * SIDE, SOUTH + SIDE)
    mended, repairs = repair(the_city(w2=large))
    assert is_a_coverage(mended)
    assert shapely.area(mended.polygons[1]) == pytest.approx(SIDE**2)
    assert shapely.area(mended.polygons[2]) == pytest.approx(2 * SIDE**2)
    (moved,) = repairs.moved
    assert moved.code == "W2"
    assert moved.lost_m2 == pytest.approx(area_m2(square(0)) / 10, rel=0.01)
    assert moved.lost_share == pytest.approx(0.1 / 2.1, rel=0.01)
    assert repairs.overlaps_resolved >= 1


def test_a_ward_drawn_inside_another_keeps_its_ground():
    lon, lat = builders.middle(0)
    inner = shapely.box(lon, lat, lon + 0.002, lat + 0.002)
    mended, _ = repair(a_file(square(0), inner))
    assert is_a_coverage(mended)
    assert shapely.area(mended.polygons[1]) == pytest.approx(0.002**2)
    assert len(mended.polygons[0].interiors) == 1


def test_a_sliver_goes_to_the_ward_with_the_longest_border_on_it():
    hole = wedge(5)
    mended, repairs = repair(the_city(w4=shapely.difference(square(4), hole)))
    assert is_a_coverage(mended)
    assert not check(mended).gaps
    (filled,) = repairs.filled
    # Two slopes of the wedge are the fifth ward's, only its base the second's.
    assert filled.code == "W4"
    assert filled.area_m2 == pytest.approx(area_m2(hole), rel=0.01)
    assert hole.contains(shapely.Point(filled.lon, filled.lat))
    assert repairs.gaps_closed == 1


@pytest.mark.parametrize("width_m", [0.002, 0.5, SLIVER_M - 1])
def test_slivers_of_all_widths_are_closed(width_m):
    mended, _ = repair(the_city(w4=shapely.difference(square(4), wedge(width_m))))
    assert is_a_coverage(mended)
    assert not check(mended).gaps


def test_a_lake_stays_and_is_told():
    lon, lat = builders.middle(4)
    lake = shapely.box(lon, lat, lon + 0.004, lat + (SLIVER_M + 1) / LAT_M)
    mended, repairs = repair(the_city(w4=shapely.difference(square(4), lake)))
    assert is_a_coverage(mended)
    assert len(mended.polygons[4].interiors) == 1
    (left,) = repairs.left
    assert left.codes == ("W4",)
    assert any("1 gap wider than 10 m left" in line for line in repairs.lines())


def test_an_invalid_shape_keeps_its_polygons():
    lon, lat = builders.middle(0)
    bowtie = shapely.Polygon(
        [(lon, lat), (lon + 0.002, lat + 0.002), (lon + 0.002, lat), (lon, lat + 0.002)]
    )
    mended, repairs = repair(a_file(bowtie, square(1)))
    assert is_a_coverage(mended)
    assert shapely.area(mended.polygons[0]) == pytest.approx(2 * 0.001 * 0.002 / 2)
    assert repairs.mended == ("W0",)


def test_every_place_lies_in_one_ward_after_repair():
    rng = np.random.default_rng(7)
    # Corners a few metres off, each ward's in its own way: overlaps and gaps along every edge.
    corners = [shapely.get_coordinates(square(n))[:4] for n in range(6)]
    ragged = [shapely.Polygon(xy + rng.normal(0, 2e-5, xy.shape)) for xy in corners]
    mended, _ = repair(a_file(*ragged))
    edges = shapely.union_all(shapely.boundary(mended.polygons))
    points = shapely.line_interpolate_point(edges, rng.uniform(0, edges.length, 5000))
    points = shapely.transform(points, lambda xy: xy + rng.normal(0, 2e-5, xy.shape))
    points = points[shapely.contains(shapely.union_all(mended.polygons), points)]
    hit, _ = shapely.STRtree(mended.polygons).query(points, predicate="within")
    assert len(points) > 3000
    assert (np.bincount(hit, minlength=len(points)) == 1).all()


def test_vertices_that_need_no_mending_keep_their_coordinates():
    hole = wedge(5)
    file = the_city(w4=shapely.difference(square(4), hole))
    mended, _ = repair(file)
    for n in (0, 2, 3, 5):
        before = {tuple(xy) for xy in shapely.get_coordinates(file.polygons[n])}
        assert before <= {tuple(xy) for xy in shapely.get_coordinates(mended.polygons[n])}


def test_repair_leaves_its_input_as_it_was():
    file = the_city(w4=shapely.difference(square(4), wedge(5)))
    before = shapely.to_wkb(file.polygons).tolist()
    repair(file)
    assert shapely.to_wkb(file.polygons).tolist() == before


def test_a_city_without_defects_does_not_change():
    mended, repairs = repair(the_city())
    assert shapely.equals(mended.polygons, the_city().polygons).all()
    assert repairs.moved == repairs.filled == repairs.mended == repairs.warnings == ()


def test_a_ward_that_loses_most_of_itself_is_warned_about():
    large = square(0)
    small = shapely.box(WEST, SOUTH, WEST + 0.8 * SIDE, SOUTH + SIDE)
    _, repairs = repair(a_file(large, small))
    (warning,) = repairs.warnings
    assert "W0" in warning
    assert "80%" in warning


def test_the_same_shape_under_two_codes_cannot_be_repaired():
    with pytest.raises(RefusedImport, match=r"W. Tên . lies wholly in other wards"):
        repair(a_file(square(0), square(0)))


def test_a_ward_without_area_cannot_be_repaired():
    flat = shapely.Polygon([(106.6, 10.7), (106.7, 10.7), (106.65, 10.7), (106.6, 10.7)])
    with pytest.raises(RefusedImport, match="W1 Tên 1 has no area"):
        repair(a_file(square(0), flat))


def test_double_codes_cannot_be_repaired():
    with pytest.raises(RefusedImport, match="same code more than once: A"):
        repair(a_file(square(0), square(1), codes=["A", "A"]))


def test_repairs_are_told_as_json():
    _, repairs = repair(the_city(w4=shapely.difference(square(4), wedge(5))))
    told = json.loads(json.dumps(repairs.as_json()))
    assert told["filled"][0]["code"] == "W4"
    assert told["moved"][0]["gained_m2"] > 0


@pytest.mark.parametrize(
    ("name", "mended"),
    [
        ("hcmc_wards_2025.geojson.gz", 0),
        ("hcmc_wards_2025_invalid_when_rounded6.geojson.gz", 2),
        ("boston_neighborhoods.geojson.gz", 4),
    ],
)
def test_real_sources_become_coverages(shared_data, name, mended):
    file = load.read(shared_data / name)
    after, repairs = repair(file)
    assert is_a_coverage(after)
    assert len(repairs.mended) == mended
    valid = shapely.make_valid(file.polygons, method="structure", keep_collapsed=False)
    assert shapely.area(after.polygons) == pytest.approx(shapely.area(valid), rel=1e-4)


def test_three_communes_that_claim_the_same_ground_are_told_apart(shared_data):
    country = load.read(shared_data / "vietnam_wards_2025.parquet")
    there = shapely.box(103.7, 22.3, 104.2, 22.8)
    near = np.flatnonzero(shapely.intersects(country.polygons, there))
    wards = tuple(country.wards[i] for i in near)
    after, repairs = repair(WardFile("Lào Cai", wards, country.polygons[near]))
    assert is_a_coverage(after)
    losses = {moved.code: moved.lost_m2 for moved in repairs.moved if moved.lost_m2 > 1e6}
    # Each square metre is lost by two of the three.
    assert set(losses) < {"02647", "02746", "02683"}
    assert sum(losses.values()) == pytest.approx(2 * 3.49e6, rel=0.01)
