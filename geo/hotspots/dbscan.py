"""Exact DBSCAN over metres: where points lie densely enough to be one group.

A point is a *core* when at least `min_points` points, itself included, lie within `eps_m` of it
(distance <= eps_m). Cores within `eps_m` of each other are one cluster; any other point within
`eps_m` of a core belongs to the nearest core's cluster (of equally near ones to the core that comes
first), and what is left is noise. Unlike the usual "whichever cluster came first", no border point
depends on the order of the points.
"""

import numpy as np
import numpy.typing as npt

from geo.errors import Invalid

Labels = npt.NDArray[np.int64]


def dbscan(points_m: npt.ArrayLike, eps_m: float, min_points: int) -> Labels:
    """Cluster labels of planar points.

    `points_m` is (n, 2) float64, metres in one plane; `eps_m` > 0 in metres; `min_points` >= 1
    counts the point itself. Returns (n,) int64: -1 is noise, clusters are 0, 1, … in the order of
    their lowest member's index. No points give no labels. Raises `Invalid` on NaN, infinite
    values, another shape, or parameters out of range.
    """
    points = _checked(points_m, eps_m, min_points)
    if len(points) == 0:
        return np.empty(0, dtype=np.int64)
    # Reports pile up on identical coordinates. One weighted point for each pile gives the same
    # answer, without the n² neighbour lists that 17,000 reports on one spot would need.
    places, first, which, weights = np.unique(
        points, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    which = which.reshape(-1)
    # Not above: it takes longer to import than most commands take to run.
    from sklearn.cluster import DBSCAN

    model = DBSCAN(eps=eps_m, min_samples=min_points, algorithm="kd_tree")
    model.fit(places, sample_weight=weights)
    found = model.labels_.astype(np.int64)
    core = np.zeros(len(places), dtype=bool)
    core[model.core_sample_indices_] = True
    border = np.flatnonzero(~core & (found >= 0))
    if len(border):
        found[border] = _nearest(places, first, found, core, border)
    return _numbered(found[which])


def _checked(points_m: npt.ArrayLike, eps_m: float, min_points: int) -> npt.NDArray[np.float64]:
    points = np.asarray(points_m, dtype=np.float64)
    if points.size == 0 and points.ndim <= 2 and points.shape[-1] in (0, 2):
        points = points.reshape(0, 2)
    if points.ndim != 2 or points.shape[1] != 2:
        raise Invalid(f"points_m must have the shape (n, 2); it has {points.shape}")
    bad = np.flatnonzero(~np.isfinite(points).all(axis=1))
    if len(bad):
        raise Invalid(f"points_m must be finite; point {bad[0]} is {tuple(points[bad[0]])}")
    if not (np.isfinite(eps_m) and eps_m > 0):
        raise Invalid(f"eps_m must be a finite number of metres above 0; it is {eps_m}")
    if int(min_points) != min_points or min_points < 1:
        raise Invalid(f"min_points must be a whole number from 1; it is {min_points}")
    return points


def _nearest(
    places: npt.NDArray[np.float64],
    first: npt.NDArray[np.intp],
    found: Labels,
    core: npt.NDArray[np.bool_],
    border: npt.NDArray[np.intp],
) -> Labels:
    """Label of the nearest core of each border place; ties go to the core that comes first."""
    # In the order of the input, so that the first of several equally near cores is the lowest.
    cores = np.flatnonzero(core)
    cores = cores[np.argsort(first[cores])]
    from sklearn.neighbors import KDTree

    tree = KDTree(places[cores])
    distance, _ = tree.query(places[border], k=1)
    near = tree.query_radius(places[border], distance[:, 0] * (1 + 1e-12))
    return np.array([found[cores[some.min()]] for some in near], dtype=np.int64)


def _numbered(found: Labels) -> Labels:
    """The same clusters, numbered by their lowest member."""
    labels = np.full(len(found), -1, dtype=np.int64)
    inside = found >= 0
    if inside.any():
        old, first = np.unique(found[inside], return_index=True)
        new = np.empty(int(old.max()) + 1, dtype=np.int64)
        new[old[np.argsort(first)]] = np.arange(len(old))
        labels[inside] = new[found[inside]]
    return labels
