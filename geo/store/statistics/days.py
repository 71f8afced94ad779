"""Days: what each report counts as, by the day it was sent, for times that begin inside a month.

What is folded is one more part of its days; days of many parts are made one part again, and what
was taken away is gone from them.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final

import numpy as np
import psycopg

from geo.store.statistics.facts import moment
from geo.store.statistics.vectors import Array, Ints

_ROW: Final = np.dtype(
    [
        *(("at", "<i8"), ("ward", "<i4"), ("then", "<i4"), ("today", "<i4")),
        *(("organisation", "<i4"), ("channel", "<i4"), ("category", "<i2"), ("state", "<i2")),
        *(("flags", "<i2"), ("reply", "<i2"), ("result", "<i2"), ("rating", "i1"), ("sign", "i1")),
    ]
)
_DAY: Final = 86_400_000_000
# A day of more parts is made one, and one whose parts are half as much as the first.
_PARTS: Final = 64
_SMALL_BYTES: Final = 1 << 16
# So many at once: a day of a large city is half a megabyte.
_DAYS_AT_ONCE: Final = 32


async def add(raw: psycopg.AsyncConnection, facts: Array) -> None:
    """Add facts to their days."""
    async with raw.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO statistics_days (day, packed) VALUES (%s, %b)",
            [(day, rows.tobytes()) for day, rows in by_day(packed(facts)).items()],
        )


async def merge(raw: psycopg.AsyncConnection) -> None:
    """Make days of many parts one part, those of the most first."""
    found = await raw.execute(
        "SELECT day FROM statistics_days GROUP BY day HAVING count(*) > %s OR "
        "sum(octet_length(packed)) - max(octet_length(packed)) "
        "> max(octet_length(packed)) / 2 + %s ORDER BY count(*) DESC LIMIT %s",
        [_PARTS, _SMALL_BYTES, _DAYS_AT_ONCE],
    )
    for (day,) in await found.fetchall():
        rows = summed(await held(raw, day))
        await raw.execute("DELETE FROM statistics_days WHERE day = %s", [day])
        if len(rows):
            await raw.execute(
                "INSERT INTO statistics_days (day, packed) VALUES (%s, %b)", [day, rows.tobytes()]
            )


async def read(
    raw: psycopg.AsyncConnection, since: datetime, until: datetime
) -> AsyncIterator[tuple[Array, Ints]]:
    """Facts without their months, of the days of a span one after the other; and the sign by which
    each counts, 0 of those outside of it: to leave them out costs more than to count them for
    nothing."""
    a, b = moment(since), moment(until)
    async with raw.cursor(binary=True) as cursor:
        # A row a day: to hand over one of megabytes took most of the time.
        await cursor.execute(
            "SELECT found.packed FROM generate_series(%s::int4, %s::int4) AS wanted (day) "
            "CROSS JOIN LATERAL (SELECT string_agg(packed, '') AS packed FROM statistics_days "
            "WHERE day = wanted.day) AS found WHERE found.packed IS NOT NULL",
            [a // _DAY, (b - 1) // _DAY],
        )
        for (packed,) in await cursor.fetchall():
            rows = np.frombuffer(packed, dtype=_ROW)
            here = (rows["at"] >= a) & (rows["at"] < b)
            yield rows, rows["sign"] * here.astype(np.int64)


def summed(rows: Array) -> Array:
    """The same rows without those that take one another away, in the order of their bytes."""
    # The sign is the last byte.
    told = rows.view(np.uint8).reshape(len(rows), _ROW.itemsize)[:, :-1]
    key = np.ascontiguousarray(told).view(f"V{_ROW.itemsize - 1}").reshape(-1)
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    n = np.rint(np.bincount(inverse, weights=rows["sign"], minlength=len(first))).astype(np.int64)
    made = np.repeat(rows[first], np.abs(n))
    made["sign"] = np.repeat(np.sign(n), np.abs(n))
    return made


def packed(facts: Array) -> Array:
    """Facts as rows of days."""
    rows: Array = np.empty(len(facts), dtype=_ROW)
    for name in _ROW.names or ():
        rows[name] = facts[name]
    return rows


def by_day(rows: Array) -> dict[int, Array]:
    """The rows of each day."""
    day = rows["at"] // _DAY
    order = np.argsort(day, kind="stable")
    found, first = np.unique(day[order], return_index=True)
    parts = np.split(rows[order], first[1:])
    return dict(zip(found.tolist(), parts, strict=False))


async def held(raw: psycopg.AsyncConnection, day: int) -> Array:
    """The rows of a day as they lie there."""
    async with raw.cursor(binary=True) as cursor:
        await cursor.execute(
            "SELECT string_agg(packed, '') FROM statistics_days WHERE day = %s", [day]
        )
        (found,) = await cursor.fetchone() or (None,)
    return np.frombuffer(found or b"", dtype=_ROW)
