"""Facts out of the tables of reports: numbers in numpy's arrays, some megabytes at a time."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import psycopg
from sqlalchemy.dialects import postgresql

from geo.store import report_wards
from geo.store.statistics.asked import Asked
from geo.store.statistics.vectors import FACT, LATE, REPLY_LATE, Array, Ints
from geo.store.tables.reports import STATUSES

# Of which most reports are.
_FIRST_YEAR, _LAST_YEAR = 1990, 2060
# For the reports of so few wards, look-ups are quicker than to join what all of the city moved.
FEW_WARDS = 4

_BLOCK_BYTES = 16 << 20
# From which PostgreSQL counts microseconds.
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
# PostgreSQL's binary COPY: a header, rows of (number of fields, then length and value of each).
_HEADER = 19

REPORTS = "(SELECT *, id AS report_id FROM reports WHERE withheld IS NULL)"


async def read(
    raw: psycopg.AsyncConnection,
    asked: Asked,
    late: datetime | None,
    source: str = REPORTS,
    *,
    sign: str = "1",
    words: Sequence[report_wards.Word] = (),
    look_up: bool = False,
) -> AsyncIterator[Array]:
    """Blocks of `FACT` of what was asked for in `source`, an expression with the columns of
    `reports` and `report_id`.

    `words`: which other wards are told, else -1; `look_up`: one by one instead of all of the city.
    What is late since before `late` counts as late; None: the source has a column `late` of its
    own.
    """
    others = {
        word: _other(word, look_up) if word in words else ("NULL::int", "") for word in _WORDS
    }
    parameters: dict[str, Any] = {
        "first": _begin(_FIRST_YEAR * 12, asked.timezone),
        "last": _begin(_LAST_YEAR * 12 + 11, asked.timezone),
        "zone": asked.timezone,
        "all_statuses": list(STATUSES),
        "late": late,
    }
    conditions = ["true", *_conditions(asked, parameters)]
    query = _template().format(
        source=source,
        sign=sign,
        then_id=others["then"][0],
        today_id=others["today"][0],
        joins=" ".join(join for _, join in others.values()),
        reply_late=REPLY_LATE,
        late=LATE,
        late_at="x.late" if late is None else "%(late)s",
        conditions=" AND ".join(conditions),
    )
    copied = f"COPY ({query}) TO STDOUT (FORMAT binary)"
    async for block in _blocks(raw, copied, parameters):
        here = block["month"] == 0
        block["month"][here] = months(block["at"][here], asked.timezone)
        yield block


async def whole(blocks: AsyncIterator[Array]) -> Array:
    """All blocks as one; the connection is free again."""
    return np.concatenate([np.empty(0, dtype=FACT), *[block async for block in blocks]])


_WORDS: tuple[report_wards.Word, ...] = ("then", "today")


def _conditions(asked: Asked, parameters: dict[str, Any]) -> list[str]:
    found = []
    for name, column, value in (
        ("categories", "category_code = ANY(%(categories)s)", list(asked.categories)),
        ("organisations", "organisation_id = ANY(%(organisations)s)", asked.organisations),
        ("channels", "channel = ANY(%(channels)s)", asked.channels),
        ("statuses", "status = ANY(%(statuses)s)", asked.statuses),
        ("kind", "kind = %(kind)s", asked.kind),
        ("since", "created_at >= %(since)s", asked.since),
        ("until", "created_at < %(until)s", asked.until),
    ):
        if value is not None:
            parameters[name] = list(value) if isinstance(value, tuple) else value
            found.append(f"x.{column}")
    if asked.wards is not None:
        # All reports in these wards and few others, in words that indexes can answer.
        held = _sql(report_wards.holding(asked.wards, asked.word))
        other = _sql(report_wards.others(asked.word).select())
        parameters["wards"] = list(asked.wards)
        found.append(
            f"(x.ward_id = ANY(ARRAY({held})) OR x.report_id = ANY(ARRAY("
            f"SELECT report_id FROM ({other}) AS o WHERE o.ward_id = ANY(%(wards)s::int[]))))"
        )
    return found


def _other(word: report_wards.Word, look_up: bool) -> tuple[str, str]:
    """The expression of the other ward's id, and the join that it needs."""
    query = _sql(report_wards.others(word).select())
    if look_up:
        return f"(SELECT o.ward_id FROM ({query}) AS o WHERE o.report_id = x.report_id)", ""
    return (
        f"of_{word}.ward_id",
        f"LEFT JOIN ({query}) AS of_{word} ON of_{word}.report_id = x.report_id",
    )


def _sql(query: Any) -> str:
    made = query.compile(
        dialect=postgresql.dialect(),  # type: ignore[no-untyped-call]
        compile_kwargs={"literal_binds": True},
    )
    return str(made).replace("%", "%%")


@cache
def _template() -> str:
    text = resources.files("geo.store.statistics").joinpath("facts.sql").read_text("utf-8")
    return "\n".join(line for line in text.splitlines() if not line.startswith("--"))


def months(at: Ints, timezone: str) -> Ints:
    """The months of these moments (`at` as in `FACT`) by the clock of a zone."""
    return np.searchsorted(_beginnings(timezone), at, side="right") - 1 + _FIRST_YEAR * 12


def moment(at: datetime) -> int:
    """A time as `FACT` has it."""
    return (at - _EPOCH) // timedelta(microseconds=1)


@cache
def _beginnings(timezone: str) -> Ints:
    """When the months of some years begin in a zone: at the first midnight that its clock shows,
    or, where it leaves that out, when it would have come. To ask the zone's rules for each report
    took half of all the time."""
    return np.array(
        [
            moment(_begin(month, timezone))
            for month in range(_FIRST_YEAR * 12, _LAST_YEAR * 12 + 12)
        ],
        dtype=np.int64,
    )


def _begin(month: int, timezone: str) -> datetime:
    return datetime(month // 12, month % 12 + 1, 1, tzinfo=ZoneInfo(timezone))


async def _blocks(
    raw: psycopg.AsyncConnection, copied: str, parameters: dict[str, Any]
) -> AsyncIterator[Array]:
    row = _wire()
    buffer = bytearray()
    skip = _HEADER
    async with (
        psycopg.AsyncClientCursor(raw) as cursor,
        cursor.copy(copied.encode(), parameters) as copy,
    ):
        async for block in copy:
            buffer += block
            if len(buffer) > _BLOCK_BYTES:
                # The last bytes may be the trailer: a row is left for the end.
                whole = (len(buffer) - skip) // row.itemsize - 1
                yield _facts(bytes(buffer[skip : skip + whole * row.itemsize]), row)
                del buffer[: skip + whole * row.itemsize]
                skip = 0
    whole = (len(buffer) - skip - 2) // row.itemsize
    yield _facts(bytes(buffer[skip : skip + whole * row.itemsize]), row)


@cache
def _wire() -> np.dtype[Any]:
    layout: list[tuple[str, str]] = [("fields", ">i2")]
    for name in FACT.names or ():
        layout += [(f"{name}_length", ">i4"), (name, f">{FACT[name].str[1:]}")]
    return np.dtype(layout)


def _facts(data: bytes, row: np.dtype[Any]) -> Array:
    read = np.frombuffer(data, dtype=row)
    facts = np.empty(len(read), dtype=FACT)
    for name in FACT.names or ():
        if (read[f"{name}_length"] != FACT[name].itemsize).any():
            raise ValueError(f"a report has no {name}, or an unknown one")
        facts[name] = read[name]
    return facts
