"""Reports taken in before any ward was drawn where they are get one by the reform that draws it."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text

import builders
from geo.reports import statistics
from geo.reports.bulk import bulk_insert
from geo.reports.reading import ReportFilter
from geo.reports.reform.apply import apply, due
from geo.reports.reform.plan import plan
from geo.reports.reform.undo import undo
from geo.wards.importing import import_wards

pytestmark = pytest.mark.anyio

DAY, TODAY = date(2025, 7, 1), date(2025, 8, 1)
# Before the small city's first set.
EARLY = datetime(2019, 6, 1, tzinfo=UTC)
ZONE, SNAP_M = "Asia/Ho_Chi_Minh", 250.0
STANDING = """
SELECT source_id, ward_id, ward_match, ward_distance_m, organisation_id, reasons, status, due_at
FROM reports ORDER BY source_id
"""


def rows(statuses, created_at=EARLY):
    """Two reports in the south and the north for each status, and one a degree away."""
    places = [builders.middle(1), builders.middle(4), (builders.WEST - 1, builders.SOUTH)]
    return [
        {
            "category": "drainage.flooding",
            "lon": lon,
            "lat": lat,
            "text": "Ngập",
            "status": status,
            "created_at": created_at,
            "source": "test",
            "source_id": f"{status} {n}",
        }
        for status in statuses
        for n, (lon, lat) in enumerate(places)
    ]


async def drawn(engine):
    async with engine.begin() as conn:
        await import_wards(
            conn, builders.halves(), name="halves", valid_from=DAY, city="Thành phố Thử"
        )


async def asked(engine, query):
    async with engine.connect() as conn:
        return [tuple(row) for row in await conn.execute(text(query))]


async def wards(engine):
    found = await asked(
        engine,
        "SELECT r.source_id, w.code, o.code, r.status FROM reports AS r"
        " LEFT JOIN wards AS w ON w.id = r.ward_id"
        " LEFT JOIN organisations AS o ON o.id = r.organisation_id",
    )
    return {source_id: rest for source_id, *rest in found}


async def by_ward(engine, word):
    async with engine.connect() as conn:
        found = await statistics.count(conn, ["ward"], ReportFilter(wards=word), ZONE)
    return {row["ward"] and row["ward"]["code"]: row["received"] for row in found.rows}


async def test_open_ones_get_it_with_an_event_closed_ones_by_todays_answer_and_undo_takes_it_back(
    engine,
):
    async with engine.begin() as conn:
        assert await bulk_insert(conn, rows(["received", "closed"])) == 6
    await drawn(engine)
    before = await asked(engine, STANDING)
    assert {row[1] for row in before} == {None}
    async with engine.connect() as conn:
        told = await plan(conn, "halves", snap_m=SNAP_M)
    assert [(ward.code, n) for ward, n in told.first] == [("90002", 1), ("90007", 1)]
    assert (told.total("moving"), told.as_json()["totals"]["outside"]) == (0, 0)

    done = await apply(engine, "halves", today=TODAY, snap_m=SNAP_M)
    assert (done.moved.moved, done.outside, done.left, done.derived) == (2, 0, 0, 2)
    there = await wards(engine)
    assert there["received 0"] == ["90002", "ward-90002-2025-07-01", "assigned"]
    assert there["received 1"] == ["90007", "ward-90007", "assigned"]
    nowhere = ["received 2", "closed 0", "closed 1", "closed 2"]
    assert {tuple(there[each][:2]) for each in nowhere} == {(None, None)}
    assert await asked(
        engine,
        "SELECT e.text_vi, e.text_en, e.data FROM report_events AS e JOIN reports AS r"
        " ON r.id = e.report_id WHERE e.kind = 'moved' AND r.source_id = 'received 0'",
    ) == [
        (
            "Chưa thuộc phường, xã nào → Phường Phía Nam, điều chỉnh địa giới 2025-07-01",
            "No ward → Phía Nam Ward, reform 2025-07-01",
            {"reform": "halves", "from": None, "to": "90002"},
        )
    ]
    assert await by_ward(engine, "then") == {None: 6}
    assert await by_ward(engine, "today") == {"90002": 2, "90007": 2, None: 2}
    again = await apply(engine, "halves", today=TODAY, snap_m=SNAP_M)
    assert (again.moved.moved, again.moved.renewed) == (0, 0)

    undone = await undo(engine, "halves", snap_m=SNAP_M)
    assert (undone.restored.moved, undone.n_touched) == (2, 0)
    assert await asked(engine, STANDING) == before
    assert await by_ward(engine, "today") == {None: 6}


async def test_who_answers_by_a_rule_goes_on_answering_with_its_reason(engine):
    async with engine.begin() as conn:
        await bulk_insert(conn, rows(["received"]))
        await conn.execute(
            text(
                "UPDATE reports SET organisation_id = (SELECT min(id) FROM organisations),"
                """ reasons = '[{"vi": "Theo quy tắc.", "en": "By a rule."}]'"""
            )
        )
    kept = (await wards(engine))["received 0"][1]
    await drawn(engine)
    await apply(engine, "halves", today=TODAY, snap_m=SNAP_M)
    assert (await wards(engine))["received 0"] == ["90002", kept, "assigned"]
    [(reasons,)] = await asked(engine, "SELECT reasons FROM reports WHERE source_id = 'received 0'")
    assert reasons[-1]["en"] == "By a rule."
    assert reasons[-2]["en"] == "Before the reform 2025-07-01 the report belonged to no ward."


async def test_stored_after_the_reform_they_are_as_if_they_had_been_there(engine):
    await drawn(engine)
    await apply(engine, "halves", today=TODAY, snap_m=SNAP_M)
    async with engine.begin() as conn:
        await bulk_insert(conn, rows(["received", "closed"]))
    assert await by_ward(engine, "today") == {"90002": 2, "90007": 2, None: 2}
    late = await apply(engine, "halves", today=TODAY, snap_m=SNAP_M)
    assert (late.moved.moved, late.outside) == (2, 0)
    assert await by_ward(engine, "today") == {"90002": 2, "90007": 2, None: 2}
    assert await by_ward(engine, "then") == {None: 6}


async def test_the_worker_moves_one_that_is_opened_again(engine):
    async with engine.begin() as conn:
        await bulk_insert(conn, rows(["closed"]))
    await drawn(engine)
    await apply(engine, "halves", today=TODAY, snap_m=SNAP_M)
    async with engine.connect() as conn:
        assert await due(conn, TODAY) == []
    async with engine.begin() as conn:
        await conn.execute(text("UPDATE reports SET status = 'received'"))
    async with engine.connect() as conn:
        assert await due(conn, TODAY) == [("apply", "halves")]
    await apply(engine, "halves", today=TODAY, snap_m=SNAP_M)
    assert sum(code is not None for code, *_ in (await wards(engine)).values()) == 2
    async with engine.connect() as conn:
        assert await due(conn, TODAY) == []
