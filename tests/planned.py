"""A half year in the small city, for the planner's page: what was reported and how it ended."""

from datetime import UTC, datetime, timedelta

import psycopg
import shapely
from drawn import put_facilities, put_hotspots, put_reports

import builders

CATEGORIES = ("drainage.flooding", "lighting.lamp_out", "traffic.pothole", "drainage.odour")
HIDDEN = "order.gambling"
# Of each ward: reports that are over, how many of them in time, and what each was rated.
ENDED = ((20, 19, 5), (20, 9, 2), (4, 1, 3), (15, 11, 4), (12, 9, None), (0, 0, None))
OPEN = (3, 5, 0, 2, 7, 0)
HIDDEN_REPORTS = 6
FIRST = datetime(2026, 1, 1, 5, tzinfo=UTC)

COUNTED = """
    SELECT count(*) FROM reports AS r JOIN categories AS c ON c.code = r.category_code
    WHERE c.visibility <> 'hidden' AND r.withheld IS NULL"""


def fill(url: str) -> None:
    """Reports of January to June 2026, three hotspots, two schools and a clinic."""
    with psycopg.connect(url) as db:
        wards = dict(db.execute("SELECT code, id FROM wards").fetchall())
    n = 0
    for k in range(6):
        lon, lat = builders.middle(k)
        total = ENDED[k][0] + OPEN[k]
        if not total:
            continue
        times = [(FIRST + timedelta(days=(n + i) * 7 % 180)).isoformat() for i in range(total)]
        codes = put_reports(
            url,
            [(lon + 0.0001 * i, lat) for i in range(total)],
            category_code=[CATEGORIES[(n + i) % 4] for i in range(total)],
            status=["closed"] * ENDED[k][0] + ["received"] * OPEN[k],
            created_at=times,
            ward_id=wards[builders.CODES[k]],
        )
        _end(url, codes[: ENDED[k][0]], *ENDED[k][1:])
        n += total
    lon, lat = builders.middle(0)
    put_reports(url, [(lon, lat)] * HIDDEN_REPORTS, category_code=HIDDEN, ward_id=wards["90001"])
    hulls = [shapely.Point(builders.middle(k)).buffer(0.002).wkt for k in (0, 1, 3)]
    put_hotspots(url, hulls, as_of=datetime(2026, 6, 30).date(), trend="intensifying")
    with psycopg.connect(url) as db:
        db.execute("UPDATE hotspots SET ward_code = '9000' || (1 + right(id, 1)::int)")
        db.execute("UPDATE hotspots SET ward_code = '90004' WHERE right(id, 1) = '2'")
        near = '[{"kind": "school", "name": "Trường Mẫu", "distance_m": 42.0}]'
        db.execute("UPDATE hotspots SET near = %s WHERE right(id, 1) = '0'", (near,))
    put_facilities(
        url,
        [
            (lon + 0.001, lat, "school", "=Trường 1"),
            (lon + 0.003, lat, "school", "Trường 2"),
            (lon + 0.002, lat, "clinic", "Trạm y tế"),
        ],
    )


def _end(url: str, codes: list[str], in_time: int, rating: int | None) -> None:
    """Close reports; so many of them not later than they were due."""
    with psycopg.connect(url) as db:
        for late, some in ((False, codes[:in_time]), (True, codes[in_time:])):
            db.execute(
                "UPDATE reports SET due_at = created_at + interval '2 days', rating = %s,"
                " closed_at = created_at + %s, resolved_at = created_at + %s WHERE code = ANY(%s)",
                (rating, *[timedelta(days=3 if late else 1)] * 2, some),
            )


def counted(url: str, condition: str = "true") -> int:
    """What plain SQL counts of what the public may see."""
    with psycopg.connect(url) as db:
        (n,) = db.execute(f"{COUNTED} AND {condition}").fetchone()
    return int(n)
