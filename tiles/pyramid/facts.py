"""Reading reports and changes as arrays of facts."""

from typing import Any

import numpy as np
import psycopg

from geo.store.tables.reports import STATUSES
from tiles.pyramid.packing import FACT, KINDS, Facts, Ints

# PostgreSQL's binary COPY: a header, rows of (number of fields, then length and value of each).
_HEADER = 19
_FIELDS = (("cell", ">i8"), ("at", ">i8"), ("ward", ">i4"), ("category", ">i2"), ("state", ">i2"))

# Read where `r` is the report and `c` its category; a timestamp's binary form is what FACT keeps.
_STATE = (
    f"(array_position(ARRAY[{','.join(map(repr, STATUSES))}], {{0}}status) * 2 - 2 "
    f"+ ({{0}}kind = '{KINDS[1]}')::int)::smallint"
)
_REPORTS = f"""
SELECT
    pinward_public_cell(r.cell, c.visibility), r.created_at, coalesce(r.ward_id, 0), c.number,
    {_STATE.format("r.")}
FROM reports AS r
JOIN categories AS c ON c.code = r.category_code
WHERE c.visibility <> 'hidden' AND r.withheld IS NULL
"""
_CHANGES = """
SELECT {when}_cell, {when}_created_at, coalesce({when}_ward_id, 0), {when}_category, {state}
FROM changes
WHERE topic = 'report' AND {when}_cell IS NOT NULL AND {which}
"""


async def of_reports(conn: psycopg.AsyncConnection) -> Facts:
    """All public reports."""
    return await _read(conn, _REPORTS)


async def of_changes(conn: psycopg.AsyncConnection, which: str) -> tuple[Facts, Ints]:
    """What the changes of a condition took away (weight -1) and brought (+1).

    What one change brought and a later one took away again is in neither.
    """
    sides = []
    for when in ("old", "new"):
        state = _STATE.format(f"{when}_")
        sides.append(await _read(conn, _CHANGES.format(when=when, state=state, which=which)))
    facts = np.concatenate(sides)
    weights = np.repeat(np.array([-1, 1], dtype=np.int64), [len(side) for side in sides])
    return net(facts, weights)


def net(facts: Facts, weights: Ints) -> tuple[Facts, Ints]:
    """Distinct facts, sorted as bytes, with their weights summed; those of weight 0 are left out.

    Facts have no name: two reports that agree in everything are one fact of weight 2.
    """
    if not len(facts):
        return facts, weights
    raw = np.ascontiguousarray(facts).view(f"S{FACT.itemsize}").reshape(-1)
    # numpy's S drops NULs at the end when comparing, but all have one length: no two are confused
    _, first, inverse = np.unique(raw, return_index=True, return_inverse=True)
    summed = np.bincount(inverse.reshape(-1), weights=weights).astype(np.int64)
    kept = np.flatnonzero(summed)
    return facts[first[kept]], summed[kept]


async def _read(conn: psycopg.AsyncConnection, query: str) -> Facts:
    layout: list[tuple[str, str]] = [("fields", ">i2")]
    for name, kind in _FIELDS:
        layout += [(f"{name}_length", ">i4"), (name, kind)]
    row = np.dtype(layout)
    made: list[Facts] = []
    buffer = bytearray()
    skip = _HEADER
    copied = f"COPY ({query}) TO STDOUT (FORMAT binary)"
    async with conn.cursor() as cursor, cursor.copy(copied) as copy:
        async for block in copy:
            buffer += block
            if len(buffer) > 16 << 20:
                # the last bytes may be the trailer: leave a row for the end
                whole = max(0, (len(buffer) - skip) // row.itemsize - 1)
                made.append(_facts(bytes(buffer[skip:]), row, whole))
                del buffer[: skip + whole * row.itemsize]
                skip = 0
    made.append(_facts(bytes(buffer[skip:]), row, (len(buffer) - skip - 2) // row.itemsize))
    return np.concatenate(made)


def _facts(raw: bytes, row: np.dtype[Any], n: int) -> Facts:
    read = np.frombuffer(raw, dtype=row, count=n)
    for name, _ in _FIELDS:
        if (read[f"{name}_length"] != row[name].itemsize).any():
            raise ValueError(f"a report has no {name}, or an unknown one")
    facts = np.empty(n, dtype=FACT)
    for name in ("cell", "at", "ward", "category"):
        facts[name] = read[name]
    facts["status"] = read["state"] >> 1
    facts["kind"] = read["state"] & 1
    return facts
