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
