"""Tasks put straight into the database, at any place, for tests of who finds which."""

from datetime import UTC, datetime
from typing import Any

import psycopg

from geo.reports.codes import new_code

SENT = datetime(2026, 11, 23, 1, tzinfo=UTC)


def put_tasks(url: str, places: Any, **columns: Any) -> list[str]:
    """Reports at lon, lat (n, 2); returns their codes.

    `columns` of `reports`, each one value for all or a list of one each; what is not said: assigned
    to the first organisation, of flooding, nothing due. The first event says that it came.
    """
    n = len(places)
    given = {
        "category_code": "drainage.flooding",
        "status": "assigned",
        "text": "Ngập",
        "created_at": SENT,
        "updated_at": SENT,
        **columns,
    }
    with psycopg.connect(url) as db:
        if "organisation_id" not in given:
            (first,) = db.execute("SELECT min(id) FROM organisations").fetchone() or (None,)
            given["organisation_id"] = first
        names = ", ".join(given)
        marks = ", ".join(["%s"] * len(given))
        codes = [new_code() for _ in range(n)]
        rows = [
            [value[k] if isinstance(value, list) else value for value in given.values()]
            for k in range(n)
        ]
        with db.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO reports (id, code, geom, {names}) VALUES (gen_random_uuid(), %s,"
                f" ST_SetSRID(ST_MakePoint(%s, %s), 4326), {marks})",
                [
                    (code, float(x), float(y), *row)
                    for code, (x, y), row in zip(codes, places, rows, strict=True)
                ],
            )
            cursor.execute(
                "INSERT INTO report_events (report_id, at, kind, text_vi, text_en) SELECT id,"
                " created_at, 'assigned', 'Đã chuyển.', 'Passed on.' FROM reports"
                " WHERE code = ANY(%s)",
                (codes,),
            )
    return codes


def organisations(url: str) -> list[int]:
    """Ids of the six wards' committees, in the order of the wards."""
    with psycopg.connect(url) as db:
        return [row[0] for row in db.execute("SELECT id FROM organisations ORDER BY ward_code")]
