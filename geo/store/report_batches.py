"""Many reports at once, by COPY: those that are not there already, with their events.

A batch is two Arrow tables, one row a report and one row an event, with the columns of
`REPORT_COLUMNS` and `EVENT_COLUMNS` in that order (ids as 32 hex digits; `geom` as hex EWKB; times
as timestamps with a zone; `reasons`, `data` as JSON text; `flags` as `{a,b}`; null where a column
allows it).
"""

import io
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from geo.store.database import AsyncConnection, driver, load_sql

REPORT_COLUMNS = (
    *("id", "code", "kind", "category_code", "status", "text", "geom", "accuracy_m", "ward_id"),
    *("ward_match", "ward_distance_m", "organisation_id", "reasons", "channel", "observed_at"),
    *("created_at", "updated_at", "due_at", "closed_at", "source", "source_id", "flags"),
    *("first_due_at", "first_warn_at", "warn_at", "replied_at", "waits_since", "resolved_at"),
)
EVENT_COLUMNS = ("report_id", "at", "kind", "text_vi", "text_en", "data")

NewCodes = Callable[[int], Sequence[str]]

# The backslash first; the quotation mark only because the CSV writer would refuse it.
_ESCAPES = (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"), ('"', "\\x22"))
_TRIES = 5


async def add(
    conn: AsyncConnection, reports: pa.Table, events: pa.Table, new_codes: NewCodes
) -> int:
    """Write what is new of a batch, in the caller's transaction; says how many reports it was.

    A report whose `(source, source_id)` is there already, or came before in the batch, is left
    out. `new_codes(n)` draws codes for reports whose own turn out to be taken.
    """
    for _ in range(_TRIES):
        fresh = await _fresh(conn, reports, new_codes)
        told = events
        if fresh.num_rows < reports.num_rows:
            told = events.filter(pc.is_in(events["report_id"], fresh["id"].combine_chunks()))
        try:
            async with conn.begin_nested():
                await _copy(conn, "reports", REPORT_COLUMNS, fresh)
                await _copy(conn, "report_events", EVENT_COLUMNS, told)
        except psycopg.errors.UniqueViolation:
            # Somebody else wrote one of them meanwhile; now it can be seen.
            continue
        return int(fresh.num_rows)
    raise RuntimeError(f"others kept writing the same reports through {_TRIES} tries")


async def _fresh(conn: AsyncConnection, reports: pa.Table, new_codes: NewCodes) -> pa.Table:
    """The reports not there yet, all with codes of their own."""
    fresh = reports.filter(pa.array(~_repeated(reports)))
    unsure = np.ones(fresh.num_rows, dtype=bool)
    while unsure.any():
        here, taken = await _known(conn, fresh, unsure)
        codes = np.array(fresh["code"].to_pylist(), dtype=object)
        # Two of the batch may have drawn one code, too.
        again = np.ones(len(codes), dtype=bool)
        again[np.unique(codes.astype(str), return_index=True)[1]] = False
        redrawn = (taken | again) & ~here
        codes[redrawn] = list(new_codes(int(redrawn.sum())))
        fresh = fresh.set_column(fresh.column_names.index("code"), "code", [pa.array(codes)])
        if here.any():
            fresh = fresh.filter(pa.array(~here))
        unsure = redrawn[~here]
    return fresh


async def _known(
    conn: AsyncConnection, reports: pa.Table, unsure: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which of the `unsure` reports are there already, and which have a code that is taken."""
    here, taken = np.zeros(len(unsure), dtype=bool), np.zeros(len(unsure), dtype=bool)
    asked = reports.select(["source", "source_id", "code"]).filter(pa.array(unsure))
    position = np.flatnonzero(unsure)
    found = await conn.execute(
        load_sql("geo.store", "report_batches_known"),
        {
            "sources": asked["source"].to_pylist(),
            "source_ids": asked["source_id"].to_pylist(),
            "codes": asked["code"].to_pylist(),
        },
    )
    for row in found:
        here[position[row.n - 1]] = row.here
        taken[position[row.n - 1]] = row.taken
    return here, taken


def _repeated(reports: pa.Table) -> npt.NDArray[np.bool_]:
    """Rows of a source that came before in the same batch."""
    keyed = pc.and_(pc.is_valid(reports["source"]), pc.is_valid(reports["source_id"]))
    named = np.flatnonzero(keyed.to_numpy())
    repeated = np.zeros(reports.num_rows, dtype=bool)
    if len(named):
        columns = [reports[name].take(pa.array(named)) for name in ("source", "source_id")]
        texts = [column.cast(pa.string()).combine_chunks() for column in columns]
        pairs = pc.binary_join_element_wise(*texts, "\0").dictionary_encode()
        repeated[named] = True
        repeated[named[np.unique(pairs.indices.to_numpy(), return_index=True)[1]]] = False
    return repeated


async def _copy(conn: AsyncConnection, table: str, columns: Sequence[str], rows: pa.Table) -> None:
    if tuple(rows.column_names) != tuple(columns):
        raise ValueError(f"{table} wants the columns {columns}, not {rows.column_names}")
    raw = await driver(conn)
    async with (
        raw.cursor() as cursor,
        # Not CSV: PostgreSQL 15 takes a line `\.` inside a quoted value for the end of the data.
        cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN (NULL '')") as copy,
    ):
        for batch in rows.to_batches(max_chunksize=10_000):
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
