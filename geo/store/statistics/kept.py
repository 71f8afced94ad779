"""Which cells answer a question, and what has to be counted besides: the ends of its time."""

from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import psycopg

from geo.store.statistics.asked import Asked
from geo.store.statistics.cells import MASKS, unpacked
from geo.store.statistics.groups import Groups
from geo.store.statistics.vectors import Entries
from geo.store.tables.reports import STATUSES

# Beyond, clocks are told otherwise by different programs.
_FIRST_YEAR, _LAST_YEAR = 1990, 2060
_CELL = np.dtype(
    [
        *(("month", "i4"), ("ward", "i4"), ("then", "i4"), ("today", "i4"), ("category", "i2")),
        *(("organisation", "i4"), ("channel", "i4"), ("state", "i2")),
    ]
)


@dataclass(frozen=True)
class Plan:
    """Whole months `since_month <= month < until_month` (None: without end), as `whole` asks for
    them; and what else is to be counted (sign 1) or taken away (-1)."""

    since_month: int | None
    until_month: int | None
    whole: Asked
    ends: tuple[tuple[int, Asked], ...]


def plan(asked: Asked) -> Plan | None:
    """How to answer by whole months; None: not at all."""
    zone = ZoneInfo(asked.timezone)
    ends: list[tuple[int, Asked]] = []
    months: list[int | None] = []
    bounds: list[datetime | None] = []
    for at, is_since in ((asked.since, True), (asked.until, False)):
        if at is None:
            months.append(None)
            bounds.append(None)
            continue
        local = at.astimezone(zone)
        if not _FIRST_YEAR <= local.year < _LAST_YEAR:
            return None
        month = local.year * 12 + local.month - 1
        begins, next_begins = begin(month, zone), begin(month + 1, zone)
        # The nearer border of a month; what lies between is counted by itself.
        later = next_begins - at < at - begins
        border = next_begins if later else begins
        months.append(month + later)
        bounds.append(border)
        if border != at:
            span = (min(at, border), max(at, border))
            sign = 1 if (border > at) == is_since else -1
            ends.append((sign, replace(asked, since=span[0], until=span[1])))
    since, until = months
    if since is not None and until is not None and since >= until:
        return None
    whole = replace(asked, since=bounds[0], until=bounds[1])
    return Plan(since, until, whole, tuple(ends))


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


async def add(
    raw: psycopg.AsyncConnection, asked: Asked, chosen: Plan, held: list[int], groups: Groups
) -> None:
    """Add the cells of a plan's whole months; `held` are the ids of the wards whose reports are in
    the wards asked for, as `geo.store.report_wards.holding` has them."""
    mask = mask_of(asked)
    conditions = ["mask = %(mask)s", "period = ANY(%(periods)s::int4[])"]
    parameters = {
        "mask": mask,
        "periods": await _periods(raw, asked, chosen),
        "categories": list(asked.categories),
        "channels": list(asked.channels or ()),
        "organisations": list(asked.organisations or ()),
        "held": held,
        "wards": list(asked.wards or ()),
        "states": states(asked),
    }
    if not asked.all_categories:
        conditions.append(
            "category = ANY(ARRAY(SELECT number FROM categories WHERE code = ANY(%(categories)s)))"
        )
    if asked.channels is not None:
        conditions.append(
            "channel = ANY(ARRAY(SELECT number FROM statistics_channels "
            "WHERE name = ANY(%(channels)s)))"
        )
    if asked.organisations is not None:
        conditions.append("organisation_id = ANY(%(organisations)s::int4[])")
    if asked.wards is not None:
        conditions.append(
            f"(ward_id = ANY(%(held)s::int4[]) OR {asked.word}_id = ANY(%(wards)s::int4[]))"
        )
    if "state" in MASKS[mask] and (asked.statuses is not None or asked.kind is not None):
        conditions.append("state = ANY(%(states)s::int2[])")
    async with raw.cursor(binary=True) as cursor:
        await cursor.execute(
            "SELECT period, ward_id, then_id, today_id, category, organisation_id, channel, state, "
            f"packed FROM statistics_cells WHERE {' AND '.join(conditions)}",
            parameters,
        )
        rows = await cursor.fetchall()
    if not rows:
        return
    cells = np.array([row[:-1] for row in rows], dtype=_CELL)
    years = cells["month"] < 0
    cells["month"][years] *= -12
    made = unpacked([row[-1] for row in rows])
    group = groups.of(cells)
    row = group[made.row]
    here = row >= 0
    groups.add_entries(Entries(row[here], made.slot[here], made.n[here]))


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
