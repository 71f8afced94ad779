"""Putting a rule book into force: all of it or nothing, in the caller's transaction."""

from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.range import DateRange
from sqlalchemy.exc import IntegrityError

from geo.errors import Invalid
from geo.reports.city_rules import CityRules
from geo.reports.deadlines.clock import WorkingClock
from geo.reports.events import words
from geo.reports.routing.rules import check
from geo.reports.rulebook.file import DeadlineEntry, RoutingEntry, RuleBook, as_time, shape_of
from geo.store import categories, deadlines, organisations
from geo.store import rulebook as store
from geo.store.database import AsyncConnection


async def apply(
    conn: AsyncConnection,
    book: RuleBook,
    path: Path,
    timezone: str,
    country: str,
    hours: str,
) -> CityRules:
    """Replace the rules in the database by the book's; what they are from the commit on.

    Reports that are there already are not touched: what was promised stays. Raises `Invalid` where
    the book names what is not there, contradicts itself, or has a rule that can never count.
    """
    clock = (await CityRules.load(conn, timezone, country, hours)).deadlines.working
    await store.put_organisations(
        conn, [{"code": each.code, **_name(each.name)} for each in book.organisation]
    )
    known = {row["code"]: row["parent_code"] for row in await categories.every(conn)}
    _check_categories(book, set(known))
    await _check_wards(conn, book)
    await store.clear(conn)
    for zone in book.zone:
        await store.add_zone(conn, zone.code, _name(zone.name), shape_of(zone, path))
    zones, answers = await store.zone_ids(conn), await organisations.ids(conn)
    for rule in book.routing:
        await store.add_rule(conn, _rule(rule, zones, answers, clock))
    for number, entry in enumerate(book.deadline, 1):
        await _add_deadline(conn, number, entry, clock)
    for day in book.day:
        values = {"day": day.day, "works": day.works, **_name(day.name)}
        await store.add_day(conn, values)
    rules = await CityRules.load(conn, timezone, country, hours)
    check(rules.router.rules, words(path.name, path.name), known)
    await deadlines.tell(conn)
    return rules


def _name(name: Any) -> dict[str, str]:
    return {"name_vi": name.vi, "name_en": name.en}


def _check_categories(book: RuleBook, known: set[str]) -> None:
    for rule in book.routing:
        if rule.category is not None and rule.category not in known:
            raise Invalid(f"routing {rule.code}: there is no category {rule.category!r}")
    for number, entry in enumerate(book.deadline, 1):
        if entry.category not in (*known, "*"):
            raise Invalid(f"deadline {number}: there is no category {entry.category!r}")


async def _check_wards(conn: AsyncConnection, book: RuleBook) -> None:
    named = {code for rule in book.routing for code in rule.wards or ()}
    unknown = named - await store.ward_codes(conn, sorted(named))
    for rule in book.routing:
        wrong = [code for code in rule.wards or () if code in unknown]
        if wrong:
            raise Invalid(f"routing {rule.code}: there is no ward {', '.join(wrong)}")


def _rule(
    rule: RoutingEntry, zones: dict[str, int], answers: dict[str, int], clock: WorkingClock
) -> dict[str, Any]:
    if rule.zone is not None and rule.zone not in zones:
        raise Invalid(f"routing {rule.code}: there is no zone {rule.zone!r} in this file")
    if rule.organisation is not None and rule.organisation not in answers:
        raise Invalid(
            f"routing {rule.code}: there is no organisation {rule.organisation!r}; name it in "
            "[[organisation]], or a ward's committee as ward-<ward code>"
        )
    begin, end = rule.times or (None, None)
    return {
        "code": rule.code,
        "position": rule.position,
        "category_code": rule.category,
        "ward_codes": rule.wards,
        "zone_id": zones[rule.zone] if rule.zone else None,
        "facility_kind": rule.near and rule.near.kind,
        "within_m": rule.near and rule.near.within_m,
        "time_from": begin,
        "time_to": end,
        "weekdays": sorted(set(rule.weekdays)) if rule.weekdays else None,
        "organisation_id": answers[rule.organisation] if rule.organisation else None,
        "informs_ward": rule.informs_ward,
        "priority": rule.priority,
        "first_reply": rule.first_reply and as_time(rule.first_reply, rule.clock, clock),
        "resolve": rule.resolve and as_time(rule.resolve, rule.clock, clock),
        "clock": rule.clock,
        "valid": DateRange(rule.since, rule.until),
    }


async def _add_deadline(
    conn: AsyncConnection, number: int, entry: DeadlineEntry, clock: WorkingClock
) -> None:
    values = {
        "category_code": entry.category,
        "promise": entry.promise,
        "amount": as_time(entry.amount, entry.clock, clock),
        "clock": entry.clock,
        "valid": DateRange(entry.since, entry.until),
        "source": entry.source,
    }
    try:
        await store.add_deadline(conn, values)
    except IntegrityError as error:
        if not isinstance(error.orig, psycopg.errors.ExclusionViolation):
            raise
        raise Invalid(
            f"deadline {number}: another one of {entry.category}, {entry.promise} is in force on "
            "the same days; end it by `until`, or begin this one by `since`, on the same day"
        ) from None
