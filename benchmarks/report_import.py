"""`pinward reports import` of many rows against PostgreSQL's own COPY of the same rows.

Ours reads a CSV file, checks every row, finds its ward, its category and its deadline, leaves out
what is there already, and writes the report with its events, batch by batch. The yardstick copies
the finished rows, events aside, into an empty table with the same columns, indexes and generated
cell, in one transaction.
"""

import argparse
import asyncio
import csv
import json
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import shapely

from geo.reports import categories
from geo.reports.importing import Job, import_reports, open_rows
from geo.store.database import create_engine
from geo.wards.features import WardFeature, WardFile
from geo.wards.importing import import_wards

ROWS = 1_000_000
WEST, SOUTH, SIDE, ACROSS = 106.5, 10.6, 0.025, 13
SAID = (
    "Nước ngập ngang bánh xe trước chợ",
    "Đèn đường không sáng từ tối qua",
    "Ổ gà lớn giữa làn xe",
)

# What the yardstick copies: all columns that are not generated.
COLUMNS = (
    "id, code, kind, category_code, status, text, geom, accuracy_m, ward_id, ward_match, "
    "ward_distance_m, ambiguous_with, organisation_id, reasons, channel, answers, observed_at, "
    "created_at, updated_at, due_at, closed_at, source, source_id, flags, secret_hash"
)


def wards() -> WardFile:
    """A square grid of wards, about as many as the city has."""
    boxes, named = [], []
    for n in range(ACROSS * ACROSS):
        west, south = WEST + SIDE * (n % ACROSS), SOUTH + SIDE * (n // ACROSS)
        boxes.append(shapely.box(west, south, west + SIDE, south + SIDE))
        named.append(WardFeature(f"{90000 + n}", f"Mẫu {n}", None, "ward", f"feature {n}"))
    return WardFile("grid", tuple(named), np.array(boxes, dtype=object))


def write(path: Path, rows: int) -> None:
    """Reports of a year as a hotline would hand them over."""
    rng = np.random.default_rng(1)
    codes = [row["code"] for row in categories.shipped() if row["parent_code"]]
    begins = datetime(2025, 1, 1)
    lon = (WEST + rng.random(rows) * SIDE * ACROSS).round(6).tolist()
    lat = (SOUTH + rng.random(rows) * SIDE * ACROSS).round(6).tolist()
    created = np.sort(rng.integers(0, 365 * 86_400, rows)).tolist()
    took = rng.exponential(3 * 86_400, rows).astype(int).tolist()
    still_open = (rng.random(rows) < 0.2).tolist()
    category = rng.integers(0, len(codes), rows).tolist()
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "category", "created", "closed", "lon", "lat", "text"])
        for i in range(rows):
            at = begins + timedelta(seconds=created[i])
            closed = "" if still_open[i] else (at + timedelta(seconds=took[i])).isoformat()
            text = f"{SAID[i % len(SAID)]}, số {i % 997}"
            writer.writerow([i, codes[category[i]], at.isoformat(), closed, lon[i], lat[i], text])


async def ours(url: str, path: Path) -> float:
    engine = create_engine(url, pool_size=2)
    try:
        async with engine.begin() as conn:
            await categories.sync(conn)
            await import_wards(conn, wards(), name="grid", valid_from=date(2020, 1, 1), city="Mẫu")
        job = Job(source="benchmark", timezone="Asia/Ho_Chi_Minh")
        refused = path.with_suffix(".refused.csv")
        began = time.perf_counter()
        done = await import_reports(
            engine, open_rows(path, {}), job, refused, datetime.now(UTC), lambda _: lambda _: None
        )
        took = time.perf_counter() - began
        if done.refused or done.flags or done.imported != done.rows:
            raise RuntimeError(f"the import did not take everything: {done.as_json()}")
        return took
    finally:
        await engine.dispose()


def theirs(url: str, folder: Path) -> float:
    path = folder / "rows.copy"
    with psycopg.connect(url, autocommit=True) as conn:
        with path.open("wb") as file, conn.cursor() as cursor:
            query = f"SELECT {COLUMNS} FROM reports ORDER BY id"
            with cursor.copy(f"COPY ({query}) TO STDOUT") as copy:
                for block in copy:
                    file.write(block)
        conn.execute("CREATE TABLE copied (LIKE reports INCLUDING ALL)")
        conn.execute("CHECKPOINT")
        began = time.perf_counter()
        with (
            path.open("rb") as file,
            conn.cursor() as cursor,
            cursor.copy(f"COPY copied ({COLUMNS}) FROM STDIN") as copy,
        ):
            while block := file.read(1 << 20):
                copy.write(block)
        took = time.perf_counter() - began
        conn.execute("DROP TABLE copied")
    return took


def measure(url: str, rows: int = ROWS) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "reports.csv", rows)
        with psycopg.connect(url, autocommit=True) as conn:
            conn.execute("CHECKPOINT")
        ours_s = asyncio.run(ours(url, folder / "reports.csv"))
        theirs_s = theirs(url, folder)
    return {
        "what": f"report import, {rows:,} rows, checked, placed, with their events",
        "against": "raw COPY of the finished rows, same table, same indexes, no events",
        "ours_s": ours_s,
        "theirs_s": theirs_s,
        "ratio": theirs_s / ours_s,
        "aim": "≥ 0.25",
        "note": f"{rows / ours_s:,.0f} rows/s",
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="libpq URL of an empty, migrated database")
    parser.add_argument("--rows", type=int, default=ROWS)
    chosen = parser.parse_args()
    json.dump(measure(chosen.url, chosen.rows), sys.stdout, ensure_ascii=False, indent=2)
    print()
