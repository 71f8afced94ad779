"""Putting the demo city into a database, by the same code that takes in real wards and reports."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import shapely
from sqlalchemy import func, select

from geo import crs
from geo.demo import city, histories, ratings
from geo.demo.city import City
from geo.demo.texts import without_marks
from geo.facilities import load as facilities
from geo.hotspots import run as hotspots
from geo.hotspots.days import window
from geo.reports import categories
from geo.reports.bulk import bulk_insert
from geo.store import hotspot_runs
from geo.store.database import AsyncConnection
from geo.store.tables import reports, ward_sets
from geo.streets import load as streets
from geo.wards import importing
from geo.wards.directory import WardDirectory
from geo.wards.features import WardFeature, WardFile

CITY_NAME = "Thành phố Hồ Chí Minh"
# The day before the reform: real polygons, imported from 1 July 2025 on, take the demo's place.
IN_FORCE = date(2025, 6, 30)
# Runs before the newest one, a week apart: so hotspots have a past.
_WEEKS = 4
_KINDS = {"Phường": "ward", "Xã": "commune", "Đặc khu": "special_zone"}


@dataclass(frozen=True)
class Loaded:
    """What was put in, in rows."""

    wards: int
    facilities: int
    reports: int
    hotspots: int


async def holds(conn: AsyncConnection) -> str:
    """What the database holds: "demo", "nothing", or "other" wards or reports."""
    names = set((await conn.execute(select(ward_sets.c.name))).scalars())
    if city.WARD_SET in names:
        return "demo"
    if names or (await conn.execute(select(func.count()).select_from(reports))).scalar():
        return "other"
    return "nothing"


async def others(conn: AsyncConnection) -> str:
    """What the database holds beside the demo, in words; empty when nothing."""
    sets = select(ward_sets.c.name).where(ward_sets.c.name != city.WARD_SET)
    found = [f"the ward set {name}" for name in (await conn.execute(sets)).scalars()]
    # What visitors of the demo sent in has no source.
    foreign = reports.c.source != city.WARD_SET
    n = (await conn.execute(select(func.count()).select_from(reports).where(foreign))).scalar()
    if n:
        found.append(f"{n} imported reports")
    return ", ".join(found)


async def load(
    conn: AsyncConnection,
    now: datetime,
    n_reports: int = city.REPORTS,
    timezone: str = "Asia/Ho_Chi_Minh",
    say: Callable[[str], None] = lambda line: None,
) -> Loaded:
    """Build the city and write all of it in the caller's transaction: everything or nothing.

    `now` is aware; the reports are of the year before it. `say` is told what is being done.
    """
    say("drawing the city")
    made = await asyncio.to_thread(city.build, now, n_reports)
    await categories.sync(conn)
    say(f"importing {len(made.wards)} wards")
    await importing.import_wards(
        conn,
        ward_file(made),
        name=city.WARD_SET,
        # Every report has a ward of its day, also where the clock stands before the year is full.
        valid_from=min(IN_FORCE, (now - timedelta(days=367)).date()),
        city=CITY_NAME,
    )
    say(f"placing {len(made.facilities):,} schools, clinics and offices")
    await facilities.insert(conn, made.facilities)
    await streets.replace(conn, _streets(made))
    say(f"filing {len(made.reports):,} reports of the last 12 months")
    wards = await WardDirectory.load(conn)
    filed = await bulk_insert(conn, _rows(made, wards, timezone), wards, timezone)
    await ratings.rate(conn, now)
    say("looking for hotspots")
    found = await _hotspots(conn, now, timezone)
    return Loaded(
        wards=len(made.wards),
        facilities=len(made.facilities),
        reports=filed,
        hotspots=found,
    )


async def _hotspots(conn: AsyncConnection, now: datetime, timezone: str) -> int:
    """What was said as of yesterday and of the same day of the weeks before, as if a worker had
    been there each night; returns how many hotspots there are now."""
    zone = ZoneInfo(timezone)
    yesterday = now.astimezone(zone).date() - timedelta(days=1)
    n = 0
    for weeks in range(_WEEKS, -1, -1):
        day = yesterday - timedelta(weeks=weeks)
        run_id = await hotspot_runs.ask(conn, None, day, window(day, zone))
        made = await hotspots.run(conn, day, zone=zone, run_id=run_id)
        await hotspots.record(conn, run_id, made)
        n = sum(len(answer.seen) for answer in made.answers)
    return n


def ward_file(made: City) -> WardFile:
    """The city's wards as `pinward wards import` would have read them from a file."""
    return WardFile(
        source=city.SOURCE,
        wards=tuple(
            WardFeature(
                code=ward.unit.code,
                name=ward.unit.name,
                name_en=without_marks(ward.unit.name),
                kind=_KINDS[ward.unit.kind],
                place=f"demo unit {ward.unit.code}",
            )
            for ward in made.wards
        ),
        polygons=np.array([ward.shape for ward in made.wards], dtype=object),
        crs="EPSG:4326",
    )


def _streets(made: City) -> streets.Streets:
    lines = shapely.transform(
        made.streets.lines,
        lambda at: np.column_stack(crs.to_degrees(at[:, 0], at[:, 1], crs.UTM_48N)),
    )
    return streets.Streets(city.WARD_SET, made.streets.names, list(lines), 0, 0)


def _rows(made: City, wards: WardDirectory, timezone: str) -> Iterator[dict[str, Any]]:
    told = made.reports
    created = _times(told.created)
    zone = ZoneInfo(timezone)
    days = np.array([at.astimezone(zone).date() for at in created if at], dtype="datetime64[D]")
    found = wards.assign(told.lon, told.lat, days)
    committees = [
        (wards.wards[i].organisation_vi or "", wards.wards[i].organisation_en or "")
        for i in found.position.tolist()
    ]
    steps = [_times(column) for column in told.moves.at.T]
    lives = zip(*steps, strict=True)
    for i, (life, committee) in enumerate(zip(lives, committees, strict=True)):
        status = str(told.moves.status[i])
        last = max(at for at in life if at)
        yield {
            "category": str(told.category[i]),
            "lon": float(told.lon[i]),
            "lat": float(told.lat[i]),
            "accuracy_m": float(told.accuracy_m[i]),
            "text": told.text[i],
            "kind": "suggestion" if told.idea[i] else "incident",
            "status": status,
            "channel": str(told.channel[i]),
            "created_at": created[i],
            "updated_at": last,
            "closed_at": last if status in histories.CLOSED else None,
            "source": city.WARD_SET,
            "source_id": f"{i + 1:06d}",
            "events": histories.events(i, str(told.category[i]), life, committee),
        }


def _times(column: np.ndarray[Any, Any]) -> list[datetime | None]:
    found: list[datetime | None] = column.astype("datetime64[ms]").tolist()
    return [at.replace(tzinfo=UTC) if at else None for at in found]
