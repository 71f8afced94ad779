"""What a move does to the clocks of a report: pauses, deadlines, the first reply, its end.

Pure: from the columns of before to those that change. All times are aware, UTC.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.multirange import TimestamptzMultirange
from psycopg.types.range import TimestamptzRange

from geo.reports.deadlines.due import Pause
from geo.reports.deadlines.rules import Term
from geo.reports.workflow.graph import HOLDING, Move

_REPLIES = ("start", "wait", "resolve", "reject")
"""Moves that tell the sender something new, and so are a first reply."""
_ENDS = ("closed", "rejected", "duplicate", "withdrawn")


@dataclass(frozen=True, slots=True)
class Terms:
    """What is promised this report; None: nothing."""

    first: Term | None
    resolve: Term | None


def moved(row: Any, move: Move, terms: Terms, now: datetime) -> dict[str, Any]:
    """The columns that `move` changes besides those its own words change.

    `row` has `status, created_at, runs_since, waits_since, paused, replied_at, reopened`, and of
    each promise what `dues` names.
    """
    values: dict[str, Any] = {"status": move.end}
    if row.status == "waiting" and row.waits_since is not None:
        values |= {"waits_since": None, "paused": paused(row.paused, row.waits_since, now)}
    if move.end == "waiting":
        values["waits_since"] = now
    if move.name in _REPLIES and row.replied_at is None:
        values["replied_at"] = now
    if move.end in ("resolved", "rejected"):
        values["resolved_at"] = now
    if move.end in _ENDS:
        values["closed_at"] = now
    if move.name not in HOLDING:
        values["holder_id"] = None
    if move.name == "reopen":
        values |= {"closed_at": None, "resolved_at": None, "reopened": row.reopened + 1}
        values |= {"runs_since": now, "paused": TimestamptzMultirange()}
    if values.keys() & {"paused", "runs_since"}:
        values |= dues(row, values, terms)
    return values


def dues(row: Any, changed: Mapping[str, Any], terms: Terms) -> dict[str, Any]:
    """`due_at`, `warn_at`, `escalated` anew, from the columns as `changed`; and `first_due_at`,
    `first_warn_at`, `first_escalated` where nobody has answered yet."""
    start = changed.get("runs_since", row.runs_since) or row.created_at
    stretches = pauses(changed.get("paused", row.paused))
    values = _anew(row, "", terms.resolve, start, stretches)
    if changed.get("replied_at", row.replied_at) is None and row.reopened == 0:
        values |= _anew(row, "first_", terms.first, row.created_at, stretches)
    return values


def _anew(
    row: Any, prefix: str, term: Term | None, start: datetime, stretches: Sequence[Pause]
) -> dict[str, Any]:
    due, warn, told = f"{prefix}due_at", f"{prefix}warn_at", f"{prefix}escalated"
    if term is None:
        return {due: None, warn: None}
    values: dict[str, Any] = {
        due: term.due(start, stretches),
        warn: term.promise.warn(start, stretches),
    }
    # What was told is told again only where that moment moved: a pause after four fifths of the
    # time moves the end of it alone.
    if values[warn] != getattr(row, warn):
        values[told] = 0
    elif values[due] != getattr(row, due):
        values[told] = min(getattr(row, told), 1)
    return values


def paused(before: Sequence[Any], since: datetime, now: datetime) -> TimestamptzMultirange:
    """The pauses and one more, unless it lasted no time."""
    more = [(since, now)] if now > since else []
    # A row's ranges are SQLAlchemy's, which psycopg takes for none.
    each = [(one.lower, one.upper) for one in before] + more
    return TimestamptzMultirange([TimestamptzRange(lower, upper) for lower, upper in each])


def pauses(ranges: Sequence[TimestamptzRange]) -> list[Pause]:
    """As `geo.reports.deadlines.due` has them; none of them is open."""
    return [(one.lower, one.upper) for one in ranges if one.lower and one.upper]
