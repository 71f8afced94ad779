"""p of a scan: the rank of what is seen among itself and the replicas, never 0."""

import numpy as np
import pytest

from geo.hotspots.scan.places import Places
from geo.hotspots.scan.scan import Search, scan


@pytest.mark.parametrize("replicas", [9, 99])
def test_what_no_replica_reaches_has_the_least_p_there_is(replicas):
    rng = np.random.default_rng(5)
    centres = 1000.0 * np.column_stack([np.arange(36) % 6, np.arange(36) // 6])
    where = np.concatenate([rng.integers(0, 36, 900), np.full(80, 35)])
    days = np.concatenate([rng.integers(0, 30, 900), np.full(80, 29)])
    search = Search(alpha=1.0, most=1, replicas=replicas)
    (found,) = scan(Places(where, centres), days, rng=rng, search=search)
    assert found.p_value == pytest.approx(1 / (replicas + 1))
    assert found.recurrence_days == pytest.approx(replicas + 1)
