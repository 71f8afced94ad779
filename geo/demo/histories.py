"""The history of a demo report in words: what its steps say to people."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from geo.demo.moves import STEPS
from geo.demo.texts import templates
from geo.reports import events as words

CLOSED = ("closed", "rejected", "duplicate", "withdrawn")

_SAID = {
    "in_progress": ("Đơn vị đã đến hiện trường.", "A crew is on the spot."),
    "resumed": ("Tiếp tục xử lý.", "Work goes on."),
    "closed": ("Đã đóng phản ánh.", "The report was closed."),
    "duplicate": (
        "Trùng với một phản ánh đã có; được xử lý chung.",
        "Somebody reported this before; both are handled together.",
    ),
    "withdrawn": ("Người gửi đã rút phản ánh.", "The sender withdrew the report."),
}


def events(
    number: int, category: str, life: Sequence[datetime | None], committee: tuple[str, str]
) -> list[dict[str, Any]]:
    """`[{at, kind, text: {vi, en}}]` in order of time, for the steps of `life` that were taken.

    `number` chooses among several ways to say a thing; `committee` is who answers (vi, en).
    """
    told = []
    for step, at in zip(STEPS, life, strict=True):
        if at is None:
            continue
        vi, en = _say(step, number, category, committee)
        kind = "in_progress" if step == "resumed" else step
        told.append({"at": at, "kind": kind, "text": {"vi": vi, "en": en}})
    return told


def _say(step: str, number: int, category: str, committee: tuple[str, str]) -> tuple[str, str]:
    if step == "received":
        said = words.received()
        return said["vi"], said["en"]
    if step == "assigned":
        said = words.assigned(*committee)
        return said["vi"], said["en"]
    if step == "resolved":
        choices = templates()["resolved"][category.split(".")[0]]
    elif step in ("rejected", "waiting"):
        choices = templates()[step]
    else:
        return _SAID[step]
    vi, en = choices[number % len(choices)]
    return vi, en
