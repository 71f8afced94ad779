"""What is no longer public is not to be read off the layer's bounds."""

import psycopg
import pytest
from drawn import put_reports

from geo.store import changes
from geo.store.database import create_engine, driver
from tiles.pyramid import build, fold, tree
from tiles.pyramid.extent import extent

pytestmark = pytest.mark.anyio

FAR = (106.7423456, 10.9123456)
AWAY = {
    "erased": "DELETE FROM reports WHERE code = 'FAR'",
    "hidden": "UPDATE categories SET visibility = 'hidden' WHERE code = 'lighting.flickering'",
    "blurred": "UPDATE categories SET visibility = 'blurred' WHERE code = 'lighting.flickering'",
    "moved": "UPDATE reports SET geom = ST_SetSRID(ST_MakePoint(106.61, 10.71), 4326) "
    "WHERE code = 'FAR'",
}


@pytest.mark.parametrize("leaf_most", [5, 1000], ids=["a deep tree", "the root alone"])
@pytest.mark.parametrize("how", AWAY)
async def test_bounds_forget_what_is_no_longer_seen_there(city_url, monkeypatch, leaf_most, how):
    monkeypatch.setattr(tree, "LEAF_MOST", leaf_most)
    monkeypatch.setattr(fold, "LEAF_MOST", leaf_most)
    engine = create_engine(city_url)

    async def bounds():
        async with engine.begin() as conn:
            await changes.number(conn)
        await fold.fold(engine)
        async with engine.connect() as conn:
            return await extent(await driver(conn))

    with psycopg.connect(city_url, autocommit=True) as conn:
        some = [(106.61 + 0.001 * n, 10.71 + 0.001 * n) for n in range(40)]
        put_reports(city_url, some)
        conn.execute(
            "INSERT INTO reports (id, code, category_code, text, geom, created_at) VALUES "
            "(gen_random_uuid(), 'FAR', 'lighting.flickering', 'x', "
            "ST_SetSRID(ST_MakePoint(%s, %s), 4326), now())",
            FAR,
        )
        await build.rebuild(engine)
        before = await bounds()
        assert before.east == pytest.approx(FAR[0], abs=1e-5)
        assert before.north == pytest.approx(FAR[1], abs=1e-5)
        conn.execute(AWAY[how])
    found = await bounds()
    assert abs(found.east - FAR[0]) > 1e-5
    assert abs(found.north - FAR[1]) > 1e-5
    # and still hold all the others
    assert found.west <= 106.61
    assert found.east >= 106.649
    assert found.south <= 10.71
    assert found.north >= 10.749
    assert (await build.verify(engine)).equal
    await engine.dispose()
