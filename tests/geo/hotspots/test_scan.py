"""The space-time scan against its definition, chance, planted beginnings, and awkward input."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import Invalid
from geo.hotspots.scan.places import Places
from geo.hotspots.scan.scan import Search, _City, scan


def log_ratio(c: int, mu: float, n: int) -> float:
    """The statistic as it is printed: 0 unless more came than expected."""
    if c <= mu + 1e-12:
        return 0.0
    rest = (n - c) * math.log((n - c) / (n - mu)) if c < n else 0.0
    return c * math.log(c / mu) + rest


def every_cluster(of, centres, days, search: Search, today: int):
    """Each circle and window with more than expected, by the definition: (ratio, places, since)."""
    n = len(of)
    reach = math.inf if search.max_radius_m is None else search.max_radius_m
    found = []
    held = sorted(set(of))
    for centre in held:
        far = {p: round(math.dist(centres[centre], centres[p]), 3) for p in held}
        for radius in sorted(set(far.values())):
            inside = [p for p in held if far[p] <= radius]
            total = sum(of.count(p) for p in inside)
            if total > search.max_share * n or radius > reach:
                break
            for window in range(1, search.max_days + 1):
                since = today - window + 1
                new = [p for p, day in zip(of, days, strict=True) if day >= since]
                c = sum(p in inside for p in new)
                value = log_ratio(c, total * len(new) / n, n)
                if value > 0:
                    found.append((value, tuple(inside), since))
    return found


# Whole steps of 100 m on a small board: circles with several places at the same distance, two
# places on one spot, and places without reports come up all the time.
boards = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=20)
counts = st.lists(st.tuples(st.integers(0, 19), st.integers(0, 11)), min_size=1, max_size=50)
searches = st.builds(
    Search,
    max_days=st.integers(1, 12),
    max_share=st.sampled_from([0.3, 0.5, 0.8, 1.0]),
    max_radius_m=st.sampled_from([None, 0.0, 100.0, 250.0]),
    replicas=st.just(19),
    alpha=st.just(1.0),
)


def laid(board, rows):
    centres = [(100.0 * x, 100.0 * y) for x, y in board]
    of = [place % len(board) for place, _ in rows]
    return Places(np.array(of), np.array(centres)), of, centres, [day for _, day in rows]


@settings(max_examples=150, deadline=None)
@given(boards, counts, searches, st.integers(0, 2))
def test_clusters_are_the_best_of_the_definition_and_share_no_place(board, rows, search, idle):
    places, of, centres, days = laid(board, rows)
    today = max(days) + idle
    answer = scan(places, days, rng=np.random.default_rng(0), today=today, search=search)
    left = every_cluster(of, centres, days, search, today)
    for one in answer:
        best = max(value for value, *_ in left)
        assert one.log_ratio == pytest.approx(best, abs=1e-9)
        same = [
            inside for value, inside, since in left if since == one.since and value > best - 1e-9
        ]
        assert one.places in same
        assert (one.observed, one.expected) == (
            sum(p in one.places and day >= one.since for p, day in zip(of, days, strict=True)),
            pytest.approx(
                sum(p in one.places for p in of) * sum(day >= one.since for day in days) / len(days)
            ),
        )
        left = [each for each in left if not set(each[1]) & set(one.places)]
    assert not left or len(answer) == search.most


def largest_ratio(centres, sizes, recent, search: Search) -> float:
    """The largest ratio, in numpy: `sizes` (places,), `recent` (places, windows) counts."""
    n, best = sizes.sum(), 0.0
    city = recent.sum(axis=0)
    for centre in centres:
        far = np.round(np.hypot(*(centres - centre).T), 3)
        order = np.argsort(far, kind="stable")
        last = np.append(np.diff(far[order]) > 0, True)
        total = np.cumsum(sizes[order])
        fits = total <= search.max_share * n
        if search.max_radius_m is not None:
            fits &= far[order] <= search.max_radius_m
        c = np.cumsum(recent[order], axis=0)[last & fits]
        mu = total[last & fits, None] * city / n
        with np.errstate(divide="ignore", invalid="ignore"):
            rest = np.where(c < n, (n - c) * np.log((n - c) / (n - mu)), 0.0)
            ratio = np.where(c > mu + 1e-12, c * np.log(c / mu) + rest, 0.0)
        best = max(best, ratio.max(initial=0.0))
    return best


def dealt_anew(places, days, search, rng):
    """A search's city, and up to as many replicas as are counted at once: (city, replicas, the
    largest ratio of each by the kernel and by numpy)."""
    city = _City(places, max(days) - np.asarray(days), search)
    replicas = [
        city.of[rng.permutation(len(days))[: len(city.recent_ages)]] for _ in range(city.batch)
    ]
    maxima = np.zeros(city.batch)
    around = [city.circles(np.arange(len(city)))]
    city.raise_maxima(around, replicas, maxima)
    held = places.centres_m[city.original]
    expected = []
    for replica in replicas:
        recent = np.zeros((len(city), len(city.margins.windows)), np.int64)
        np.add.at(recent, (replica, city.recent_ages), 1)
        sizes = np.bincount(city.of)
        expected.append(largest_ratio(held, sizes, np.cumsum(recent, axis=1), search))
    return city, maxima, expected


@settings(max_examples=60, deadline=None)
@given(boards, counts, searches, st.integers(0, 2**32))
def test_maxima_of_replicas_are_those_of_the_definition(board, rows, search, seed):
    places, _, _, days = laid(board, rows)
    _, maxima, expected = dealt_anew(places, days, search, np.random.default_rng(seed))
    assert maxima == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("reports", "bits"), [(30_000, 16), (40_000, 32)])
def test_maxima_hold_where_counts_and_thresholds_are_large(reports, bits):
    rng = np.random.default_rng(3)
    centres = rng.uniform(0, 9000, (60, 2))
    places = Places(rng.choice(60, reports, p=rng.dirichlet(np.ones(60))), centres)
    days = rng.integers(0, 12, reports)
    search = Search(max_days=11)
    city, maxima, expected = dealt_anew(places, days, search, rng)
    assert (city.lane_bits, city.margins.shift > 0) == (bits, True)
    assert maxima == pytest.approx(expected, abs=1e-8)


def city_of(rng, *, side=6, n=900, days=30):
    """Reports on `side` x `side` squares of 500 m, unevenly in space and in time, but nothing
    begins anywhere: (squares' numbers, centres, days)."""
    centres = np.array([(500.0 * x, 500.0 * y) for y in range(side) for x in range(side)])
    where = rng.choice(side * side, n, p=rng.dirichlet(np.full(side * side, 2.0)))
    when = rng.choice(days, n, p=rng.dirichlet(np.full(days, 20.0)))
    return where, centres, when


def test_where_nothing_began_p_is_small_no_more_often_than_it_says():
    rng = np.random.default_rng(11)
    search = Search(replicas=99, alpha=1.0, most=1)
    p = []
    for _ in range(300):
        where, centres, when = city_of(rng, n=300)
        (top,) = scan(Places(where, centres), when, rng=rng, search=search)
        p.append(top.p_value)
    p = np.array(p)
    # Four standard deviations of a binomial; and not far too careful either.
    for level in (0.05, 0.2, 0.5):
        assert abs((p <= level).mean() - level) < 4 * math.sqrt(level * (1 - level) / len(p))


def test_what_began_on_tuesday_is_found_there_and_since_then():
    rng = np.random.default_rng(5)
    found = 0
    for _ in range(20):
        where, centres, when = city_of(rng)
        # 40 reports more (some 13 are usual) on four squares around a corner, on 4 of 30 days.
        planted = [14, 15, 20, 21]
        where = np.append(where, np.tile(planted, 10))
        when = np.append(when, np.repeat([26, 27, 28, 29], 10))
        answer = scan(Places(where, centres), when, rng=rng)
        if answer:
            top = answer[0]
            assert top.p_value <= 0.05
            assert top.recurrence_days == pytest.approx(1 / top.p_value)
            assert top.relative_risk > 1.5
            hit = len(set(top.places) & set(planted)) >= 3 and len(top.places) <= 9
            found += hit and 25 <= top.since <= 27
    assert found >= 18


def test_a_place_that_always_reports_much_is_no_alarm():
    rng = np.random.default_rng(6)
    where, centres, when = city_of(rng)
    where = np.append(where, np.full(600, 17))
    when = np.append(when, np.repeat(np.arange(30), 20))
    (top,) = scan(Places(where, centres), when, rng=rng, search=Search(alpha=1.0, most=1))
    assert top.p_value > 0.05


def test_a_week_in_which_everybody_reports_more_is_no_alarm():
    rng = np.random.default_rng(7)
    where, centres, when = city_of(rng)
    storm = rng.choice(where, 600)
    where, when = np.append(where, storm), np.append(when, rng.integers(27, 30, 600))
    (top,) = scan(Places(where, centres), when, rng=rng, search=Search(alpha=1.0, most=1))
    assert top.p_value > 0.05


def test_two_beginnings_far_apart_are_two_clusters_the_stronger_one_first():
    rng = np.random.default_rng(8)
    where, centres, when = city_of(rng)
    where = np.concatenate([where, np.full(20, 0), np.full(60, 35)])
    when = np.concatenate([when, np.full(20, 29), np.full(60, 28)])
    first, second = scan(Places(where, centres), when, rng=rng)[:2]
    assert 35 in first.places
    assert 0 in second.places
    assert not set(first.places) & set(second.places)
    assert first.log_ratio > second.log_ratio
    assert (first.since, second.since) == (28, 29)


def test_the_seed_decides_whatever_the_threads_and_the_order_of_the_reports():
    where, centres, when = city_of(np.random.default_rng(9), side=9, n=3000)
    search = Search(alpha=1.0, most=5, replicas=199)

    def answer(seed, order=slice(None), threads=1):
        places = Places(where[order], centres)
        rng = np.random.default_rng(seed)
        return repr(scan(places, when[order], rng=rng, search=search, threads=threads))

    once = answer(1)
    assert answer(1, threads=2) == once
    assert answer(1, order=np.random.default_rng(0).permutation(3000)) == once
    assert answer(2) != once


def test_the_answer_does_not_depend_on_how_much_is_held_at_once(monkeypatch):
    where, centres, when = city_of(np.random.default_rng(10), n=2000)
    search = Search(alpha=1.0, most=5, replicas=50)

    def answer():
        return scan(Places(where, centres), when, rng=np.random.default_rng(1), search=search)

    whole = answer()
    monkeypatch.setattr("geo.hotspots.scan.scan._SLICE", 100)
    monkeypatch.setattr("geo.hotspots.scan.scan._HELD", 500)
    assert answer() == whole


def test_of_equal_ratios_the_smaller_circle_and_the_shorter_window_are_answered():
    # Two pairs of places with the same counts, the one named first 200 m wide, the other 100 m.
    # Nothing was reported on day 9: the windows from it hold what those from day 10 hold.
    centres = [(0.0, 0.0), (200.0, 0.0), (9000.0, 0.0), (9100.0, 0.0), (5000.0, 0.0)]
    where = np.array([0, 0, 1, 1, 2, 2, 3, 3] + [4] * 12)
    when = np.array([10] * 8 + [3, 4, 5, 6, 7, 8] * 2)
    (top,) = scan(
        Places(where, np.array(centres)),
        when,
        rng=np.random.default_rng(1),
        search=Search(alpha=1.0, most=1, max_share=0.3),
    )
    assert (top.places, top.centre, top.radius_m, top.since) == ((2, 3), 2, 100.0, 10)


def test_no_two_replicas_are_the_same():
    where, centres, when = city_of(np.random.default_rng(13), n=2000)
    city = _City(Places(where, centres), when.max() - when, Search())
    with ThreadPoolExecutor(2) as pool:
        _, maxima = city.compare([1], Search(replicas=99, alpha=1.0), pool, 2)
    assert len(np.unique(maxima)) > 90


def test_giving_up_early_changes_no_answer():
    found = 0
    for seed in range(12):
        where, centres, when = city_of(np.random.default_rng(seed))
        days = np.append(when, np.full(seed % 9, 29))
        places = Places(np.append(where, np.full(seed % 9, 7)), centres)
        early, whole = (
            scan(places, days, rng=np.random.default_rng(1), search=Search(alpha=alpha))
            for alpha in (0.05, 1.0)
        )
        assert early == [one for one in whole if one.p_value <= 0.05]
        found += bool(early)
    assert 0 < found < 12


def test_only_what_is_significant_is_answered_and_no_more_than_asked_for():
    rng = np.random.default_rng(14)
    where, centres, when = city_of(rng)
    where = np.concatenate([where, np.full(20, 0), np.full(60, 35)])
    when = np.concatenate([when, np.full(20, 29), np.full(60, 28)])
    places = Places(where, centres)

    def answer(**search):
        return scan(places, when, rng=np.random.default_rng(1), search=Search(**search))

    every, usual = answer(alpha=1.0), answer()
    assert len(every) > len(usual) >= 2
    assert every[: len(usual)] == usual
    assert all(one.p_value <= 0.05 for one in usual)
    assert every[len(usual)].p_value > 0.05
    assert answer(most=1) == usual[:1]


def test_without_reports_there_is_no_answer():
    none = Places(np.empty(0, np.int64), np.array([(0.0, 0.0)]))
    assert scan(none, [], rng=np.random.default_rng(1)) == []
    assert scan(Places.squares([], 100.0), [], rng=np.random.default_rng(1)) == []
    assert scan(Places.wards([], {}), [], rng=np.random.default_rng(1)) == []


@pytest.mark.parametrize(
    ("of", "days"),
    [([0], [5]), ([0, 1, 1, 2], [5, 5, 5, 5]), ([1, 1, 1], [3, 4, 5])],
    ids=["one report", "all on one day", "all in one place"],
)
def test_what_cannot_be_compared_is_no_cluster(of, days):
    centres = np.array([(0.0, 0.0), (100.0, 0.0), (0.0, 250.0)])
    places = Places(np.array(of), centres)
    for share in (0.5, 1.0):
        search = Search(alpha=1.0, max_share=share, replicas=9)
        assert scan(places, days, rng=np.random.default_rng(1), search=search) == []


def test_nothing_lately_is_no_cluster():
    places = Places(np.array([0, 0, 1]), np.array([(0.0, 0.0), (100.0, 0.0)]))
    assert scan(places, [1, 2, 3], rng=np.random.default_rng(1), today=20) == []


def test_squares_are_the_same_whatever_reports_come():
    points = [(250.0, 40.0), (-1.0, 0.0), (299.0, 99.0), (100.0, 99.0)]
    places = Places.squares(points, 100.0)
    where = places.centres_m[places.of]
    assert where.tolist() == [[250, 50], [-50, 50], [250, 50], [150, 50]]
    alone = Places.squares(points[:1], 100.0)
    assert alone.centres_m[alone.of].tolist() == where[:1].tolist()


def test_wards_are_named_by_their_codes():
    centres = {"26740": (0.0, 0.0), "26734": (900.0, 0.0)}
    places = Places.wards(["26740", "26740", "26734"], centres)
    assert places.names == ("26734", "26740")
    assert [places.names[i] for i in places.of] == ["26740", "26740", "26734"]
    assert places.centres_m[places.of[2]].tolist() == [900.0, 0.0]


def test_the_input_stays_as_it_was():
    where, centres, when = city_of(np.random.default_rng(12), n=200)
    before = [each.copy() for each in (where, centres, when)]
    search = Search(alpha=1.0, replicas=9)
    scan(Places(where, centres), when, rng=np.random.default_rng(1), search=search)
    assert all((a == b).all() for a, b in zip(before, (where, centres, when), strict=True))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Places(np.array([0, 2]), np.zeros((2, 2))), "report 1 lies in place 2"),
        (lambda: Places(np.array([-1]), np.zeros((2, 2))), "report 0 lies in place -1"),
        (lambda: Places(np.array([0.5]), np.zeros((2, 2))), "whole numbers"),
        (lambda: Places(np.array([0]), np.zeros((2, 3))), r"shape \(n, 2\)"),
        (lambda: Places(np.array([0]), np.array([(0.0, np.nan)])), "row 0"),
        (lambda: Places(np.array([0]), np.array([(0.0, 1e9)])), "row 0"),
        (lambda: Places(np.array([0]), np.zeros((1, 2)), ("a", "b")), "2 names"),
        (lambda: Places.squares([(0.0, np.inf)], 100.0), "points_m"),
        (lambda: Places.squares([(0.0, 0.0)], 0.0), "side_m"),
        (lambda: Places.squares([(0.0, 0.0)], np.nan), "side_m"),
        (lambda: Places.wards(["1", "2"], {"1": (0.0, 0.0)}), "ward '2'"),
        (lambda: Search(max_days=0), "max_days"),
        (lambda: Search(replicas=9.5), "replicas"),
        (lambda: Search(max_share=0.0), "max_share"),
        (lambda: Search(max_share=float("nan")), "max_share"),
        (lambda: Search(alpha=1.5), "alpha"),
        (lambda: Search(max_radius_m=-1.0), "max_radius_m"),
    ],
)
def test_nonsense_is_refused_by_name(make, said):
    with pytest.raises(Invalid, match=said):
        make()


@pytest.mark.parametrize(
    ("days", "today", "said"),
    [
        ([1], None, r"shape \(2,\)"),
        ([1.0, 2.5], None, "whole numbers"),
        ([1.0, np.nan], None, "whole numbers"),
        (["1", "2"], None, "whole numbers"),
        ([1, 9], 8, "after today, 8"),
    ],
)
def test_days_that_are_none_are_refused(days, today, said):
    places = Places(np.array([0, 1]), np.array([(0.0, 0.0), (100.0, 0.0)]))
    with pytest.raises(Invalid, match=said):
        scan(places, days, rng=np.random.default_rng(1), today=today)
