"""A run: what is said of hotspots as of a day, for each category; found, compared, stored.

Made from what the database holds and the day alone, never from the clock or chance: the same run
made again says the same, byte for byte. What was said of other days stays as it is, and an answer
that a later day's went on from is history: it stays too, whatever changed since.
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, tzinfo
from typing import Any, Final

from geo.errors import UnknownCategory
from geo.hotspots import answer, words
from geo.hotspots.artefacts.artefact import Artefact
from geo.hotspots.days import DAYS, window
from geo.hotspots.identity import Matches
from geo.hotspots.trend import histories
from geo.hotspots.window import Plane, Reports, planes
from geo.period import Period
from geo.store import hotspot_inputs as inputs
from geo.store import hotspot_runs as store
from geo.store import hotspots as lookup
from geo.store.database import AnyRow, AsyncConnection
from geo.store.organisations import ward_names

# Of the method: what was said by another one is found anew.
_METHOD: Final = "1"
# Schools and clinics within so many metres are told.
NEAR_M: Final = 300.0
NEAR_KINDS: Final = ("school", "kindergarten", "university", "clinic", "hospital")
# Which reports a hotspot held is forgotten after so many days; the hotspot itself stays.
MEMBERS_DAYS: Final = 400

Tell = Callable[[int, int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said of one category: rows as `hotspots` holds them, dormant ones among them."""

    category: str
    n_reports: int
    n_left_out: int
    hotspots: list[dict[str, Any]] = field(repr=False)
    unchanged: bool = False

    @property
    def seen(self) -> list[dict[str, Any]]:
        """The hotspots that are there."""
        return [spot for spot in self.hotspots if spot["seen"] != "dormant"]


@dataclass(frozen=True, slots=True)
class Run:
    """What a run said; `unchanged` when nothing it looks at had changed since the one before."""

    as_of: date
    period: Period
    n_reports: int
    artefacts: list[Artefact]
    answers: list[Answer]
    digest: str

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
    whichever are asked for, so that the answer is the same. Where reports, wards, facilities,
    categories and the answer before are those of the stored answer, that one stays; so does one
    of a day before the newest, unless `again`. `tell(n, of)` is awaited after each step. Happens in
    the caller's transaction, one run at a time; raises `UnknownCategory`, `Invalid`.
    """
    chosen = await lookup.categories(conn, category)
    if category is not None and not chosen:
        raise UnknownCategory(f"there is no category {category!r}; `pinward hotspots run` runs all")
    period = window(as_of, zone, days)
    await store.alone(conn)
    every = await lookup.categories(conn)
    reports = Reports.of(
        await inputs.rows(conn, period),
        zone,
        [one.number for one in every if one.visibility == "blurred"],
    )
    digest = reports.digest(_METHOD, str(as_of), str(days), await inputs.surroundings_mark(conn))
    stored = await store.digests(conn, as_of)
    past = set() if again else await store.gone_on_from(conn, as_of)
    todo: list[tuple[AnyRow, AnyRow | None, str]] = []
    answers: list[Answer] = []
    present = set(reports.category.tolist())
    for one in chosen:
        before = await store.last_before(conn, one.code, as_of)
        own = hashlib.sha256(f"{digest} {before.digest if before else ''}".encode()).hexdigest()
        if one.code in stored and (stored[one.code] == own or one.code in past):
            answers.append(await _stored(conn, one, as_of, reports))
        elif one.number in present or before is not None or one.code in stored:
            todo.append((one, before, own))
    steps = len(todo) + 2
    await tell(1, steps)
    if todo:
        where = planes(reports)
        looked_at = len(set(reports.category[reports.kept].tolist()))
        await tell(2, steps)
        for i, (one, before, own) in enumerate(todo):
            made = await _category(
                conn, one, before, as_of, period, zone, reports, where, looked_at
            )
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
                    "n_reports": made.answer.n_reports,
                    "n_events": _events(where, one.number),
                    "n_left_out": made.answer.n_left_out,
                    "ended": made.matches.ended,
                },
                made.answer.hotspots,
            )
            answers.append(made.answer)
            await tell(i + 3, steps)
        await store.put_artefacts(conn, as_of, [_artefact(each) for each in reports.artefacts])
        await store.thin_members(conn, MEMBERS_DAYS)
    answers.sort(key=lambda each: each.category)
    return Run(as_of, period, len(reports.number), reports.artefacts, answers, digest)


@dataclass(frozen=True, slots=True)
class _Made:
    answer: Answer
    matches: Matches


async def record(conn: AsyncConnection, run_id: int, made: Run) -> None:
    """Write into the row of a run that it is done, and what it said in numbers."""
    await store.tell(
        conn,
        run_id,
        state="done",
        digest=made.digest,
        unchanged=made.unchanged,
        n_reports=made.n_reports,
        n_left_out=sum(each.n_left_out for each in made.answers),
        n_hotspots=sum(len(each.seen) for each in made.answers),
    )


async def _category(
    conn: AsyncConnection,
    category: AnyRow,
    before: AnyRow | None,
    as_of: date,
    period: Period,
    zone: tzinfo,
    reports: Reports,
    where: Sequence[Plane],
    looked_at: int,
) -> _Made:
    found = answer.spots(where, category.number, looked_at)
    remembered = await store.remembered(conn, before.id) if before else []
    known = await store.given_ids(conn, as_of) if found else set()
    matches = answer.identities(category.code, as_of, period, reports, found, remembered, known)
    born = {row.id: row.born_on for row in remembered}
    chosen = [found[each.index] for each in matches.hotspots]
    past = await histories.of(conn, category, chosen, period, zone)
    near = await inputs.surroundings(
        conn,
        [spot.shape for spot in chosen],
        [spot.middle for spot in chosen],
        as_of,
        NEAR_KINDS,
        NEAR_M,
    )
    rows = [
        answer.columns(
            spot,
            reports,
            period,
            born.get(each.id, as_of),
            id=each.id,
            seen=each.kind,
            parents=list(each.parents),
            likeness=each.likeness,
            ward_code=around.ward_code,
            near=around.near,
            said=words.say(_facts(category, spot, period, around)),
            **history,
        )
        for each, spot, around, history in zip(matches.hotspots, chosen, near, past, strict=True)
    ]
    asleep = [row for row in remembered if row.id in matches.dormant]
    dormant = [{**row, "seen": "dormant"} for row in store.columns_of(asleep)]
    of_it = reports.category == category.number
    return _Made(
        Answer(
            category.code,
            n_reports=int((of_it & reports.kept).sum()),
            n_left_out=int((of_it & ~reports.kept).sum()),
            hotspots=rows + dormant,
        ),
        matches,
    )


def _facts(category: AnyRow, spot: answer.Spot, period: Period, around: AnyRow) -> words.Facts:
    ward = None
    if around.ward_vi:
        vi, _ = ward_names(around.ward_vi, around.ward_kind)
        _, en = ward_names(around.ward_en, around.ward_kind)
        ward = {"vi": vi, "en": en}
    return words.Facts(
        category={"vi": category.name_vi, "en": category.name_en},
        people=spot.found.people,
        events=spot.found.events,
        expected=spot.found.expected,
        p_value=spot.found.p_value,
        radius_m=spot.radius_m,
        area_m2=float(spot.shape_m.area),
        days=round(period.days),
        ward=ward,
        near=around.near,
    )


async def _stored(conn: AsyncConnection, category: AnyRow, as_of: date, reports: Reports) -> Answer:
    kept = await store.answer_of(conn, category.code, as_of)
    rows = store.columns_of(await store.remembered(conn, kept.id))
    return Answer(category.code, kept.n_reports, kept.n_left_out, rows, unchanged=True)


def _events(where: Sequence[Plane], number: int) -> int:
    return sum(int((plane.around.kinds == number).sum()) for plane in where)


def _artefact(each: Artefact) -> dict[str, Any]:
    return {
        "kind": each.kind,
        "n": each.n,
        "left_out": bool(len(each.left_out)),
        "why": {"vi": each.why_vi, "en": each.why_en},
        "geom": None if each.lon is None else f"POINT({each.lon!r} {each.lat!r})",
    }
