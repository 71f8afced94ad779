"""The demo's alerts: seen on every start, never twice, never on a map of a real city."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, insert, select

from geo.demo import alerts, city, load
from geo.store import alerts as store
from geo.store.tables import alerts as rows
from geo.store.tables import ward_sets

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


async def in_force(conn, now):
    return [row.id for row in await store.page(conn, store.in_force(now), (), None, 100, None)]


async def test_two_starts_show_the_same_alerts_once(conn):
    assert await alerts.renew(conn, NOW) == 2
    first = await in_force(conn, NOW)
    assert len(first) == 2
    assert await alerts.renew(conn, NOW + timedelta(hours=1)) == 0
    assert await in_force(conn, NOW + timedelta(hours=1)) == first


async def test_a_start_weeks_later_shows_them_anew_and_leaves_no_heap(conn):
    await alerts.renew(conn, NOW)
    later = NOW + timedelta(days=30)
    assert await in_force(conn, later) == []
    assert await alerts.renew(conn, later) == 2
    assert len(await in_force(conn, later)) == 2
    assert (await conn.execute(select(func.count()).select_from(rows))).scalar() == 2


async def test_a_real_set_beside_the_demos_is_told_so_that_nothing_is_made_up_over_it(conn):
    values = {"name": city.WARD_SET, "city": "x", "source": "x", "valid_from": NOW.date()}
    await conn.execute(insert(ward_sets).values(values))
    assert await load.holds(conn) == "demo"
    assert "small-city" in await load.others(conn)
