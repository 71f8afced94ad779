"""Statistics over a reform that was really applied, against plain SQL over the polygons."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
import shapely
from sqlalchemy import text

from builders import SIDE, SOUTH, WEST
from geo.reports import statistics
from geo.reports.bulk import bulk_insert
from geo.reports.reading import ReportFilter
from geo.reports.reform.apply import apply
from geo.reports.reform.undo import undo
from geo.wards.features import WardFeature, WardFile
from geo.wards.importing import import_wards

pytestmark = pytest.mark.anyio

DAY, TODAY = date(2025, 7, 1), date(2026, 2, 1)
ZONE, SNAP_M = "Asia/Ho_Chi_Minh", 250.0

# Of each report the ward that covers it: of its own day, and of the set in force today.
_ORACLE = """
SELECT {columns}, count(*) AS received,
    count(*) FILTER (WHERE r.status IN ('received', 'assigned', 'in_progress', 'waiting')) AS open
FROM reports AS r
LEFT JOIN wards AS of_then ON ST_Covers(of_then.geom, r.geom)
    AND of_then.valid @> CAST(timezone('Asia/Ho_Chi_Minh', r.created_at) AS date)
LEFT JOIN wards AS of_today ON ST_Covers(of_today.geom, r.geom)
    AND of_today.valid @> DATE '2026-02-01'
GROUP BY {columns}
"""
_COLUMNS = {
    "category": "r.category_code",
    "month": "to_char(timezone('Asia/Ho_Chi_Minh', r.created_at), 'YYYY-MM')",
}
_WARD = "of_{word}.code, lower(of_{word}.valid)::text"


def three():
    """The small city in three wards, whose borders run through old ones; a code is used again."""
    cuts = [WEST, WEST + 0.7 * SIDE, WEST + 1.8 * SIDE, WEST + 3 * SIDE]
    boxes = [shapely.box(cuts[n], SOUTH, cuts[n + 1], SOUTH + 2 * SIDE) for n in range(3)]
    named = tuple(
        WardFeature(code, name, None, "ward", code)
        for code, name in (("90002", "Phía Tây"), ("90011", "Giữa"), ("90012", "Phía Đông"))
    )
    return WardFile("three", named, np.array(boxes, dtype=object))


def rows(n=3000):
    """Reports of 2024 and 2025 all over the city, some beside it in no ward."""
    rng = np.random.default_rng(11)
    places = rng.uniform((WEST, SOUTH), (WEST + 3 * SIDE, SOUTH + 2 * SIDE), (n, 2)).round(6)
    places[:20] += 10
    begin = datetime(2023, 12, 31, 17, tzinfo=UTC)
    for k, (lon, lat) in enumerate(places.tolist()):
        yield {
            "category": ("drainage.flooding", "lighting.lamp_out", "traffic.pothole")[k % 3],
            "lon": lon,
            "lat": lat,
            "text": f"Phản ánh {k}",
            "status": ("assigned", "waiting", "closed", "resolved", "rejected")[k % 5],
            "created_at": begin + timedelta(minutes=int(rng.integers(731 * 24 * 60))),
        }


async def counted(engine, word, *by):
    """(members as the oracle has them, received, open) of each row, and the total."""
    async with engine.connect() as conn:
        found = await statistics.count(conn, by, ReportFilter(wards=word), ZONE)
    groups = set()
    for row in found.rows:
        key = []
        for member in by:
            value = row[member]
            if member == "ward":
                key += [value["code"], value["valid_from"]] if value else [None, None]
            else:
                key.append(value["code"] if member == "category" else value)
        groups.add((*key, row["received"], row["open"]))
    assert len(groups) == len(found.rows)
    return groups, found.total


async def oracle(engine, word, *by):
    columns = ", ".join({**_COLUMNS, "ward": _WARD.format(word=word)}[member] for member in by)
    async with engine.connect() as conn:
        found = await conn.execute(text(_ORACLE.format(columns=columns)))
        return {tuple(row) for row in found}


BY = (("ward",), ("ward", "category"), ("ward", "month"), ("category", "month"))


async def test_then_and_today_are_what_the_polygons_of_the_two_sets_say(engine):
    async with engine.begin() as conn:
        file = three()
        # Before the set: the process that takes the reports in has not heard of it.
        stored = list(rows())
        older = [row for row in stored if row["created_at"] < datetime(2025, 6, 30, 17, tzinfo=UTC)]
        await bulk_insert(conn, older)
        await import_wards(conn, file, name="three", valid_from=DAY, city="Thành phố Thử")
        await bulk_insert(conn, [row for row in stored if row not in older])
    before = [await counted(engine, "then", *by) for by in BY]
    done = await apply(engine, "three", today=TODAY, snap_m=SNAP_M)
    assert done.moved.moved > 500
    assert done.derived > 100
    for by, earlier in zip(BY, before, strict=True):
        then, today = [await counted(engine, word, *by) for word in ("then", "today")]
        assert then == earlier
        assert then[0] == await oracle(engine, "then", *by)
        assert today[0] == await oracle(engine, "today", *by)
        assert then[1] == today[1]
        assert then[1]["received"] == 3000
    await undo(engine, "three", snap_m=SNAP_M)
    assert [await counted(engine, "then", *by) for by in BY] == before
    # No reform is in force: the wards of the rows are all there is.
    assert [await counted(engine, "today", *by) for by in BY] == before
