"""The numbers of the service by ward, organisation, category, channel and period, as the public may
know them: hidden reports never count.

A place is in two wards: the one its report was given to on its day, and the one of today. Each is
an answer of its own, of the same reports, so the sums are the same.
"""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from geo.errors import Invalid
from geo.reports.measures import DEFINITIONS, MEASURES, measures
from geo.reports.reading import ReportFilter
from geo.reports.spreadsheets import harmless
from geo.store import reports
from geo.store import wards as ward_store
from geo.store.database import AsyncConnection
from geo.store.report_wards import Word
from geo.store.statistics import counting, names
from geo.store.statistics.asked import Asked
from geo.store.statistics.vectors import COUNTS, Ints

MEMBERS = ("ward", "organisation", "category", "family", "channel", "month", "year")
MOST_MEMBERS = 2
MOST_ROWS = 20_000
COUNT_MS = 10_000
PERIODS = ("month", "year")

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
    "organisation": ("organisation", "organisation_vi", "organisation_en"),
    "category": ("category", "category_vi", "category_en"),
    "family": ("family", "family_vi", "family_en"),
    "channel": ("channel",),
    "month": ("month",),
    "year": ("year",),
}


@dataclass(frozen=True)
class Statistics:
    """Rows by their members, in order, and the numbers of them all together.

    Each row holds its members (`ward`, `organisation`, None where there is none; `category`,
    `family`; `channel`; `month`, YYYY-MM; `year`, YYYY) and `MEASURES`, which are kept column by
    column; `total` these without `share`. Groups without reports have no row.
    """

    by: Sequence[str]
    wards: Word
    timezone: str
    columns: dict[str, list[Any]]
    total: dict[str, Any]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Row by row."""
        names = tuple(self.columns)
        return [
            dict(zip(names, row, strict=True)) for row in zip(*self.columns.values(), strict=True)
        ]

    def as_json(self) -> bytes:
        """The answer with its definitions in both languages, in as few bytes as UTF-8 takes."""
        answer = {
            "by": list(self.by),
            "wards": self.wards,
            "timezone": self.timezone,
            "definitions": {**DEFINITIONS, "wards": _WARDS[self.wards]},
            "total": self.total,
        }
        # A ward's name is written out once and not in each of its rows, of which there may be many.
        columns = [
            _each_json(values) if name in self.by else _json(values)[1:-1].split(",")
            for name, values in self.columns.items()
        ]
        row = "{" + ",".join(f'"{name}":%s' for name in self.columns) + "}"
        some = zip(*columns, strict=True) if all(self.columns.values()) else ()
        rows = ",".join(map(row.__mod__, some))
        return f'{_json(answer)[:-1]},"rows":[{rows}]}}'.encode()

    def as_csv(self) -> str:
        """A table with a line of names; no cell is a formula to a spreadsheet."""
        file = io.StringIO(newline="")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*(name for each in self.by for name in _CSV[each]), *MEASURES])
        members = [[_cells(each, row) for row in self.columns[each]] for each in self.by]
        numbers = zip(*(self.columns[name] for name in MEASURES), strict=True)
        for *named, measured in zip(*members, numbers, strict=True):
            writer.writerow([*(harmless(cell) for cells in named for cell in cells), *measured])
        return file.getvalue()


async def count(
    conn: AsyncConnection, by: Sequence[str], wanted: ReportFilter, timezone: str
) -> Statistics:
    """The numbers of a filter's reports by one or two of `MEMBERS`, in one snapshot.

    Periods are of the zone's clock, and what is late is so when the transaction began. The filter's
    `wards` says whose wards its `ward` and the rows are, without a word `then`: years
    are compared in what was decided on their days. Raises `Invalid` when it
    takes longer than `COUNT_MS` or is more than `MOST_ROWS` rows.
    """
    check_members(by)
    asked = await _asked(conn, by, wanted, timezone)
    narrow = "narrow it by since and until, category or ward"
    await reports.bound_time(conn, COUNT_MS)
    try:
        found = await counting.count(conn, asked)
    except reports.TookTooLong:
        raise Invalid.of("by", f"takes too long to count over so many reports; {narrow}") from None
    if len(found.keys) > MOST_ROWS:
        raise Invalid.of("by", f"would be more than {MOST_ROWS} rows of this; {narrow}")
    (received,) = found.total.counts[:, COUNTS.index("received")].tolist()
    total = {name: value for name, (value,) in measures(found.total, received).items()}
    del total["share"]
    members, order = await _members(conn, by, found.keys)
    return Statistics(
        by=by,
        wards=asked.word,
        timezone=timezone,
        columns={
            **members,
            **{
                name: [values[k] for k in order]
                for name, values in measures(found.sums, received).items()
            },
        },
        total=total,
    )


async def _asked(
    conn: AsyncConnection, by: Sequence[str], wanted: ReportFilter, timezone: str
) -> Asked:
    if wanted.bbox or wanted.cell or wanted.q:
        raise ValueError("statistics are not counted by bbox, cell or q")
    return Asked(
        by=by,
        word=wanted.wards or "then",
        timezone=timezone,
        categories=await counting.visible(conn, wanted.category),
        all_categories=not wanted.category,
        wards=await ward_store.named_ids(conn, wanted.ward, wanted.on) if wanted.ward else None,
        organisations=await counting.organisation_ids(conn, wanted.organisation)
        if wanted.organisation
        else None,
        channels=wanted.channel,
        statuses=wanted.status,
        kind=wanted.kind,
        since=wanted.since,
        until=wanted.until,
    )


def check_members(by: Sequence[str]) -> None:
    """Raise `Invalid` unless it is one or two of `MEMBERS`, each once."""
    if not 1 <= len(by) <= MOST_MEMBERS or len(set(by)) < len(by) or not set(by) <= set(MEMBERS):
        raise Invalid.of("by", f"must be one or two of {', '.join(MEMBERS)}, each once")


async def _members(
    conn: AsyncConnection, by: Sequence[str], keys: Ints
) -> tuple[dict[str, list[Any]], list[int]]:
    """What the groups are by, in the order of the answer, and that order: as their names have it,
    without one comes last."""
    told: list[dict[int, Any]] = []
    places = []
    for k, each in enumerate(by):
        ids, which = np.unique(keys[:, k], return_inverse=True)
        if each in PERIODS:
            named = {id: _period(each, id) for id in ids.tolist()}
        else:
            rows = await names.named(conn, each, ids.tolist())
            named = {id: _member(each, row) for id, row in rows.items()} | {0: None}
        # Their names are in order, and a dict keeps it.
        place = {id: n for n, id in enumerate(named)}
        told.append(named)
        places.append(np.array([place[id] for id in ids.tolist()])[which.reshape(-1)])
    order = np.lexsort(places[::-1])
    members = {each: [told[k][id] for id in keys[order, k].tolist()] for k, each in enumerate(by)}
    return members, order.tolist()


_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def _each_json(values: list[Any]) -> list[str]:
    """The JSON of values of which many are the same object."""
    known = {id(value): value for value in values}
    told = {key: _json(value) for key, value in known.items()}
    return [told[id(value)] for value in values]


def _period(name: str, number: int) -> str:
    return f"{number // 12:04}-{number % 12 + 1:02}" if name == "month" else f"{number:04}"


def _member(name: str, row: Any) -> Any:
    if name == "channel":
        return row["name"]
    if name != "ward":
        named = {"code": row["code"], "name": {"vi": row["name_vi"], "en": row["name_en"]}}
        return named if name == "organisation" else {**named, "icon": row["icon"]}
    return {
        "code": row["code"],
        "name": row["name"],
        "kind": row["kind"],
        "valid_from": row["valid_from"].isoformat(),
        "valid_to": row["valid_to"].isoformat() if row["valid_to"] else None,
        "set": row["set_name"],
    }


def _cells(name: str, member: Any) -> list[str | None]:
    if name in (*PERIODS, "channel"):
        return [member]
    if name != "ward":
        return [member["code"], *member["name"].values()] if member else [None, None, None]
    fields = ("code", "name", "kind", "valid_from", "valid_to", "set")
    return [(member or {}).get(each) for each in fields]
