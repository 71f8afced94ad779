"""Round trips: each stop once, no shorter by a turn, near the best where that can be counted."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.crs import GEOD
from geo.errors import Invalid
from geo.reports.tasks.tour import MOST, tour

START = (106.7, 10.77)
PLACES = st.lists(
    st.tuples(st.floats(106.6, 106.8), st.floats(10.7, 10.85)), min_size=0, max_size=MOST
)


def length(start, places, order):
    line = [start, *(places[each] for each in order), start]
    return GEOD.line_length(*zip(*line, strict=True))


@given(places=PLACES)
@settings(max_examples=60, deadline=None)
def test_each_stop_once_and_the_legs_are_the_way(places):
    found = tour(START, [lon for lon, _ in places], [lat for _, lat in places])
    assert sorted(found.order) == list(range(len(places)))
    assert len(found.legs_m) == (len(places) + 1 if places else 0)
    if places:
        assert abs(found.length_m - length(START, places, found.order)) < 0.01


@pytest.mark.parametrize("seed", range(12))
def test_up_to_seven_stops_it_is_within_a_twentieth_of_the_best(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 8))
    places = list(zip(rng.uniform(106.6, 106.8, n), rng.uniform(10.7, 10.85, n), strict=True))
    found = tour(START, *zip(*places, strict=True))
    best = min(length(START, places, order) for order in permutations(range(n)))
    assert found.length_m <= best * 1.05 + 0.01


def test_stops_around_a_ring_are_visited_around_it():
    rng = np.random.default_rng(1)
    bearings = np.arange(MOST) * 360 / MOST
    lon, lat, _ = GEOD.fwd(
        np.full(MOST, START[0]), np.full(MOST, START[1]), bearings, np.full(MOST, 900.0)
    )
    mixed = rng.permutation(MOST)
    found = tour((lon[0], lat[0]), lon[mixed], lat[mixed])
    way = mixed[list(found.order)]
    steps = set(np.abs(np.diff(way)) % (MOST - 1))
    assert steps <= {0, 1}, way


def test_all_stops_on_one_spot_and_more_than_a_days_work():
    found = tour(START, [106.7] * 5, [10.77] * 5)
    assert found.length_m == 0
    assert sorted(found.order) == [0, 1, 2, 3, 4]
    with pytest.raises(Invalid, match="at most 30 stops; 31"):
        tour(START, [106.7] * 31, [10.77] * 31)
