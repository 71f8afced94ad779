"""Hexagons: a grid that holds still, a test that does not cry wolf, and a mask for silence."""

import numpy as np
import pytest
import shapely

from benchmarks import simulated
from geo import crs
from geo.hotspots.hexes import grid, quiet
from geo.hotspots.hexes.found import Tally, find_in
from geo.hotspots.hexes.rate import FDR
from geo.hotspots.significance.core import MARGIN, Neighbourhood, rings
from geo.hotspots.significance.odds import relative_risk, tail

EPSG = crs.UTM_48N


def test_a_point_lies_in_its_hexagon_wherever_it_is():
    rng = np.random.default_rng(1)
    at = rng.uniform(-3e6, 3e6, (5000, 2))
    own = grid.numbers(at)
    away = np.hypot(*(at - grid.centres(own)).T)
    assert away.max() <= grid.CORNER_M + 1e-6
    assert away.max() > grid.CORNER_M - 5
    shapes = shapely.polygons(grid.corners(own))
    assert shapely.distance(shapes, shapely.points(at)).max() < 1e-6
    assert np.allclose(shapely.area(shapes), grid.AREA_M2)
    assert (grid.number(*grid.axial(own)) == own).all()


def test_hexagons_cover_the_plane_once_and_do_not_move_with_the_data():
    rng = np.random.default_rng(2)
    at = np.column_stack([rng.uniform(680e3, 682e3, 20_000), rng.uniform(1.19e6, 1.192e6, 20_000)])
    all_of_them, some = grid.numbers(at), grid.numbers(at[:7])
    assert (some == all_of_them[:7]).all()
    shapes = shapely.polygons(grid.corners(np.unique(all_of_them)))
    joined = shapely.coverage_union_all(shapes)
    assert shapely.area(joined) == pytest.approx(shapely.area(shapes).sum())
    assert not shapely.get_parts(joined)[0].interiors


def test_a_hexagon_in_degrees_is_the_one_in_metres():
    number = grid.numbers(np.array([[685_000.0, 1_192_000.0]]))
    (drawn,) = grid.polygons(number, EPSG)
    assert drawn.is_valid
    assert drawn.exterior.is_ccw
    x, y, _ = crs.to_metres(*shapely.get_coordinates(drawn).T, EPSG)
    assert np.allclose(np.column_stack([x, y]), grid.corners(number)[0], atol=1e-3)


def counted(city):
    return Tally.of(Neighbourhood.of(city.points_m, city.at_days, city.categories))


@pytest.mark.parametrize(
    "kind",
    [{}, {"uneven": False}, {"duplicates": 0.3}, {"smooth_mix": 0.4}, {"storm": 0.1}],
    ids=str,
)
def test_a_city_without_hotspots_has_hardly_ever_a_hexagon(kind):
    flagged = []
    for seed in range(3):
        tally = counted(simulated.city(np.random.default_rng(seed), reports=20_000, **kind))
        flagged += [bool(find_in([tally], category)) for category in range(len(simulated.SHARES))]
    # of 42 maps; at the rate given, each would be wrong in up to 5 of 100
    assert sum(flagged) <= 3


@pytest.mark.parametrize(("extra", "least"), [((15, 24), 0.4), ((25, 40), 0.7)])
def test_planted_hotspots_are_found_in_their_hexagons(extra, least):
    hits, missed, false, drawn = 0, 0, 0, 0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        city = simulated.plant(rng, simulated.city(rng), extra)
        found = {each.number for each in find_in([counted(city)], city.planted_in)}
        own = grid.numbers(city.points_m)
        for rows in city.planted:
            there = bool(found & set(own[rows].tolist()))
            hits, missed = hits + there, missed + (not there)
        planted = set(own[np.concatenate(city.planted)].tolist())
        false, drawn = false + len(found - planted), drawn + len(found)
    assert hits / (hits + missed) >= least
    assert false / drawn <= 0.1


def a_city(seed=1, n=6000, kinds=6):
    """Even places, times and kinds over 5 km in UTM 48N."""
    rng = np.random.default_rng(seed)
    at = rng.uniform(0, 5000, (n, 2)) + np.array([682_000.0, 1_190_000.0])
    return at, rng.uniform(0, 90, n), rng.integers(0, kinds, n)


def with_trouble(n=40, spread=35.0, kind=0, days=(0, 90), **more):
    at, days_of, kinds = a_city(**more)
    rng = np.random.default_rng(7)
    (place,) = grid.centres(grid.numbers(np.array([[684_500.0, 1_192_500.0]])))
    at = np.concatenate([at, place + rng.normal(0, spread, (n, 2))])
    days_of = np.concatenate([days_of, rng.uniform(*days, n)])
    return at, days_of, np.concatenate([kinds, np.full(n, kind)]), place


def test_a_hexagon_says_what_is_in_it_and_what_was_to_be_expected():
    at, days, kinds, place = with_trouble()
    around = Neighbourhood.of(at, days, kinds)
    (one,) = find_in([Tally.of(around)], 0)
    (own,) = grid.numbers(place[None])
    assert one.number == own
    mine = grid.numbers(at) == own
    events = grid.numbers(around.at_m) == own
    assert one.people == pytest.approx((mine & (kinds == 0)).sum(), abs=3)
    assert one.events == (events & (around.kinds == 0)).sum() <= one.people
    assert one.n == events.sum()
    # the test done by hand, with a background counted by hand
    k = one.events - int(around.turn[events & (around.kinds == 0)].max())
    n = one.n - (one.events - k)
    cells = np.floor(around.at_m / 100) - np.floor(place / 100)
    # the near ring: as many rows of cells as hold 1,000 events
    disc = (cells**2).sum(axis=1)
    for reach in (6, 8, 11, 15, 20):
        ring = (disc <= (reach + 0.5) ** 2) & (disc > 3.5**2)
        if ring.sum() >= 1000:
            break
    near = int((ring & (around.kinds == 0)).sum()), int(ring.sum())
    there = rings(around, around.keys[around.kinds == 0], around.cells_of(place[None]))
    assert (there.same[0, 0], there.events[0, 0]) == near
    p = max(
        tail(k, n, int(s), int(e), MARGIN)
        for s, e in zip(there.same[0], there.events[0], strict=True)
    )
    hexagons = len(np.unique(grid.numbers(around.at_m)))
    assert one.q_value == pytest.approx(p * hexagons, rel=1e-9, abs=0)
    share = (there.same[0] + 0.5) / (there.events[0] + 1)
    r = int(np.argmax(share))
    same, others = int(there.same[0, r]), int(there.events[0, r] - there.same[0, r])
    expected = relative_risk(one.events, one.n - one.events, same, others)
    assert (one.expected, one.relative_risk, one.risk_low, one.risk_high) == expected
    assert one.expected < 4


def test_one_lamp_that_many_report_for_weeks_is_no_hexagon():
    at, days, kinds, _ = with_trouble(60, spread=6, days=(30, 50))
    assert find_in([Tally.of(Neighbourhood.of(at, days, kinds))], 0) == []


def test_the_hexagons_do_not_depend_on_the_order_of_the_rows():
    at, days, kinds, _ = with_trouble()
    order = np.random.default_rng(3).permutation(len(at))
    one = find_in([Tally.of(Neighbourhood.of(at, days, kinds))], 0)
    assert one == find_in([Tally.of(Neighbourhood.of(at[order], days[order], kinds[order]))], 0)
    assert one
    assert all(each.q_value <= FDR for each in one)
    assert find_in([Tally.of(Neighbourhood.of(at, days, kinds))], 99) == []


def test_the_hexagons_of_all_planes_are_tested_together():
    at, days, kinds, _ = with_trouble()
    here = Tally.of(Neighbourhood.of(at, days, kinds))
    away = Tally.of(Neighbourhood.of(*a_city(seed=5, n=2000)))
    (alone,) = find_in([here], 0)
    for tallies, plane in (([here, away], 0), ([away, here], 1)):
        (among,) = find_in(tallies, 0)
        assert (among.plane, among.number) == (plane, alone.number)
        hexagons = len(here.numbers) + len(away.numbers)
        assert among.q_value == pytest.approx(alone.q_value * hexagons / len(here.numbers))
    # of two, the more certain one comes first
    more, days, kinds, _ = with_trouble(60)
    other = Tally.of(Neighbourhood.of(more, days, kinds))
    assert [each.plane for each in find_in([here, other], 0)] == [1, 0]
    assert find_in([], 0) == []


def test_a_place_needs_as_many_events_as_one_of_its_own_kind_alone_would():
    kinds = np.repeat([0, 1, 2, 3], [4000, 3000, 2000, 1000])
    # half of the events are of the two larger ones; the usual one has 30 of 100
    least = quiet.least_events(kinds)
    limit = 0.05 / (3000 * 3 * 4)
    assert tail(least - 1, least - 1, 900, 3000, MARGIN) <= limit
    assert tail(least - 2, least - 2, 900, 3000, MARGIN) > limit
    # the rarer the kinds, the fewer
    assert quiet.least_events(np.arange(10_000) % 50) < least
    assert quiet.least_events(np.zeros(500, np.int64)) == quiet.MOST_EVENTS
    assert quiet.least_events(np.empty(0, np.int64)) == quiet.MOST_EVENTS


def test_no_hotspot_is_ever_where_it_is_quiet():
    # A crowd where nobody else reports: with one event fewer than needed it is no hotspot.
    at, days, kinds = a_city(kinds=10)
    away = np.hypot(*(at - [684_500, 1_192_500]).T) > 700
    at, days, kinds = at[away], days[away], kinds[away]
    least = quiet.least_events(kinds)
    assert 5 <= least <= 15
    for n, silent in ((least - 1, True), (least + 1, False)):
        spot = np.array([684_500.0, 1_192_500.0]) + 40 * np.column_stack(
            [np.arange(n) % 4, np.arange(n) // 4]
        )
        more = np.zeros(n, int)
        around = Neighbourhood.of(
            np.concatenate([at, spot]), np.append(days, more), np.append(kinds, more)
        )
        heard = quiet.heard(around, least)
        assert (grid.numbers(spot[:1])[0] not in heard) == silent


def test_hexagons_are_heard_by_all_that_lies_in_reach_counted_one_by_one():
    at, days, kinds = a_city(n=900)
    # Most in clumps that are far apart: what is heard of one is heard of it alone.
    at[200:] = np.floor(at[200:] / 1200) * 1200 + (at[200:] % 1200) / 20
    around = Neighbourhood.of(at, days, kinds)
    x, y = np.meshgrid(np.arange(681e3, 688e3, 50), np.arange(1.189e6, 1.196e6, 50))
    every = np.unique(grid.numbers(np.column_stack([x.ravel(), y.ravel()])))
    apart = np.hypot(*(grid.centres(every)[:, None] - around.at_m[None]).transpose(2, 0, 1))
    enough = (apart <= quiet.REACH_M).sum(axis=1) >= 10
    assert 100 < enough.sum() < len(every) - 100
    assert (quiet.heard(around, 10) == every[enough]).all()


def wards():
    x, y = np.array([681_500.0, 687_500.0]), np.array([1_189_500.0, 1_195_500.0])
    lon, lat = crs.to_degrees(x, y, EPSG)
    half = lon.mean()
    return [shapely.box(lon[0], lat[0], half, lat[1]), shapely.box(half, lat[0], lon[1], lat[1])]


def test_the_mask_is_the_wards_without_what_was_heard():
    at, days, kinds = a_city()
    hole = np.hypot(*(at - [684_500, 1_192_500]).T) > 900
    around = Neighbourhood.of(at[hole], days[hole], kinds[hole])
    heard = quiet.heard(around, 12)
    drawn = quiet.mask([(EPSG, heard)], wards())
    assert drawn.is_valid
    assert drawn.geom_type == "MultiPolygon"
    assert shapely.union_all(wards()).contains(drawn)
    # random places of the wards, but those along an edge that was drawn straight
    rng = np.random.default_rng(5)
    places = rng.uniform([681_600, 1_189_600], [687_400, 1_195_400], (4000, 2))
    lon, lat = crs.to_degrees(*places.T, EPSG)
    said = shapely.contains_xy(drawn, lon, lat)
    wanted = ~np.isin(grid.numbers(places), heard)
    edge = shapely.boundary(shapely.coverage_union_all(shapely.polygons(grid.corners(heard))))
    clear = shapely.distance(shapely.points(places), edge) > 60
    assert (said == wanted)[clear].all()
    assert wanted[clear].any()
    assert not wanted[clear].all()
    assert (said != wanted).mean() < 0.05
    middle = shapely.Point(*(float(v[0]) for v in crs.to_degrees([684_500.0], [1_192_500.0], EPSG)))
    assert drawn.contains(middle)


def test_where_nothing_is_heard_all_is_quiet_and_where_there_are_no_wards_nothing_is():
    everything = quiet.mask([(EPSG, np.empty(0, np.int64))], wards())
    # but a strip along the edge
    assert everything.area == pytest.approx(shapely.union_all(wards()).area, rel=0.02)
    assert quiet.mask([], []).is_empty


def test_a_ward_whose_edge_crosses_itself_is_masked_all_the_same():
    bow = shapely.Polygon([(106, 10), (106.1, 10.1), (106.1, 10), (106, 10.1)])
    drawn = quiet.mask([], [bow, shapely.box(106.05, 10, 106.2, 10.1)])
    assert drawn.is_valid
    assert drawn.contains(shapely.Point(106.02, 10.05))
