"""DBSCAN against its definition (by brute force), scikit-learn, and awkward input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import DBSCAN

from geo.errors import Invalid
from geo.hotspots.dbscan import dbscan


def by_definition(points: np.ndarray, eps_m: float, min_points: int) -> np.ndarray:
    """The definition, written down in O(n²) without any library's clustering."""
    n = len(points)
    apart = np.sqrt(((points[:, None] - points[None]) ** 2).sum(-1))
    core = (apart <= eps_m).sum(1) >= min_points
    group = np.full(n, -1)
    for i in range(n):
        if not core[i] or group[i] >= 0:
            continue
        stack = [i]
        group[i] = i
        while stack:
            at = stack.pop()
            for j in np.flatnonzero(core & (apart[at] <= eps_m) & (group < 0)):
                group[j] = i
                stack.append(int(j))
    labels = group.copy()
    for i in np.flatnonzero(~core):
        near = np.flatnonzero(core & (apart[i] <= eps_m))
        if len(near):
            labels[i] = group[near[np.argmin(apart[i][near])]]
    order = {}
    return np.array([-1 if g < 0 else order.setdefault(g, len(order)) for g in labels])


# Whole metres on a small board: ties, piles and distances of exactly eps come up all the time.
boards = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=60)


@settings(max_examples=300, deadline=None)
@given(boards, st.sampled_from([1.0, 2.0, 2.5, 5.0]), st.integers(1, 6))
def test_labels_are_what_the_definition_says(cells, eps_m, min_points):
    points = np.array(cells, dtype=np.float64).reshape(-1, 2)
    labels = dbscan(points, eps_m, min_points)
    assert labels.dtype == np.int64
    assert labels.tolist() == by_definition(points, eps_m, min_points).tolist()


# Whole numbers so large that a float has no digit to spare for a cell's corner, and metres of the
# southern hemisphere: distances are still exact.
FAR = [(0, 0), (2**31, -(2**31)), (-2_000_003, 10_000_019), (2**40, 2**40)]


@settings(max_examples=200, deadline=None)
@given(boards, st.sampled_from(FAR), st.integers(1, 5))
def test_far_and_negative_coordinates_and_points_on_the_borders_of_cells(cells, far, min_points):
    # Cells of the kernel's grid are eps/√2 wide: here 5, so that every fifth point is on a border.
    eps_m = float(np.hypot(5, 5))
    points = np.array(cells, dtype=np.float64).reshape(-1, 2) + np.array(far, dtype=np.float64)
    labels = dbscan(points, eps_m, min_points)
    assert labels.tolist() == by_definition(points, eps_m, min_points).tolist()


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(0, 40), max_size=80),
    st.sampled_from([(1.0, 0.0), (0.0, 1.0), (3.0, 4.0), (-1.0, 1.0)]),
    st.integers(1, 5),
    st.randoms(use_true_random=False),
)
def test_points_on_a_line_with_many_twice_in_any_order(steps, along, min_points, chance):
    points = np.array([(at * along[0], at * along[1]) for at in steps]).reshape(-1, 2)
    order = list(range(len(points)))
    chance.shuffle(order)
    labels = dbscan(points[order], 5.0, min_points)
    assert labels.tolist() == by_definition(points[order], 5.0, min_points).tolist()


@settings(max_examples=60, deadline=None)
@given(boards, st.sampled_from([2.0, 3.0, 5.0]), st.integers(2, 6))
def test_core_points_and_noise_are_scikit_learns(cells, eps_m, min_points):
    points = np.array(cells, dtype=np.float64).reshape(-1, 2)
    if not len(points):
        return
    labels = dbscan(points, eps_m, min_points)
    model = DBSCAN(eps=eps_m, min_samples=min_points).fit(points)
    core = model.core_sample_indices_
    pairs = set(zip(labels[core].tolist(), model.labels_[core].tolist(), strict=True))
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
    assert ((labels == -1) == (model.labels_ == -1)).all()


def test_cores_are_grouped_as_scikit_learn_groups_them():
    rng = np.random.default_rng(1)
    points = np.concatenate(
        [rng.normal(centre, 40, (400, 2)) for centre in rng.uniform(0, 5000, (12, 2))]
        + [rng.uniform(0, 5000, (1500, 2))]
    )
    labels = dbscan(points, 50.0, 10)
    model = DBSCAN(eps=50.0, min_samples=10).fit(points)
    core = model.core_sample_indices_
    pairs = set(zip(labels[core].tolist(), model.labels_[core].tolist(), strict=True))
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs}) > 8
    assert ((labels == -1) == (model.labels_ == -1)).all()


def test_clusters_are_numbered_by_their_lowest_member_even_a_border_one():
    # Point 0 is a border point (4 of 5 neighbours) of the right group, whose cores come last.
    left, right = [(0.0, 0.0)] * 5, [(100.0, 0.0)] * 3 + [(97.0, 0.0)] * 3
    labels = dbscan([(104.0, 0.0), *left, *right], 5.0, 5)
    assert labels.tolist() == [0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]


def test_the_order_of_the_points_does_not_move_a_border_point():
    rng = np.random.default_rng(2)
    points = rng.uniform(0, 400, (600, 2))
    labels = dbscan(points, 15.0, 5)
    shuffled = rng.permutation(len(points))
    again = dbscan(points[shuffled], 15.0, 5)
    pairs = {(a, b) for a, b in zip(labels[shuffled].tolist(), again.tolist(), strict=True)}
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


def test_a_distance_of_exactly_eps_is_near():
    assert dbscan([(0, 0), (0, 10)], 10.0, 2).tolist() == [0, 0]
    assert dbscan([(0, 0), (0, 10.000001)], 10.0, 2).tolist() == [-1, -1]


def test_fifty_thousand_reports_on_one_spot_need_no_gigabytes():
    points = np.zeros((50_000, 2))
    points[-1] = (1000.0, 0.0)
    labels = dbscan(points, 100.0, 5)
    assert (labels[:-1] == 0).all()
    assert labels[-1] == -1


@pytest.mark.parametrize("empty", [[], np.empty((0, 2)), np.empty(0)])
def test_no_points_have_no_labels(empty):
    labels = dbscan(empty, 50.0, 5)
    assert labels.shape == (0,)
    assert labels.dtype == np.int64


def test_one_point_is_noise_unless_one_is_enough():
    assert dbscan([(5.0, 5.0)], 50.0, 2).tolist() == [-1]
    assert dbscan([(5.0, 5.0)], 50.0, 1).tolist() == [0]


def test_the_input_stays_as_it_was():
    points = np.array([[3.0, 1.0], [0.0, 0.0], [3.0, 1.0]])
    before = points.copy()
    dbscan(points, 1.0, 2)
    assert (points == before).all()


@pytest.mark.parametrize(
    ("points", "eps_m", "min_points", "said"),
    [
        ([(0.0, np.nan)], 1.0, 1, "finite; point 0"),
        ([(0.0, 0.0), (np.inf, 0.0)], 1.0, 1, "finite; point 1"),
        ([(0.0, 0.0, 0.0)], 1.0, 1, r"shape \(n, 2\)"),
        ([1.0, 2.0], 1.0, 1, r"shape \(n, 2\)"),
        ([(0.0, 0.0)], 0.0, 1, "eps_m"),
        ([(0.0, 0.0)], np.nan, 1, "eps_m"),
        ([(0.0, 0.0)], None, 1, "eps_m must be a number"),
        ([(0.0, 0.0)], 1.0, np.inf, "min_points"),
        ([(0.0, 0.0)], 1.0, np.nan, "min_points"),
        ([(0.0, 0.0)], np.inf, 1, "eps_m"),
        ([(0.0, 0.0)], 1.0, 0, "min_points"),
        ([(0.0, 0.0)], 1.0, 2.5, "min_points"),
    ],
)
def test_nonsense_is_refused_by_name(points, eps_m, min_points, said):
    with pytest.raises(Invalid, match=said):
        dbscan(points, eps_m, min_points)


@pytest.mark.parametrize("eps_m", [np.int8(100), np.int16(200), np.int32(50_000), 10**10])
def test_a_distance_is_the_same_number_whatever_holds_it(eps_m):
    points = np.random.default_rng(0).normal(0, 20.0, (50, 2))
    assert dbscan(points, eps_m, np.int8(3)).tolist() == dbscan(points, float(eps_m), 3).tolist()
    assert dbscan(points, eps_m, 3).max() == 0


def test_more_points_than_there_are_make_no_core():
    assert dbscan([(0.0, 0.0)] * 5, 1.0, 10**20).tolist() == [-1] * 5
