"""Tasks near by: exactly those that the ellipsoid says, wherever on earth, whoever else has any."""

from datetime import timedelta

import numpy as np
import psycopg
import pytest
from pyproj import Geod
from tasked import SENT, organisations, put_tasks

from geo.reports.tasks import nearby as module
from geo.reports.tasks.nearby import nearby
from geo.reports.tasks.wanted import Wanted
from geo.scope import Scope

pytestmark = pytest.mark.anyio
GEOD = Geod(ellps="WGS84")


def wanted(scope=None, **more):
    return Wanted(scope or Scope(), 0, SENT, **more)


def truth(url, at, n, radius_m=module.FARTHEST_M):
    """By PostGIS, from all rows."""
    with psycopg.connect(url) as db:
        return db.execute(
            "SELECT code, d FROM (SELECT *, ST_Distance(geom::geography,"
            " ST_SetSRID(ST_MakePoint(%s, %s), 4326)::geography) AS d FROM reports) AS r"
            " WHERE d <= %s ORDER BY d, id::text LIMIT %s",
            (*at, radius_m, n),
        ).fetchall()


@pytest.mark.parametrize("at", [(106.61, 10.71), (10.75, 59.91), (-70.9, -53.2), (20.0, 0.0001)])
@pytest.mark.parametrize("limit", [1, 7, 60])
async def test_the_nearest_are_those_of_the_ellipsoid_not_of_degrees(conn, city_url, at, limit):
    rng = np.random.default_rng(limit)
    places = np.array(at) + rng.uniform(-0.05, 0.05, (400, 2))
    put_tasks(city_url, places)
    found = await nearby(conn, wanted(), at, limit=limit)
    expected = truth(city_url, at, limit)
    assert [row.code for row, _ in found] == [code for code, _ in expected]
    np.testing.assert_allclose([m for _, m in found], [m for _, m in expected], atol=1e-6)
    _, _, metres = GEOD.inv(
        *(np.full(len(found), each) for each in at),
        [row.lon for row, _ in found],
        [row.lat for row, _ in found],
    )
    np.testing.assert_allclose([m for _, m in found], metres, atol=1e-9)


async def test_degrees_would_have_another_order_up_north(conn, city_url):
    at = (10.75, 59.91)
    # Farther in degrees, nearer in metres: and no more are asked for than one.
    east, _ = put_tasks(city_url, [(at[0] + 0.0015, at[1]), (at[0], at[1] + 0.001)])
    ((row, metres),) = await nearby(conn, wanted(), at, limit=1)
    assert row.code == east
    assert metres == pytest.approx(84, abs=1)


async def test_a_heap_on_one_place_hides_nobody_who_is_nearer(conn, city_url):
    at = (10.75, 59.91)
    put_tasks(city_url, [(at[0], at[1] + 0.001)] * 300)
    (near,) = put_tasks(city_url, [(at[0] + 0.0018, at[1])])
    found = await nearby(conn, wanted(), at, limit=3)
    assert found[0][0].code == near
    assert [row.code for row, _ in found] == [code for code, _ in truth(city_url, at, 3)]


async def test_the_other_side_of_the_date_line_is_near(conn, city_url):
    at = (179.9995, -16.8)
    codes = put_tasks(city_url, [(-179.9995, -16.8), (179.995, -16.8), (-179.99, -16.8)])
    found = await nearby(conn, wanted(), at, limit=2)
    assert [row.code for row, _ in found] == codes[:2]
    assert found[0][1] == pytest.approx(106.6, abs=0.5)
    urgent = await nearby(conn, wanted(), at, radius_m=2000, order="deadline")
    assert {row.code for row, _ in urgent} == set(codes)


@pytest.mark.parametrize("radius_m", [300.0, 1500.0])
async def test_a_radius_is_of_metres_and_of_all_orders(conn, city_url, radius_m):
    at = (10.75, 59.91)
    rng = np.random.default_rng(3)
    put_tasks(
        city_url,
        np.array(at) + rng.uniform(-0.03, 0.03, (500, 2)),
        due_at=[SENT + timedelta(hours=int(h)) if h else None for h in rng.integers(0, 90, 500)],
        priority=rng.integers(1, 4, 500).tolist(),
    )
    expected = {code for code, _ in truth(city_url, at, 500, radius_m)}
    assert 3 < len(expected) < 300
    for order in ("distance", "deadline", "priority"):
        found = await nearby(conn, wanted(), at, radius_m=radius_m, order=order, limit=500)
        assert {row.code for row, _ in found} == expected, order
        rows = [row for row, _ in found]
        due = [row.due_at or SENT + timedelta(days=99) for row in rows]
        if order == "deadline":
            assert due == sorted(due)
        if order == "priority":
            both = list(zip([row.priority for row in rows], due, strict=True))
            assert both == sorted(both)
        first = await nearby(conn, wanted(), at, radius_m=radius_m, order=order, limit=5)
        assert [row.id for row, _ in first] == [row.id for row in rows[:5]]


async def test_only_open_tasks_of_the_scope_and_of_what_is_chosen(conn, city_url):
    first, second = organisations(city_url)[:2]
    with psycopg.connect(city_url) as db:
        wards = dict(db.execute("SELECT organisation_id, id FROM wards"))
    place = [(106.61, 10.71)]
    made = {
        name: put_tasks(city_url, place, **columns)[0]
        for name, columns in {
            "own": {"organisation_id": first, "ward_id": wards[first]},
            "elsewhere": {"organisation_id": first, "ward_id": wards[second]},
            "other": {"organisation_id": second, "ward_id": wards[second]},
            "nobody's": {"organisation_id": None, "ward_id": wards[first]},
            "done": {"organisation_id": first, "status": "resolved", "ward_id": wards[first]},
            "noise": {
                "organisation_id": first,
                "category_code": "noise.karaoke",
                "ward_id": wards[second],
            },
        }.items()
    }

    async def names(scope, **more):
        found = {
            name: await nearby(conn, wanted(scope, **more), place[0], order=name, limit=50)
            for name in ("distance", "deadline", "priority")
        }
        by_code = {code: name for name, code in made.items()}
        sets = [{by_code[row.code] for row, _ in each} for each in found.values()]
        assert sets[0] == sets[1] == sets[2]
        return sets[0]

    assert await names(Scope(None, first)) == {"own", "elsewhere", "noise"}
    assert await names(Scope(wards[first])) == {"own"}
    assert await names(Scope(wards[second], first)) == {"elsewhere", "noise"}
    assert await names(Scope()) == {"own", "elsewhere", "other", "noise"}
    assert await names(Scope(), category=["noise"]) == {"noise"}
    assert await names(Scope(), holder="me") == set()


async def test_the_index_of_the_scope_is_used_whatever_is_there(conn, city_url):
    """One's own are behind many of others, all nearer: no walk through those."""
    first, second = organisations(city_url)[:2]
    rng = np.random.default_rng(1)
    put_tasks(
        city_url, rng.uniform(0, 0.01, (5000, 2)) + np.array([106.6, 10.7]), organisation_id=second
    )
    put_tasks(
        city_url, rng.uniform(0, 0.01, (2000, 2)) + np.array([106.7, 10.7]), organisation_id=first
    )
    with psycopg.connect(city_url, autocommit=True) as db:
        db.execute("ANALYZE reports")
        db.execute("SELECT pg_stat_reset()")
    found = await nearby(conn, wanted(Scope(None, first)), (106.6, 10.7), limit=10)
    assert len(found) == 10
    await conn.commit()
    await conn.close()
    with psycopg.connect(city_url, autocommit=True) as db:
        for _ in range(100):
            db.execute("SELECT pg_stat_clear_snapshot()")
            (scans, tuples) = db.execute(
                "SELECT idx_scan, idx_tup_read FROM pg_stat_user_indexes"
                " WHERE indexrelname = 'ix_reports_open_near'"
            ).fetchone()
            if scans:
                break
            db.execute("SELECT pg_sleep(0.1)")
    assert scans > 0
    assert tuples < 500
