"""Rows of a CSV file, in batches, every one with its line; nothing is lost without a word.

Bytes are not decoded here: what is not UTF-8 is one bad row, not a bad file.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from geo.errors import UnreadableFile
from geo.reports.mapping import chosen

Ints = npt.NDArray[np.int64]

# A row (with all its quoted lines) must fit in one block.
BLOCK_BYTES = 4 << 20
_HEADER_BYTES = 1 << 16
_MOST_BROKEN = 1_000


@dataclass(frozen=True)
class Batch:
    """Some rows: `raw` all columns as bytes in the file's order; `line` (n,) where each begins;
    `cells` whether they are those of a table, as spreadsheets read and write it."""

    raw: pa.RecordBatch
    line: Ints
    mapping: Mapping[str, int]
    cells: bool = False

    def __len__(self) -> int:
        return len(self.line)

    def column(self, noun: str) -> pa.Array | None:
        """The bytes of a noun's column; None when the file has no such column."""
        place = self.mapping.get(noun)
        return None if place is None else self.raw.column(place)


@dataclass(frozen=True)
class Broken:
    """A row that is refused: where it begins, why in words, its fields, the reason's name."""

    line: int
    reason: str
    fields: tuple[str, ...]
    name: str = "fields"


class CsvRows:
    """A CSV file (also .gz) with a header; comma, semicolon or tab.

    Iterating yields `Batch`es; it can be done again and again. After a whole pass `broken` holds
    the rows that had too few or too many fields. Raises `UnreadableFile`, and `RefusedImport` when
    columns are missing.
    """

    unit = "line"

    def __init__(self, path: Path, options: Mapping[str, str | None]) -> None:
        self.path = path
        self.broken: list[Broken] = []
        self.header, self._delimiter, self._header_lines = self._read_header()
        self.mapping = chosen(self.header, options, path.name)

    def _read_header(self) -> tuple[list[str], str, int]:
        try:
            with _open(self.path) as stream:
                head = stream.read(_HEADER_BYTES)
        except (OSError, EOFError, zlib.error) as error:
            raise UnreadableFile(f"{self.path.name} cannot be read: {error}") from None
        if b"\0" in head:
            raise UnreadableFile(f"{self.path.name} is no text: it holds zero bytes")
        text = head.decode("utf-8-sig", errors="replace")
        first = text.split("\n", 1)[0]
        if not first.strip():
            raise UnreadableFile(f"{self.path.name} is empty or begins with an empty line")
        if "\ufffd" in first:
            raise UnreadableFile(f"{self.path.name} is not UTF-8; convert it first")
        delimiter = max(",;\t", key=first.count)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        try:
            header = next(reader)
        except (csv.Error, StopIteration):
            raise UnreadableFile(f"{self.path.name} has no header that can be read") from None
        return [column.strip() for column in header], delimiter, reader.line_num

    def __iter__(self) -> Iterator[Batch]:
        broken: list[tuple[int, str, str]] = []
        numbering = _Numbering(self._header_lines + 1)

        def note(row: Any) -> str:
            numbering.skip(row.number, row.text.count("\n"))
            reason = (
                f"it has {row.actual_columns} fields where the header has {row.expected_columns}"
            )
            broken.append((row.number, reason, row.text))
            return "skip"

        with _open(self.path) as file:
            counted = _Quotes(file)
            last = None
            try:
                for raw in self._reader(counted, note):
                    self._refuse_nonsense(broken, numbering)
                    if raw.num_rows:
                        last = Batch(raw, numbering.lines(raw), self.mapping, cells=True)
                        yield last
            except pa.ArrowInvalid as error:
                raise self._unreadable(str(error), numbering) from None
            except (OSError, EOFError, zlib.error) as error:
                raise UnreadableFile(f"{self.path.name} cannot be read: {error}") from None
        self._refuse_nonsense(broken, numbering)
        if counted.odd:
            self._refuse_open_quote(last, broken, numbering)
        self.broken = [
            Broken(numbering.line(number), reason, self._fields(text))
            for number, reason, text in broken
        ]

    def _refuse_nonsense(self, broken: list[tuple[int, str, str]], numbering: "_Numbering") -> None:
        if len(broken) > _MOST_BROKEN and len(broken) > numbering.valid:
            number, reason, _ = broken[0]
            raise UnreadableFile(
                f"{self.path.name} is no table: most of its rows have not the header's number of "
                f"fields (line {numbering.line(number)}: {reason})"
            )

    def _refuse_open_quote(
        self, last: Batch | None, broken: list[tuple[int, str, str]], numbering: "_Numbering"
    ) -> None:
        # Only the last row can have swallowed the rest of the file.
        line, breaks = 0, 0
        if last is not None:
            line, breaks = int(last.line[-1]), int(_lines_within(last.raw)[-1])
        if broken and numbering.line(broken[-1][0]) > line:
            line, breaks = numbering.line(broken[-1][0]), broken[-1][2].count("\n")
        if breaks:
            raise UnreadableFile(
                f"{self.path.name}: the quotation mark opened in line {line} is never closed, so "
                "the rest of the file reads as one value; close it, or double it if it is meant"
            )

    def _fields(self, text: str) -> tuple[str, ...]:
        try:
            return tuple(next(csv.reader([text], delimiter=self._delimiter), []))
        except csv.Error:
            return (text,)

    def _reader(self, file: "_Quotes", note: Callable[[Any], str]) -> Iterator[pa.RecordBatch]:
        names = [str(i) for i in range(len(self.header))]
        try:
            reader = pacsv.open_csv(
                pa.PythonFile(file, mode="r"),
                read_options=pacsv.ReadOptions(
                    block_size=BLOCK_BYTES,
                    column_names=names,
                    skip_rows=self._header_lines,
                    # Rows are numbered only when one thread reads.
                    use_threads=False,
                ),
                parse_options=pacsv.ParseOptions(
                    delimiter=self._delimiter,
                    newlines_in_values=True,
                    # An empty line is a row of nothing: else the lines would be miscounted.
                    ignore_empty_lines=False,
                    invalid_row_handler=note,
                ),
                convert_options=pacsv.ConvertOptions(
                    column_types={name: pa.binary() for name in names}
                ),
            )
        except pa.ArrowInvalid as error:
            # A header and nothing below it is a file without rows.
            if "Empty CSV" in str(error) or "Could not skip" in str(error):
                return
            raise
        yield from reader

    def _unreadable(self, said: str, numbering: "_Numbering") -> UnreadableFile:
        hint = f" ({said})"
        if "straddl" in said:
            hint = (
                f": a row is longer than {BLOCK_BYTES >> 20} MB, most likely because a quotation "
                "mark is opened and never closed"
            )
        return UnreadableFile(
            f"{self.path.name} cannot be read after line {numbering.reached}{hint}"
        )


class _Numbering:
    """Rows → the lines they begin in: quoted line breaks and broken rows counted."""

    def __init__(self, first: int) -> None:
        self._first = first
        self.valid = 0
        self._skipped: list[int] = []
        # Numbers of rows that hold line breaks, and how many each.
        self._long: list[int] = []
        self._breaks: list[int] = []

    @property
    def reached(self) -> int:
        """The line read so far, roughly."""
        return self._first + self.valid + len(self._skipped) + sum(self._breaks)

    def skip(self, number: int, breaks: int) -> None:
        self._skipped.append(number)
        if breaks:
            self._long.append(number)
            self._breaks.append(breaks)

    def lines(self, raw: pa.RecordBatch) -> Ints:
        """Of the next valid rows."""
        count = np.arange(self.valid, self.valid + raw.num_rows, dtype=np.int64)
        self.valid += raw.num_rows
        skipped = np.array(sorted(self._skipped), dtype=np.int64)
        # How many valid rows come before each skipped one.
        before = skipped - np.arange(len(skipped)) - self._first
        number = self._first + count + np.searchsorted(before, count, side="right")
        breaks = _lines_within(raw)
        long = np.flatnonzero(breaks)
        self._long += number[long].tolist()
        self._breaks += breaks[long].tolist()
        return self._lines(number)

    def line(self, number: int) -> int:
        """Of the row of this number."""
        return int(self._lines(np.array([number]))[0])

    def _lines(self, number: Ints) -> Ints:
        order = np.argsort(np.array(self._long, dtype=np.int64), kind="stable")
        long = np.array(self._long, dtype=np.int64)[order]
        total = np.concatenate([[0], np.cumsum(np.array(self._breaks, dtype=np.int64)[order])])
        lines: Ints = number + total[np.searchsorted(long, number, side="left")]
        return lines


def _lines_within(raw: pa.RecordBatch) -> Ints:
    """Line breaks inside the values of each row."""
    breaks = np.zeros(raw.num_rows, dtype=np.int64)
    for column in raw.columns:
        breaks += pc.count_substring(column, b"\n").to_numpy(zero_copy_only=False)
    return breaks


class _Quotes:
    """A file that knows whether it has been read an odd number of quotation marks."""

    closed = False

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.odd = False

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.odd ^= bool(data.count(b'"') % 2)
        return data

    def close(self) -> None:
        self.closed = True


def _open(path: Path) -> IO[bytes]:
    try:
        if path.suffix.lower() == ".gz":
            return cast(IO[bytes], gzip.open(path, "rb"))
        return path.open("rb")
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be opened: {error.strerror}") from None
