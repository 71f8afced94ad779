"""Rows put straight into tables, and tiles read back by a decoder that is not ours."""

import json
import uuid
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import mapbox_vector_tile
import psycopg

WHEN = datetime(2026, 3, 1, 5, tzinfo=UTC)


def put_reports(url: str, places: Iterable[tuple[float, float]], **columns: Any) -> list[str]:
    """One report at each (lon, lat); a column given as a list has one value a report."""
    places = list(places)
    codes = [uuid.uuid4().hex[:10].upper() for _ in places]
    rows = []
    for i, (lon, lat) in enumerate(places):
        own = {k: v[i] if isinstance(v, list) else v for k, v in columns.items()}
        rows.append(
            {
                "id": str(uuid.uuid4()),
                "code": codes[i],
                "category_code": "drainage.flooding",
                "status": "received",
                "kind": "incident",
                "created_at": WHEN.isoformat(),
                "ward_id": None,
                "lon": lon,
                "lat": lat,
                **own,
            }
        )
    with psycopg.connect(url) as db:
        db.execute(
            """
            INSERT INTO reports
                (id, code, category_code, status, kind, text, created_at, ward_id, waits_since,
                geom)
            SELECT id, code, category_code, status, kind, coalesce(text, 'Nội dung'), created_at,
                ward_id, CASE WHEN status = 'waiting' THEN created_at END,
                ST_SetSRID(ST_MakePoint(lon, lat), 4326)
            FROM jsonb_to_recordset(%s::jsonb) AS r (
                id uuid, code text, category_code text, status text, kind text, text text,
                created_at timestamptz, ward_id int, lon float8, lat float8
            )
            """,
            (json.dumps(rows, default=str),),
        )
        db.execute("ANALYZE reports")
    return codes


def put_facilities(url: str, places: Iterable[tuple[float, float, str, str | None]]) -> None:
    """One facility at each (lon, lat, kind, name)."""
    with psycopg.connect(url) as db, db.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO facilities (source, source_id, kind, name, name_plain, geom) VALUES"
            " ('OSM (ODbL)', gen_random_uuid()::text, %s, %s, pinward_plain(%s),"
            " ST_SetSRID(ST_MakePoint(%s, %s), 4326))",
            [(kind, name, name, lon, lat) for lon, lat, kind, name in places],
        )


SAID = {
    "name": {"vi": "Ngập nước, phường Mẫu", "en": "Flooding, Mẫu Ward"},
    "sentence": {"vi": "10 phản ánh.", "en": "10 reports."},
    "confidence": {"level": "very_high", "vi": "rất chắc chắn", "en": "very certain"},
}


def put_hotspots(
    url: str,
    wkts: Iterable[str],
    category: str = "drainage.flooding",
    as_of: date = date(2026, 3, 31),
    **columns: Any,
) -> int:
    """An answer with a hotspot for each polygon (WKT, degrees), in place of that of the day;
    returns its id. `columns` are of the answer (`since`, `until`) or of each hotspot."""
    answer = {"since": datetime(2026, 1, 1, tzinfo=UTC), "until": datetime(2026, 4, 1, tzinfo=UTC)}
    answer |= {name: columns.pop(name) for name in ("since", "until") if name in columns}
    with psycopg.connect(url) as db:
        db.execute(
            "DELETE FROM hotspot_answers WHERE category_code = %s AND as_of = %s", (category, as_of)
        )
        (answer_id,) = db.execute(
            "INSERT INTO hotspot_answers (category_code, as_of, since, until, n_reports)"
            " VALUES (%s, %s, %s, %s, 99) RETURNING id",
            (category, as_of, answer["since"], answer["until"]),
        ).fetchone()
        for i, wkt in enumerate(wkts):
            row = {
                "answer_id": answer_id,
                "id": f"H-{answer_id:04d}-{i:04d}",
                "seen": "new",
                "born_on": as_of,
                "seen_since": answer["since"],
                "seen_until": answer["until"],
                "n": 10 + i,
                "events": 9 + i,
                "expected": 2.0,
                "relative_risk": 5.0,
                "risk_low": 3.0,
                "risk_high": 8.0,
                "p_value": 1e-6,
                "scale_m": 100.0,
                "said": json.dumps(SAID),
                "area_m2": 1000.0,
                "first_report_at": answer["since"],
                "last_report_at": answer["since"],
                "geom": f"SRID=4326;{wkt}",
                **columns,
            }
            names = ", ".join(row)
            values = ", ".join(f"%({name})s" for name in row)
            db.execute(f"INSERT INTO hotspots ({names}) VALUES ({values})", row)
    return answer_id


def decoded(body: bytes) -> dict[str, list[dict[str, Any]]]:
    """Features by layer, with `id`, `properties`, and `geometry` in tile units, y down."""
    found = mapbox_vector_tile.decode(body, default_options={"y_coord_down": True})
    assert all(layer["version"] == 2 for layer in found.values())
    return {name: layer["features"] for name, layer in found.items()}
