"""Many reports at once: by COPY into temporary tables, then one INSERT of what is new.

A batch is two Arrow tables, one row a report and one row an event, with the columns of
`REPORT_COLUMNS` and `EVENT_COLUMNS` in that order (ids as 32 hex digits; times as timestamps with
a zone; `reasons`, `data` as JSON text; `flags` as `{a,b}`; null where a column allows it).
"""

import io
from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
from sqlalchemy import text

from geo.store.database import AsyncConnection, driver, load_sql

REPORT_COLUMNS = {
    "id": "uuid",
    "code": "text",
    "kind": "text",
    "category_code": "text",
    "status": "text",
    "text": "text",
    "lon": "float8",
    "lat": "float8",
    "accuracy_m": "float8",
    "ward_id": "integer",
    "ward_match": "text",
    "ward_distance_m": "float8",
    "organisation_id": "integer",
    "reasons": "jsonb",
    "channel": "text",
    "observed_at": "timestamptz",
    "created_at": "timestamptz",
    "updated_at": "timestamptz",
    "due_at": "timestamptz",
    "closed_at": "timestamptz",
    "source": "text",
    "source_id": "text",
    "flags": "text[]",
}
EVENT_COLUMNS = {
    "n": "bigint",
    "report_id": "uuid",
    "at": "timestamptz",
    "kind": "text",
    "text_vi": "text",
    "text_en": "text",
    "data": "jsonb",
}

NewCodes = Callable[[int], Sequence[str]]

# The backslash first; the quotation mark only because the CSV writer would refuse it.
_ESCAPES = (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"), ('"', "\\x22"))

_WAITING = """
SELECT i.id
FROM incoming_reports AS i
WHERE NOT EXISTS (SELECT 1 FROM reports AS r WHERE r.id = i.id)
AND NOT EXISTS (
    SELECT 1 FROM reports AS r WHERE r.source = i.source AND r.source_id = i.source_id
)
"""


async def prepare(conn: AsyncConnection) -> None:
    """Make the temporary tables of this connection, empty; they empty at every commit too."""
    for name, columns in (("incoming_reports", REPORT_COLUMNS), ("incoming_events", EVENT_COLUMNS)):
        listed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        await conn.execute(
            text(f"CREATE TEMPORARY TABLE IF NOT EXISTS {name} ({listed}) ON COMMIT DELETE ROWS")
        )
        await conn.execute(text(f"TRUNCATE {name}"))


async def add(
    conn: AsyncConnection, reports: pa.Table, events: pa.Table, new_codes: NewCodes
) -> int:
    """Write what is new of a batch, in the caller's transaction; says how many reports it was.

    `new_codes(n)` draws codes for reports whose own turned out to be taken.
    """
    await prepare(conn)
    await _copy(conn, "incoming_reports", list(REPORT_COLUMNS), reports)
    await _copy(conn, "incoming_events", list(EVENT_COLUMNS), events)
    statement = load_sql("geo.store", "report_batches_add")
    added = int((await conn.execute(statement)).scalar_one())
    if added == reports.num_rows:
        return added
    # Not all were new: most likely they are there already, but a code may have been taken.
    while waiting := (await conn.execute(text(_WAITING))).scalars().all():
        await conn.execute(
            text("DELETE FROM incoming_reports WHERE id <> ALL (:ids)"), {"ids": list(waiting)}
        )
        await conn.execute(
            text("UPDATE incoming_reports SET code = :code WHERE id = :id"),
            [
                {"id": id_, "code": code}
                for id_, code in zip(waiting, new_codes(len(waiting)), strict=True)
            ],
        )
        added += int((await conn.execute(statement)).scalar_one())
    return added


async def _copy(conn: AsyncConnection, table: str, columns: list[str], rows: pa.Table) -> None:
    if list(rows.column_names) != columns:
        raise ValueError(f"{table} wants the columns {columns}, not {rows.column_names}")
    raw = await driver(conn)
    async with (
        raw.cursor() as cursor,
        # Not CSV: PostgreSQL 15 takes a line `\.` inside a quoted value for the end of the data.
        cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN (NULL '')") as copy,
    ):
        for batch in rows.to_batches(max_chunksize=20_000):
            await copy.write(copy_text(batch))


def copy_text(batch: pa.RecordBatch) -> bytes:
    """Rows in COPY's text format with `NULL ''`; there is no way to write an empty text."""
    columns = [_escaped(batch.column(i)) for i in range(batch.num_columns)]
    escaped = pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
    sink = io.BytesIO()
    options = pacsv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none")
    pacsv.write_csv(escaped, sink, options)
    return sink.getvalue()


def _escaped(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        # Few distinct values: escaped once each.
        return _escaped(column.dictionary).take(column.indices)
    if not pa.types.is_string(column.type):
        return column
    for found, written in _ESCAPES:
        column = pc.replace_substring(column, found, written)
    return column
