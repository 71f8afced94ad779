import asyncio
from datetime import date

import numpy as np
import psycopg
import pytest
import shapely

import builders
from geo.errors import RefusedImport
from geo.store.database import create_engine
from geo.wards import importing
from geo.wards.directory import WardDirectory
from geo.wards.features import WardFeature, WardFile
from geo.wards.shapes import LEVELS

pytestmark = pytest.mark.anyio
LATER = date(2025, 7, 1)


def a_file(*boxes, codes=None, names=None):
    polygons = np.empty(len(boxes), dtype=object)
    polygons[:] = [shapely.box(*box) for box in boxes]
    wards = tuple(
        WardFeature(
            code=codes[i] if codes else f"N{i}",
            name=names[i] if names else f"Mới {i}",
            name_en=None,
            kind="ward",
            place=f"feature {i}",
        )
        for i in range(len(boxes))
    )
    return WardFile("made up", wards, polygons)


WEST, SOUTH, SIDE = builders.WEST, builders.SOUTH, builders.SIDE
# covers wards 90001 and 90002 wholly and 90004 to a tenth
MERGED = (WEST, SOUTH, WEST + 2 * SIDE, SOUTH + SIDE)
A_BIT_MORE = (WEST, SOUTH, WEST + SIDE, SOUTH + 1.1 * SIDE)


async def _import(conn, file, name="later", valid_from=LATER):
    return await importing.import_wards(conn, file, name=name, valid_from=valid_from, city="Thử")


async def test_a_new_set_ends_the_wards_it_covers_and_no_others(conn):
    done = await _import(conn, a_file(MERGED, codes=["90099"]))
    assert done.ended == ("90001", "90002")
    known = await WardDirectory.load(conn)
    lon, lat = builders.middle(0)
    assert known.at(lon, lat, on=date(2025, 6, 30)).ward.code == "90001"
    assert known.at(lon, lat, on=LATER).ward.code == "90099"
    assert known.at(*builders.middle(3), on=LATER).ward.code == "90004"


async def test_a_reused_code_names_another_area_from_its_day_on(conn):
    await _import(conn, a_file(MERGED, codes=["90001"], names=["Tên Mới"]))
    known = await WardDirectory.load(conn)
    lon, lat = builders.middle(1)
    assert known.at(lon, lat, on=date(2025, 6, 30)).ward.name == "Chợ Nhỏ"
    assert known.at(lon, lat, on=LATER).ward.name == "Tên Mới"
    assert known.by_code("90001", date(2024, 1, 1)).name == "Bến Thử"
    assert known.by_code("90001").name == "Tên Mới"


async def test_a_tenth_of_a_ward_does_not_end_it(conn):
    done = await _import(conn, a_file(A_BIT_MORE, codes=["90099"]))
    assert done.ended == ("90001",)


async def test_an_older_set_ends_where_the_known_one_begins(conn):
    done = await _import(conn, a_file(MERGED, codes=["OLD"]), valid_from=date(2010, 1, 1))
    assert done.ending_again == {"OLD": builders.VALID_FROM}
    known = await WardDirectory.load(conn)
    lon, lat = builders.middle(0)
    assert known.at(lon, lat, on=date(2019, 12, 31)).ward.code == "OLD"
    assert known.at(lon, lat, on=date(2020, 1, 1)).ward.code == "90001"


async def test_two_sets_of_one_place_on_one_day_are_refused_by_name(conn):
    with pytest.raises(RefusedImport, match=r"90001 Bến Thử \(set small-city\)"):
        await _import(conn, a_file(MERGED), valid_from=builders.VALID_FROM)


async def test_a_set_name_is_taken_once(conn):
    with pytest.raises(RefusedImport, match="another name"):
        await _import(conn, a_file(MERGED), name="small-city")


async def test_a_code_in_use_elsewhere_is_refused_by_name(conn):
    elsewhere = (WEST + 1, SOUTH, WEST + 1.1, SOUTH + 0.1)
    with pytest.raises(RefusedImport, match="90002 is Chợ Nhỏ"):
        await _import(conn, a_file(elsewhere, codes=["90002"]))


async def test_a_city_elsewhere_goes_beside(conn):
    elsewhere = (WEST + 1, SOUTH, WEST + 1.1, SOUTH + 0.1)
    done = await _import(conn, a_file(elsewhere, codes=["70001"]))
    assert done.ended == ()
    known = await WardDirectory.load(conn)
    assert known.at(WEST + 1.05, SOUTH + 0.05, on=LATER).ward.code == "70001"
    assert known.at(*builders.middle(0), on=LATER).ward.code == "90001"


async def test_wards_get_committees_and_shapes_for_every_zoom(conn):
    raw = await conn.exec_driver_sql(
        "SELECT w.code, o.name_vi, count(s.*) FROM wards w "
        "JOIN organisations o ON o.code = 'ward-' || w.code "
        "JOIN ward_shapes s ON s.ward_id = w.id GROUP BY 1, 2 ORDER BY 1"
    )
    rows = raw.all()
    assert len(rows) == 6
    assert {row[2] for row in rows} == {len(LEVELS)}
    assert "Bến Thử" in rows[0][1]


def test_two_imports_at_once_leave_one_answer(city_url):
    async def run(name):
        engine = create_engine(city_url)
        try:
            async with engine.begin() as conn:
                await _import(conn, a_file(MERGED, codes=[name]), name=name)
                await asyncio.sleep(0.2)
            return None
        except RefusedImport as error:
            return error
        finally:
            await engine.dispose()

    async def both():
        return await asyncio.gather(run("A"), run("B"))

    answers = asyncio.run(both())
    assert [isinstance(a, RefusedImport) for a in answers].count(True) == 1
    with psycopg.connect(city_url) as conn:
        found = conn.execute("SELECT count(*) FROM wards WHERE code IN ('A', 'B')").fetchone()
    assert found == (1,)
