"""A reform that was scheduled is applied by the worker when its day has come, and not before."""

from datetime import UTC, date, datetime
from types import SimpleNamespace

import numpy as np
import psycopg
import pytest
import shapely

import builders
from api import jobs
from geo.reports.bulk import bulk_insert
from geo.settings import Settings
from geo.store.database import create_engine
from geo.wards.features import WardFeature, WardFile
from geo.wards.importing import import_wards

pytestmark = pytest.mark.anyio
DAY = date(2026, 3, 10)


@pytest.fixture
async def scheduled(city_url, monkeypatch):
    """A city whose six wards become one, with a report, the reform scheduled."""
    engine = create_engine(city_url, pool_size=1)
    lon, lat = builders.middle(3)
    row = {"category": "drainage.flooding", "lon": lon, "lat": lat, "text": "Ngập"}
    whole = np.array([shapely.union_all([builders.square(n) for n in range(6)])], dtype=object)
    named = (WardFeature("90009", "Tất Cả", None, "ward", "feature 0"),)
    async with engine.begin() as conn:
        await bulk_insert(conn, [{**row, "created_at": datetime(2026, 3, 1, tzinfo=UTC)}])
        file = WardFile("whole", named, whole)
        await import_wards(conn, file, name="whole", valid_from=DAY, city="Thành phố Thử")
    await engine.dispose()
    with psycopg.connect(city_url) as db:
        db.execute(
            "INSERT INTO reforms (set_id, state, in_force_on)"
            " SELECT id, 'scheduled', valid_from FROM ward_sets WHERE name = 'whole'"
        )
    monkeypatch.setenv("PINWARD_DATABASE_URL", city_url)
    return city_url


@pytest.mark.parametrize(
    ("at", "state", "ward"),
    [
        # The day begins in the city, seven hours before it does in UTC.
        (datetime(2026, 3, 9, 16, 55, tzinfo=UTC), "scheduled", "90004"),
        (datetime(2026, 3, 9, 17, 0, tzinfo=UTC), "applied", "90009"),
    ],
)
async def test_the_worker_applies_a_reform_when_its_day_begins(scheduled, at, state, ward):
    context = SimpleNamespace(additional_context={"url": scheduled, "settings": Settings()})
    await jobs.reforms.func(context, int(at.timestamp()))
    with psycopg.connect(scheduled) as db:
        assert db.execute("SELECT state FROM reforms").fetchall() == [(state,)]
        found = db.execute("SELECT w.code FROM reports r JOIN wards w ON w.id = r.ward_id")
        assert found.fetchall() == [(ward,)]
