"""What the worker asks for at night: once, from its hour on, and not where nobody wants it."""

from datetime import datetime
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import psycopg
import pytest

from api import jobs
from geo.settings import Settings

pytestmark = pytest.mark.anyio
CITY = ZoneInfo("Asia/Ho_Chi_Minh")


async def night_at(url, hour, **settings):
    """What has been asked for, once the clock has struck."""
    context = SimpleNamespace(additional_context={"url": url, "settings": Settings(**settings)})
    await jobs.nightly.func(context, int(datetime(2026, 3, 11, hour, 7, tzinfo=CITY).timestamp()))
    with psycopg.connect(url) as db:
        asked = db.execute("SELECT category_code, as_of::text FROM hotspot_runs").fetchall()
        put_down = db.execute(
            "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'hotspots'"
        ).fetchone()
    assert put_down == (len(asked),)
    return asked


async def test_a_night_asks_once_for_the_day_before(city_url):
    assert await night_at(city_url, 1) == []
    assert await night_at(city_url, 2) == [(None, "2026-03-10")]
    assert await night_at(city_url, 23) == [(None, "2026-03-10")]


@pytest.mark.parametrize(("hour", "n"), [(22, 0), (23, 1)])
async def test_the_hour_is_the_citys_to_choose(city_url, hour, n):
    assert len(await night_at(city_url, hour, hotspots_hour=23)) == n


async def test_where_it_is_switched_off_no_hour_asks(city_url):
    assert await night_at(city_url, 23, hotspots_hour=24) == []


async def kept_at(url, hour, caplog, **settings):
    """How often retention was run, once the clock has struck; what the worker's own log says."""
    context = SimpleNamespace(additional_context={"url": url, "settings": Settings(**settings)})
    caplog.clear()
    with caplog.at_level("INFO", "pinward.jobs"):
        at = datetime(2026, 3, 11, hour, 37, tzinfo=CITY)
        await jobs.retention.func(context, int(at.timestamp()))
    with psycopg.connect(url) as db:
        lines = db.execute("SELECT actor, action FROM audit_log").fetchall()
    assert set(lines) <= {("worker", "retention.run")}
    return len(lines), caplog.text


async def test_what_was_kept_long_enough_is_looked_for_once_a_day(city_url, caplog, monkeypatch):
    monkeypatch.setenv("PINWARD_DATABASE_URL", city_url)
    assert await kept_at(city_url, 2, caplog) == (0, "")
    assert await kept_at(city_url, 23, caplog, retention_hour=24) == (0, "")
    times, said = await kept_at(city_url, 3, caplog)
    assert times == 1
    assert "head of the audit log: 1:" in said
    assert await kept_at(city_url, 23, caplog) == (1, "")
