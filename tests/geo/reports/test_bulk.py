"""Many reports at once."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

import builders
from geo.errors import UnknownCategory
from geo.reports import columns
from geo.reports.bulk import bulk_insert

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


def _row(n=0, **changes):
    lon, lat = builders.middle(n % 6)
    return {
        "category": "lighting.lamp_out",
        "lon": lon,
        "lat": lat,
        "text": "Đèn tắt",
        "created_at": NOW + timedelta(minutes=n),
        **changes,
    }


async def _all(conn, query):
    return (await conn.execute(text(query))).all()


async def test_rows_are_placed_assigned_due_and_told(conn):
    assert await bulk_insert(conn, [_row(n) for n in range(12)]) == 12
    rows = await _all(
        conn,
        "SELECT w.code, o.code, r.status, r.ward_match, r.due_at - r.created_at, r.reasons "
        "FROM reports r JOIN wards w ON w.id = r.ward_id "
        "JOIN organisations o ON o.id = r.organisation_id ORDER BY r.created_at",
    )
    assert [row[0] for row in rows] == [*builders.CODES, *builders.CODES]
    assert all(row[1] == f"ward-{row[0]}" for row in rows)
    assert {row[2:5] for row in rows} == {("assigned", "covers", timedelta(days=3))}
    assert rows[0][5][0]["vi"] == "Vị trí nằm trong phường Bến Thử."
    events = await _all(
        conn,
        "SELECT array_agg(kind ORDER BY id), array_agg(text_vi ORDER BY id) FROM report_events "
        "GROUP BY report_id",
    )
    assert all(kinds == ["received", "assigned"] for kinds, _ in events)
    assert ["Đã tiếp nhận phản ánh.", "Đã chuyển đến UBND phường Đa Mẫu."] in [t for _, t in events]


async def test_texts_arrive_as_they_were_written(conn):
    odd = [
        'nháy " kép',
        "một\ndòng\thai",
        "\\.",
        "a\n\\.\nb",
        "C:\\new\\table",
        "\\N",
        "NULL",
        "\\x22",
        "{a,b}",
        "dấu phẩy, chấm; phẩy",
        "🚧 ổ gà",
        "'; --",
    ]
    rows = [_row(n, text=said) for n, said in enumerate(odd)]
    await bulk_insert(conn, rows)
    kept = await _all(conn, "SELECT text FROM reports ORDER BY created_at")
    assert [row[0] for row in kept] == odd


async def test_what_a_row_says_of_itself_is_kept(conn):
    story = [
        {"at": NOW, "kind": "received", "text": {"vi": "Một", "en": "One"}},
        {"at": NOW + timedelta(days=1), "kind": "closed", "text": {"vi": "Hai", "en": "Two"}},
    ]
    await bulk_insert(
        conn,
        [
            _row(
                kind="suggestion",
                status="closed",
                closed_at=NOW + timedelta(days=1),
                channel="hotline",
                accuracy_m=4.5,
                source="demo",
                source_id="1",
                flags=["a", "b"],
                events=story,
            )
        ],
    )
    [row] = await _all(
        conn, "SELECT kind, status, closed_at, channel, accuracy_m, source, flags FROM reports"
    )
    closed = NOW + timedelta(days=1)
    assert tuple(row) == ("suggestion", "closed", closed, "hotline", 4.5, "demo", ["a", "b"])
    told = await _all(conn, "SELECT kind, text_vi, at FROM report_events ORDER BY id")
    assert [tuple(row) for row in told] == [("received", "Một", NOW), ("closed", "Hai", closed)]


async def test_a_row_of_a_source_comes_in_once(conn):
    rows = [_row(n, source="s", source_id=str(n % 3)) for n in range(5)]
    assert await bulk_insert(conn, rows) == 3
    assert await bulk_insert(conn, rows) == 0
    assert (await _all(conn, "SELECT count(*) FROM report_events"))[0][0] == 6


async def test_a_row_that_somebody_else_is_just_writing_comes_in_once(engine):
    rows = [_row(n, source="s", source_id=str(n)) for n in range(3)]
    async with engine.connect() as first, engine.connect() as second:
        assert await bulk_insert(first, rows[:2]) == 2
        waiting = asyncio.create_task(bulk_insert(second, rows))
        # It does not see the others' rows yet, begins to write its own and has to wait.
        for _ in range(500):
            if await _all(first, "SELECT 1 FROM pg_locks WHERE NOT granted"):
                break
            await asyncio.sleep(0.01)
        await first.commit()
        assert await waiting == 1
        await second.commit()
        counts = "SELECT (SELECT count(*) FROM reports), (SELECT count(*) FROM report_events)"
        assert await _all(first, counts) == [(3, 6)]


async def test_a_taken_code_is_drawn_anew_and_no_report_is_lost(conn, monkeypatch):
    drawn = iter([*["2222-2222"] * 3, "3333-3333", *["2222-2222"] * 2, "4444-4444"])
    monkeypatch.setattr(
        columns, "new_codes", lambda n: columns.pa.array([next(drawn) for _ in range(n)])
    )
    assert await bulk_insert(conn, [_row(n) for n in range(3)]) == 3
    codes = await _all(conn, "SELECT code FROM reports ORDER BY code")
    assert [row[0] for row in codes] == ["2222-2222", "3333-3333", "4444-4444"]


async def test_a_point_outside_all_wards_stays_without_one(conn):
    await bulk_insert(conn, [_row(lon=107.5, lat=11.5)])
    [row] = await _all(conn, "SELECT ward_id, organisation_id, status, reasons FROM reports")
    assert tuple(row) == (None, None, "received", [])


async def test_an_unknown_category_is_refused_by_row(conn):
    with pytest.raises(UnknownCategory, match="row 1"):
        await bulk_insert(conn, [_row(), _row(category="nonsense")])


def test_ids_made_together_are_uuid7_and_rise():
    from uuid import UUID

    made = columns.new_ids(530_000, NOW).to_pylist()
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    first, last = UUID(made[0]), UUID(made[-1])
    assert first.version == last.version == 7
    assert first.variant == "specified in RFC 4122"
    assert int(made[0][:12], 16) == int(NOW.timestamp() * 1000)
