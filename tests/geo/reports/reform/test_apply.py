"""Open reports follow the wards in force, and go back when that is undone."""

from datetime import UTC, date, datetime

import numpy as np
import pytest
import shapely
from sqlalchemy import text

import builders
from geo.errors import Conflict, NotFound, RefusedReform
from geo.reports.bulk import bulk_insert
from geo.reports.reform import apply as applying
from geo.reports.reform.apply import apply
from geo.reports.reform.plan import plan
from geo.reports.reform.undo import undo
from geo.wards.features import WardFeature, WardFile
from geo.wards.importing import import_wards

pytestmark = pytest.mark.anyio

DAY, TODAY = date(2025, 7, 1), date(2025, 8, 1)
SNAP_M = 250.0


async def reformed(engine, status="assigned", file=None):
    """A report of this status in the middle of each old ward, then the new set."""
    rows = [
        {
            "category": "drainage.flooding",
            "lon": lon,
            "lat": lat,
            "text": f"Ngập {n}",
            "status": status,
            "created_at": datetime(2025, 6, 1, tzinfo=UTC),
            "source": "test",
            "source_id": str(n),
        }
        for n, (lon, lat) in enumerate(builders.middle(k) for k in range(6))
    ]
    async with engine.begin() as conn:
        await bulk_insert(conn, rows)
        await import_wards(
            conn, file or builders.halves(), name="halves", valid_from=DAY, city="Thành phố Thử"
        )


async def standing(engine):
    """All that a reform may change of reports, in the order of their old wards."""
    async with engine.connect() as conn:
        found = await conn.execute(
            text(
                "SELECT w.code, w.name, o.name_vi, r.status, r.reasons, r.ward_match, r.due_at,"
                " r.ambiguous_with FROM reports AS r JOIN wards AS w ON w.id = r.ward_id"
                " JOIN organisations AS o ON o.id = r.organisation_id ORDER BY r.source_id"
            )
        )
        return found.all()


async def events(engine):
    async with engine.connect() as conn:
        found = await conn.execute(
            text("SELECT text_vi, text_en FROM report_events WHERE kind = 'moved' ORDER BY id")
        )
        return found.all()


async def test_open_reports_move_with_an_event_and_their_committee_and_keep_their_deadline(engine):
    await reformed(engine)
    before = await standing(engine)
    done = await apply(engine, "halves", today=TODAY, snap_m=SNAP_M)
    after = await standing(engine)
    assert (done.state, done.moved.moved, done.outside, done.left) == ("applied", 6, 0, 0)
    assert [row.code for row in after] == ["90002"] * 3 + ["90007"] * 3
    assert [row.name_vi for row in after] == ["UBND phường Phía Nam"] * 3 + [
        "UBND phường Phía Bắc"
    ] * 3
    assert [row.due_at for row in after] == [row.due_at for row in before]
    told = await events(engine)
    assert len(told) == 6
    assert (
        "Phường Bến Thử → Phường Phía Nam, điều chỉnh địa giới 2025-07-01",
        "Bến Thử Ward → Phía Nam Ward, reform 2025-07-01",
    ) in [tuple(row) for row in told]


async def test_applying_again_changes_nothing(engine):
    await reformed(engine)
    await apply(engine, "halves", today=TODAY, snap_m=SNAP_M)
    once = await standing(engine)
    again = await apply(engine, "halves", today=TODAY, snap_m=SNAP_M)
    assert (again.moved.moved, again.moved.renewed) == (0, 0)
    assert await standing(engine) == once
    assert len(await events(engine)) == 6


async def test_what_the_last_pass_moves_is_not_left(engine, monkeypatch):
    monkeypatch.setattr(applying, "_PASSES", 1)
    await reformed(engine)
    done = await apply(engine, "halves", today=TODAY, snap_m=SNAP_M)
    assert (done.state, done.moved.moved, done.left) == ("applied", 6, 0)


async def test_undo_restores_what_nobody_touched_and_lists_the_rest(engine):
    await reformed(engine)
    before = await standing(engine)
    await apply(engine, "halves", today=TODAY, snap_m=SNAP_M)
    async with engine.begin() as conn:
        await conn.execute(text("UPDATE reports SET status = 'in_progress' WHERE source_id = '4'"))
    done = await undo(engine, "halves", snap_m=SNAP_M)
    after = await standing(engine)
    assert (done.restored.moved, done.n_touched) == (5, 1)
    assert [row.ward_code for row in done.touched] == ["90007"]
    assert after[:4] + after[5:] == before[:4] + before[5:]
    assert (after[4].code, after[4].status) == ("90007", "in_progress")


async def test_closed_reports_keep_their_ward_and_gain_todays(engine):
    await reformed(engine, status="closed")
    await apply(engine, "halves", today=TODAY, snap_m=SNAP_M)
    assert [row.code for row in await standing(engine)] == list(builders.CODES)
    async with engine.connect() as conn:
        found = await conn.execute(
            text(
                "SELECT w.code FROM reports AS r JOIN wards_today AS t ON t.ward_id = r.ward_id"
                " JOIN wards AS w ON w.id = t.today_id ORDER BY r.source_id"
            )
        )
        assert found.scalars().all() == ["90002"] * 3 + ["90007"] * 3
    await undo(engine, "halves", snap_m=SNAP_M)
    async with engine.connect() as conn:
        assert (await conn.execute(text("SELECT count(*) FROM wards_today"))).scalar_one() == 0


async def test_before_its_day_a_reform_is_scheduled_and_moves_nothing(engine):
    await reformed(engine)
    done = await apply(engine, "halves", today=date(2025, 6, 30), snap_m=SNAP_M)
    assert done.state == "scheduled"
    assert [row.code for row in await standing(engine)] == list(builders.CODES)


async def test_a_set_of_half_the_city_is_refused_with_the_wards_it_leaves_out(engine):
    whole = builders.halves()
    half = WardFile("half", whole.wards[1:], whole.polygons[1:])
    await reformed(engine, file=half)
    with pytest.raises(RefusedReform, match="50% of its city") as refused:
        await apply(engine, "halves", today=TODAY, snap_m=SNAP_M)
    assert all(code in refused.value.detail for code in builders.CODES[:3])
    done = await apply(engine, "halves", today=TODAY, snap_m=SNAP_M, partial=True)
    assert done.moved.moved == 3


async def test_the_plan_counts_what_apply_does_and_names_reused_codes(engine):
    await reformed(engine)
    async with engine.connect() as conn:
        told = await plan(conn, "halves", snap_m=SNAP_M)
    assert (told.total("open"), told.total("moving")) == (6, 6)
    assert [(old.name, new.name) for old, new in told.fates.reused] == [("Chợ Nhỏ", "Phía Nam")]
    assert len(told.fates.merged) == 2
    done = await apply(engine, "halves", today=TODAY, snap_m=SNAP_M)
    assert done.moved.moved == told.total("moving")


async def test_a_later_reform_is_undone_first_and_unknown_sets_are_named(engine):
    await reformed(engine)
    await apply(engine, "halves", today=TODAY, snap_m=SNAP_M)
    one = WardFile(
        "one",
        (WardFeature("90009", "Tất Cả", None, "ward", "feature 0"),),
        np.array([shapely.union_all(builders.halves().polygons)], dtype=object),
    )
    async with engine.begin() as conn:
        await import_wards(conn, one, name="one", valid_from=date(2026, 1, 1), city="Thành phố Thử")
    await apply(engine, "one", today=date(2026, 2, 1), snap_m=SNAP_M)
    with pytest.raises(Conflict, match="one moved 6 of them on"):
        await undo(engine, "halves", snap_m=SNAP_M)
    with pytest.raises(NotFound, match="there are: one, halves"):
        await apply(engine, "nobody", today=TODAY, snap_m=SNAP_M)
