"""A run: what is said of hotspots as of a day, for each category; found, compared, stored.

Made from what the database holds and the day alone, never from the clock or chance: the same run
made again says the same, byte for byte. What was said of other days stays as it is, and an answer
that a later day's went on from is history: it stays too, whatever changed since.
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo
from typing import Any, Final

import numpy as np
import shapely

from geo.errors import UnknownCategory
from geo.hotspots import rows
from geo.hotspots.beginnings import Ground
from geo.hotspots.days import DAYS, not_ahead, window
from geo.hotspots.hexes import quiet
from geo.hotspots.hexes.found import Tally
from geo.hotspots.rows import Answer, Shared
from geo.hotspots.window import Reports, categories_of, planes
from geo.period import Period
from geo.store import hotspot_answers as store
from geo.store import hotspot_inputs as inputs
from geo.store import hotspot_runs
from geo.store import hotspots as lookup
from geo.store.database import AnyRow, AsyncConnection
from geo.wards.directory import WardDirectory

# Of the method: what was said by another one is found anew.
_METHOD: Final = "5"
# Which reports a hotspot held is forgotten after so many days; the hotspot itself stays.
MEMBERS_DAYS: Final = 400
_NONE: Final = np.empty(0, np.int64)

Tell = Callable[[int, int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Run:
    """What a run said; `kept` counts the answers that stay though what they look at has changed,
    since a later day's went on from them. `artefacts` are the rows that are stored of the day."""

    as_of: date
    period: Period
    n_reports: int
    artefacts: Sequence[AnyRow]
    answers: list[Answer]
    digest: str
    kept: int = 0

    @property
    def unchanged(self) -> bool:
        """Whether all of it had been said before, of the same day and the same reports."""
        return all(each.unchanged for each in self.answers)


async def nobody(done: int, of: int) -> None:
    """Tells nobody how far it is."""


async def run(
    conn: AsyncConnection,
    as_of: date,
    category: str | None = None,
    *,
    zone: tzinfo,
    days: int = DAYS,
    again: bool = False,
    run_id: int | None = None,
    tell: Tell = nobody,
) -> Run:
    """Find and store the hotspots as of a day: of the `days` days that end with it, in `zone`.

    `category` limits it to one, or to a family's. Every category is tested against all others
    whichever are asked for, so that the answer is the same; but hidden ones count for each other
    alone (`Reports.counted`). Where reports, wards, streets, facilities, categories, the answer
    before and the past of its hotspots are those of the stored answer, that one stays; so does one
    of a day before the newest, unless `again`, which makes everything anew. `tell(n, of)` is
    awaited after each step. Happens in the caller's transaction, one run at a time; raises
    `UnknownCategory`, `Invalid`.
    """
    chosen = await lookup.categories(conn, category)
    if category is not None and not chosen:
        raise UnknownCategory(f"there is no category {category!r}; `pinward hotspots run` runs all")
    period = window(as_of, zone, days)
    not_ahead(as_of, zone)
    await hotspot_runs.alone(conn)
    every = await lookup.categories(conn)
    blurred, hidden = (
        [one.number for one in every if one.visibility == visibility]
        for visibility in ("blurred", "hidden")
    )
    reports = Reports.of(await inputs.rows(conn, period), zone, blurred, hidden)
    digest = reports.digest(_METHOD, str(as_of), str(days), await inputs.surroundings_mark(conn))
    stored = await store.digests(conn, as_of)
    past = set() if again else await store.gone_on_from(conn, as_of)
    todo: list[tuple[AnyRow, AnyRow | None, str]] = []
    answers: list[Answer] = []
    kept = 0
    present = set(reports.category.tolist())
    for one in chosen:
        before = await store.last_before(conn, one.code, as_of)
        own = hashlib.sha256(f"{digest} {before.digest if before else ''}".encode()).hexdigest()
        stays = one.code in past or (
            stored.get(one.code) == own
            and not again
            and await rows.same_past(conn, one, as_of, period, zone)
        )
        if one.code in stored and stays:
            answers.append(await rows.stored(conn, one, as_of))
            kept += stored[one.code] != own
        elif one.number in present or before is not None or one.code in stored:
            todo.append((one, before, own))
    # Those that the public is told first, then the hidden ones, each in the same order.
    todo.sort(key=lambda each: each[0].visibility == "hidden")
    steps = len(todo) + 2
    await tell(1, steps)
    if todo or not await store.quiet_told(conn, as_of):
        directory = await WardDirectory.load(conn)
        shared = _shared(reports, directory, as_of, period, zone)
        least, silent = _quiet(shared, await inputs.land(conn, as_of))
        await store.put_quiet(conn, as_of, period, least, quiet.REACH_M, silent)
        await store.put_artefacts(conn, as_of, _artefacts(reports, every))
        await tell(2, steps)
        for i, (one, before, own) in enumerate(todo):
            if one.visibility == "hidden" and not shared.hidden:
                shared = _shared(reports, directory, as_of, period, zone, hidden=True)
            made = await rows.make(conn, shared, one, before)
            await store.put_answer(
                conn,
                {
                    "run_id": run_id,
                    "category_code": one.code,
                    "as_of": as_of,
                    "since": period.since,
                    "until": period.until,
                    "previous_as_of": before.as_of if before else None,
                    "digest": own,
                    "n_reports": made.n_reports,
                    "n_events": made.n_events,
                    "n_left_out": made.n_left_out,
                    "ended": made.ended,
                    "visibility": one.visibility,
                },
                made.hotspots,
                made.hexagons,
                made.beginnings,
            )
            answers.append(made)
            await tell(i + 3, steps)
        await store.thin_members(conn, MEMBERS_DAYS)
    answers.sort(key=lambda each: each.category)
    named = await store.artefacts_of(conn, as_of)
    return Run(as_of, period, len(reports.number), named, answers, digest, kept)


async def record(conn: AsyncConnection, run_id: int, made: Run) -> None:
    """Write into the row of a run that it is done, and what it said in numbers."""
    await hotspot_runs.tell(
        conn,
        run_id,
        state="done",
        digest=made.digest,
        unchanged=made.unchanged,
        n_reports=made.n_reports,
        n_left_out=sum(each.n_left_out for each in made.answers),
        n_hotspots=sum(len(each.seen) for each in made.answers),
    )


def _shared(
    reports: Reports,
    directory: WardDirectory,
    as_of: date,
    period: Period,
    zone: tzinfo,
    *,
    hidden: bool = False,
) -> Shared:
    where = planes(reports, hidden=hidden)
    return Shared(
        as_of,
        period,
        zone,
        reports,
        where,
        tallies=[Tally.of(plane.around) for plane in where],
        categories=len(categories_of(where)),
        ground=Ground.of(where, reports, directory, as_of, period, zone),
        hidden=hidden,
    )


def _quiet(shared: Shared, wards: Sequence[shapely.Geometry]) -> tuple[int, shapely.MultiPolygon]:
    arounds = [plane.around for plane in shared.planes]
    least = quiet.least_events(np.concatenate([each.kinds for each in arounds] or [_NONE]))
    heard = [(plane.epsg, quiet.heard(plane.around, least)) for plane in shared.planes]
    return least, quiet.mask(heard, wards)


def _artefacts(reports: Reports, every: Sequence[AnyRow]) -> list[dict[str, Any]]:
    codes = {one.number: one.code for one in every}
    return [
        {
            "kind": each.kind,
            "n": each.n,
            "left_out": bool(len(each.left_out)),
            "why": {"vi": each.why_vi, "en": each.why_en},
            "geom": None if each.lon is None else f"POINT({each.lon!r} {each.lat!r})",
            "category_codes": [
                codes[number] for number in np.unique(reports.category[each.members]).tolist()
            ],
        }
        for each in reports.artefacts
    ]
