"""A trend's classes from clear series, their order, and what must not be called one."""

import numpy as np
import pytest

from geo.errors import Invalid
from geo.hotspots.trend.classes import classify

PERIODS = 24


def trend(counts, others=None, background=0.05, **more):
    others = np.full(len(counts), 100) if others is None else others
    rng = np.random.default_rng(1)
    return classify(counts, others, background=background, rng=rng, **more)


def drawn(rate, seed=2):
    """Counts at so many a period."""
    return np.random.default_rng(seed).poisson(np.broadcast_to(rate, PERIODS))


ONCE = np.arange(PERIODS)


@pytest.mark.parametrize(
    ("counts", "name"),
    [
        (np.where(ONCE >= PERIODS - 3, 30, 5), "new"),
        (np.where(ONCE % 7 == 3, 60, 4), "sporadic"),
        (drawn(6 + ONCE * 1.5), "intensifying"),
        (drawn(40 - ONCE * 1.5), "diminishing"),
        (drawn(15), "persistent"),
    ],
)
def test_a_clear_series_is_called_what_it_is(counts, name):
    assert trend(counts).name == name


def test_more_people_who_report_are_no_trend():
    others = np.linspace(50, 400, PERIODS).astype(int)
    found = trend(drawn(others * 0.15), others)
    assert found.name == "persistent"
    assert found.p_slope > 0.02


def test_a_place_like_its_surroundings_shows_nothing():
    assert trend(drawn(5)).name is None


def test_a_short_history_says_nothing():
    assert trend([5, 5, 5, 9, 9]).name is None
    assert trend(np.zeros(PERIODS, int)).name is None


def test_a_season_that_comes_back_is_named_by_its_months():
    months = (ONCE + 2) % 12 + 1
    found = trend(np.where(np.isin(months, [9, 10, 11]), 30, 5), first_month=3)
    assert found.months == (9, 10, 11)
    assert trend(drawn(15), first_month=3).months == ()


def test_few_steady_series_are_taken_for_a_change():
    rng = np.random.default_rng(5)
    names = [trend(rng.poisson(12, PERIODS)).name for _ in range(200)]
    assert sum(name != "persistent" for name in names) <= 16


@pytest.mark.parametrize(
    ("counts", "others", "more", "said"),
    [
        ([1, 2], [1], {}, "shapes"),
        ([1.5] * 8, [9] * 8, {}, "whole numbers"),
        ([-1] * 8, [9] * 8, {}, "not negative"),
        ([np.nan] * 8, [9] * 8, {}, "finite"),
        ([1] * 8, [9] * 8, {"background": 0}, "above 0"),
        ([1] * 8, [9] * 8, {"first_month": 13}, "from 1 to 12"),
    ],
)
def test_what_is_no_series_is_refused(counts, others, more, said):
    with pytest.raises(Invalid, match=said):
        trend(counts, others, **more)


def test_more_than_before_is_not_new_while_it_is_no_more_than_around():
    assert trend(np.where(ONCE >= PERIODS - 3, 4, 0)).name != "new"


def test_a_slope_is_tested_both_ways():
    there_and_back = np.concatenate([np.arange(5, 17), np.arange(16, 4, -1)])
    assert trend(there_and_back).p_slope > 0.9


@pytest.mark.parametrize(
    "counts", [ONCE + 1, np.full(PERIODS, 10), np.repeat([10, 0], 12), np.repeat([0, 9], [21, 3])]
)
@pytest.mark.parametrize("others", [0, 2])
def test_from_nothing_to_compare_with_nothing_is_said(counts, others):
    found = trend(counts, np.full(PERIODS, others))
    assert (found.name, found.unsaid) == (None, "few_others")


def test_one_report_long_ago_does_not_make_it_old():
    counts = np.zeros(PERIODS, int)
    counts[[5, -2, -1]] = 1, 9, 18
    assert trend(counts, background=0.00001).name == "new"
