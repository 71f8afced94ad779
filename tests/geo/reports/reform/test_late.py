"""Reports stored after a reform for days before it are as if they had been there when it came."""

import csv
from datetime import UTC, date, datetime
from itertools import pairwise

import numpy as np
import pytest
import shapely
from sqlalchemy import text

import builders
from builders import SIDE, SOUTH, WEST
from geo.reports import reading, statistics
from geo.reports.bulk import bulk_insert
from geo.reports.importing import Job, import_reports, open_rows
from geo.reports.reading import ReportFilter
from geo.reports.reform.apply import apply, one_at_a_time
from geo.reports.reform.today import derive
from geo.reports.reform.undo import undo
from geo.store import reforms as store
from geo.wards.directory import WardDirectory
from geo.wards.features import WardFeature, WardFile
from geo.wards.importing import import_wards

pytestmark = pytest.mark.anyio

DAY, TODAY = date(2025, 7, 1), date(2025, 8, 1)
ZONE, SNAP_M = "Asia/Ho_Chi_Minh", 250.0


async def cut_in_two(engine):
    """A reform of the small city, applied: two wards, whose border runs through two old ones."""
    west, east = WEST + 1.3 * SIDE, WEST + 3 * SIDE
    boxes = np.array(
        [shapely.box(a, SOUTH, b, SOUTH + 2 * SIDE) for a, b in ((WEST, west), (west, east))],
        dtype=object,
    )
    named = tuple(WardFeature(f"9100{n}", f"Mới {n}", None, "ward", str(n)) for n in (1, 2))
    async with engine.begin() as conn:
        file = WardFile("two", named, boxes)
        await import_wards(conn, file, name="two", valid_from=DAY, city="Thành phố Thử")
    await apply(engine, "two", today=TODAY, snap_m=SNAP_M)


def rows(n, **changes):
    own = {"created_at": datetime(2024, 6, 1, tzinfo=UTC), "source": "old"}
    return [
        {**row, **own, "source_id": str(k), **changes}
        for k, row in enumerate(builders.all_over(n, seed=7))
    ]


async def todays(conn):
    found = await conn.execute(
        text(
            "SELECT r.source_id, t.ward_id FROM reports_today AS t"
            " JOIN reports AS r ON r.id = t.report_id ORDER BY 1"
        )
    )
    return [tuple(row) for row in found]


async def test_their_ward_of_today_is_the_one_that_deriving_anew_gives(engine):
    await cut_in_two(engine)
    async with engine.begin() as conn:
        assert await bulk_insert(conn, rows(300, status="closed")) == 300
        # Known already: nothing is added twice.
        assert await bulk_insert(conn, rows(300, status="closed")) == 0
        added = await todays(conn)
        wards = await WardDirectory.load(conn)
        await derive(conn, wards, await store.in_force(conn), SNAP_M)
        assert added == await todays(conn)
        # The old wards in the middle are two thirds in the east.
        assert 10 < len(added) < 100


async def test_who_had_not_heard_of_the_reforms_wards_derives_them_too(engine):
    async with engine.connect() as conn:
        before = await WardDirectory.load(conn)
    await cut_in_two(engine)
    async with engine.begin() as conn:
        await bulk_insert(conn, rows(300, status="closed"), before)
        added = await todays(conn)
        await derive(conn, await WardDirectory.load(conn), await store.in_force(conn), SNAP_M)
        assert len(added) > 10
        assert added == await todays(conn)


async def test_reports_of_days_after_the_reform_have_no_other_ward_of_today(engine):
    await cut_in_two(engine)
    async with engine.begin() as conn:
        await bulk_insert(conn, rows(100, created_at=datetime(2025, 7, 2, tzinfo=UTC)))
        assert await todays(conn) == []


async def imported(engine, folder):
    path = folder / "old.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "category", "created", "closed", "lon", "lat", "text"])
        for k, row in enumerate(rows(60)):
            closed = "2024-06-02T00:00:00Z" if k % 2 else ""
            cells = ("category", "lon", "lat", "text")
            category, lon, lat, said = (row[name] for name in cells)
            writer.writerow([k, category, "2024-06-01T00:00:00Z", closed, lon, lat, said])
    done = await import_reports(
        engine,
        open_rows(path, {}),
        Job(source="old", timezone=ZONE),
        folder / "refused.csv",
        datetime(2025, 8, 1, tzinfo=UTC),
        lambda total: lambda n: None,
    )
    assert done.rows == 60
    return done


async def by_ward(engine, word):
    async with engine.connect() as conn:
        found = await statistics.count(conn, ["ward"], ReportFilter(wards=word), ZONE)
    return {row["ward"]["code"]: row["received"] for row in found.rows}


async def answering(engine):
    """Codes of the wards of open reports, and of closed ones; and how many moves were told."""
    async with engine.connect() as conn:
        found = []
        for statuses in (("assigned",), ("closed",)):
            features, _ = await reading.page(conn, ReportFilter(status=statuses), 100)
            found.append({each["properties"]["ward"]["code"] for each in features})
        told = text("SELECT count(*) FROM report_events WHERE kind = 'moved'")
        return *found, (await conn.execute(told)).scalar_one()


async def test_open_ones_of_a_file_are_moved_by_the_reform_and_closed_ones_stay(engine, tmp_path):
    await cut_in_two(engine)
    done = await imported(engine, tmp_path)
    assert (done.imported, done.moved.moved, done.to_apply) == (60, 30, [])
    assert await answering(engine) == ({"91001", "91002"}, set(builders.CODES), 30)
    then = await by_ward(engine, "then")
    assert set(then) == set(builders.CODES)
    assert set(await by_ward(engine, "today")) == {"91001", "91002"}
    again = await imported(engine, tmp_path)
    assert (again.already, again.moved.moved) == (60, 0)
    await undo(engine, "two", snap_m=SNAP_M)
    assert (await answering(engine))[0] == set(builders.CODES)
    assert await by_ward(engine, "then") == await by_ward(engine, "today") == then


async def test_while_a_reform_is_under_way_the_file_says_what_to_do_and_running_it_again_does_it(
    engine, tmp_path
):
    await cut_in_two(engine)
    async with one_at_a_time(engine):
        done = await imported(engine, tmp_path)
    assert (done.imported, done.moved.moved, done.to_apply) == (60, 0, ["two"])
    assert (await imported(engine, tmp_path)).moved.moved == 30


async def cut_again(engine):
    """A later reform, applied: three wards, of which the middle one lies across the two."""
    edges = [WEST + k * SIDE for k in (0, 0.9, 2.2, 3)]
    boxes = np.array(
        [shapely.box(a, SOUTH, b, SOUTH + 2 * SIDE) for a, b in pairwise(edges)], dtype=object
    )
    named = tuple(WardFeature(f"9200{n}", f"Mới hơn {n}", None, "ward", str(n)) for n in range(3))
    async with engine.begin() as conn:
        file = WardFile("three", named, boxes)
        await import_wards(
            conn, file, name="three", valid_from=date(2025, 7, 15), city="Thành phố Thử"
        )
    await apply(engine, "three", today=TODAY, snap_m=SNAP_M)


async def versions(conn):
    """Which answers there are, and which transaction wrote each."""
    found = await conn.execute(
        text(
            "SELECT r.source_id, t.xmin::text FROM reports_today AS t"
            " JOIN reports AS r ON r.id = t.report_id WHERE r.source = 'closed' ORDER BY 1"
        )
    )
    return found.all()


async def test_moving_them_makes_their_answers_of_today_anew_and_no_others(engine):
    async with engine.begin() as conn:
        before = rows(200, status="closed", source="closed")
        await bulk_insert(conn, before)
    await cut_in_two(engine)
    await cut_again(engine)
    async with engine.begin() as conn:
        await bulk_insert(conn, rows(200))
        written = await versions(conn)
    # Moved by the first reform they are in an older ward still, moved by the last one in today's.
    for name, some in (("two", True), ("three", False)):
        await apply(engine, name, today=TODAY, snap_m=SNAP_M)
        async with engine.begin() as conn:
            assert await versions(conn) == written
            found = await todays(conn)
            late = "SELECT count(*) FROM reports_today t JOIN reports r ON r.id = t.report_id"
            [(n,)] = await conn.execute(text(f"{late} WHERE r.source = 'old'"))
            assert n > 10 if some else n == 0
            await derive(conn, await WardDirectory.load(conn), await store.in_force(conn), SNAP_M)
            assert found == await todays(conn)
            await conn.rollback()
    assert len(written) > 10
