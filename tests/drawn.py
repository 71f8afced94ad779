"""Rows put straight into tables, and tiles read back by a decoder that is not ours."""

import json
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
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
                (id, code, category_code, status, kind, text, created_at, ward_id, geom)
            SELECT id, code, category_code, status, kind, 'Nội dung', created_at, ward_id,
                ST_SetSRID(ST_MakePoint(lon, lat), 4326)
            FROM jsonb_to_recordset(%s::jsonb) AS r (
                id uuid, code text, category_code text, status text, kind text,
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


def put_hotspots(
    url: str, wkts: Iterable[str], category: str = "drainage.flooding", **columns: Any
) -> int:
    """A run with a hotspot for each polygon (WKT, degrees); returns the run's id."""
    run = {"since": datetime(2026, 1, 1, tzinfo=UTC), "until": datetime(2026, 4, 1, tzinfo=UTC)}
    run |= columns
    with psycopg.connect(url) as db:
        (run_id,) = db.execute(
            "INSERT INTO hotspot_runs"
            " (category_code, since, until, eps_m, min_points, epsg, n_reports)"
            " VALUES (%s, %s, %s, 100, 6, 32648, 99) RETURNING id",
            (category, run["since"], run["until"]),
        ).fetchone()
        for i, wkt in enumerate(wkts):
            db.execute(
                "INSERT INTO hotspots (run_id, n, area_m2, first_report_at, last_report_at, geom)"
                " VALUES (%s, %s, 1000, %s, %s, ST_GeomFromText(%s, 4326))",
                (run_id, 10 + i, run["since"], run["since"], wkt),
            )
    return run_id


def decoded(body: bytes) -> dict[str, list[dict[str, Any]]]:
    """Features by layer, with `id`, `properties`, and `geometry` in tile units, y down."""
    found = mapbox_vector_tile.decode(body, default_options={"y_coord_down": True})
    assert all(layer["version"] == 2 for layer in found.values())
    return {name: layer["features"] for name, layer in found.items()}
