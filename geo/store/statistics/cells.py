"""Cells: sums kept by some members of reports each, from coarse to fine, so that few are read."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import psycopg

from geo.store.statistics.groups import reduced
from geo.store.statistics.vectors import Array, Entries, Ints, entries

# From the fewest cells to the most: the first one that has what is asked for answers.
MASKS: Final = (
    ("category", "channel"),
    ("organisation", "channel"),
    ("ward", "channel"),
    ("ward", "organisation"),
    ("category", "channel", "state"),
    ("ward", "organisation", "state"),
    ("ward", "category"),
    ("organisation", "category"),
    ("ward", "organisation", "category", "channel", "state"),
)
ANY: Final = -1

KEY: Final = np.dtype(
    [
        *(("mask", "i2"), ("period", "i4"), ("ward", "i4"), ("then", "i4"), ("today", "i4")),
        *(("category", "i2"), ("organisation", "i4"), ("channel", "i4"), ("state", "i2")),
    ]
)
COLUMNS: Final = (
    *("mask", "period", "ward_id", "then_id", "today_id", "category", "organisation_id"),
    *("channel", "state"),
)
"""Those of the table, in the order of `KEY`."""
_PACKED = np.dtype([("slot", "<u2"), ("n", "<i4")])
_ASIDE = "statistics_aside"


def summed(facts: Array) -> tuple[Array, Entries]:
    """The cells that facts are in (`KEY`), and what they add to each, by its place."""
    made = entries(facts, np.arange(len(facts), dtype=np.int64))
    factors = {name: np.unique(facts[name], return_inverse=True) for name in _DIMENSIONS}
    keys: list[Array] = []
    parts: list[Entries] = []
    cells = 0
    for mask, members in enumerate(MASKS):
        names = [
            each
            for name in members
            for each in (("ward", "then", "today") if name == "ward" else (name,))
        ]
        code = np.zeros(len(facts), dtype=np.int64)
        for name in names:
            values, inverse = factors[name]
            code = code * len(values) + inverse.reshape(-1)
        for period in _periods(facts["month"].astype(np.int64)):
            known, which = np.unique(period, return_inverse=True)
            _, first, cell = np.unique(
                code * len(known) + which.reshape(-1), return_index=True, return_inverse=True
            )
            some = np.full(len(first), ANY, dtype=KEY)
            some["mask"], some["period"] = mask, period[first]
            for name in names:
                some[name] = facts[name][first]
            row = cell.reshape(-1)[made.row]
            part = reduced(Entries(row, made.slot, made.n))
            parts.append(Entries(part.row + cells, part.slot, part.n))
            keys.append(some)
            cells += len(some)
    return np.concatenate(keys), Entries.joined(parts)


_DIMENSIONS = ("ward", "then", "today", "category", "organisation", "channel", "state")


def _periods(month: Ints) -> tuple[Ints, Ints, Ints]:
    """What the period of each fact is called: its month, its year, all."""
    return month, -(month // 12), np.zeros_like(month)


def unpacked(packed: Sequence[bytes]) -> Entries:
    """The entries of packed cells, by their place."""
    held = np.frombuffer(b"".join(packed), dtype=_PACKED)
    sizes = np.fromiter(map(len, packed), dtype=np.int64, count=len(packed)) // _PACKED.itemsize
    row = np.repeat(np.arange(len(packed), dtype=np.int64), sizes)
    return Entries(row, held["slot"].astype(np.int64), held["n"].astype(np.int64))


def packed(made: Entries, rows: int) -> list[bytes]:
    """Each row's entries, which are in the order of rows and slots; empty: none."""
    held = np.empty(len(made.row), dtype=_PACKED)
    held["slot"], held["n"] = made.slot, made.n
    ends = np.searchsorted(made.row, np.arange(rows + 1)) * _PACKED.itemsize
    data = held.tobytes()
    return [data[a:b] for a, b in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)]


async def add(raw: psycopg.AsyncConnection, facts: Array, table: str = "statistics_cells") -> None:
    """Add facts to the cells of a table; a cell that holds nothing any more goes."""
    if not len(facts):
        return
    keys, made = summed(facts)
    places, held = await _held(raw, keys, table)
    before = unpacked(held)
    row = np.array(places, dtype=np.int64)[before.row]
    after = reduced(Entries.joined([made, Entries(row, before.slot, before.n)]))
    cells = packed(after, len(keys))
    # It stays until the session ends, empty.
    await raw.execute(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {_ASIDE} (LIKE statistics_cells) ON COMMIT DELETE "
        "ROWS"
    )
    await raw.execute(f"TRUNCATE {_ASIDE}")
    async with raw.cursor() as cursor, cursor.copy(f"COPY {_ASIDE} FROM STDIN") as copy:
        for key, cell in zip(keys.tolist(), cells, strict=True):
            if cell:
                await copy.write_row((*key, cell))
    await raw.execute(
        f"INSERT INTO {table} SELECT * FROM {_ASIDE} "
        f"ON CONFLICT ({', '.join(COLUMNS)}) DO UPDATE SET packed = excluded.packed"
    )
    gone = keys[[place for place in places if not cells[place]]]
    if len(gone):
        await raw.execute(
            f"DELETE FROM {table} AS c USING unnest({_ARRAYS}) AS n ({_NAMES}) "
            f"WHERE ({_OF_C}) = ({_OF_N})",
            _arrays(gone),
        )


_TYPES = ("int2", "int4", "int4", "int4", "int4", "int2", "int4", "int4", "int2")
_ARRAYS = ", ".join(f"%s::{each}[]" for each in _TYPES)
_NAMES = ", ".join(COLUMNS)
_OF_C, _OF_N = (", ".join(f"{of}.{name}" for name in COLUMNS) for of in "cn")


def _arrays(keys: Array) -> list[Any]:
    return [keys[name].tolist() for name in KEY.names or ()]


async def _held(
    raw: psycopg.AsyncConnection, keys: Array, table: str
) -> tuple[list[int], list[bytes]]:
    """Which of the cells are there already, by place, and what they hold."""
    async with raw.cursor(binary=True) as cursor:
        await cursor.execute(
            f"SELECT n.place - 1, c.packed FROM unnest({_ARRAYS}) WITH ORDINALITY AS n "
            f"({_NAMES}, place) JOIN {table} AS c ON ({_OF_C}) = ({_OF_N})",
            _arrays(keys),
        )
        found = await cursor.fetchall()
    return [place for place, _ in found], [held for _, held in found]
