"""A reform of one city beside another one, whose own reform is imported and not applied."""

from datetime import UTC, date, datetime

import numpy as np
import pytest
import shapely
from sqlalchemy import text

import builders
from geo.reports.bulk import bulk_insert
from geo.reports.reform.apply import apply
from geo.reports.reform.plan import plan
from geo.wards.features import WardFeature, WardFile
from geo.wards.importing import import_wards
from geo.wards.reform.mapping import Line

pytestmark = pytest.mark.anyio

DAY, TODAY = date(2025, 7, 1), date(2025, 8, 1)
SNAP_M = 250.0
EAST = builders.WEST + 3 * builders.SIDE
# Neighbours never draw their border alike: 20 m of the small city's ground.
GROUND = shapely.box(EAST - 0.0002, builders.SOUTH, EAST + 0.02, builders.SOUTH + 0.04)
MAPPING = [
    Line(2 + n, code, "90002" if n < 3 else "90007", 1.0) for n, code in enumerate(builders.CODES)
]


async def reformed(engine):
    """A report in the middle of each old ward, and two wards instead of the six."""
    async with engine.begin() as conn:
        await bulk_insert(conn, [a_row(*builders.middle(n), str(n)) for n in range(6)])
        await import_wards(
            conn, builders.halves(), name="halves", valid_from=DAY, city="Thành phố Thử"
        )


def a_row(lon, lat, name):
    return {
        "category": "drainage.flooding",
        "lon": lon,
        "lat": lat,
        "text": "Ngập",
        "created_at": datetime(2024, 6, 1, tzinfo=UTC),
        "source": "test",
        "source_id": name,
    }


async def last_event(engine):
    query = "SELECT text_en FROM report_events WHERE kind = 'moved' ORDER BY id DESC LIMIT 1"
    async with engine.connect() as conn:
        return (await conn.execute(text(query))).scalar_one()


def the_east(code, name):
    wards = (WardFeature(code, name, None, "ward", "feature 0"),)
    return WardFile(name, wards, np.array([GROUND], dtype=object))


async def beside(engine, day=None):
    """A neighbour with an open report, and from `day` on with another ward."""
    async with engine.begin() as conn:
        file = the_east("80001", "Đông")
        await import_wards(
            conn, file, name="east", valid_from=builders.VALID_FROM, city="Phía Đông"
        )
        await bulk_insert(conn, [a_row(EAST + 0.001, builders.SOUTH + 0.01, "e")])
        if day is not None:
            file = the_east("80009", "Cả Đông")
            await import_wards(conn, file, name="east-2", valid_from=day, city="Phía Đông")


async def ward_of_the_east(engine):
    async with engine.connect() as conn:
        query = "SELECT w.code FROM reports r JOIN wards w ON w.id = r.ward_id"
        return (await conn.execute(text(f"{query} WHERE r.source_id = 'e'"))).scalar_one()


@pytest.mark.parametrize("day", [date(2025, 1, 1), DAY])
async def test_a_neighbours_reports_wait_for_the_neighbours_reform(engine, day):
    await beside(engine, day)
    await reformed(engine)
    async with engine.connect() as conn:
        told = await plan(conn, "halves", snap_m=SNAP_M)
    assert (told.total("open"), told.total("moving")) == (6, 6)
    done = await apply(engine, "halves", today=TODAY, snap_m=SNAP_M)
    assert (done.moved.moved, done.left, done.outside) == (6, 0, 0)
    assert await ward_of_the_east(engine) == "80001"
    done = await apply(engine, "east-2", today=TODAY, snap_m=SNAP_M)
    assert done.moved.moved == 1
    assert await ward_of_the_east(engine) == "80009"
    assert await last_event(engine) == f"Đông Ward → Cả Đông Ward, reform {day}"


async def test_a_mapping_need_not_name_the_neighbours_wards_that_go_on(engine):
    await beside(engine)
    await reformed(engine)
    async with engine.connect() as conn:
        told = await plan(conn, "halves", snap_m=SNAP_M, mapping=MAPPING)
        less = await plan(conn, "halves", snap_m=SNAP_M, mapping=MAPPING[1:])
    assert told.disagreements == ()
    assert [one.sentence() for one in less.disagreements] == ["90001 is not in the file"]
