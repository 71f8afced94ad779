"""Which cells answer a question, and what has to be counted besides: the ends of its time."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import psycopg

from geo.store.statistics import days
from geo.store.statistics.asked import Asked
from geo.store.statistics.cells import MASKS, sizes_of
from geo.store.statistics.groups import Groups
from geo.store.statistics.vectors import Array
from geo.store.tables.reports import STATUSES

# Beyond, clocks are told otherwise by different programs.
_FIRST_YEAR, _LAST_YEAR = 1990, 2060
_MEMBERS = {
    "month": "period",
    "ward": "ward_id",
    "then": "then_id",
    "today": "today_id",
    "category": "category",
    "organisation": "organisation_id",
    "channel": "channel",
}


@dataclass(frozen=True)
class Plan:
    """Whole months `since_month <= month < until_month` (None: without end); and the spans that are
    to be counted besides (sign 1) or taken away (-1)."""

    since_month: int | None
    until_month: int | None
    ends: tuple[tuple[int, datetime, datetime], ...]


@dataclass(frozen=True)
class Wanted:
    """What a question filters by, in the numbers of cells; None: not.

    `held`: the ids of the wards whose reports are in the wards asked for, as
    `geo.store.report_wards.holding` has them.
    """

    categories: list[int] | None
    organisations: list[int] | None
    channels: list[int] | None
    states: list[int] | None
    held: list[int] | None


def plan(asked: Asked) -> Plan | None:
    """How to answer by whole months and what is left over; None: not at all."""
    zone = ZoneInfo(asked.timezone)
    ends: list[tuple[int, datetime, datetime]] = []
    found: list[int | None] = []
    for at, is_since in ((asked.since, True), (asked.until, False)):
        if at is None:
            found.append(None)
            continue
        local = at.astimezone(zone)
        if not _FIRST_YEAR <= local.year < _LAST_YEAR:
            return None
        month = local.year * 12 + local.month - 1
        begins, next_begins = begin(month, zone), begin(month + 1, zone)
        # The nearer border of a month; what lies between is counted by itself.
        later = next_begins - at < at - begins
        border = next_begins if later else begins
        found.append(month + later)
        if border != at:
            sign = 1 if (border > at) == is_since else -1
            ends.append((sign, min(at, border), max(at, border)))
    since, until = found
    if asked.since is not None and asked.until is not None and since is not None:
        if asked.since >= asked.until:
            return Plan(since, since, ())
        if since == until:
            return Plan(since, until, ((1, asked.since, asked.until),))
    return Plan(since, until, tuple(ends))


def begin(month: int, zone: ZoneInfo) -> datetime:
    """When a month begins by the clock of a zone."""
    return datetime(month // 12, month % 12 + 1, 1, tzinfo=zone)


def mask_of(asked: Asked) -> int:
    """The first of `MASKS` that has all that is asked by or for."""
    needed = {name for name in asked.by if name not in ("month", "year", "family")}
    needed |= {
        name
        for name, wanted in (
            ("ward", asked.wards is not None),
            ("organisation", asked.organisations is not None),
            ("category", "family" in asked.by or not asked.all_categories),
            ("channel", asked.channels is not None),
            ("state", asked.statuses is not None or asked.kind is not None),
        )
        if wanted
    }
    return next(k for k, members in enumerate(MASKS) if needed <= set(members))


async def wanted(raw: psycopg.AsyncConnection, asked: Asked, held: list[int] | None) -> Wanted:
    """The numbers of what is filtered by."""

    async def numbers(query: str, names: list[str]) -> list[int]:
        return [row[0] for row in await (await raw.execute(query, [names])).fetchall()]

    categories = channels = None
    if not asked.all_categories:
        query = "SELECT number FROM categories WHERE code = ANY(%s)"
        categories = await numbers(query, list(asked.categories))
    if asked.channels is not None:
        query = "SELECT number FROM statistics_channels WHERE name = ANY(%s)"
        channels = await numbers(query, list(asked.channels))
    return Wanted(
        categories=categories,
        organisations=None if asked.organisations is None else list(asked.organisations),
        channels=channels,
        states=None if asked.statuses is None and asked.kind is None else states(asked),
        held=held,
    )


async def add(
    raw: psycopg.AsyncConnection, asked: Asked, chosen: Plan, wanted: Wanted, groups: Groups
) -> None:
    """Add the cells of a plan's whole months, and the days of its ends."""
    await _add_months(raw, asked, chosen, wanted, groups)
    for sign, since, until in chosen.ends:
        async for facts, signs in days.read(raw, since, until):
            counts = sign * signs
            for name, numbers in (
                ("category", wanted.categories),
                ("organisation", wanted.organisations),
                ("channel", wanted.channels),
                ("state", wanted.states),
            ):
                if numbers is not None:
                    counts *= np.isin(facts[name], numbers)
            groups.add(facts, counts)


async def _add_months(
    raw: psycopg.AsyncConnection, asked: Asked, chosen: Plan, wanted: Wanted, groups: Groups
) -> None:
    periods = await _periods(raw, asked, chosen)
    if not periods:
        return
    mask = mask_of(asked)
    conditions = ["mask = %(mask)s", "period = wanted.period"]
    for condition, numbers in (
        ("category = ANY(%(categories)s::int2[])", wanted.categories),
        ("channel = ANY(%(channels)s::int4[])", wanted.channels),
        ("organisation_id = ANY(%(organisations)s::int4[])", wanted.organisations),
        ("state = ANY(%(states)s::int2[])", wanted.states),
        (
            f"(ward_id = ANY(%(held)s::int4[]) OR {asked.word}_id = ANY(%(wards)s::int4[]))",
            wanted.held,
        ),
    ):
        if numbers is not None:
            conditions.append(condition)
    names = _members(asked)
    # A row a period: to hand over thousands took most of the time, and so did one of megabytes.
    sent = [f"{_MEMBERS[name]}::int4" for name in names] + ["octet_length(packed)"]
    columns = ", ".join(f"string_agg(int4send({each}), '')" for each in sent)
    async with raw.cursor(binary=True) as cursor:
        await cursor.execute(
            "SELECT found.* FROM unnest(%(periods)s::int4[]) AS wanted (period) "
            f"CROSS JOIN LATERAL (SELECT {columns}, string_agg(packed, '') AS packed "
            "FROM statistics_cells "
            f"WHERE {' AND '.join(conditions)}"
            ") AS found WHERE found.packed IS NOT NULL",
            {**vars(wanted), "mask": mask, "periods": periods, "wards": list(asked.wards or ())},
        )
        for *members, lengths, packed in await cursor.fetchall():
            sizes = sizes_of(lengths)
            cells: Array = np.empty(len(sizes), dtype=[(name, "i8") for name in names])
            for name, held in zip(names, members, strict=True):
                cells[name] = np.frombuffer(held, dtype=">i4")
            if "month" in names:
                years = cells["month"] < 0
                cells["month"][years] *= -12
            groups.add_cells(cells, packed, sizes)


def _members(asked: Asked) -> list[str]:
    """What has to be known of a cell to find its group."""
    names = {"month": "month", "year": "month", "family": "category"}
    needed = {names.get(name, name) for name in asked.by if name != "ward"}
    return [*needed, *(("ward", asked.word) if asked.in_wards else ())]


def states(asked: Asked) -> list[int]:
    """The numbers of the statuses and kinds asked for, as facts.sql has them."""
    kinds = [asked.kind] if asked.kind else ["incident", "suggestion"]
    return [
        2 * STATUSES.index(status) + (kind == "suggestion")
        for status in asked.statuses or STATUSES
        for kind in kinds
    ]


async def _periods(raw: psycopg.AsyncConnection, asked: Asked, chosen: Plan) -> list[int]:
    """The fewest periods that make up the months, none coarser than what rows are by."""
    unbounded = chosen.since_month is None and chosen.until_month is None
    by_month, by_year = "month" in asked.by, "year" in asked.by
    if unbounded and not by_month and not by_year:
        return [0]
    found = await raw.execute(
        "SELECT min(period), max(period) FROM statistics_cells WHERE mask = 0 AND period > 0"
    )
    first, last = await found.fetchone() or (None, None)
    if first is None:
        return []
    since = max(first, chosen.since_month) if chosen.since_month is not None else first
    until = min(last + 1, chosen.until_month) if chosen.until_month is not None else last + 1
    if by_month:
        return list(range(since, until))
    # A year that nothing is of before or after these months is one of them.
    if since == first:
        since -= since % 12
    if until == last + 1:
        until += -until % 12
    periods: list[int] = []
    month = since
    while month < until:
        if month % 12 == 0 and month + 12 <= until:
            periods.append(-(month // 12))
            month += 12
        else:
            periods.append(month)
            month += 1
    return periods
