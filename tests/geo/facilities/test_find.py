"""Facilities in the database: nothing twice, nearest by true metres, by the index."""

import numpy as np
import psycopg
import pytest
from pyproj import Geod

from geo.errors import Invalid, RefusedImport
from geo.facilities import find
from geo.facilities.load import Facility, insert
from geo.store.area import Bbox
from geo.store.database import create_engine

pytestmark = pytest.mark.anyio


@pytest.fixture
async def conn(url):
    engine = create_engine(url)
    async with engine.connect() as made:
        yield made
    await engine.dispose()


def a_school(n=1, **changes):
    fields = {"source": "test", "source_id": str(n), "kind": "school", "lon": 106.7, "lat": 10.8}
    return Facility(**{**fields, **changes})


async def test_the_same_rows_twice_add_nothing(conn):
    rows = [a_school(n, name=f"Trường {n}", tags={"beds": "1"}) for n in range(3)]
    first, second = await insert(conn, rows), await insert(conn, rows)
    assert (first.added, first.changed, first.unchanged) == (3, 0, 0)
    assert (second.added, second.changed, second.unchanged) == (0, 0, 3)


async def test_a_changed_row_replaces_the_old_one(conn):
    await insert(conn, [a_school(1, name="Cũ"), a_school(2, name="Giữ")])
    done = await insert(conn, [a_school(1, name="Mới", lon=106.8), a_school(2, name="Giữ")])
    assert (done.added, done.changed, done.unchanged) == (0, 1, 1)
    found = await find.page(conn)
    assert {(row.source_id, row.name, row.lon) for row in found} == {
        ("1", "Mới", 106.8),
        ("2", "Giữ", 106.7),
    }


async def test_one_id_for_two_facilities_is_refused_before_anything_is_written(conn):
    with pytest.raises(RefusedImport, match=r"'1'.*--id-field"):
        await insert(conn, [a_school(2), a_school(1, name="A"), a_school(1, name="B")])
    assert await find.page(conn) == []


async def test_names_are_found_without_marks_and_in_either_spelling(conn):
    await insert(conn, [a_school(1, name="Trường Hoà Bình Đông"), a_school(2, name="Trường Khác")])
    for q in ("hoa binh dong", "HÒA BÌNH", "Hoà"):
        assert [row.source_id for row in await find.page(conn, q=q)] == ["1"]
    assert await find.page(conn, q="100%") == []


async def test_a_box_across_the_antimeridian_holds_both_sides(conn):
    await insert(conn, [a_school(1, lon=179.9), a_school(2, lon=-179.9), a_school(3, lon=0.0)])
    found = await find.page(conn, bbox=Bbox(179.0, 0.0, -179.0, 20.0))
    assert {row.source_id for row in found} == {"1", "2"}


async def test_a_kindergarten_is_not_a_school(conn):
    await insert(conn, [a_school(1), a_school(2, kind="kindergarten")])
    assert [row.source_id for row in await find.page(conn, kinds=["school"])] == ["1"]
    assert len(await find.page(conn, kinds=["school", "kindergarten"])) == 2


async def test_an_unknown_kind_is_named(conn):
    with pytest.raises(Invalid, match="castle"):
        await find.page(conn, kinds=["castle"])
    with pytest.raises(Invalid, match="castle"):
        await find.nearest(conn, 0, 0, kinds=["castle"])


async def test_nearest_is_by_the_ellipsoid_and_agrees_with_proj(conn):
    rng = np.random.default_rng(3)
    # Far apart and far north, where a sphere's distances are in another order than the true ones.
    lon, lat = rng.uniform(-179, 179, 3000), rng.uniform(-80, 80, 3000)
    await insert(conn, [a_school(n, lon=float(lon[n]), lat=float(lat[n])) for n in range(3000)])
    geod = Geod(ellps="WGS84")
    for here in [(106.7, 10.8), (-20.0, 64.0), (179.99, -45.0), (0.0, 0.0)]:
        _, _, metres = geod.inv(np.full(3000, here[0]), np.full(3000, here[1]), lon, lat)
        best = np.argsort(metres)[:25]
        found = await find.nearest(conn, *here, limit=25)
        assert [int(row.source_id) for row in found] == best.tolist()
        assert np.allclose([row.distance_m for row in found], metres[best], atol=0.01)


async def test_a_radius_leaves_out_what_is_farther(conn):
    await insert(conn, [a_school(n, lat=10.8 + n / 1000) for n in range(20)])
    everything = await find.nearest(conn, 106.7, 10.8, limit=20)
    edge = everything[7].distance_m
    assert len(await find.nearest(conn, 106.7, 10.8, limit=20, radius_m=edge)) == 8
    assert len(await find.nearest(conn, 106.7, 10.8, limit=20, radius_m=edge - 0.01)) == 7
    assert await find.nearest(conn, 0.0, 0.0, radius_m=1000) == []


async def test_nearest_of_one_kind_looks_past_the_others(conn):
    crowd = [a_school(n, lat=10.8 + n / 1e6) for n in range(500)]
    await insert(conn, [*crowd, a_school(999, kind="clinic", lat=10.9)])
    (found,) = await find.nearest(conn, 106.7, 10.8, kinds=["clinic"], limit=1)
    assert found.source_id == "999"


async def test_nearest_walks_the_index_instead_of_sorting_everything(url):
    with psycopg.connect(url) as conn:
        conn.execute(
            "INSERT INTO facilities (source, source_id, kind, geom) "
            "SELECT 's', n, 'school', ST_SetSRID(ST_MakePoint(106 + random(), 10 + random()), 4326)"
            "FROM generate_series(1, 20000) AS n"
        )
        conn.execute("ANALYZE facilities")
        from geo.store.database import load_sql

        statement = str(load_sql("geo.store", "facilities_nearest"))
        for name, value in {
            ":lon": "106.5",
            ":lat": "10.5",
            ":kinds": "NULL",
            ":limit": "10",
            ":radius_m": "NULL",
        }.items():
            statement = statement.replace(name, value)
        plan = "\n".join(row[0] for row in conn.execute("EXPLAIN " + statement))
    assert plan.count("Index Scan using ix_facilities_geog") == 2, plan
    assert "Seq Scan on facilities" not in plan
