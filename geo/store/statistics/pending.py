"""What the cells have not heard of: the log of what changed, and what has become late meanwhile."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import psycopg

from geo.store import report_wards
from geo.store.statistics import facts
from geo.store.statistics.asked import Asked
from geo.store.statistics.vectors import Array

_OPEN = "status IN ('received', 'assigned', 'in_progress', 'waiting')"
_COUNTED = (
    "category_code, ward_id, organisation_id, channel, kind, status, created_at, due_at, "
    "closed_at, first_due_at, replied_at, waits_since, resolved_at, reopened, rating"
)


async def anything(raw: psycopg.AsyncConnection, since: datetime, until: datetime) -> bool:
    """Whether `read` would find anything at all."""
    due, reply_due = _became_late(since, until)
    found = await raw.execute(
        "SELECT EXISTS (SELECT FROM statistics_log WHERE sign <> 0) "
        f"OR EXISTS (SELECT FROM reports WHERE {due}) "
        f"OR EXISTS (SELECT FROM reports WHERE {reply_due})"
    )
    row = await found.fetchone()
    assert row is not None
    return bool(row[0])


def read(
    raw: psycopg.AsyncConnection,
    asked: Asked,
    since: datetime,
    until: datetime,
    words: Sequence[report_wards.Word],
    *,
    newest: int | None = None,
    look_up: bool = True,
) -> AsyncIterator[Array]:
    """What brings cells that know what was late before `since` to what is late before `until`, of
    the log its lines up to `newest`.

    An open report that became late in between is told as it is, and taken away as it was.
    """
    a, b = _said(since), _said(until)
    due, reply_due = _became_late(since, until)
    late = (
        f"SELECT id AS report_id, {_COUNTED}, turn.sign, turn.late FROM reports CROSS JOIN "
        f"(VALUES (1::int2, {b}), (-1::int2, {a})) AS turn (sign, late) WHERE withheld IS NULL AND "
    )
    lines = "sign <> 0" if newest is None else f"sign <> 0 AND id <= {newest}"
    source = (
        f"(SELECT report_id, {_COUNTED}, sign, {a} AS late FROM statistics_log WHERE {lines} "
        f"UNION ALL {late} {due} UNION ALL {late} {reply_due} AND ({due}) IS NOT TRUE)"
    )
    return facts.read(raw, asked, None, source, sign="x.sign", words=words, look_up=look_up)


def _became_late(since: datetime, until: datetime) -> tuple[str, str]:
    """Conditions on reports, each with an index of its own: past their deadline, or past that of
    the first reply."""
    a, b = _said(since), _said(until)
    return (
        f"{_OPEN} AND due_at >= {a} AND due_at < {b}",
        f"{_OPEN} AND replied_at IS NULL AND first_due_at >= {a} AND first_due_at < {b}",
    )


def _said(at: datetime) -> str:
    return f"'{at.isoformat()}'::timestamptz"
