"""Giving a report another category, by the desk: assigned and due anew, the reason kept."""

from typing import Any

from geo.errors import Conflict, Invalid
from geo.reports.assigning import Assigned, Intake
from geo.reports.events import words
from geo.reports.intake import unknown_category
from geo.reports.new import CATEGORY_CODE
from geo.reports.times import rfc3339
from geo.reports.workflow import graph
from geo.reports.workflow.acting import Work, clean_note
from geo.reports.workflow.timing import dues, moved
from geo.store import own
from geo.store import reports as report_store
from geo.store.database import AnyRow, AsyncConnection


async def recategorise(work: Work, row: AnyRow, category: str, why: str, intake: Intake) -> None:
    """Give an opened report the category of this code.

    Whoever answers for that category answers from now on; what is promised counts from when the
    report was sent (or opened again), its pauses taken out. Answers to the former category's
    questions stay with what was said in them. Raises `Conflict` where it is not open or is of this
    category, `NotAllowed`, `UnknownCategory`, `Invalid` without a reason.
    """
    graph.require("assign", row.status, work.actor.parts)
    text = clean_note("text", why)
    if not text:
        raise Invalid.of("text", "must say why; its sender reads it")
    known = await _category(work.conn, category)
    if category == row.category_code:
        raise Conflict(
            "this report is of this category already; nothing was changed",
            detail_vi="Phản ánh này đã thuộc lĩnh vực này; không có gì thay đổi",
        )
    values, found = await _anew(work, row, known, intake)
    await own.put(work.conn, row.id, values, work.now)
    if values["ward_id"] != row.ward_id:
        await own.leave_reforms(work.conn, row.id)
    status = values.get("status", row.status)
    vi, en = known["name"]["vi"], known["name"]["en"]
    told = {
        "kind": "recategorised",
        **words(
            f"Đổi lĩnh vực từ “{row.category_vi}” sang “{vi}”. {text}",
            f"Moved from the category “{row.category_en}” to “{en}”. {text}",
        ),
        "data": {
            "move": "recategorise",
            "from": row.status,
            "to": status,
            "category": [row.category_code, category],
            "due_at": [at and rfc3339(at) for at in (row.due_at, values["due_at"])],
            **work.who(),
        },
    }
    lines = [told]
    if values["organisation_id"] != row.organisation_id and found.event:
        lines.append(found.event)
    await own.tell(work.conn, row.id, lines, work.now)


async def _anew(
    work: Work, row: AnyRow, known: dict[str, Any], intake: Intake
) -> tuple[dict[str, Any], Assigned]:
    """The columns that change, and who answers from now on."""
    sent = await own.row(work.conn, row.id)
    point = (sent.lon, sent.lat)
    # The ward of today: what a reform moved stays moved.
    place = intake.place(*point, sent.accuracy_m, work.now)
    found = intake.assigned(place, point, sent.accuracy_m, known, row.created_at)
    columns = found.columns()
    del columns["status"]
    values: dict[str, Any] = {}
    if found.organisation is None:
        # Nobody answers there: better who did until now.
        columns["organisation_id"] = row.organisation_id
    elif found.organisation.id != row.organisation_id:
        # Passed on like any other: it waits for nobody any more, and nobody has it in hand.
        values = moved(row, graph.MOVES["assign"], found.terms, work.now)
    values |= {**columns, "category_code": known["code"], **dues(row, values, found.terms)}
    return values, found


async def _category(conn: AsyncConnection, code: str) -> dict[str, Any]:
    asked = code if CATEGORY_CODE.fullmatch(code) else ""
    known: dict[str, Any] | None = (await report_store.context(conn, asked, None)).category
    if known is None or not known["offered"]:
        raise await unknown_category(conn, code)
    return known
