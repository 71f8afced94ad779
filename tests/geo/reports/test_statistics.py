from datetime import UTC, datetime, timedelta

import pytest
from drawn import put_reports
from sqlalchemy import text

import builders
from geo.errors import Invalid
from geo.reports import statistics
from geo.reports.reading import ReportFilter

pytestmark = pytest.mark.anyio


async def count(conn, *by):
    return await statistics.count(conn, by, ReportFilter(), "Asia/Ho_Chi_Minh")


async def test_counting_that_takes_too_long_is_refused_with_a_way_out(conn, city_url, monkeypatch):
    put_reports(city_url, [builders.middle(0)] * 20_000)
    assert (await count(conn, "ward", "month")).total["received"] == 20_000
    monkeypatch.setattr(statistics, "COUNT_MS", 1)
    with pytest.raises(Invalid, match="narrow it by since and until, category or ward"):
        await count(conn, "ward", "month")


async def test_more_rows_than_anybody_reads_are_refused_with_a_way_out(conn, city_url, monkeypatch):
    codes = ["drainage.flooding", "lighting.lamp_out", "traffic.pothole"]
    put_reports(city_url, [builders.middle(0)] * 3, category_code=codes)
    monkeypatch.setattr(statistics, "MOST_ROWS", 3)
    assert len((await count(conn, "category")).rows) == 3
    monkeypatch.setattr(statistics, "MOST_ROWS", 2)
    with pytest.raises(Invalid, match="more than 2 rows"):
        await count(conn, "category")
    # A whole without its parts would be wrong, so it is not told either.
    assert (await count(conn, "month")).total["received"] == 3


@pytest.mark.parametrize("by", [(), ("wards",), ("ward", "ward"), ("ward", "category", "month")])
async def test_what_it_cannot_count_by_is_refused(conn, by):
    with pytest.raises(Invalid, match="one or two of ward, organisation, category"):
        await count(conn, *by)


@pytest.mark.parametrize(
    "zone",
    [
        "UTC",
        "Asia/Ho_Chi_Minh",
        "Asia/Kathmandu",
        "Pacific/Kiritimati",
        # its summer begins and ends with the month's first midnight in some years
        "America/Asuncion",
        "Europe/Lisbon",
        "America/St_Johns",
    ],
)
async def test_months_are_those_of_the_wall_clock_in_any_zone(conn, city_url, zone):
    times = []
    for year in (1001, 1900, 1989, 1990, 2005, 2010, 2018, 2024, 2025, 2060, 2061, 2999):
        for month in range(1, 13):
            first = datetime(year, month, 1, tzinfo=UTC)
            times += [first + timedelta(hours=h) for h in range(-15, 16)]
            times += [first + timedelta(hours=h, microseconds=-1) for h in range(-15, 16)]
    put_reports(city_url, [builders.middle(0)] * len(times), created_at=times)
    rows = (await statistics.count(conn, ["month"], ReportFilter(), zone)).rows
    found = await conn.execute(
        text(
            "SELECT to_char(created_at AT TIME ZONE :zone, 'YYYY-MM'), count(*) FROM reports"
            " GROUP BY 1 ORDER BY 1"
        ),
        {"zone": zone},
    )
    assert [(row["month"], row["received"]) for row in rows] == [tuple(row) for row in found]
