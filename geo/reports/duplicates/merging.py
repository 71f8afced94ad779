"""On the desk: this report is the same as that one; and that it is not, after all.

A duplicate points to the one report that is worked on, never to another duplicate: what was merged
into a report goes on with it. While it is merged no deadline of it runs.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from geo.errors import ChangedMeanwhile, Conflict, Invalid, NotFound
from geo.reports import codes
from geo.reports.duplicates.carrying import apart
from geo.reports.events import Words, words
from geo.reports.workflow import graph
from geo.reports.workflow.acting import Said, Work, clean_note
from geo.reports.workflow.timing import moved
from geo.store import merges as store
from geo.store import own
from geo.store.database import AnyRow
from geo.store.tables.reports import OPEN_STATUSES

Check = Callable[[AnyRow], None]
"""Raises where somebody may not do it to this report (`geo.store.work.locked`)."""

_TAKEN_IN: Final = words(
    "Một phản ánh khác được gộp vào phản ánh này.", "Another report was merged into this one."
)
_LET_GO: Final = words(
    "Một phản ánh đã gộp được tách ra khỏi phản ánh này.",
    "A report that was merged into this one stands on its own again.",
)
_GOES_ON: Final = words(
    "Phản ánh trùng với phản ánh này được gộp vào một phản ánh khác.",
    "The report that this one is the same as was merged into another.",
)


async def merge(
    work: Work, code: str, parent_code: str, said: Said, may_seen: Check, may_into: Check
) -> AnyRow:
    """Merge a report into another that is open, of its family, and no duplicate itself.

    `may_seen` is asked of the report (also whether it still is what was looked at), `may_into` of
    the other. Returns the report as it was. Raises `NotFound`, `NotAllowed`, `ChangedMeanwhile`,
    `Conflict`, `Invalid`.
    """
    read, into = codes.read_code(code), codes.read_code(parent_code)
    await store.alone(work.conn)
    found = await store.named(work.conn, [each for each in (read, into) if each])
    if read not in found:
        raise NotFound("there is no report with this code; check it letter by letter")
    # The parent of a duplicate comes first: none of them may be one.
    if not any(each.parent_id for each in found.values()):
        await store.lock(work.conn, [each.id for each in found.values()])
    row = await work.opened(read)
    may_seen(row)
    move = graph.require("merge", row.status, work.actor.parts)
    if into not in found:
        raise Invalid.of("parent", "is the code of no report; check it letter by letter")
    if read == into:
        raise Invalid.of("parent", "is this report itself")
    parent = await work.opened(into)
    may_into(parent)
    _check(row, parent)
    text, inner = clean_note("text", said.text), clean_note("inner", said.inner)
    children = await store.duplicates(work.conn, row.id)
    brought = await store.carried(work.conn, row.id)
    mine = 1 + row.supports - brought
    values = moved(row, move, work.terms(row), work.now)
    values |= {"parent_id": parent.id, "supports": row.supports - brought}
    await own.put(work.conn, row.id, values, work.now)
    await store.point(work.conn, row.id, parent.id, work.now)
    await store.note(
        work.conn, row.id, parent.id, status_before=row.status, carried=mine, now=work.now
    )
    await store.count(work.conn, parent.id, mine + brought, work.now)
    done = words(f"{move.done['vi']} {text}", f"{move.done['en']} {text}") if text else move.done
    await work.tell(row, move, done, {"parent": parent.code})
    if inner:
        await work.note(row, inner)
    for child in children:
        await _line(work, child, "moved_on", _GOES_ON, parent=parent.code)
    await _line(work, parent, "merged", _TAKEN_IN, report=row.code)
    return row


async def unmerge(work: Work, code: str, said: Said, may_seen: Check) -> AnyRow:
    """Let a duplicate stand on its own again, in the status of before; raises as `merge` does."""
    await store.alone(work.conn)
    read = codes.read_code(code)
    found = (await store.named(work.conn, [read])).get(read) if read else None
    if found is None:
        raise NotFound("there is no report with this code; check it letter by letter")
    if found.parent_id is not None:
        await store.lock(work.conn, [found.parent_id])
    row = await work.opened(found.code)
    may_seen(row)
    move = graph.require("unmerge", row.status, work.actor.parts)
    if row.parent_id != found.parent_id:
        raise ChangedMeanwhile(
            "this report was merged into another one meanwhile; look at it again",
            detail_vi="Phản ánh này vừa được gộp vào phản ánh khác; hãy xem lại",
        )
    text, inner = clean_note("text", said.text), clean_note("inner", said.inner)
    if not text:
        raise Invalid.of("text", "must say why; its sender reads it")
    values = await apart(work, row)
    await own.put(work.conn, row.id, values, work.now)
    done = words(f"{move.done['vi']} {text}", f"{move.done['en']} {text}")
    await work.tell(row, replace(move, end=values["status"]), done, {})
    if inner:
        await work.note(row, inner)
    if row.parent_id is not None:
        event = {"kind": "unmerged", **_LET_GO, "data": {"report": row.code, **work.who()}}
        await own.tell(work.conn, row.parent_id, [event], work.now)
    return row


def _check(row: AnyRow, parent: AnyRow) -> None:
    if parent.status == "duplicate":
        raise Conflict(
            "the other report is a duplicate itself; merge into the one it is a duplicate of",
            detail_vi="Phản ánh kia cũng là phản ánh trùng; hãy gộp vào phản ánh gốc của nó",
            status_now=parent.status,
        )
    if parent.status not in OPEN_STATUSES:
        raise Conflict(
            f"the other report is {parent.status}; one can merge into open ones only",
            detail_vi="Chỉ gộp được vào phản ánh đang mở",
            status_now=parent.status,
        )
    if (row.family or row.category_code) != (parent.family or parent.category_code):
        raise Invalid.of(
            "parent", "is of another family of categories; recategorise one of them first"
        )


async def _line(work: Work, row: AnyRow, kind: str, said: Words, **data: Any) -> None:
    event = {"kind": kind, **said, "data": {**data, **work.who()}}
    await own.tell(work.conn, row.id, [event], work.now)
