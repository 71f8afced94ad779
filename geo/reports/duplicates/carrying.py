"""What happens to the duplicates of a report when it is moved.

They end with it, and are opened again with it; where its sender takes it back, or the sender of one
of them says that theirs is not done, they stand on their own again. `Work.move` calls `carry` last.
"""

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from geo.reports.events import Words, words
from geo.reports.workflow.graph import MOVES, Move
from geo.reports.workflow.timing import dues, paused
from geo.store import merges as store
from geo.store import own
from geo.store.database import AnyRow

if TYPE_CHECKING:
    from geo.reports.workflow.acting import Work

_ENDED: Final[dict[str, Words]] = {
    "resolved": words(
        "Phản ánh trùng với phản ánh này đã được xử lý xong.",
        "The report that this one is the same as was resolved.",
    ),
    "rejected": words(
        "Phản ánh trùng với phản ánh này không được tiếp nhận xử lý.",
        "The report that this one is the same as was refused.",
    ),
    "closed": words(
        "Phản ánh trùng với phản ánh này đã đóng.",
        "The report that this one is the same as was closed.",
    ),
}
_REOPENED: Final = words(
    "Phản ánh trùng với phản ánh này đã mở lại.",
    "The report that this one is the same as was opened again.",
)
_TAKEN_BACK: Final = words(
    "Phản ánh trùng với phản ánh này đã được người gửi rút lại; phản ánh này được xử lý riêng.",
    "The report that this one was the same as was taken back; this one goes on by itself.",
)


async def carry(work: "Work", row: AnyRow, move: Move, text: str) -> None:
    """Let the duplicates of an opened report follow its `move`, of which the public is told `text`.

    `row` is the report as it was before.
    """
    if move.name == "reopen":
        if row.parent_id is not None:
            await _part(work, row)
        else:
            await _reopen(work, row)
    elif move.end in _ENDED:
        await _end(work, row, move, text)
    elif move.name == "withdraw":
        await _release(work, row)


async def _end(work: "Work", row: AnyRow, move: Move, text: str) -> None:
    children = await store.duplicates(work.conn, row.id)
    if not children:
        return
    said = _ENDED[move.end]
    # Its text was written of a report that the public may not know of.
    if text and await store.is_public(work.conn, row.id):
        said = words(f"{said['vi']} {text}", f"{said['en']} {text}")
    ended = {"status": "closed", "closed_at": work.now, "resolved_at": work.now}
    for child in children:
        replied = {"replied_at": child.replied_at or work.now}
        await own.put(work.conn, child.id, {**ended, **replied}, work.now)
        await _tell(work, child.id, "closed", said, with_parent=move.end, **_step(child, "closed"))


async def _reopen(work: "Work", row: AnyRow) -> None:
    for child in await store.duplicates(work.conn, row.id, ("closed",)):
        values = {"status": "duplicate", "resolved_at": None}
        await own.put(work.conn, child.id, values, work.now)
        step = _step(child, "duplicate")
        await _tell(work, child.id, "duplicate", _REOPENED, with_parent="reopened", **step)


async def _part(work: "Work", row: AnyRow) -> None:
    """A duplicate is opened again by itself: it is none any more. How many said so of its parent
    stays as it was: they did, and that one may be locked by whoever moves it."""
    merge = await store.standing(work.conn, row.id)
    if merge is not None:
        await store.undo(work.conn, merge.id, work.now)
    await own.put(work.conn, row.id, {"parent_id": None}, work.now)


async def _release(work: "Work", row: AnyRow) -> None:
    for child in await store.duplicates(work.conn, row.id):
        whole = await work.opened(child.code)
        back = await apart(work, whole)
        await own.put(work.conn, child.id, back, work.now)
        step = _step(child, back["status"])
        await _tell(work, child.id, back["status"], _TAKEN_BACK, with_parent="withdrawn", **step)


async def apart(work: "Work", row: AnyRow) -> dict[str, Any]:
    """Undo the merge of an opened duplicate: the columns of it that change.

    It has the status of before, but that nobody has it in hand; no deadline ran meanwhile.
    """
    merge = await store.standing(work.conn, row.id)
    before = merge.status_before if merge else MOVES["unmerge"].end
    since = merge.merged_at if merge else row.closed_at or work.now
    values: dict[str, Any] = {
        "status": "assigned" if before == "in_progress" else before,
        "parent_id": None,
        "closed_at": None,
        "paused": paused(row.paused, since, work.now),
    }
    if before == "waiting":
        values["waits_since"] = work.now
    if merge is not None:
        await store.undo(work.conn, merge.id, work.now)
        await store.count(work.conn, merge.parent_id, -merge.carried, work.now)
    return values | dues(row, values, work.terms(row))


def _step(child: AnyRow, to: str) -> dict[str, Any]:
    return {"from": child.status, "to": to}


async def _tell(work: "Work", report_id: UUID, kind: str, said: Words, **data: Any) -> None:
    event = {"kind": kind, **said, "data": {**data, **work.who()}}
    await own.tell(work.conn, report_id, [event], work.now)
