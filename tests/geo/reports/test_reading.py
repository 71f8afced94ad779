from datetime import UTC, datetime

import pytest

import builders
from geo.errors import Invalid
from geo.reports import reading
from geo.reports.bulk import bulk_insert
from geo.reports.reading import ReportFilter

pytestmark = pytest.mark.anyio


async def test_a_search_that_would_take_too_long_is_refused_with_a_way_out(conn, monkeypatch):
    lon, lat = builders.middle(0)
    row = {
        "category": "noise.karaoke",
        "lon": lon,
        "lat": lat,
        "text": "ồn ào " * 800,
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    await bulk_insert(conn, [row] * 1_500)
    assert (await reading.page(conn, ReportFilter(q="khong co"), 10))[0] == []
    monkeypatch.setattr(reading, "SEARCH_MS", 1)
    with pytest.raises(Invalid, match="narrow it"):
        await reading.page(conn, ReportFilter(q="khong co"), 10)
