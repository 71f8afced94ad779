"""Correcting what one wrote: text, category, answers, while nobody has begun to work on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from geo.errors import Conflict
from geo.reports.assigning import Intake
from geo.reports.events import Words, words
from geo.reports.intake import unknown_category
from geo.reports.new import CATEGORY_CODE, Answer, check_answers, said_text
from geo.reports.own import looking, rules
from geo.reports.own.anew import assigned_anew
from geo.reports.text import LONGEST_TEXT
from geo.store import own as store
from geo.store import reports as report_store
from geo.store.database import AnyRow, AsyncConnection

_NAMES = {
    "text": ("nội dung", "the text"),
    "category": ("loại phản ánh", "the category"),
    "answers": ("câu trả lời", "the answers"),
}


class Correction(BaseModel):
    """What shall stand there instead; what is left out stays."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"anyOf": [{"required": [name]} for name in _NAMES]},
    )

    text: (
        Annotated[
            str,
            AfterValidator(said_text),
            Field(min_length=1, description=f"up to {LONGEST_TEXT} characters after trimming"),
        ]
        | None
    ) = None
    category: (
        Annotated[str, Field(max_length=100, description="a code of GET /api/v1/categories")] | None
    ) = None
    answers: (
        Annotated[
            dict[str, Answer],
            Field(
                max_length=50,
                description="all answers anew: question's code → answer; with another category "
                "the former ones go in any case",
            ),
        ]
        | None
    ) = None

    @model_validator(mode="after")
    def _says_something(self) -> "Correction":
        if not self.model_dump(exclude_none=True):
            raise ValueError("must name what to correct: text, category or answers")
        return self


@dataclass(frozen=True, slots=True)
class Corrected:
    """What a correction makes another: columns, and those of `text category answers` that differ
    from what stands; none: nothing is to be done. `category`: the other one, as
    `Intake.assigned` takes it."""

    values: dict[str, Any]
    changed: list[str]
    category: dict[str, Any] | None = None

    def new(self, name: str) -> Any:
        """Of `text` or `answers`; None where it stays."""
        return self.values[name] if name in self.changed else None


async def check(
    conn: AsyncConnection, report: AnyRow, said: Correction, now: datetime
) -> Corrected:
    """What it would change; all that speaks against it is raised here, and nothing done.

    Raises `Conflict` when it is too late, of what was erased, or of a text that the staff edited;
    `UnknownCategory`, `Invalid`.
    """
    rules.check(report, "correct", now)
    if report.content_gone_at is not None and (said.text or said.answers is not None):
        raise Conflict(
            "the text was erased, and what was erased does not come back",
            detail_vi="Nội dung đã được xóa và không khôi phục được",
        )
    category = said.category or report.category_code
    other = category != report.category_code
    values: dict[str, Any] = {}
    known = None
    if said.text is not None:
        values["text"] = said.text
    questions = report.questions
    if other:
        known = await _category(conn, category)
        questions = known["questions"]
        values["category_code"] = category
    if other or said.answers is not None:
        values["answers"] = check_answers(questions, said.answers or {})
    changed = _changed(report, values)
    if "text" in changed and report.edited_at is not None:
        raise Conflict(
            "the city edited this text, and its edit stands until the city undoes it; add a line "
            "instead (POST …/additions), also where you think the edit a mistake",
            detail_vi="Thành phố đã sửa nội dung này nên bạn không thể sửa lại; hãy viết bổ sung, "
            "kể cả khi bạn cho rằng thành phố sửa nhầm",
        )
    if changed:
        rules.check_count(report, ("corrected", "pin_moved"), rules.MOST_CORRECTIONS)
    return Corrected(values, changed, known)


async def correct(
    conn: AsyncConnection,
    report: AnyRow,
    said: Correction,
    intake: Intake,
    now: datetime,
    reasons: Sequence[Words] = (),
) -> None:
    """Correct an opened report; another category is assigned, and due, as if it had come so.

    With `reasons` the staff are to look at it before the public does. Raises as `check` does.
    """
    corrected = await check(conn, report, said, now)
    values, changed = corrected.values, corrected.changed
    if not changed:
        return
    await looking.withhold(conn, report, reasons, now, corrected.new("text"))
    told = [_corrected(changed)]
    if corrected.category is not None:
        point = (report.lon, report.lat)
        place = intake.place(*point, report.accuracy_m, now)
        about = (report.accuracy_m, corrected.category, report.created_at)
        found = intake.assigned(place, point, *about)
        more, assigned = assigned_anew(report, found)
        values |= more
        told += assigned
        if more["ward_id"] != report.ward_id:
            await store.leave_reforms(conn, report.id)
    await store.put(conn, report.id, values, now)
    # Open maps hear of what they show by the row itself.
    if changed == ["answers"]:
        await store.touch(conn, report.id, now)
    await store.tell(conn, report.id, told, now)


async def _category(conn: AsyncConnection, code: str) -> dict[str, Any]:
    asked = code if CATEGORY_CODE.fullmatch(code) else ""
    known: dict[str, Any] | None = (await report_store.context(conn, asked, None)).category
    if known is None or not known["offered"]:
        raise await unknown_category(conn, code)
    return known


def _changed(report: AnyRow, values: dict[str, Any]) -> list[str]:
    before = {
        "text": report.text,
        "category_code": report.category_code,
        "answers": report.answers,
    }
    return [
        name.removesuffix("_code")
        for name, value in before.items()
        if name in values and values[name] != value
    ]


def _corrected(names: Sequence[str]) -> dict[str, Any]:
    vi = ", ".join(_NAMES[name][0] for name in names)
    en = ", ".join(_NAMES[name][1] for name in names)
    said = words(f"Người gửi đã sửa {vi}.", f"The reporter corrected {en}.")
    return {"kind": "corrected", **said}
