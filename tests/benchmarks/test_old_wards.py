"""Old wards drawn from told shares have these shares, all at once."""

import sys
from pathlib import Path

import numpy as np
import pytest
import shapely

import builders
from geo.wards.features import WardFeature, WardFile
from geo.wards.reform.shares import shares


@pytest.fixture
def old_wards(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "benchmarks"))
    monkeypatch.delitem(sys.modules, "old_wards", raising=False)
    import old_wards

    return old_wards


def test_shares_that_hang_together_are_met_at_once_and_the_ground_is_all_given(old_wards):
    new = WardFile(
        "new",
        tuple(WardFeature(code, code, None, "ward", code) for code in builders.CODES[:3]),
        np.array([builders.square(n) for n in range(3)], dtype=object),
    )
    told = {
        ("a", "90001"): 1.0,
        ("b", "90001"): 0.44,
        ("b", "90002"): 0.56,
        ("c", "90002"): 0.18,
        ("c", "90003"): 0.81,
        ("c", "90001"): 0.01,
        ("d", "90003"): 1.0,
        ("e", "90003"): None,
        ("f", "90003"): None,
    }
    parts = [old_wards.Part(old, f"Phường {old}", new, s) for (old, new), s in told.items()]
    old = old_wards.old_wards(new, parts)
    found = shares(old.polygons, new.polygons)
    drawn = {
        (old.wards[i].code, new.wards[j].code): float(share)
        for i, j, share in zip(found.old, found.new, found.of_old, strict=True)
    }
    assert set(drawn) == set(told)
    for pair, share in told.items():
        assert drawn[pair] == pytest.approx(1.0 if share is None else share, abs=0.02), pair
    assert found.lost_m2.sum() == found.gained_m2.sum() == 0.0
    # None is a hairline: what is told by no share has its fair place.
    assert found.old_m2.min() > 0.2 * np.median(found.old_m2)
    assert shapely.is_valid(old.polygons).all()
