"""The file of refused rows: each with its place and reason, ready to be mended and sent again."""

import csv
from collections import Counter
from pathlib import Path
from typing import IO, Any

from geo.errors import Invalid
from geo.reports.cleaning import Cleaned, refusals
from geo.reports.features import GeoJsonRows
from geo.reports.rows import Broken, CsvRows


class RefusedFile:
    """Written aside and moved into place by `finish`; not there at all when nothing is refused.

    Columns: `line` (or `feature`), `reason`, then those of the imported file; so the rows can be
    corrected in it and it can be imported in turn.
    """

    def __init__(self, path: Path, rows: CsvRows | GeoJsonRows) -> None:
        """Raises `Invalid` when the file cannot be written there."""
        self.reasons: Counter[str] = Counter()
        self._path = path
        self._head = [rows.unit, "reason", *rows.header]
        # In the order of the file, the next one last.
        self._broken = sorted(rows.broken, key=lambda broken: broken.line, reverse=True)
        self._file: IO[str] | None = None
        self._writer: Any = None
        if path.is_dir() or not path.absolute().parent.is_dir():
            raise Invalid(f"{path} cannot be written; name a file in a folder with --refused")

    def add(self, cleaned: Cleaned) -> None:
        """The refused rows of a batch, with the broken ones before its end."""
        last = int(cleaned.batch.line[-1])
        found = refusals(cleaned)
        while self._broken and self._broken[-1].line < last:
            found.append(self._broken.pop())
        self._write(sorted(found, key=lambda refused: refused.line))

    def finish(self) -> Path | None:
        """Put the file in place; None when no row was refused."""
        self._write(self._broken[::-1])
        self._broken = []
        if self._file is None:
            # What an earlier import refused is no longer so.
            if self._is_ours():
                self._path.unlink()
            return None
        self._file.close()
        self._aside().replace(self._path)
        return self._path

    def close(self) -> None:
        """Drop what was not finished."""
        if self._file is not None and not self._file.closed:
            self._file.close()
            self._aside().unlink()

    def _write(self, refused: list[Broken]) -> None:
        if not refused:
            return
        if self._file is None:
            try:
                self._file = self._aside().open("w", encoding="utf-8", newline="")
            except OSError as error:
                raise Invalid(f"{self._path} cannot be written: {error.strerror}") from None
            self._writer = csv.writer(self._file, lineterminator="\n")
            self._writer.writerow(self._head)
        for each in refused:
            self.reasons[each.name] += 1
            self._writer.writerow([each.line, each.reason, *each.fields])

    def _aside(self) -> Path:
        return self._path.with_name(f"{self._path.name}.part")

    def _is_ours(self) -> bool:
        if not self._path.is_file():
            return False
        with self._path.open(encoding="utf-8", errors="replace") as file:
            return file.readline().startswith(",".join(self._head[:2]) + ",")
