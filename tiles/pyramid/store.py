"""Reading and writing the pyramid's tables.

All of it goes through psycopg itself, for the bytes' sake: no statement here is ever slower for
passing a megabyte.
"""

import asyncio
import itertools
import struct
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple

import psycopg

from geo.store.database import AsyncEngine, driver
from geo.store.locks import Lock
from tiles.pyramid.packing import FACTS, Ints
from tiles.pyramid.rows import Name, Row

Progress = Callable[[int], None]

_ROWS_A_BLOCK = 2_000


class Node(NamedTuple):
    """A row of `pyramid_nodes`; the last four bound its facts, columns and rows of zoom 26."""

    node: int
    leaf: bool
    n: int
    west: int
    north: int
    east: int
    south: int


@dataclass(frozen=True)
class State:
    """Which changes the counts hold: up to a number, and some without one."""

    folded_seq: int
    counted: tuple[int, ...]

    @property
    def pending(self) -> str:
        """SQL condition: changes that are not in the counts."""
        fresh = f"(seq > {self.folded_seq} OR seq IS NULL)"
        return fresh + self.not_counted

    @property
    def not_counted(self) -> str:
        """SQL: ` AND …` that leaves out the changes counted one by one."""
        if not self.counted:
            return ""
        return f" AND id <> ALL ('{{{','.join(map(str, self.counted))}}}')"


@asynccontextmanager
async def locked(engine: AsyncEngine) -> AsyncIterator[psycopg.AsyncConnection]:
    """A connection that alone writes the pyramid, its snapshot taken after the lock.

    Rolled back at the end: the block commits.
    """
    async with engine.connect() as conn:
        await conn.execution_options(isolation_level="REPEATABLE READ")
        raw = await driver(conn)
        await raw.execute(f"SELECT pg_advisory_lock({Lock.PYRAMID:d})")
        await raw.rollback()
        try:
            yield raw
        finally:
            await raw.rollback()
            await raw.execute(f"SELECT pg_advisory_unlock({Lock.PYRAMID:d})")
            await raw.commit()


async def state(raw: psycopg.AsyncConnection) -> State:
    """Which changes are in the counts of this snapshot."""
    row = await (await raw.execute("SELECT folded_seq, counted FROM pyramid_state")).fetchone()
    assert row is not None
    return State(row[0], tuple(row[1]))


async def count_all_changes(raw: psycopg.AsyncConnection) -> None:
    """Say that the counts hold every change of this snapshot."""
    await raw.execute(
        """
        UPDATE pyramid_state SET
            folded_seq = coalesce((SELECT max(seq) FROM changes), folded_seq),
            counted = (SELECT coalesce(array_agg(id), '{}') FROM changes WHERE seq IS NULL)
        """
    )


async def count_changes(raw: psycopg.AsyncConnection, before: State, until: int) -> None:
    """Say that the counts hold the changes numbered up to `until`."""
    left: list[int] = []
    if before.counted:
        found = await raw.execute(
            "SELECT id FROM changes WHERE id = ANY (%s) AND (seq > %s OR seq IS NULL)",
            [list(before.counted), until],
        )
        left = [id for (id,) in await found.fetchall()]
    await raw.execute("UPDATE pyramid_state SET folded_seq = %s, counted = %s", [until, left])


async def nodes(raw: psycopg.AsyncConnection) -> list[tuple[int, bool, int]]:
    """All nodes: `node, leaf, n`."""
    return await (await raw.execute("SELECT node, leaf, n FROM pyramid_nodes")).fetchall()


async def write_nodes(raw: psycopg.AsyncConnection, rows: Sequence[Node]) -> None:
    """Insert nodes; those that are there already are rewritten."""
    async with raw.cursor() as cursor:
        await cursor.executemany(
            """
            INSERT INTO pyramid_nodes (node, leaf, n, west, north, east, south)
            VALUES (%s, %s, %s, %s, %s, %s, %s)
            ON CONFLICT (node) DO UPDATE SET
                leaf = excluded.leaf, n = excluded.n, west = excluded.west,
                north = excluded.north, east = excluded.east, south = excluded.south
            """,
            rows,
        )


async def write_rows(
    raw: psycopg.AsyncConnection,
    rows: Iterator[Row],
    progress: Progress,
    into: str = "pyramid_counts",
) -> None:
    """COPY rows into a table that has none of them; making them is left to a thread."""
    done = 0
    copied = f"COPY {into} (node, category, period, packed) FROM STDIN (FORMAT binary)"
    async with raw.cursor() as cursor, cursor.copy(copied) as copy:
        await copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        while block := await asyncio.to_thread(_block, rows):
            await copy.write(b"".join(block))
            done += len(block)
            progress(done)
        await copy.write(b"\xff\xff")


def _block(rows: Iterator[Row]) -> list[bytes]:
    return [
        struct.pack(">hiqihihi", 4, 8, node, 2, category, 2, period, len(packed)) + packed
        for node, category, period, packed in itertools.islice(rows, _ROWS_A_BLOCK)
    ]


async def every_row(raw: psycopg.AsyncConnection) -> AsyncIterator[Row]:
    """All packed rows."""
    async with raw.cursor("every_row", binary=True) as cursor:
        cursor.itersize = _ROWS_A_BLOCK
        await cursor.execute("SELECT node, category, period, packed FROM pyramid_counts")
        async for row in cursor:
            yield row


async def rows_named(raw: psycopg.AsyncConnection, names: Sequence[Name]) -> dict[Name, bytes]:
    """The packed rows of these keys, as far as they are there."""
    async with raw.cursor(binary=True) as cursor:
        await cursor.execute(
            """
            SELECT node, category, period, packed FROM pyramid_counts
            JOIN unnest(%s::bigint[], %s::smallint[], %s::smallint[]) AS n (node, category, period)
                USING (node, category, period)
            """,
            [[name[i] for name in names] for i in range(3)],
        )
        return {(n, c, p): packed async for n, c, p, packed in cursor}


ASIDE = "folded_rows"


async def begin_replacing(raw: psycopg.AsyncConnection) -> None:
    """Make the table in which rows wait for `replace`; it goes with the transaction."""
    await raw.execute(f"CREATE TEMPORARY TABLE {ASIDE} (LIKE pyramid_counts) ON COMMIT DROP")
    await raw.execute(f"ALTER TABLE {ASIDE} ALTER COLUMN packed SET STORAGE EXTERNAL")


async def replace(raw: psycopg.AsyncConnection, gone: Sequence[Name]) -> None:
    """Write what waits aside over the rows of the same keys, and delete `gone`."""
    await raw.execute(
        f"""
        INSERT INTO pyramid_counts SELECT * FROM {ASIDE}
        ON CONFLICT (node, category, period) DO UPDATE SET packed = excluded.packed
        """
    )
    if gone:
        await raw.execute(
            """
            DELETE FROM pyramid_counts AS c
            USING unnest(%s::bigint[], %s::smallint[], %s::smallint[]) AS n (node, category, period)
            WHERE (c.node, c.category, c.period) = (n.node, n.category, n.period)
            """,
            [[name[i] for name in gone] for i in range(3)],
        )


async def adjust_nodes(raw: psycopg.AsyncConnection, changes: Sequence[Node]) -> None:
    """Add to `n` and widen the extents."""
    async with raw.cursor() as cursor:
        await cursor.executemany(
            """
            UPDATE pyramid_nodes SET
                n = n + %s, west = least(west, %s), north = least(north, %s),
                east = greatest(east, %s), south = greatest(south, %s)
            WHERE node = %s
            """,
            [(c.n, c.west, c.north, c.east, c.south, c.node) for c in changes],
        )


async def leaves_with_edge(raw: psycopg.AsyncConnection, leaf: Ints, x: Ints, y: Ints) -> list[int]:
    """Of these leaves those on whose extent's edge the point beside lies."""
    found = await raw.execute(
        """
        SELECT DISTINCT n.node
        FROM unnest(%s::bigint[], %s::int[], %s::int[]) AS point (node, x, y)
        JOIN pyramid_nodes AS n USING (node)
        WHERE point.x IN (n.west, n.east) OR point.y IN (n.north, n.south)
        """,
        [leaf.tolist(), x.tolist(), y.tolist()],
    )
    return [node for (node,) in await found.fetchall()]


async def crowded_leaves(raw: psycopg.AsyncConnection, most: int) -> list[int]:
    """Leaves with more facts than `most`."""
    found = await raw.execute("SELECT node FROM pyramid_nodes WHERE leaf AND n > %s", [most])
    return [node for (node,) in await found.fetchall()]


async def facts_of_leaf(raw: psycopg.AsyncConnection, leaf: int) -> bytes:
    """All facts of a leaf."""
    async with raw.cursor(binary=True) as cursor:
        await cursor.execute(
            "SELECT packed FROM pyramid_counts WHERE node = %s AND category = %s", [leaf, FACTS]
        )
        return b"".join([packed async for (packed,) in cursor])


async def delete_node(raw: psycopg.AsyncConnection, node: int) -> None:
    """Delete a node and its rows."""
    await raw.execute("DELETE FROM pyramid_counts WHERE node = %s", [node])
    await raw.execute("DELETE FROM pyramid_nodes WHERE node = %s", [node])
