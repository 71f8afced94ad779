"""A real city's quarter, from its reports to the hotspots: Boston's 311 of 2015."""

import csv
import gzip
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import shapely

from geo.hotspots import answer
from geo.hotspots.identity import ENTER
from geo.hotspots.window import Reports, planes

BOSTON = ZoneInfo("America/New_York")
DEFAULT = shapely.Point(-71.0587, 42.3594)


@pytest.fixture(scope="module")
def quarter(shared_data):
    """(categories' names, reports of the last 90 days)."""
    with gzip.open(shared_data / "boston_311_2015.csv.gz", "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    at = np.array(
        [datetime.fromisoformat(row["created"]).replace(tzinfo=BOSTON).timestamp() for row in rows]
    )
    order = np.argsort(at, kind="stable")
    order = order[at[order] >= at.max() - 90 * 86_400]
    rows = [rows[i] for i in order]
    names, category = np.unique([row["category"] for row in rows], return_inverse=True)
    n = len(rows)
    columns = {
        "number": np.arange(n),
        "lon": np.array([float(row["lon"]) for row in rows]),
        "lat": np.array([float(row["lat"]) for row in rows]),
        "at_us": (at[order] * 1e6).astype(np.int64),
        "category": category.reshape(-1).astype(np.int64),
        "open": np.array([not row["closed"] for row in rows]),
        "channel": np.zeros(n, np.int64),
        "sender": np.zeros(n, np.int64),
        "flagged": np.zeros(n, bool),
    }
    return names, Reports.of(columns, BOSTON)


@pytest.mark.shared_data
def test_boston_has_a_handful_of_hotspots_and_none_on_the_default_point(quarter):
    names, reports = quarter
    (pile,) = reports.artefacts
    assert pile.kind == "default_location"
    assert not reports.kept[pile.members].any()
    looked_at = len(np.unique(reports.category[reports.kept]))
    found = {
        name: [
            spot
            for spot in answer.spots(planes(reports, hidden=False), number, looked_at)
            if spot.found.p_value <= ENTER
        ]
        for number, name in enumerate(names)
    }
    every = [spot for spots in found.values() for spot in spots]
    # 158 categories, 26,000 reports: a few places that a planner can go and see, not hundreds.
    assert 3 <= len(every) <= 15
    assert not any(spot.shape.covers(DEFAULT) for spot in every)
    # The inspectors' own rounds stand out most, and dark lamps in two quarters.
    first = min(every, key=lambda spot: spot.found.p_value)
    assert first in found["CE Collection"]
    assert first.found.events > 5 * first.found.expected
    assert found["Street Light Outages"]
