"""The city's rules as a process knows them: who answers for what, and until when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from geo.errors import Invalid
from geo.reports.deadlines import rules as deadlines
from geo.reports.deadlines.clock import VIETNAM_HOURS, Span, WorkingClock
from geo.reports.deadlines.rules import FIRST_REPLY, RESOLVE, Deadlines
from geo.reports.deadlines.workdays import Workdays
from geo.reports.routing.rules import FacilityIndex, Organisation, Router, Rule, Zone
from geo.reports.workflow.timing import Terms
from geo.store import deadlines as deadline_store
from geo.store import routing as store
from geo.store.database import AnyRow, AsyncConnection

COUNTRY: Final = "VN"


@dataclass(frozen=True, slots=True)
class About:
    """What rules ask of a category: its code, its family's (None: it has none), and the deadlines
    shipped with it."""

    code: str
    family: str | None
    deadlines: Mapping[str, Any]


@dataclass(frozen=True)
class CityRules:
    """Rules of routing and of deadlines; none: each ward's committee, and what is shipped."""

    deadlines: Deadlines
    router: Router

    @classmethod
    def none(cls, timezone: str) -> "CityRules":
        """No rules of the city's own."""
        return cls(Deadlines(timezone), Router(timezone))

    @classmethod
    async def load(
        cls, conn: AsyncConnection, timezone: str, country: str = COUNTRY, hours: str = ""
    ) -> "CityRules":
        """All that is in the database; `country` has the holidays, `hours` as `read_hours`."""
        days = await deadline_store.days(conn)
        works = Workdays(
            country,
            off=frozenset(row.day for row in days if not row.works),
            worked=frozenset(row.day for row in days if row.works),
        )
        rules = [_deadline(row) for row in await deadline_store.every(conn)]
        return cls(
            Deadlines(timezone, rules, works, read_hours(hours)),
            await load_router(conn, timezone),
        )

    def terms(
        self, about: About, created_at: datetime, promised: Mapping[str, Any] | None
    ) -> Terms:
        """What is promised a report of this category; `promised`: by its rule of routing."""
        asked = (about.code, about.family, about.deadlines, created_at, promised)
        return Terms(self.deadlines.of(FIRST_REPLY, *asked), self.deadlines.of(RESOLVE, *asked))


async def load_router(conn: AsyncConnection, timezone: str) -> Router:
    """The rules of routing with the zones and facilities they speak of."""
    zones = {
        row.id: Zone(row.code, row.name_vi, row.name_en, shape)
        for row, shape in await store.areas(conn)
    }
    rules = [_rule(row, zones) for row in await store.every(conn)]
    kinds = sorted({rule.near[0] for rule in rules if rule.near})
    found: dict[str, list[AnyRow]] = {kind: [] for kind in kinds}
    for place in await store.places(conn, kinds) if kinds else ():
        found[place.kind].append(place)
    indexes = {
        kind: FacilityIndex(
            [each.lon for each in those],
            [each.lat for each in those],
            [each.name for each in those],
        )
        for kind, those in found.items()
    }
    return Router(timezone, rules, indexes)


def read_hours(said: str) -> tuple[Span, ...]:
    """Working hours as `07:30-11:30 13:00-17:00`; empty: those of Vietnam's offices.

    Raises `Invalid` where they cannot be read.
    """
    if not said.strip():
        return VIETNAM_HOURS
    spans = []
    for part in said.split():
        begin, _, end = part.partition("-")
        try:
            spans.append((time.fromisoformat(begin), time.fromisoformat(end)))
        except ValueError:
            raise Invalid(
                f"working hours are written like 07:30-11:30 13:00-17:00, not {part!r}"
            ) from None
    WorkingClock(ZoneInfo("UTC"), lambda day: True, spans)
    return tuple(spans)


def _deadline(row: AnyRow) -> deadlines.Rule:
    return deadlines.Rule(
        category=row.category_code,
        promise=row.promise,
        amount=row.amount,
        clock=row.clock,
        since=row.since,
        until=row.until,
        source=row.source,
    )


def _rule(row: AnyRow, zones: Mapping[int, Zone]) -> Rule:
    answers = None
    if row.organisation_id is not None:
        names = (row.organisation_vi, row.organisation_en)
        answers = Organisation(row.organisation_id, row.organisation, *names)
    return Rule(
        code=row.code,
        position=row.position,
        category=row.category_code,
        wards=frozenset(row.ward_codes) if row.ward_codes is not None else None,
        zone=zones[row.zone_id] if row.zone_id is not None else None,
        near=(row.facility_kind, float(row.within_m)) if row.facility_kind else None,
        times=(row.time_from, row.time_to) if row.time_from is not None else None,
        weekdays=frozenset(row.weekdays) if row.weekdays is not None else None,
        organisation=answers,
        informs_ward=row.informs_ward,
        priority=row.priority,
        first_reply=row.first_reply,
        resolve=row.resolve,
        clock=row.clock,
        since=row.since,
        until=row.until,
    )
