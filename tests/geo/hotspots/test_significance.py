"""The core test on simulated cities: what was planted is found, and what was not, is not."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from geo.errors import Invalid
from geo.hotspots.identity import ENTER
from geo.hotspots.significance.claim import claim
from geo.hotspots.significance.core import MARGIN, Neighbourhood, chances
from geo.hotspots.significance.found import find, find_in
from geo.hotspots.significance.odds import relative_risk, tail
from geo.hotspots.significance.thin import thin


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 60), st.integers(0, 200), st.integers(0, 60), st.integers(0, 200), st.data())
def test_the_tail_is_fishers_noncentral_hypergeometric(
    n_same, n_other, near_same, near_other, data
):
    n, n_near = n_same + n_other, near_same + near_other
    ratio = data.draw(st.sampled_from([0.5, 1.0, 1.25, 3.0]))
    total = n_same + near_same
    wanted = stats.nchypergeom_fisher(n + n_near, total, n, ratio).sf(n_same - 1)
    assert tail(n_same, n, near_same, n_near, ratio) == pytest.approx(wanted, rel=1e-6, abs=1e-9)


def test_the_interval_holds_the_risk():
    expected, risk, low, high = relative_risk(30, 70, 50, 950)
    assert expected == pytest.approx(70.5 * 50.5 / 950.5)
    assert low < risk < high
    assert risk == pytest.approx(30.5 / expected)


def a_city(seed, n=6000, kinds=6, side=5000.0):
    """Even places, times and kinds: nothing is anywhere."""
    rng = np.random.default_rng(seed)
    return rng.uniform(0, side, (n, 2)), rng.uniform(0, 90, n), rng.integers(0, kinds, n)


def found_in(at, days, kinds, category=0, alpha=ENTER):
    mine = kinds == category
    return find(
        at[mine], days[mine], at[~mine], days[~mine], others_categories=kinds[~mine], alpha=alpha
    )


def test_a_city_without_hotspots_has_hardly_ever_one():
    false = sum(bool(found_in(*a_city(seed))) for seed in range(30))
    assert false <= 3


@pytest.mark.parametrize("extra", [15, 25, 40])
def test_a_planted_excess_is_found_where_it_is(extra):
    hits = 0
    for seed in range(10):
        at, days, kinds = a_city(seed)
        rng = np.random.default_rng(100 + seed)
        place = rng.uniform(1000, 4000, 2)
        at = np.concatenate([at, place + rng.normal(0, 35, (extra, 2))])
        days = np.concatenate([days, rng.uniform(0, 90, extra)])
        kinds = np.concatenate([kinds, np.zeros(extra, int)])
        planted = set(range(int((kinds[:-extra] == 0).sum()), int((kinds == 0).sum())))
        spots = found_in(at, days, kinds)
        hits += any(len(planted & set(one.members.tolist())) > extra / 2 for one in spots)
        assert len(spots) <= 2
    assert hits >= (8 if extra < 25 else 10)


@pytest.fixture(scope="module")
def simulated():
    """The cities of `make bench`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).resolve().parents[3] / "benchmarks"))
        yield importlib.import_module("simulated")


def on_the_map(city, alpha=ENTER):
    """What a run finds that looks at all fourteen categories."""
    around = Neighbourhood.of(city.points_m, city.at_days, city.categories)
    return [
        each for kind in range(14) for each in find_in(around, kind, categories=14, alpha=alpha)
    ]


LIVES = {
    "even": {"uneven": False},
    "uneven": {},
    "smooth mix": {"smooth_mix": 0.5},
    "mix of wards": {"sharp_mix": 0.2},
    "mix of blocks": {"block_mix": 0.3},
    "duplicates": {"duplicates": 0.1},
    "storm": {"storm": 0.3},
}


@pytest.mark.parametrize("life", LIVES)
def test_whatever_makes_a_city_uneven_is_no_hotspot(simulated, life):
    cities = [
        simulated.city(np.random.default_rng([seed, 3]), reports=15_000, **LIVES[life])
        for seed in range(4)
    ]
    # Of p up to 1 there may be one a city: four cities would not tell 5 % from more.
    assert sum(len(on_the_map(city, alpha=1.0)) for city in cities) <= len(cities)


@pytest.mark.parametrize("life", ["uneven", "smooth mix", "duplicates"])
def test_what_is_planted_where_people_live_is_found_and_nothing_else(simulated, life):
    found = planted = right = hotspots = 0
    for seed in range(3):
        rng = np.random.default_rng([seed, 4])
        city = simulated.city(rng, reports=15_000, **LIVES[life])
        city = simulated.plant(rng, city, (30, 60))
        every = np.concatenate(city.planted)
        seen = on_the_map(city)
        hotspots += len(seen)
        right += sum(np.isin(each.members, every).mean() >= 0.5 for each in seen)
        planted += len(city.planted)
        found += sum(
            any(np.isin(rows, each.members).mean() >= 0.5 for each in seen) for rows in city.planted
        )
    assert found >= 0.85 * planted
    assert right >= 0.9 * hotspots


def test_one_lamp_that_many_report_for_weeks_is_no_hotspot():
    at, days, kinds = a_city(3)
    rng = np.random.default_rng(9)
    at = np.concatenate([at, np.array([2500.0, 2500.0]) + rng.normal(0, 6, (60, 2))])
    days = np.concatenate([days, rng.uniform(30, 50, 60)])
    kinds = np.concatenate([kinds, np.zeros(60, int)])
    assert found_in(at, days, kinds) == []


def test_the_answer_does_not_depend_on_the_order_of_the_rows():
    at, days, kinds = a_city(4)
    at[:40] = np.array([2500.0, 2500.0]) + np.random.default_rng(1).normal(0, 40, (40, 2))
    kinds[:40] = 0
    order = np.random.default_rng(2).permutation(len(at))
    (one,), (other,) = found_in(at, days, kinds), found_in(at[order], days[order], kinds[order])
    assert (one.people, one.events, one.p_value) == (other.people, other.events, other.p_value)


def test_an_alpha_out_of_range_is_refused():
    with pytest.raises(Invalid, match="alpha"):
        found_in(*a_city(1, n=50), alpha=0)


def test_reports_of_one_spot_and_night_are_one_event_and_later_ones_another():
    at = np.array([[0.0, 0.0], [5, 0], [0, 20], [0, 40], [3, 0]])
    days = np.array([0.0, 0.5, 1.0, 0.2, 5.0])
    assert thin(at, days).tolist() == [0, 0, 0, 1, 2]
    assert thin(at, days, categories=[0, 1, 0, 0, 0]).tolist() == [0, 1, 0, 2, 3]


def test_thinning_does_not_depend_on_the_order_of_the_rows():
    rng = np.random.default_rng(3)
    at, days = rng.uniform(0, 300, (400, 2)), rng.uniform(0, 20, 400)
    events = thin(at, days)
    order = rng.permutation(400)
    again = thin(at[order], days[order])
    pairs = set(zip(events[order].tolist(), again.tolist(), strict=True))
    assert len(pairs) == events.max() + 1 == again.max() + 1


@pytest.mark.parametrize(("n", "found"), [(4, 0), (12, 1)])
def test_a_handful_of_something_rare_is_no_hotspot_yet(n, found):
    rng = np.random.default_rng(3)
    city = rng.uniform(0, 8000, (6000, 2))
    here = np.array([4000.0, 4000.0]) + rng.uniform(-45, 45, (n, 2))
    days = np.concatenate([rng.uniform(0, 90, 6000), np.linspace(0, 89, n)])
    kinds = np.concatenate([rng.integers(1, 8, 6000), np.zeros(n, np.int64)])
    around = Neighbourhood.of(np.concatenate([city, here]), days, kinds)
    assert len(find_in(around, 0, categories=8)) == found


def one_place(**more):
    """A city in which one place brings 25 of category 0."""
    rng = np.random.default_rng(3)
    points = np.concatenate([rng.uniform(0, 6000, (4000, 2)), 3000 + rng.uniform(-60, 60, (25, 2))])
    days = np.concatenate([rng.uniform(0, 90, 4000), np.linspace(0, 89, 25)])
    kinds = np.concatenate([rng.integers(1, 8, 4000), np.zeros(25, np.int64)])
    kinds[:120] = 0
    return Neighbourhood.of(points, days, kinds, **more)


def test_p_counts_all_that_was_looked_at():
    (alone,) = find_in(one_place(), 0)
    (among,) = find_in(one_place(), 0, categories=8)
    assert among.p_value == pytest.approx(8 * alone.p_value, rel=1e-9, abs=0)
    (one_scale,) = find_in(one_place(scales_m=(alone.scale_m,)), 0)
    assert alone.p_value == pytest.approx(3 * one_scale.p_value, rel=1e-9, abs=0)


@pytest.mark.parametrize(
    ("near", "stands_out"),
    [
        # (others of the category, all) in the near and the wide ring; here 12 of 30
        (((50, 1000), (150, 3000)), True),
        (((380, 1000), (150, 3000)), False),
        (((50, 1000), (1150, 3000)), False),
        # just above the surroundings, but not by the margin
        (((330, 1000), (990, 3000)), False),
    ],
)
def test_a_place_must_stand_out_from_the_quarter_and_from_the_wider_surroundings(near, stands_out):
    same, events = np.array(near, np.int64).T
    p = chances(
        np.array([[30]], np.int32),
        np.array([[12]], np.int32),
        np.array([0]),
        events[None],
        same[None],
        MARGIN,
    )[0, 0]
    assert bool(p < 1e-3) == stands_out
    if not stands_out:
        assert p == 1.0


def test_one_spot_is_one_series_as_long_as_it_is_told_of():
    days = np.array([0.0, 20, 40, 66, 95])
    around = Neighbourhood.of(np.full((5, 2), 100.0), days, np.zeros(5, np.int64))
    assert sorted(around.turn.tolist()) == [0, 0, 1, 2, 3]
    coarse = Neighbourhood.of(np.full((5, 2), 100.0), days, np.zeros(5, np.int64), coarse=[0])
    assert sorted(coarse.turn.tolist()) == [0, 0, 0, 1, 1]
    apart = Neighbourhood.of(np.arange(10.0).reshape(5, 2) * 26, days, np.zeros(5, np.int64))
    assert apart.turn.tolist() == [0] * 5


@pytest.mark.parametrize(("n", "jitter_m"), [(90, 0.0), (90, 5.0), (800, 0.0)])
def test_one_spot_that_is_told_of_every_day_is_no_hotspot(n, jitter_m):
    rng = np.random.default_rng(0)
    spot = 3000.0 + rng.normal(0, jitter_m, (n, 2))
    points = np.concatenate([rng.uniform(0, 6000, (4000, 2)), spot])
    days = np.concatenate([rng.uniform(0, 90, 4000), np.linspace(0, 89, n)])
    kinds = np.concatenate([rng.integers(0, 8, 4000), np.zeros(n, np.int64)])
    assert find_in(Neighbourhood.of(points, days, kinds), 0, categories=8) == []


@pytest.mark.parametrize(
    ("own", "series", "accepted"),
    [
        (7, False, [0, 1]),
        # Two beside it are as many as anywhere, and seven of one series are one.
        (3, False, [0]),
        (7, True, [0]),
    ],
)
def test_a_disc_must_stand_out_by_what_no_better_one_has_taken(own, series, accepted):
    # One at 20 m, the other at 85 m, both with the eight between them; 5 of other categories.
    east = np.array([20.0] * 4 + [50.0] * 8 + [85.0] * own)
    turn = np.zeros(len(east), np.int32)
    if series:
        turn[12:] = np.arange(own)
    same = np.array([[11], [7 + own - (own - 1) * series]], np.int32)
    rows = np.array([0, len(east) - 1])
    of_both = np.zeros((len(east), 1), np.int32)
    of_both[rows] = same
    claimed, made = claim(
        np.column_stack([east, np.zeros(len(east))]),
        np.zeros(len(east), np.int64),
        1000,
        turn,
        rows,
        np.zeros(2, np.int64),
        np.array([50.0]),
        of_both + np.int32(5),
        of_both,
        np.zeros(len(east), np.int64),
        np.array([[1000, 3000]]),
        np.array([[60, 180]]),
        MARGIN,
        1e-3,
    )
    assert made.tolist() == accepted
    assert claimed.tolist() == [0] * 12 + [len(accepted) * 2 - 3] * own
