"""Reports whose reporters told how to reach them."""

from uuid import UUID, uuid4

import psycopg

from builders import CODES
from geo.reports import codes

SECRET = "s3cret"


def put_contacts(url: str) -> dict[str, UUID]:
    """A report with a contact in each of the first three wards; their ids, by code of the ward."""
    made: dict[str, UUID] = {}
    with psycopg.connect(url) as db:
        for code in CODES[:3]:
            made[code] = uuid4()
            db.execute(
                "INSERT INTO reports (id, code, category_code, status, text, geom, ward_id,"
                " organisation_id, created_at, secret_hash) SELECT %s, %s, 'drainage', 'received',"
                " 'x', ST_PointOnSurface(geom), id, organisation_id, now(), %s"
                " FROM wards WHERE code = %s",
                (made[code], str(made[code]), codes.secret_hash(SECRET + code), code),
            )
            db.execute("INSERT INTO report_contacts VALUES (%s, 'sealed')", (made[code],))
    return made
