"""Hotspots keep their ids: what is the same, what merged, what split, what slept."""

import re
from datetime import date

import numpy as np
import pytest
import shapely
from scipy import stats

from geo.errors import Invalid
from geo.hotspots import hulls
from geo.hotspots.dbscan import dbscan
from geo.hotspots.identity import (
    Current,
    Previous,
    Sighting,
    keep_told,
    match,
    new_id,
)

DAY = date(2026, 6, 1)
LAST = (0.0, 90.0)
NOW = (7.0, 97.0)


def sighting(numbers, box=(0, 0, 100, 100), window=LAST, at=50.0):
    numbers = np.array(numbers, dtype=np.int64)
    return Sighting(numbers, np.full(len(numbers), at), shapely.box(*box), window)


def old(name, numbers, box=(0, 0, 100, 100), born=0.0, dormant=False, window=LAST):
    return Previous(name, sighting(numbers, box, window), born, dormant)


def new(numbers, box=(0, 0, 100, 100), p=0.001, code="2222", window=NOW, at=50.0):
    return Current(sighting(numbers, box, window, at), code, p)


def matched(previous, current, window=NOW, **given):
    return match(previous, current, category="drainage.flooding", as_of=DAY, window=window, **given)


def test_the_same_reports_and_place_keep_the_id():
    (one,) = matched([old("A", range(20))], [new(range(18))]).hotspots
    assert (one.id, one.kind, one.parents) == ("A", "kept", ())
    assert one.likeness == pytest.approx((0.9 + 1) / 2)


def test_reports_that_left_with_the_window_do_not_count_against_it():
    # Forty of the first week are gone, forty came; the ten both windows saw are all there.
    numbers = np.arange(50)
    at = np.where(numbers < 40, 3.0, 50.0)
    before = Previous("A", Sighting(numbers, at, shapely.box(0, 0, 100, 100), LAST), 0.0)
    numbers = np.arange(40, 90)
    at = np.where(numbers < 50, 50.0, 95.0)
    # Its shape changed by more than half, so that the reports decide.
    after = Current(Sighting(numbers, at, shapely.box(0, 0, 100, 40), NOW), "2222", 0.001)
    (one,) = matched([before], [after]).hotspots
    assert (one.id, one.likeness) == ("A", 0.7)


def test_without_shared_time_the_footprint_decides():
    later = (90.0, 180.0)
    far = matched(
        [old("A", range(20))],
        [new(range(50, 70), (30, 0, 130, 100), window=later, at=120.0)],
        window=later,
    )
    assert far.hotspots[0].id == "A"
    near = [new(range(50, 70), (40, 0, 140, 100), window=later, at=120.0)]
    assert matched([old("A", range(20))], near, window=later).hotspots[0].likeness < 0.5


def test_too_few_shared_reports_do_not_decide():
    # One report of two is gone, the place is the same.
    (one,) = matched([old("A", [1, 2])], [new([3, 4])]).hotspots
    assert (one.id, one.likeness) == ("A", 1.0)


def test_another_place_is_another_hotspot():
    found = matched([old("A", range(20))], [new(range(50, 70), (500, 0, 600, 100))])
    assert [one.kind for one in found.hotspots] == ["new"]
    assert found.hotspots[0].id != "A"
    assert found.dormant == ["A"]


@pytest.mark.parametrize("step_m", [20, -20])
def test_the_likest_pair_goes_first(step_m):
    def box(times, by_m=0):
        return (times * step_m - by_m, 0, times * step_m + 100 - by_m, 100)

    before = [old("A", [], box(0)), old("B", [], box(1), born=9.0)]
    # A is like both, and the first of them more like B.
    after = [new([], box(1, 2), code="1"), new([], box(-1), code="2")]
    found = matched(before, after).hotspots
    assert [(one.id, one.kind) for one in found] == [("B", "kept"), ("A", "kept")]


def test_equally_like_pairs_go_by_age():
    before = [old("A", [], born=9.0), old("B", [], born=1.0)]
    after = [new([], (0, 0, 100, 100), code="2"), new([], (0, 0, 100, 100), code="1")]
    assert [one.id for one in matched(before, after).hotspots] == ["A", "B"]


def test_of_equally_like_ones_the_oldest_wins():
    before = [old("A", [], born=9.0), old("B", [], born=1.0), old("C", [], born=1.0)]
    found = matched(before, [new([])])
    assert found.hotspots[0].id == "B"
    assert found.ended == {"A": "B", "C": "B"}


def test_a_merge_names_its_parents_and_keeps_the_oldest_id():
    before = [
        old("A", range(40), (0, 0, 150, 100), born=5.0),
        old("B", range(40, 50), (160, 0, 200, 100), born=1.0),
    ]
    found = matched(before, [new(range(50), (0, 0, 200, 100))])
    (one,) = found.hotspots
    assert (one.id, one.kind, one.parents) == ("B", "merged", ("B", "A"))
    assert found.ended == {"A": "B"}
    assert found.dormant == []


def test_a_split_leaves_the_id_with_the_likest_part_and_names_the_parent():
    before = [old("A", range(50), (0, 0, 200, 100))]
    after = [
        new(range(30, 50), (130, 0, 200, 100), code="3333"),
        new(range(30), (0, 0, 120, 100), code="2222"),
    ]
    small, large = matched(before, after).hotspots
    assert (large.id, large.kind) == ("A", "kept")
    assert (small.kind, small.parents) == ("split", ("A",))


def test_parts_each_below_half_still_leave_the_id_with_one():
    before = [old("A", range(60), (0, 0, 300, 100))]
    after = [
        new(range(20 * k, 20 * k + 20), (100 * k, 0, 100 * k + 90 + k, 100), code=str(k))
        for k in range(3)
    ]
    found = matched(before, after)
    assert [one.kind for one in found.hotspots] == ["split", "split", "kept"]
    assert found.dormant == []


def test_a_hotspot_that_grew_beyond_twice_its_size_is_still_itself():
    (one,) = matched([old("A", range(20))], [new(range(100), (0, 0, 400, 100))]).hotspots
    assert (one.id, one.kind) == ("A", "kept")
    assert one.likeness < 0.5


def test_a_weak_candidate_stays_but_does_not_enter():
    def weak(p):
        return new(range(20), p=p)

    assert matched([], [weak(0.05)]).hotspots
    assert matched([], [weak(0.051)]).left_out == [0]
    assert matched([old("A", range(20))], [weak(0.2)]).hotspots[0].id == "A"
    gone = matched([old("A", range(20))], [weak(0.201)])
    assert (gone.hotspots, gone.left_out, gone.dormant) == ([], [0], ["A"])


def test_a_weak_candidate_wakes_no_dormant_hotspot():
    asleep = [old("A", range(20), dormant=True)]
    found = matched(asleep, [new(range(20), p=0.1)])
    assert (found.hotspots, found.dormant) == ([], ["A"])
    (one,) = matched(asleep, [new(range(20), p=0.04)]).hotspots
    assert (one.id, one.kind) == ("A", "returned")


def test_a_dormant_hotspot_takes_no_id_from_a_living_one():
    before = [old("A", range(20), born=0.0, dormant=True), old("B", range(20), born=9.0)]
    found = matched(before, [new(range(20))])
    assert found.hotspots[0].id == "B"
    assert found.dormant == ["A"]


@pytest.mark.parametrize(("until", "kept"), [(270.0, True), (271.0, False)])
def test_a_hotspot_sleeps_for_two_windows_whatever_the_number_of_runs(until, kept):
    window = (until - 90, until)
    asleep = [old("A", range(20), dormant=True)]
    empty = matched(asleep, [], window=window)
    assert (empty.dormant, empty.ended) == ((["A"], {}) if kept else ([], {"A": None}))
    back = matched(asleep, [new(range(50, 60), window=window, at=until - 1)], window=window)
    assert (back.hotspots[0].id == "A") is kept


def test_ids_are_told_by_content_and_can_be_spoken():
    made = new_id("drainage.flooding", DAY, "2CDF")
    assert made == new_id("drainage.flooding", DAY, "2CDF")
    assert re.fullmatch("H(-[0-9A-HJKMNP-TV-Z]{4}){2}", made)
    others = {
        new_id("lighting", DAY, "2CDF"),
        new_id("drainage.flooding", date(2026, 6, 2), "2CDF"),
        new_id("drainage.flooding", DAY, "2CDH"),
        new_id("drainage.flooding", DAY, "2CDF", {made}),
    }
    assert len(others | {made}) == 5


def test_ids_given_long_ago_are_not_given_again():
    (first,) = matched([], [new([1])]).hotspots
    (second,) = matched([], [new([1])], known={first.id}).hotspots
    assert first.id != second.id


def test_what_makes_no_sense_is_refused():
    with pytest.raises(Invalid, match="one id"):
        matched([old("A", [1]), old("A", [2])], [])
    with pytest.raises(Invalid, match="once"):
        sighting([1, 1])
    with pytest.raises(Invalid, match="after it begins"):
        sighting([1], window=(5.0, 5.0))
    with pytest.raises(Invalid, match="valid polygon"):
        sighting([1], box=(0, 0, 0, 100))
    with pytest.raises(Invalid, match="one number each"):
        Sighting(np.arange(2), np.zeros(3), shapely.box(0, 0, 1, 1), LAST)


N_PLACES, DAYS, SIDE_M = 60, 160, 12_000.0


def a_city(rng):
    """Reports of one category: `(points_m, at_days)`; a background and planted hotspots, strong
    and weak, steady and in bursts."""
    centres = rng.uniform(500, SIDE_M - 500, (N_PLACES, 2))
    rates = rng.uniform(0.12, 0.8, N_PLACES)
    points, at = [rng.uniform(0, SIDE_M, (1500, 2))], [rng.uniform(0, DAYS, 1500)]
    for centre, rate in zip(centres, rates, strict=True):
        n = rng.poisson(rate * DAYS)
        points.append(centre + rng.normal(0, rng.uniform(20, 60), (n, 2)))
        steady = rng.random() < 0.6
        bursts = rng.uniform(0, DAYS, 8)[rng.integers(0, 8, n)] + rng.exponential(2.0, n)
        at.append(rng.uniform(0, DAYS, n) if steady else bursts % DAYS)
    return np.concatenate(points), np.concatenate(at)


def found_in(points_m, at_days, window):
    inside = np.flatnonzero((at_days >= window[0]) & (at_days < window[1]))
    labels = dbscan(points_m[inside], 80.0, 6)
    found = []
    for label in range(labels.max(initial=-1) + 1):
        members = inside[labels == label]
        around = hulls.hull(points_m[members], 80.0)
        chance = stats.poisson.sf(len(members) - 1, around.area / SIDE_M**2 * 1500 * 90 / DAYS)
        seen = Sighting(members, at_days[members], around, window)
        found.append(Current(seen, f"{members[0]:08d}", min(1.0, chance * 1e4)))
    return found


def run_on(previous, found, window, born):
    """What the next run starts from, and the answer."""
    answer = matched(previous, found, window=window)
    by_id = {each.id: each for each in previous}
    now = [
        Previous(one.id, found[one.index].seen, by_id[one.id].born_days)
        if one.id in by_id
        else Previous(one.id, found[one.index].seen, born)
        for one in answer.hotspots
    ]
    sleeping = [
        Previous(name, by_id[name].seen, by_id[name].born_days, True) for name in answer.dormant
    ]
    return now + sleeping, answer


def test_a_week_later_19_of_20_are_found_again():
    again = all_of_them = 0
    for seed in range(4):
        points, at = a_city(np.random.default_rng(seed))
        previous, _ = run_on([], found_in(points, at, (0, 90)), (0, 90), 0)
        for week in range(1, 10):
            window = (7.0 * week, 90 + 7.0 * week)
            found = found_in(points, at, window)
            living = {each.id for each in previous if not each.dormant}
            # Still strong within 80 m of where it was: those must bear the same id.
            there = {
                each.id
                for each in previous
                if not each.dormant
                and any(
                    new.p_value <= 0.05 and new.seen.footprint.intersects(each.seen.footprint)
                    for new in found
                )
            }
            previous, answer = run_on(previous, found, window, window[0])
            merged = set(answer.ended)
            kept = {one.id for one in answer.hotspots}
            again += len(there & kept)
            all_of_them += len(there)
            assert len(living & merged) <= 2
    assert all_of_them > 1500
    assert again >= 0.95 * all_of_them


def test_an_id_told_of_the_same_day_stays_unless_the_days_before_know_it():
    far = (500, 0, 600, 100)
    current = [new(range(20)), new(range(50, 70), far, code="3333")]
    before = [old("A", range(20)), old("B", range(50, 70), far), old("C", range(20), born=1.0)]
    made = matched(before, current)
    assert made.ended == {"C": "A"}
    # As the day was told first: by X, and by an id that a day before has elsewhere now.
    same = matched([old("X", range(20)), old("A", range(50, 70), far)], current)
    answer = keep_told(made, same, {"X", "A"}, {"A", "B", "C"})
    assert [(one.id, one.kind, one.parents) for one in answer.hotspots] == [
        ("X", "merged", ("A", "C", "X")),
        ("B", "kept", ()),
    ]
    assert answer.ended == {"A": "X", "C": "X"}


def test_the_order_of_the_lists_changes_nothing():
    rng = np.random.default_rng(7)
    points, at = a_city(rng)
    previous, _ = run_on([], found_in(points, at, (0, 90)), (0, 90), 0)
    found = found_in(points, at, (30, 120))
    _, straight = run_on(previous, found, (30, 120), 30)
    told = {found[one.index].lowest_code: (one.id, one.kind) for one in straight.hotspots}
    assert len(told) > 40
    for _ in range(5):
        shuffled = [found[i] for i in rng.permutation(len(found))]
        before = [previous[i] for i in rng.permutation(len(previous))]
        _, answer = run_on(before, shuffled, (30, 120), 30)
        assert told == {
            shuffled[one.index].lowest_code: (one.id, one.kind) for one in answer.hotspots
        }
        assert (answer.dormant, answer.ended) == (straight.dormant, straight.ended)
