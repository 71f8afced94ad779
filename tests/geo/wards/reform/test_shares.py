"""The overlay of two ward lists: every square metre is common, lost, gained or a sliver."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import builders
from geo.wards import load
from geo.wards.reform.shares import SLIVER_SHARE, shares

WEST, SOUTH, SIDE = builders.WEST, builders.SOUTH, builders.SIDE
LON_M = 109_370.0


def a_list(*shapes):
    made = np.empty(len(shapes), dtype=object)
    made[:] = shapes
    return made


def square(n):
    """Ward `n` of the small city, its corners the very numbers of its neighbours' corners."""
    return shapely.Polygon(np.round(builders.square(n).exterior.coords, 6))


CITY = a_list(*(square(n) for n in range(6)))


def moved(shape, metres):
    return shapely.transform(shape, lambda xy: xy + np.array([metres / LON_M, 0.0]))


def pairs(found):
    return list(zip(found.old.tolist(), found.new.tolist(), strict=True))


def test_the_same_list_is_itself_and_nothing_else():
    # another first vertex, another direction: drawn alike all the same
    turned = a_list(*(shapely.reverse(shapely.normalize(shape)) for shape in CITY))
    found = shares(CITY, turned)
    assert pairs(found) == [(n, n) for n in range(6)]
    for share in (found.of_old, found.of_new, found.of_both):
        assert share == pytest.approx(1.0, abs=1e-12)
    assert not found.lost_m2.any()
    assert not found.gained_m2.any()
    assert found.dropped_common_m2 == found.dropped_alone_m2 == 0.0


def test_areas_are_metres_of_the_ground_and_shapes_come_back_in_degrees():
    east = WEST + SIDE / 2
    half = shapely.intersection(square(0), shapely.box(WEST, SOUTH, east, 11))
    found = shares(a_list(square(0)), a_list(half))
    true = SIDE / 2 * LON_M * SIDE * 110_600
    assert found.area_m2.tolist() == pytest.approx([true], rel=2e-3)
    assert found.of_old.tolist() == pytest.approx([0.5], rel=1e-4)
    assert found.of_new.tolist() == pytest.approx([1.0], rel=1e-4)
    assert found.lost_m2.tolist() == pytest.approx([true], rel=2e-3)
    assert found.lost[0].bounds == pytest.approx(
        (WEST + SIDE / 2, SOUTH, WEST + SIDE, SOUTH + SIDE)
    )


def test_ground_of_no_ward_before_or_after_is_lost_and_gained():
    found = shares(CITY[:3], CITY[2:])
    assert pairs(found) == [(2, 0)]
    assert np.flatnonzero(found.lost_m2).tolist() == [0, 1]
    assert np.flatnonzero(found.gained_m2).tolist() == [1, 2, 3]
    assert found.lost_m2[:2] == pytest.approx(found.old_m2[:2])


def test_a_hairline_between_neighbours_is_dropped_and_told():
    later = a_list(*(moved(shape, 5) for shape in CITY))
    found = shares(CITY, later)
    assert pairs(found) == [(n, n) for n in range(6)]
    hairline = 5 * SIDE * 110_600
    assert found.dropped_common_m2 == pytest.approx(4 * hairline, rel=0.01)
    assert found.dropped_alone_m2 == pytest.approx(4 * hairline, rel=0.01)
    assert not found.lost_m2.any()
    assert shapely.is_empty(found.lost).all()


def test_two_shapes_in_one_box_are_not_the_same():
    (west, south, east, north), half = square(0).bounds, SIDE / 2
    low, high = [(west, south), (east, south), (east, north)], [(west, north), (west, south)]
    found = shares(
        a_list(shapely.Polygon([*low, (west + half, north), *high[1:]])),
        a_list(shapely.Polygon([*low, *high])),
    )
    assert found.of_new == pytest.approx(found.old_m2 / found.new_m2, rel=1e-6)
    assert found.gained_m2 == pytest.approx(found.new_m2 - found.old_m2, rel=1e-4)


def test_twice_the_width_is_no_hairline():
    found = shares(CITY, a_list(*(moved(shape, 12) for shape in CITY)))
    # to the east everything moved, and the wards in the east gained ground
    assert (1, 0) in pairs(found)
    assert np.flatnonzero(found.gained_m2).tolist() == [2, 5]
    assert found.dropped_common_m2 < 1.0


def test_a_narrow_ward_is_no_hairline():
    alley = shapely.box(WEST, SOUTH, WEST + 8 / LON_M, SOUTH + SIDE)
    found = shares(a_list(square(0)), a_list(alley))
    assert pairs(found) == [(0, 0)]
    assert found.of_old[0] < SLIVER_SHARE


def test_wards_that_claim_the_same_ground_are_both_told():
    found = shares(CITY[:1], a_list(square(0), square(0)))
    assert pairs(found) == [(0, 0), (0, 1)]
    assert not found.lost_m2.any()


def test_lists_may_be_empty_and_shapes_invalid():
    tie = shapely.Polygon([(0, 0), (0.1, 0.1), (0.1, 0), (0, 0.1)])
    nothing = a_list()
    assert pairs(shares(nothing, nothing)) == []
    assert shares(nothing, CITY).gained_m2.all()
    assert shares(CITY, nothing).lost_m2 == pytest.approx(shares(CITY, CITY).old_m2)
    found = shares(a_list(tie), a_list(shapely.box(0, 0, 0.05, 0.1), shapely.box(0.05, 0, 1, 0.1)))
    assert pairs(found) == [(0, 0), (0, 1)]
    assert found.of_old == pytest.approx(0.5, abs=1e-3)


def cells(seed, n):
    """Voronoi cells of random places, clipped to a box that differs from seed to seed."""
    rng = np.random.default_rng(seed)
    places = shapely.multipoints(shapely.points(rng.uniform((WEST, SOUTH), (106.7, 10.8), (n, 2))))
    box = shapely.box(WEST, SOUTH, 106.7 - rng.uniform(0, 0.02), 10.8 + rng.uniform(0, 0.02))
    found = shapely.intersection(shapely.get_parts(shapely.voronoi_polygons(places)), box)
    return found[shapely.area(found) > 0]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 30), st.integers(2, 30))
def test_every_square_metre_is_told_once(seed, n, m):
    old, new = cells(seed, n), cells(seed + 1, m)
    found = shares(old, new)
    common = 2 * (found.area_m2.sum() + found.dropped_common_m2)
    alone = found.lost_m2.sum() + found.gained_m2.sum() + found.dropped_alone_m2
    total = found.old_m2.sum() + found.new_m2.sum()
    # Lines that are straight in degrees bend in metres.
    assert common + alone == pytest.approx(total, rel=1e-4)
    # oracle: each pair by itself
    for i, j, area in zip(found.old, found.new, found.area_m2, strict=True):
        pair = shapely.intersection(old[i], new[j])
        share = shapely.area(pair) / shapely.area(old[i])
        assert area / found.old_m2[i] == pytest.approx(share, rel=1e-2)


def test_a_real_city_of_wards_cut_up_is_put_together_again(shared_data):
    new = load.read(shared_data / "hcmc_wards_2025.geojson.gz").polygons
    west, _, east, _ = shapely.bounds(new).T
    middle = (west + east) / 2
    old = np.concatenate(
        [
            shapely.intersection(new, shapely.box(0, 0, middle, 90)),
            shapely.intersection(new, shapely.box(middle, 0, 180, 90)),
        ]
    )
    found = shares(old, new)
    whole = found.of_old > 0.99
    assert np.bincount(found.new[whole], minlength=168).tolist() == [2] * 168
    assert whole.all()
    assert not found.lost_m2.any()
    # the overlaps and gaps of the source itself, and the bend of the plane
    assert 0 < found.dropped_common_m2 < 500
