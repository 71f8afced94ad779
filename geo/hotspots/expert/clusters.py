"""Plain clusters: where reports lie close together, whoever lives there and whatever chance does.

Nothing is thinned, tested or compared with other categories. `geo.hotspots.significance` does.
"""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def groups(labels: Ints) -> list[Ints]:
    """The rows of each cluster, ascending, by labels (n,): -1 is noise, clusters are 0, 1, …"""
    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], np.arange(labels.max(initial=-1) + 2))
    return [order[a:b] for a, b in pairwise(starts)]


def by_dbscan(points_m: Floats, eps_m: float, min_points: int) -> list[Ints]:
    """Exact DBSCAN of (n, 2) points in metres; see `geo.hotspots.dbscan`."""
    # Here, as below, not above: what another method needs takes seconds to import.
    from geo.hotspots.dbscan import dbscan

    return groups(dbscan(points_m, eps_m, min_points))


def by_hdbscan(points_m: Floats, min_cluster_size: int) -> list[Ints]:
    """HDBSCAN (Campello, Moulavi, Sander 2013) of (n, 2) points in metres, by scikit-learn.

    Clusters by excess of mass, a point's neighbourhood being its `min_cluster_size` nearest. Fewer
    points than that are no cluster. The time grows with the square of the number of points.
    """
    if len(points_m) < min_cluster_size:
        return []
    from sklearn.cluster import HDBSCAN

    labels = HDBSCAN(min_cluster_size=min_cluster_size, copy=True).fit(points_m).labels_
    # Below -1 scikit-learn names points that are infinite or missing; there are none.
    return groups(labels.astype(np.int64))
