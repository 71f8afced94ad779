"""Importing reports of another system from a file: once each, in batches, restartable.

Each batch commits by itself, and a row that is there already (by source and id) is left alone, so
an import that was killed is simply run again.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from geo.errors import Conflict, RefusedImport
from geo.reports import cleaning, columns
from geo.reports.bulk import bulk_insert
from geo.reports.cleaning import Cleaned
from geo.reports.dates import Dates, Order
from geo.reports.features import GeoJsonRows
from geo.reports.frames import Bools, Frame, framed
from geo.reports.naming import CategoryNames, Mode
from geo.reports.placing import Placed
from geo.reports.reform.apply import apply
from geo.reports.reform.moves import Moved
from geo.reports.reform.today import LateReports
from geo.reports.refused import RefusedFile
from geo.reports.rows import CsvRows
from geo.reports.survey import Pile, Survey, survey
from geo.store import report_batches
from geo.store.database import AsyncEngine
from geo.wards.directory import WardDirectory
from geo.wards.lookup import SNAP_M

__all__ = ["Done", "Job", "bulk_insert", "import_reports", "open_rows"]

# Clocks differ; more than a day ahead is no clock.
_AHEAD = timedelta(days=1)


@dataclass(frozen=True)
class Job:
    """How a file is to be read: `source` names the system it is from, `timezone` its clocks."""

    source: str
    timezone: str
    dates: Order = "iso"
    categories: Mode = "create"
    mapping: Mapping[str, str] = field(default_factory=dict)
    snap_m: float = SNAP_M


@dataclass
class Done:
    """What an import did; `rows` of the file = imported + already + refused.

    `moved`: open reports of the file, for days before a reform, that it moved afterwards;
    `to_apply`: sets whose reforms could not be applied again, as another process was at it.
    """

    rows: int = 0
    imported: int = 0
    already: int = 0
    refused: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    piles: tuple[Pile, ...] = ()
    categories: list[str] = field(default_factory=list)
    refused_file: Path | None = None
    wards_known: bool = True
    moved: Moved = field(default_factory=Moved)
    to_apply: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For `--json`; lists are plurals."""
        return {
            "rows": self.rows,
            "imported": self.imported,
            "already": self.already,
            "refused": self.refused,
            "refused_file": str(self.refused_file) if self.refused_file else None,
            "reasons": [{"reason": name, "rows": n} for name, n in self.reasons.most_common()],
            "flags": [{"flag": name, "reports": n} for name, n in self.flags.most_common()],
            "default_points": [
                {"lon": pile.lon, "lat": pile.lat, "rows": pile.rows} for pile in self.piles
            ],
            "categories": self.categories,
            "wards_known": self.wards_known,
            "moved": self.moved.moved + self.moved.renewed,
            "reforms_to_apply": self.to_apply,
        }


def open_rows(path: Path, options: Mapping[str, str | None]) -> CsvRows | GeoJsonRows:
    """A file by its ending (.csv, .tsv, .geojson, .json, each also .gz), columns by `options`.

    Raises `UnreadableFile`, and `RefusedImport` when columns are missing.
    """
    endings = [suffix.lower() for suffix in path.suffixes]
    if endings[-1:] == [".gz"]:
        endings.pop()
    if endings and endings[-1] in (".geojson", ".json", ".geojsonl", ".ndjson"):
        return GeoJsonRows(path, options)
    return CsvRows(path, options)


async def import_reports(
    engine: AsyncEngine,
    rows: CsvRows | GeoJsonRows,
    job: Job,
    refused_path: Path,
    now: datetime,
    started: Callable[[int], Callable[[int], None]],
) -> Done:
    """Import all rows; refused ones go to `refused_path`, each with its place and reason.

    `started(total)` is called once the file was looked over, and gives what is told how many rows
    are done. Commits batch by batch; reports still open whose ward a reform ended are moved by it
    last. Raises `UnreadableFile`, `RefusedImport`, `UnknownCategory`
    and `Invalid` before anything is written.
    """
    dates = Dates(job.timezone, job.dates)
    known = await asyncio.to_thread(survey, rows)
    if not known.rows:
        raise RefusedImport("the file holds no rows: a header at most. Export it again with data")
    refused = RefusedFile(refused_path, rows)
    async with engine.begin() as conn:
        wards = await WardDirectory.load(conn)
        names = await CategoryNames.load(conn, job.categories, job.mapping)
        codes = await names.codes(conn, known.categories)
    days = {code: names.resolve_days(code) for code in codes.values() if code}
    done = Done(piles=known.piles, categories=names.made, wards_known=len(wards) > 0)
    late = LateReports(wards, job.snap_m)
    reforms: list[str] = []
    tell = started(known.rows)
    frames = _frames(rows, known, codes, days, dates, wards, job, now)
    try:
        coming = asyncio.create_task(asyncio.to_thread(next, frames, None))
        read = 0
        while (item := await coming) is not None:
            # The next batch is made ready while the database writes this one.
            coming = asyncio.create_task(asyncio.to_thread(next, frames, None))
            cleaned, good, frame = item
            async with engine.begin() as conn:
                new = await report_batches.add(conn, frame.reports, frame.events, columns.code_list)
                places = cleaned.lon[good], cleaned.lat[good]
                # Rows there already count, too: an import broken off ends by being run again.
                reforms = await late.add(conn, frame.reports, *places) or reforms
            refused.add(cleaned)
            done.imported += new
            done.already += frame.reports.num_rows - new
            done.flags.update(frame.flags)
            read += len(cleaned.batch)
            tell(read)
        done.refused_file = refused.finish()
    finally:
        refused.close()
    done.reasons = refused.reasons
    done.refused = refused.reasons.total()
    done.rows = done.imported + done.already + done.refused
    await _follow(engine, reforms, job.snap_m, now, done)
    return done


async def _follow(
    engine: AsyncEngine, reforms: list[str], snap_m: float, now: datetime, done: Done
) -> None:
    """Have the reforms move the reports that came late, the oldest first: as all others, with an
    event, and so that undoing them takes it back."""
    for i, set_name in enumerate(reforms):
        try:
            applied = await apply(engine, set_name, today=now.date(), snap_m=snap_m)
        except Conflict:
            done.to_apply = reforms[i:]
            return
        done.moved.moved += applied.moved.moved
        done.moved.renewed += applied.moved.renewed


def _frames(
    rows: CsvRows | GeoJsonRows,
    known: Survey,
    codes: Mapping[str, str | None],
    days: Mapping[str, int],
    dates: Dates,
    wards: WardDirectory,
    job: Job,
    now: datetime,
) -> Iterator[tuple[Cleaned, Bools, Frame]]:
    start = 0
    for batch in rows:
        repeated = known.repeated[start : start + len(batch)]
        start += len(batch)
        cleaned = cleaning.clean(batch, repeated, codes, dates, columns.micros(now + _AHEAD))
        good = cleaned.reason == 0
        placed = Placed.of(
            wards, cleaned.lon[good], cleaned.lat[good], cleaned.created.local_day[good], job.snap_m
        )
        piled = known.on_a_pile(cleaned.lon[good], cleaned.lat[good])
        yield cleaned, good, framed(cleaned, good, placed, piled, days, job.source, now)
