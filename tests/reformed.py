"""A year of flooding before a reform of the small city, and what the reform left in the tables.

On 1 July 2025 90001 and the west half of 90002 became one ward, which was given the code 90002;
90003 took the east half and stayed the same ward; the northern row stayed as it was. Reports of
2024, by where they are: 5 in 90001, 3 in the west half of 90002, 4 in its east half (one of them
still open, and so moved by the reform), 2 in 90003, 6 in 90004, 1 in no ward.
"""

import asyncio
from datetime import UTC, date, datetime, timedelta

import psycopg
import shapely
from drawn import put_reports

from builders import SIDE, SOUTH, WEST, middle
from geo.store.database import create_engine
from geo.wards import load
from geo.wards.importing import import_wards
from ward_files import a_feature, a_file

REFORM = date(2025, 7, 1)
YEAR = {"since": "2024-01-01T00:00:00+07:00", "until": "2025-01-01T00:00:00+07:00"}
JUNE = datetime(2024, 6, 1, tzinfo=UTC)
OLD_WARDS = [("90001", 5), ("90002", 7), ("90003", 2), ("90004", 6), (None, 1)]
TODAYS_WARDS = [("90002", 8), ("90003", 6), ("90004", 6), (None, 1)]


def reform(url, folder):
    """Import the reform's wards, put the reports, and say of each in which ward it is today."""
    split = WEST + 1.5 * SIDE
    file = a_file(
        folder,
        a_feature(1, shapely.box(WEST, SOUTH, split, SOUTH + SIDE), name="Tân Hợp", type="phường"),
        a_feature(2, shapely.box(split, SOUTH, WEST + 3 * SIDE, SOUTH + SIDE)),
    )
    asyncio.run(_import(url, file))
    with psycopg.connect(url) as db:
        rows = db.execute("SELECT code, lower(valid) = %s, id FROM wards", (REFORM,))
        ids = {(code, new): id_ for code, new, id_ in rows}
        one, two, three = (ids[code, False] for code in ("90001", "90002", "90003"))
        two_new, three_new = ids["90002", True], ids["90003", True]
        db.execute(
            "INSERT INTO wards_today VALUES (%s, %s), (%s, %s), (%s, %s)",
            (one, two_new, two, two_new, three, three_new),
        )
    (lon, lat), quarter = middle(1), SIDE / 4
    done = {"created_at": JUNE, "status": "closed"}
    put_reports(url, [middle(0)] * 5, ward_id=one, **done)
    put_reports(url, [(lon - quarter, lat)] * 3, ward_id=two, **done)
    east = put_reports(url, [(lon + quarter, lat)] * 3, ward_id=two, **done)
    [moved] = put_reports(
        url, [(lon + quarter, lat)], ward_id=three_new, created_at=JUNE, status="assigned"
    )
    put_reports(url, [middle(2)] * 2, ward_id=three, created_at=JUNE, status="resolved")
    put_reports(
        url,
        [middle(3)] * 6,
        ward_id=ids["90004", False],
        status=["rejected", "duplicate", "withdrawn", "closed", "received", "waiting"],
        # the last second of May, and the first of June, in Vietnam
        created_at=[JUNE - timedelta(hours=7, seconds=1)] * 2 + [JUNE - timedelta(hours=7)] * 4,
    )
    put_reports(url, [(0, 0)], **done)
    # Of other categories and years.
    put_reports(url, [middle(0)] * 7, ward_id=one, category_code="order.drugs", **done)
    put_reports(url, [middle(0)] * 3, ward_id=one, category_code="drainage.blocked_drain", **done)
    put_reports(url, [middle(1)] * 2, ward_id=two_new, created_at=datetime(2025, 8, 1, tzinfo=UTC))
    with psycopg.connect(url) as db:
        db.execute(
            "INSERT INTO reports_today SELECT id, %s FROM reports WHERE code = ANY (%s)",
            (three_new, east),
        )
        (number,) = db.execute(
            "INSERT INTO reforms (set_id, state, in_force_on, begun_at, applied_at)"
            " SELECT set_id, 'applied', %s, now(), now() FROM wards WHERE id = %s RETURNING id",
            (REFORM, two_new),
        ).fetchone()
        db.execute(
            "INSERT INTO reform_moves (reform_id, report_id, old_ward_id, old_ambiguous_with,"
            " old_reasons, old_status, new_ward_id, new_status)"
            " SELECT %s, id, %s, '{}', '[]', 'assigned', %s, 'assigned'"
            " FROM reports WHERE code = %s",
            (number, two, three_new, moved),
        )


async def _import(url, file):
    engine = create_engine(url)
    async with engine.begin() as conn:
        await import_wards(
            conn, load.read(file), name="reform", valid_from=REFORM, city="Thành phố Thử"
        )
    await engine.dispose()
