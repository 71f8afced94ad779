"""Many rows as numpy arrays: COPY's binary format, read without making an object of any value.

Only columns of one width and without NULL can be read so: numbers, booleans, uuids. A column's
kind is numpy's, big-endian as on the wire (`">i4"`, `">f8"`, `"?"`, `"V16"` for a uuid).
"""

from collections.abc import AsyncIterator, Sequence

import numpy as np
import numpy.typing as npt
from psycopg import sql

from geo.store.database import AsyncConnection, driver

Rows = npt.NDArray[np.void]

_HEADER = 19
_END = b"\xff\xff"
# What is packed at once: so long rows of COPY never pile up beside the arrays.
_BLOCK = 8_000_000


async def packed_rows(
    conn: AsyncConnection, query: sql.Composable, columns: Sequence[tuple[str, str]]
) -> AsyncIterator[Rows]:
    """Blocks of a query's rows as structured arrays (n,) with these `(name, kind)` columns.

    Raises `RuntimeError` when the query gives other columns than these, or a NULL.
    """
    # A row is the number of its columns, and before each its length in bytes.
    parts = [part for name, kind in columns for part in ((f"{name}_bytes", ">i4"), (name, kind))]
    row = np.dtype([("columns", ">i2"), *parts])
    waiting = bytearray()
    copying = sql.SQL("COPY ({}) TO STDOUT (FORMAT binary)").format(query)
    connection = await driver(conn)
    async with connection.cursor() as cursor, cursor.copy(copying) as copy:
        start = _HEADER
        async for block in copy:
            waiting += block
            if len(waiting) > _BLOCK:
                whole = start + (len(waiting) - start) // row.itemsize * row.itemsize
                yield _checked(bytes(waiting[start:whole]), row, columns)
                del waiting[:whole]
                start = 0
    if waiting[-2:] != _END or (len(waiting) - start - 2) % row.itemsize:
        raise RuntimeError("COPY gave rows of another width than was asked for")
    yield _checked(bytes(waiting[start:-2]), row, columns)


def _checked(packed: bytes, row: np.dtype[np.void], columns: Sequence[tuple[str, str]]) -> Rows:
    told = np.frombuffer(packed, row)
    if len(told) and not all(
        (told[f"{name}_bytes"] == np.dtype(kind).itemsize).all() for name, kind in columns
    ):
        raise RuntimeError("COPY gave a column of another width than was asked for")
    return told
