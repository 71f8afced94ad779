"""`verify` says "equal" of nothing that tiles would count otherwise than the table."""

import psycopg
import pytest
from worlds import World

from geo.store.database import create_engine
from tiles.pyramid import build, tree

pytestmark = pytest.mark.anyio

LEAF = "(SELECT node FROM pyramid_nodes WHERE leaf AND n > 0 ORDER BY n LIMIT 1)"


@pytest.fixture
async def built(city_url, monkeypatch):
    monkeypatch.setattr(tree, "LEAF_MOST", 10)
    world = World(city_url, 3)
    world.insert(120)
    world.db.close()
    engine = create_engine(city_url)
    await build.rebuild(engine)
    assert (await build.verify(engine)).equal
    yield engine
    await engine.dispose()


@pytest.mark.parametrize(
    "damage",
    [
        f"WITH l AS {LEAF}, c AS (DELETE FROM pyramid_counts WHERE node IN (SELECT node FROM l)) "
        "DELETE FROM pyramid_nodes WHERE node IN (SELECT node FROM l)",
        "INSERT INTO pyramid_nodes VALUES (300, true, 0, 0, 0, 0, 0)",
        f"DELETE FROM pyramid_counts WHERE node = {LEAF}",
        f"UPDATE pyramid_nodes SET n = n + 1 WHERE node = {LEAF}",
        "UPDATE pyramid_counts SET packed = packed || packed WHERE ctid = '(0,1)'",
        "ALTER TABLE reports DISABLE TRIGGER USER; DELETE FROM reports WHERE id = "
        "(SELECT id FROM reports JOIN categories c ON c.code = category_code "
        "WHERE visibility = 'public' LIMIT 1); ALTER TABLE reports ENABLE TRIGGER USER",
        "INSERT INTO changes (topic, new_cell, new_category, new_status, new_kind, new_created_at) "
        "VALUES ('report', 12345, 1, 'received', 'incident', '2026-01-01Z')",
    ],
    ids=[
        "a leaf is gone with its rows",
        "a node without a place",
        "rows are gone",
        "a node counts wrong",
        "rows count twice",
        "a report erased past the log",
        "the log tells of a report that never was",
    ],
)
async def test_what_is_wrong_is_not_called_equal(built, city_url, damage):
    with psycopg.connect(city_url, autocommit=True) as conn:
        conn.execute(damage)
    found = await build.verify(built)
    assert not found.equal
    assert found.examples
