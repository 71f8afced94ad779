"""How many reports by ward, category and month, as the public may know: hidden ones never count.

A place is in two wards: the one its report was given to on its day, and the one of today. Each is
an answer of its own, of the same reports, so the sums are the same.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import RowMapping

from geo.errors import Invalid
from geo.reports.reading import ReportFilter
from geo.reports.spreadsheets import harmless
from geo.store import reports, statistics
from geo.store import wards as ward_store
from geo.store.database import AsyncConnection
from geo.store.report_wards import Word

MEMBERS = ("ward", "category", "month")
MOST_MEMBERS = 2
MOST_ROWS = 20_000
COUNT_MS = 10_000

DEFINITIONS = {
    "received": {
        "vi": "mọi phản ánh đã nhận, kể cả bị từ chối, trùng lặp hoặc đã rút; "
        "không tính lĩnh vực ẩn",
        "en": "all reports that came in, also rejected, duplicate and withdrawn ones; "
        "hidden categories are not counted",
    },
    "open": {
        "vi": "trong số đó, đến nay chưa xong: đã nhận, đã giao, đang xử lý hoặc tạm chờ",
        "en": "of these, not done by now: received, assigned, in progress or waiting",
    },
    "closed": {
        "vi": "trong số đó, số còn lại: đã giải quyết, đã đóng, bị từ chối, trùng lặp hoặc đã rút",
        "en": "of these, all others: resolved, closed, rejected, duplicate or withdrawn",
    },
    "share": {
        "vi": "phần của nhóm trong tổng số đã nhận của câu trả lời này, từ 0 đến 1",
        "en": "the group's part of all received in this answer, 0 to 1",
    },
}
_WARDS = {
    "then": {
        "vi": "phường, xã mà phản ánh được giao vào ngày gửi, kể cả khi nay đã sắp xếp lại; "
        "mỗi thời kỳ hiệu lực của phường là một dòng; phản ánh chỉ hiển thị vị trí gần đúng được "
        "tính cho phường, xã đang phụ trách",
        "en": "the wards that reports were given to on their day, whatever a reform made of them; "
        "each version of a ward is a row; reports whose place is shown only roughly count for the "
        "ward that answers for them",
    },
    "today": {
        "vi": "phường, xã hiện nay tại nơi được phản ánh, kể cả phản ánh trước khi sắp xếp; "
        "phản ánh chỉ hiển thị vị trí gần đúng được tính cho nơi nhận phần lớn địa bàn của "
        "phường, xã đang phụ trách",
        "en": "the wards of today that the places are in, also of reports from before a reform; "
        "reports whose place is shown only roughly count for what most of the ward that answers "
        "for them became",
    },
}
_CSV = {
    "ward": ("ward", "ward_name", "ward_kind", "ward_valid_from", "ward_valid_to", "ward_set"),
    "category": ("category", "category_vi", "category_en"),
    "month": ("month",),
}
_MEASURES = ("received", "open", "closed", "share")


@dataclass(frozen=True)
class Statistics:
    """Rows by their members, in order, and the sum of them all.

    Each row holds its members (`ward`, None where there is none; `category`; `month`, YYYY-MM) and
    `received`, `open`, `closed`, `share`; `total` the first three. Groups without reports have no
    row.
    """

    by: Sequence[str]
    wards: Word
    timezone: str
    rows: list[dict[str, Any]]
    total: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        """The answer with its definitions in both languages."""
        return {
            "by": list(self.by),
            "wards": self.wards,
            "timezone": self.timezone,
            "definitions": {**DEFINITIONS, "wards": _WARDS[self.wards]},
            "total": self.total,
            "rows": self.rows,
        }

    def as_csv(self) -> str:
        """A table with a line of names; no cell is a formula to a spreadsheet."""
        file = io.StringIO(newline="")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*(name for each in self.by for name in _CSV[each]), *_MEASURES])
        for row in self.rows:
            cells = [cell for each in self.by for cell in _cells(each, row[each])]
            writer.writerow([*map(harmless, cells), *(row[name] for name in _MEASURES)])
        return file.getvalue()


async def count(
    conn: AsyncConnection, by: Sequence[str], wanted: ReportFilter, timezone: str
) -> Statistics:
    """Count the reports of a filter by one or two of `MEMBERS`; months are of the zone's clock.

    The filter's `wards` says whose wards its `ward` and the rows are, without a word `then`: years
    are compared in what was decided on their days. Raises `Invalid` when it
    takes longer than `COUNT_MS` or is more than `MOST_ROWS` rows.
    """
    check_members(by)
    word = wanted.wards or "then"
    asked = statistics.Asked(
        by=by,
        conditions=[
            await statistics.visible(conn, wanted.category),
            *replace(wanted, category=None, ward=None).conditions(),
        ],
        wards=await ward_store.named_ids(conn, wanted.ward, wanted.on) if wanted.ward else None,
        word=word,
        timezone=timezone,
    )
    narrow = "narrow it by since and until, category or ward"
    await reports.bound_time(conn, COUNT_MS)
    try:
        found = await statistics.groups(conn, asked, MOST_ROWS + 1)
    except reports.TookTooLong:
        raise Invalid.of("by", f"takes too long to count over so many reports; {narrow}") from None
    if len(found) > MOST_ROWS:
        raise Invalid.of("by", f"makes more than {MOST_ROWS} rows of this; {narrow}")
    received, still_open = (sum(int(row[name]) for row in found) for name in ("received", "open"))
    return Statistics(
        by=by,
        wards=word,
        timezone=timezone,
        rows=[_row(by, row, received) for row in found],
        total={"received": received, "open": still_open, "closed": received - still_open},
    )


def check_members(by: Sequence[str]) -> None:
    """Raise `Invalid` unless it is one or two of `MEMBERS`, each once."""
    if not 1 <= len(by) <= MOST_MEMBERS or len(set(by)) < len(by) or not set(by) <= set(MEMBERS):
        raise Invalid.of("by", f"must be one or two of {', '.join(MEMBERS)}, each once")


def _row(by: Sequence[str], row: RowMapping, of: int) -> dict[str, Any]:
    received, still_open = int(row["received"]), int(row["open"])
    return {
        **{each: _member(each, row) for each in by},
        "received": received,
        "open": still_open,
        "closed": received - still_open,
        "share": round(received / of, 6),
    }


def _member(name: str, row: RowMapping) -> Any:
    if name == "month":
        return f"{row['month']:%Y-%m}"
    if name == "category":
        return {
            "code": row["category_code"],
            "name": {"vi": row["category_vi"], "en": row["category_en"]},
            "icon": row["icon"],
        }
    return row["ward_code"] and {
        "code": row["ward_code"],
        "name": row["ward_name"],
        "kind": row["ward_kind"],
        "valid_from": row["valid_from"].isoformat(),
        "valid_to": row["valid_to"].isoformat() if row["valid_to"] else None,
        "set": row["set_name"],
    }


def _cells(name: str, member: Any) -> list[str | None]:
    if name == "month":
        return [member]
    if name == "category":
        return [member["code"], member["name"]["vi"], member["name"]["en"]]
    names = ("code", "name", "kind", "valid_from", "valid_to", "set")
    return [(member or {}).get(each) for each in names]
