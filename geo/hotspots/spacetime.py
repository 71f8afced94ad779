"""Exact DBSCAN over metres and days: where reports lie densely in place and time at once.

As `geo.hotspots.dbscan`, with neighbours at most `days` apart as well (ST-DBSCAN without its
non-spatial attributes: Birant and Kut 2007).
"""

import numpy as np
import numpy.typing as npt

from geo.errors import Invalid
from geo.hotspots.dbscan import checked, clustered, number
from geo.hotspots.kernel.sorting import Wide


def st_dbscan(
    points_m: npt.ArrayLike,
    at_days: npt.ArrayLike,
    eps_m: float,
    days: float,
    min_points: int,
    *,
    threads: int | None = None,
) -> Wide:
    """Cluster labels of points of a plane and time, (n,) int64 as `dbscan` gives them.

    `points_m` (n, 2) metres, `at_days` (n,) days from any moment; neighbours are at most `eps_m`
    and `days` apart (both included). A point that is no core goes to its nearest core, of equally
    near ones to that with the least gap in time. Raises `Invalid` as `dbscan`, and on times that
    are not finite or not one for each point.
    """
    points = checked(points_m, eps_m, min_points)
    at = np.array(at_days, dtype=np.float64).reshape(-1)
    if len(at) != len(points):
        raise Invalid(f"each of the {len(points)} points needs one time; at_days has {len(at)}")
    if not np.isfinite(at).all():
        raise Invalid(f"at_days must be finite; number {int(np.argmin(np.isfinite(at)))} is not")
    if not 1e-9 <= number(days, "days") <= 1e9:
        raise Invalid(f"days must be a number above 0 (1e-9 to 1e9); it is {days}")
    return clustered(points, eps_m, min_points, threads, at, days)
