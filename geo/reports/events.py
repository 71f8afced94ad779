"""What happened to a report, in words for people."""

from collections.abc import Sequence
from typing import Any

Words = dict[str, str]


def words(vi: str, en: str) -> Words:
    """One sentence in both languages."""
    return {"vi": vi, "en": en}


def received() -> dict[str, Any]:
    """The report is in."""
    return {"kind": "received", **words("Đã tiếp nhận phản ánh.", "The report was received.")}


def assigned(name_vi: str, name_en: str) -> dict[str, Any]:
    """Somebody answers for it."""
    return {
        "kind": "assigned",
        **words(f"Đã chuyển đến {name_vi}.", f"Passed on to {the(name_en)}."),
    }


def withheld(reasons: Sequence[Words]) -> dict[str, Any]:
    """The staff are to look at it before the public does; only they are told."""
    vi, en = ("; ".join(reason[language] for reason in reasons) for language in ("vi", "en"))
    return {
        "kind": "withheld",
        **words(f"Chờ xem lại: {vi}.", f"Waits for a look: {en}."),
        "public": False,
        "data": {"reasons": list(reasons)},
    }


ADDED = words("Người gửi bổ sung: ", "The reporter added: ")
"""What a line that the reporter added begins with."""


def added(text: str) -> dict[str, Any]:
    """The reporter wrote more."""
    return {"kind": "added", **words(ADDED["vi"] + text, ADDED["en"] + text)}


def imported(source: str) -> dict[str, Any]:
    """It came from another system."""
    return {
        "kind": "received",
        **words(f"Nhập từ nguồn {source}.", f"Imported from {source}."),
    }


def closed() -> dict[str, Any]:
    """It was closed there where it came from."""
    return {"kind": "closed", **words("Đã đóng.", "Closed.")}


UNNAMED = {
    "assigned": words("Đã chuyển đến đơn vị phụ trách.", "Passed on to those who answer for it."),
    "moved": words("Đã chuyển theo điều chỉnh địa giới.", "Moved by a reform of boundaries."),
}
"""Words of events by their kind that name no ward."""


def the(name_en: str) -> str:
    """An organisation's English name inside a sentence."""
    return f"the {name_en}" if name_en.startswith("People's Committee") else name_en
