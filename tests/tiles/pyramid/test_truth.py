"""Whatever happens to reports, tiles of any zoom and filter count what the table counts."""

import pytest
from drawn import decoded
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from worlds import World

from geo.store import changes
from geo.store.database import create_engine
from tiles import reports
from tiles.pyramid import build, fold, tree

pytestmark = pytest.mark.anyio


@pytest.fixture
def small_leaves(monkeypatch):
    """Leaves that are full with few reports, so that some hundred make a deep tree."""
    monkeypatch.setattr(tree, "LEAF_MOST", 30)
    monkeypatch.setattr(fold, "LEAF_MOST", 30)
    # Few reports would nearly always be read from the table and shown as points, which hides what
    # the cubes and wards say of filters: at two zooms of three only counts are shown.
    most_points = reports.most_points
    monkeypatch.setattr(reports, "most_points", lambda z: most_points(z) if z % 3 == 0 else 0)


async def number(engine):
    async with engine.begin() as conn:
        await changes.number(conn)


async def happen(world, engine):
    """One random thing: reports come, change, are shown otherwise, numbered, folded, rebuilt."""
    what = world.chance.random()
    if what < 0.3:
        world.insert(world.chance.randrange(1, 120))
    elif what < 0.6:
        world.change(world.chance.randrange(1, 10))
    elif what < 0.65:
        world.show()
    elif what < 0.7:
        world.reform()
    elif what < 0.8:
        await number(engine)
    elif what < 0.95:
        await number(engine)
        await fold.fold(engine)
    else:
        await build.rebuild(engine)


@given(seed=st.integers(0, 2**32))
@settings(
    max_examples=10,
    # a failing seed is as good as a shorter one, and shrinking takes minutes
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_tiles_count_what_the_table_counts(clone, city_template, small_leaves, seed):
    url = clone(city_template)
    world = World(url, seed)
    engine = create_engine(url)
    try:
        for _ in range(4):
            for _ in range(6):
                await happen(world, engine)
            for _ in range(4):
                chosen = world.filter()
                expected = world.expected(chosen)
                z = world.chance.randrange(0, 19)
                by_status, total = await world.told(chosen, z, decoded)
                assert total == sum(expected.values()), (z, chosen)
                assert by_status == expected, (z, chosen)
            verdict = await build.verify(engine)
            assert verdict.equal, verdict
    finally:
        await engine.dispose()
        world.db.close()
