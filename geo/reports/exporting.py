"""Writing out what the public may know of the reports: CSV or GeoJSON by the file's ending."""

import csv
import gzip
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, cast

from geo.errors import Invalid
from geo.reports.reading import ReportFilter, public_feature
from geo.reports.spreadsheets import harmless
from geo.store import reports as store
from geo.store.database import AsyncConnection

_CHUNK = 1_000
CSV_COLUMNS = (
    *("code", "category", "category_vi", "category_en", "status", "kind", "channel"),
    *("created_at", "updated_at", "observed_at", "due_at", "closed_at", "lon", "lat", "blurred"),
    *("ward", "ward_name", "ward_today", "organisation", "source", "flags", "text"),
)


async def export_reports(
    conn: AsyncConnection, path: Path, wanted: ReportFilter, done: Callable[[int], None]
) -> int:
    """Write the reports of a filter, newest first, whole or not at all; says how many.

    `.csv` (no cell is a formula to a spreadsheet), `.geojson` or `.json`, each also with `.gz`;
    `done(n)` hears the count so far. Raises `Invalid` on another ending and where the file cannot
    be written.
    """
    ending = path.name.lower().removesuffix(".gz").rpartition(".")[2]
    if ending not in ("csv", "geojson", "json"):
        raise Invalid(f"{path.name}: the ending must be .csv, .geojson or .json (or those and .gz)")
    aside = path.with_name(f"{path.name}.part")
    try:
        with _create(aside, packed=path.suffix.lower() == ".gz") as file:
            write = _csv(file) if ending == "csv" else _geojson(file)
            n = await _stream(conn, wanted, write, done)
            write(None)
        aside.replace(path)
    except OSError as error:
        raise Invalid(f"{path} cannot be written: {error.strerror}") from None
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
    return n


Write = Callable[[dict[str, Any] | None], None]


async def _stream(
    conn: AsyncConnection, wanted: ReportFilter, write: Write, done: Callable[[int], None]
) -> int:
    n = 0
    query = store.newest_first(wanted.conditions())
    async with conn.stream(query, execution_options={"yield_per": _CHUNK}) as rows:
        async for row in rows.mappings():
            write(public_feature(row))
            n += 1
            if n % _CHUNK == 0:
                done(n)
    done(n)
    return n


def _create(path: Path, packed: bool) -> IO[str]:
    if packed:
        return cast(IO[str], gzip.open(path, "wt", encoding="utf-8", newline=""))
    return path.open("w", encoding="utf-8", newline="")


def _csv(file: IO[str]) -> Write:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)

    def write(feature: dict[str, Any] | None) -> None:
        if feature is None:
            return
        said = feature["properties"]
        lon, lat = feature["geometry"]["coordinates"]
        ward, organisation = said["ward"] or {}, said["organisation"] or {}
        row = {
            **said,
            "category": said["category"]["code"],
            "category_vi": said["category"]["name"]["vi"],
            "category_en": said["category"]["name"]["en"],
            "lon": lon,
            "lat": lat,
            "blurred": "true" if said["blurred"] else "false",
            "ward": ward.get("code"),
            "ward_name": ward.get("name"),
            "ward_today": (said["ward_today"] or {}).get("code"),
            "organisation": organisation.get("code"),
            "flags": " ".join(said["flags"]),
        }
        cells = (row[name] for name in CSV_COLUMNS)
        writer.writerow([harmless(cell) if isinstance(cell, str) else cell for cell in cells])

    return write


def _geojson(file: IO[str]) -> Write:
    file.write('{"type":"FeatureCollection","features":[')
    before = "\n"

    def write(feature: dict[str, Any] | None) -> None:
        nonlocal before
        if feature is None:
            file.write("\n]}\n")
            return
        file.write(before + json.dumps(feature, ensure_ascii=False, separators=(",", ":")))
        before = ",\n"

    return write
