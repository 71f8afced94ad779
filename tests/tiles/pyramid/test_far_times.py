"""Times at the ends of the calendar, in filters and in the table."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from drawn import decoded
from worlds import World

from geo.store.database import create_engine
from tiles import reports
from tiles.filters import Filter
from tiles.pyramid import build, tree

pytestmark = pytest.mark.anyio

BEFORE_ALL = datetime.min.replace(tzinfo=UTC)
AFTER_ALL = datetime.max.replace(tzinfo=UTC)


@pytest.fixture
async def counted(city_url, monkeypatch):
    """A world whose reports are all in the counts of cubes, which know hours only."""
    monkeypatch.setattr(tree, "LEAF_MOST", 10)
    monkeypatch.setattr(reports, "most_points", lambda z: 0)
    world = World(city_url, 7)
    world.insert(150)
    engine = create_engine(city_url)
    await build.rebuild(engine)
    await engine.dispose()
    yield world
    world.db.close()


@pytest.mark.parametrize(
    "chosen",
    [
        Filter(since=BEFORE_ALL),
        Filter(since=BEFORE_ALL, until=AFTER_ALL),
        Filter(since=BEFORE_ALL, category=("drainage",)),
        Filter(since=datetime(400, 1, 1, 0, 30, tzinfo=UTC), until=AFTER_ALL),
        Filter(until=AFTER_ALL),
        Filter(until=BEFORE_ALL + timedelta(minutes=30)),
        Filter(since=AFTER_ALL - timedelta(minutes=30)),
        Filter(since=AFTER_ALL, until=BEFORE_ALL),
    ],
    ids=str,
)
async def test_ends_of_the_calendar_count_each_report_once_or_never(counted, chosen):
    expected = counted.expected(chosen)
    for z in (0, 3):
        by_status, total = await counted.told(chosen, z, decoded)
        assert (by_status, total) == (expected, sum(expected.values()))


@pytest.mark.parametrize("at", ["infinity", "-infinity", "9999-12-31", "3000-01-02", "0999-12-30"])
def test_a_time_that_the_counts_cannot_name_does_not_come_in(city_url, at):
    # It would keep the fold, and whoever is told of changes, from ever getting past it.
    with psycopg.connect(city_url) as conn, pytest.raises(psycopg.errors.CheckViolation):
        conn.execute(
            "INSERT INTO reports (id, code, category_code, text, geom, created_at) VALUES "
            "(gen_random_uuid(), 'X', 'drainage.flooding', 'x', "
            "ST_SetSRID(ST_MakePoint(106.6, 10.7), 4326), %s)",
            [at],
        )


async def test_old_and_coming_years_are_counted(city_url):
    world = World(city_url, 8)
    world.insert(4)
    world.db.execute(
        "UPDATE reports SET created_at = CASE (SELECT count(*) FROM reports AS r "
        "WHERE r.id < reports.id) WHEN 0 THEN '1000-01-01Z' WHEN 1 THEN '1800-01-01Z' "
        "WHEN 2 THEN '2999-12-31 23:59:59.999999Z' ELSE created_at END::timestamptz"
    )
    engine = create_engine(city_url)
    await build.rebuild(engine)
    assert (await build.verify(engine)).equal
    await engine.dispose()
    for chosen in (Filter(), Filter(since=BEFORE_ALL, until=AFTER_ALL)):
        expected = world.expected(chosen)
        assert await world.told(chosen, 0, decoded) == (expected, sum(expected.values()))
    world.db.close()
