"""The desk's inbox: what is to be done, page by page, with what is due next first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from geo.errors import Invalid
from geo.reports.tasks.wanted import Wanted
from geo.store import reports as reports_store
from geo.store import tasks as store
from geo.store.database import AnyRow, AsyncConnection
from geo.store.tables.reports import OPEN_STATUSES

Order = Literal["due", "newest", "priority"]
PRIORITIES: Final = (1, 2, 3)
# No index helps a search by words: it reads on until the page is full.
SEARCH_MS: Final = 5_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: its last task's priority, the time it is ordered by (`due_at`, which it
    may not have, or `created_at`), and its id."""

    priority: int
    at: datetime | None
    id: UUID


async def page(
    conn: AsyncConnection, wanted: Wanted, order: Order, limit: int, after: Place | None = None
) -> tuple[list[AnyRow], Place | None]:
    """Up to `limit` tasks (`geo.store.tasks.read`), and where the next page begins (None: ended).

    By `due`, what has no deadline last; `priority`: the most urgent first, equal ones by deadline;
    or `newest`. Raises `Invalid` when a search by words takes longer than `SEARCH_MS`.
    """
    if wanted.q:
        await reports_store.bound_time(conn, SEARCH_MS)
    try:
        with reports_store.told_in_time():
            found = await _found(conn, wanted, order, limit + 1, after)
    except reports_store.TookTooLong:
        raise Invalid.of(
            "q", "takes too long over so many tasks; narrow it by ward, category or status"
        ) from None
    rows = await store.read(conn, [each.id for each in found[:limit]])
    told = [rows[each.id] for each in found[:limit] if each.id in rows]
    return told, _place(order, found[limit - 1]) if len(found) > limit else None


async def _found(
    conn: AsyncConnection, wanted: Wanted, order: Order, limit: int, after: Place | None
) -> Sequence[AnyRow]:
    heads, where = wanted.heads(), wanted.where()
    place = (after.at, after.id) if after else None
    if order == "newest":
        return await store.newest(conn, heads, where, limit, place)
    asked = [each for each in PRIORITIES if not wanted.priority or each in wanted.priority]
    if order == "due":
        return await store.by_due(conn, heads, where, asked, limit, place)
    found: list[AnyRow] = []
    for priority in asked:
        if len(found) < limit and (after is None or priority >= after.priority):
            here = place if after and priority == after.priority else None
            found += await store.by_due(conn, heads, where, [priority], limit - len(found), here)
    return found


def _place(order: Order, row: AnyRow) -> Place:
    if order == "newest":
        return Place(0, row.created_at, row.id)
    return Place(row.priority, row.due_at, row.id)


async def counts(conn: AsyncConnection, wanted: Wanted) -> dict[str, Any]:
    """How many tasks there are, how many of them are late, and how many in each status."""
    rows = await store.counts(conn, wanted.where(), wanted.now)
    of = {row.status: row.n for row in rows}
    return {
        "open": sum(of.values()),
        "late": sum(row.late for row in rows),
        "status": {status: of.get(status, 0) for status in OPEN_STATUSES},
    }
