"""Cells: sums kept by some members of reports each, from coarse to fine, so that few are read."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import psycopg

from geo.store.statistics.vectors import Array, Entries, Ints, entries, reduced

# From the fewest cells to the most: the first one that has what is asked for answers.
MASKS: Final[tuple[tuple[str, ...], ...]] = (
    (),
    ("channel",),
    ("category",),
    ("organisation",),
    ("ward",),
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
PACKED: Final = np.dtype([("slot", "<u2"), ("n", "<i4")])
"""What is in a cell: its entries, in the order of slots."""
_ASIDE = "statistics_aside"


@dataclass(frozen=True)
class _Summed:
    """What some reports add up to by the members of a mask: cells and what is in them."""

    keys: Array
    made: Entries

    def by(self, mask: int, period: Callable[[Ints], Ints]) -> "_Summed":
        """The same by fewer members, and coarser periods."""
        names = _names(mask)
        month = period(self.keys["period"].astype(np.int64))
        code = np.unique(month, return_inverse=True)[1].reshape(-1)
        for name in names:
            values, inverse = np.unique(self.keys[name], return_inverse=True)
            code = code * len(values) + inverse.reshape(-1)
        _, first, cell = np.unique(code, return_index=True, return_inverse=True)
        keys = np.full(len(first), ANY, dtype=KEY)
        keys["mask"], keys["period"] = mask, month[first]
        for name in names:
            keys[name] = self.keys[name][first]
        row = cell.reshape(-1)[self.made.row]
        return _Summed(keys, reduced(Entries(row, self.made.slot, self.made.n)))


def summed(facts: Array) -> tuple[Array, Entries]:
    """The cells that facts are in (`KEY`), and what they add to each, by its place."""
    found: list[_Summed] = []
    for mask, months in _months(facts).items():
        years = months.by(mask, _year)
        found += [months, years, years.by(mask, np.zeros_like)]
    cells = np.cumsum([0, *(len(each.keys) for each in found)])
    return np.concatenate([each.keys for each in found]), Entries.joined(
        [
            Entries(each.made.row + before, each.made.slot, each.made.n)
            for each, before in zip(found, cells.tolist(), strict=False)
        ]
    )


def _months(facts: Array) -> dict[int, _Summed]:
    """What facts add up to by the members of each mask, month by month."""
    single = np.empty(len(facts), dtype=KEY)
    single["period"] = facts["month"]
    for name in _names(len(MASKS) - 1):
        single[name] = facts[name]
    sign = facts["sign"].astype(np.int64)
    every = _Summed(single, entries(facts, np.arange(len(facts), dtype=np.int64), sign))
    found: dict[int, _Summed] = {}
    # Each from the fewest cells that there are already and that have its members.
    for mask in range(len(MASKS) - 1, -1, -1):
        finer = [found[k] for k in found if set(MASKS[mask]) <= set(MASKS[k])]
        source = min(finer, key=lambda each: len(each.made.row), default=every)
        found[mask] = source.by(mask, lambda month: month)
    return found


def _year(month: Ints) -> Ints:
    return -(month // 12)


def _names(mask: int) -> list[str]:
    """The columns of `KEY` that the cells of a mask have."""
    return [
        each
        for name in MASKS[mask]
        for each in (("ward", "then", "today") if name == "ward" else (name,))
    ]


def unpacked(packed: bytes, row: Ints) -> Entries:
    """The entries of packed cells, each of which is of a row."""
    held = np.frombuffer(packed, dtype=PACKED)
    return Entries(row, held["slot"].astype(np.int64), held["n"].astype(np.int64))


def sizes_of(lengths: bytes) -> Ints:
    """How many entries each cell has, of the lengths in bytes that PostgreSQL sends."""
    return np.frombuffer(lengths, dtype=">i4").astype(np.int64) // PACKED.itemsize


def packed(made: Entries, rows: int) -> list[bytes]:
    """Each row's entries, which are in the order of rows and slots; empty: none."""
    held = np.empty(len(made.row), dtype=PACKED)
    held["slot"], held["n"] = made.slot, made.n
    ends = np.searchsorted(made.row, np.arange(rows + 1)) * PACKED.itemsize
    data = held.tobytes()
    return [data[a:b] for a, b in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)]


class Making:
    """Makes all cells of an empty table anew out of facts that come in the order of time: months as
    they are over, the rest at the end, so that each cell is written once."""

    def __init__(self, raw: psycopg.AsyncConnection, table: str = "statistics_cells") -> None:
        self._raw, self._table = raw, table
        self._held: Array | None = None
        self._years: set[int] = set()

    async def add(self, facts: Array) -> None:
        """More facts, none of months that are over."""
        if self._held is not None:
            facts = np.concatenate([self._held, facts])
        # Two, as a clock that is put back may show the one before once more.
        newest = facts["month"] >= facts["month"].max(initial=1) - 1
        self._held = facts[newest]
        await self._write_months(facts[~newest])

    async def finish(self) -> None:
        """The last month, years and all."""
        if self._held is None:
            return
        await self._write_months(self._held)
        for mask in range(len(MASKS)):
            for year in sorted(self._years):
                months = await self._read(mask, range(year * 12, year * 12 + 12))
                await self._write(months.by(mask, _year))
            years = await self._read(mask, [-year for year in self._years])
            await self._write(years.by(mask, np.zeros_like))

    async def _write_months(self, facts: Array) -> None:
        if len(facts):
            self._years.update(np.unique(facts["month"] // 12).tolist())
            for each in _months(facts).values():
                await self._write(each)

    async def _write(self, some: _Summed) -> None:
        await _copy(self._raw, self._table, some.keys, packed(some.made, len(some.keys)))

    async def _read(self, mask: int, periods: Iterable[int]) -> _Summed:
        columns = [f"string_agg(int4send({name}::int4), '')" for name in COLUMNS[1:]]
        async with self._raw.cursor(binary=True) as cursor:
            await cursor.execute(
                f"SELECT {', '.join(columns)}, string_agg(int4send(octet_length(packed)), ''), "
                f"string_agg(packed, '') FROM {self._table} "
                "WHERE mask = %s AND period = ANY(%s::int4[])",
                [mask, list(periods)],
            )
            *members, lengths, data = [each or b"" for each in await cursor.fetchone() or ()]
        sizes = sizes_of(lengths)
        keys = np.empty(len(sizes), dtype=KEY)
        keys["mask"] = mask
        for name, held in zip((KEY.names or ())[1:], members, strict=True):
            keys[name] = np.frombuffer(held, dtype=">i4")
        return _Summed(keys, unpacked(data, np.repeat(np.arange(len(sizes)), sizes)))


async def add(raw: psycopg.AsyncConnection, facts: Array, table: str = "statistics_cells") -> None:
    """Add facts to the cells of a table; a cell that holds nothing any more goes."""
    if not len(facts):
        return
    keys, made = summed(facts)
    # It stays until the session ends, empty.
    await raw.execute(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {_ASIDE} (LIKE statistics_cells) ON COMMIT DELETE "
        "ROWS"
    )
    places, before = await _held(raw, keys, table)
    after = reduced(Entries.joined([made, before]))
    cells = packed(after, len(keys))
    await raw.execute(f"TRUNCATE {_ASIDE}")
    await _copy(raw, _ASIDE, keys, cells)
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


async def _copy(
    raw: psycopg.AsyncConnection, table: str, keys: Array, cells: Sequence[bytes]
) -> None:
    """Write cells, but for empty ones, in PostgreSQL's binary format: text took twice as long."""
    wire = np.empty(len(keys), dtype=_WIRE)
    wire["fields"] = len(COLUMNS) + 1
    for name in KEY.names or ():
        wire[f"{name}_length"], wire[name] = KEY[name].itemsize, keys[name]
    wire["length"] = np.fromiter(map(len, cells), dtype=np.int64, count=len(cells))
    data, size = wire.tobytes(), _WIRE.itemsize
    async with (
        raw.cursor() as cursor,
        cursor.copy(f"COPY {table} FROM STDIN (FORMAT binary)") as copy,
    ):
        await copy.write(_COPY_HEAD)
        for first in range(0, len(keys), _CELLS_AT_ONCE):
            some = enumerate(cells[first : first + _CELLS_AT_ONCE], first)
            await copy.write(
                b"".join([data[k * size : (k + 1) * size] + cell for k, cell in some if cell])
            )
        await copy.write(b"\xff\xff")


_COPY_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_CELLS_AT_ONCE = 10_000
_WIRE = np.dtype(
    [
        ("fields", ">i2"),
        *(
            field
            for name in KEY.names or ()
            for field in ((f"{name}_length", ">i4"), (name, f">{KEY[name].str[1:]}"))
        ),
        ("length", ">i4"),
    ]
)
_TYPES = ("int2", "int4", "int4", "int4", "int4", "int2", "int4", "int4", "int2")
_ARRAYS = ", ".join(f"%s::{each}[]" for each in _TYPES)
_NAMES = ", ".join(COLUMNS)
_OF_C, _OF_N = (", ".join(f"{of}.{name}" for name in COLUMNS) for of in "cn")


def _arrays(keys: Array) -> list[Any]:
    return [keys[name].tolist() for name in KEY.names or ()]


async def _held(raw: psycopg.AsyncConnection, keys: Array, table: str) -> tuple[list[int], Entries]:
    """Which of the cells are there already, by place, and what they hold."""
    await raw.execute(f"TRUNCATE {_ASIDE}")
    # Of each its place, where cells have what is in them.
    places = np.arange(len(keys), dtype="<i4").tobytes()
    await _copy(raw, _ASIDE, keys, [places[at : at + 4] for at in range(0, len(places), 4)])
    # All cells were read to find some, as nothing is known of the table aside.
    await raw.execute("SET LOCAL enable_hashjoin = off")
    await raw.execute("SET LOCAL enable_mergejoin = off")
    async with raw.cursor(binary=True) as cursor:
        await cursor.execute(
            "SELECT string_agg(n.packed, ''), string_agg(int4send(octet_length(c.packed)), ''), "
            f"string_agg(c.packed, '') FROM {_ASIDE} AS n JOIN {table} AS c "
            f"ON ({_OF_C}) = ({_OF_N})"
        )
        found, lengths, data = [each or b"" for each in await cursor.fetchone() or ()]
    await raw.execute("SET LOCAL enable_hashjoin = on")
    await raw.execute("SET LOCAL enable_mergejoin = on")
    place = np.frombuffer(found, dtype="<i4").astype(np.int64)
    return place.tolist(), unpacked(data, np.repeat(place, sizes_of(lengths)))
