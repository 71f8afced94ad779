"""Space-time DBSCAN against its definition, and against plain DBSCAN where time says nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import Invalid
from geo.hotspots.dbscan import dbscan
from geo.hotspots.spacetime import st_dbscan


def by_definition(points, at, eps_m, days, min_points):
    """O(n²): cores and which are together; for each other point the labels it may have."""
    apart = np.sqrt(((points[:, None] - points[None]) ** 2).sum(-1))
    near = (apart <= eps_m) & (np.abs(at[:, None] - at[None]) <= days)
    core = near.sum(1) >= min_points
    group = np.full(len(points), -1)
    for i in np.flatnonzero(core):
        if group[i] >= 0:
            continue
        stack, group[i] = [i], i
        while stack:
            here = stack.pop()
            for j in np.flatnonzero(core & near[here] & (group < 0)):
                group[j] = i
                stack.append(int(j))
    may = []
    for i in range(len(points)):
        some = np.flatnonzero(core & near[i])
        if core[i]:
            may.append({group[i]})
        elif len(some):
            best = apart[i][some].min()
            may.append({group[j] for j in some if apart[i][j] == best})
        else:
            may.append({-1})
    return core, may


boards = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 6)), min_size=1, max_size=60
)


@settings(max_examples=200, deadline=None)
@given(
    boards, st.sampled_from([1.0, 2.0, 2.5]), st.sampled_from([0.5, 1.0, 3.0]), st.integers(1, 5)
)
def test_labels_are_what_the_definition_says(cells, eps_m, days, min_points):
    rows = np.array(cells, dtype=np.float64)
    labels = st_dbscan(rows[:, :2], rows[:, 2], eps_m, days, min_points)
    core, may = by_definition(rows[:, :2], rows[:, 2], eps_m, days, min_points)
    names = {}
    for i in np.flatnonzero(core):
        (wanted,) = may[i]
        assert names.setdefault(int(labels[i]), wanted) == wanted
    assert len(set(names.values())) == len(names)
    names[-1] = -1
    assert all(names[int(label)] in options for label, options in zip(labels, may, strict=True))


def test_it_is_plain_dbscan_where_all_happens_at_once():
    rng = np.random.default_rng(1)
    points = rng.normal(0, 200, (3000, 2))
    labels = st_dbscan(points, np.zeros(3000), 20.0, 1.0, 5)
    assert labels.tolist() == dbscan(points, 20.0, 5).tolist()


def test_the_order_of_the_rows_and_the_threads_change_nothing():
    rng = np.random.default_rng(2)
    points, at = rng.normal(0, 800, (60_000, 2)).round(), rng.uniform(0, 90, 60_000).round()
    one = st_dbscan(points, at, 25.0, 2.0, 6, threads=1)
    assert st_dbscan(points, at, 25.0, 2.0, 6, threads=2).tolist() == one.tolist()
    order = rng.permutation(len(at))
    again = st_dbscan(points[order], at[order], 25.0, 2.0, 6)
    pairs = set(zip(one[order].tolist(), again.tolist(), strict=True))
    assert len(pairs) == one.max() + 2


@pytest.mark.parametrize(
    ("at", "days", "said"),
    [([1.0], 1.0, "one time"), ([1.0, np.nan], 1.0, "finite"), ([1.0, 2.0], 0.0, "days must")],
)
def test_times_that_are_none_are_refused(at, days, said):
    with pytest.raises(Invalid, match=said):
        st_dbscan([[0.0, 0.0], [1.0, 1.0]], at, 1.0, days, 2)


def test_nothing_has_no_labels():
    assert st_dbscan([], [], 1.0, 1.0, 2).tolist() == []
