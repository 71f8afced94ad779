"""A mapping file of old to new wards, as a decree's annex gives it, held against the geometry.

The geometry decides where a report goes; the file is what people were promised. Where the two
differ, one of them is wrong, and somebody has to look.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from geo.errors import RefusedReform, UnreadableFile

OLD_COLUMNS = ("legacy_code", "old_code", "from_code", "from")
NEW_COLUMNS = ("new_code", "to_code", "to")
SHARE_COLUMNS = ("area_share_in_new", "share", "area_share")

SMALLEST_SHARE = 0.02
"""A part of an old ward that is smaller is no disagreement: a decree knows no slivers."""
SHARE_TOLERANCE = 0.05
"""By how much a share told may differ from the one measured."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file: a part of an old ward (None: it names none) and the ward it became."""

    number: int
    old: str | None
    new: str
    share: float | None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Where file and geometry differ: `what` is told only, drawn only, share or missing.

    `told` and `drawn` are the shares of the old ward's area, None where there is none.
    """

    what: str
    old: str
    new: str | None
    told: float | None
    drawn: float | None
    line: int | None

    def sentence(self) -> str:
        """For people."""
        where = f" (line {self.line})" if self.line else ""
        pair = f"{self.old} → {self.new}"
        if self.what == "missing":
            return f"{self.old} is not in the file"
        if self.what == "told only":
            return f"{pair} is in the file{where}, but the two share no ground"
        if self.what == "drawn only":
            return f"{pair} is not in the file, but {self.drawn:.1%} of {self.old} lies there"
        return f"{pair}: the file{where} says {self.told:.1%}, the boundaries {self.drawn:.1%}"


def read_mapping(path: Path) -> list[Line]:
    """The lines of a CSV file with a header: columns `legacy_code`, `new_code` and, if there is
    one, `area_share_in_new` (a share of the old ward's area, 0 to 1).

    Raises `UnreadableFile` with the place and the mend.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UnreadableFile(f"{path.name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UnreadableFile(
            f"{path.name} is not UTF-8 (byte {error.start}); save it as UTF-8"
        ) from None
    try:
        rows = list(csv.reader(io.StringIO(text), strict=True))
    except csv.Error as error:
        raise UnreadableFile(f"{path.name} is not CSV: {error}") from None
    if not rows:
        raise UnreadableFile(f"{path.name} is empty")
    header = [name.strip().lower() for name in rows[0]]
    old_at, new_at = (_column(path, header, names) for names in (OLD_COLUMNS, NEW_COLUMNS))
    share_at = next((header.index(name) for name in SHARE_COLUMNS if name in header), None)
    found: list[Line] = []
    seen: dict[tuple[str | None, str], int] = {}
    for number, row in enumerate(rows[1:], 2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(header):
            raise UnreadableFile(
                f"{path.name} line {number} has {len(row)} columns, the header {len(header)}"
            )
        new = row[new_at].strip()
        if not new:
            raise UnreadableFile(f"{path.name} line {number} names no new ward ({header[new_at]})")
        share = _share(path, number, row[share_at]) if share_at is not None else None
        old = row[old_at].strip() or None
        first = seen.setdefault((old, new), number)
        if old is not None and first != number:
            raise UnreadableFile(
                f"{path.name} line {number} says {old} → {new} again (line {first}); keep one of "
                "them, with the whole share"
            )
        found.append(Line(number, old, new, share))
    return found


def _column(path: Path, header: Sequence[str], names: Sequence[str]) -> int:
    for name in names:
        if name in header:
            return header.index(name)
    commas = "; save it with commas between the columns" if len(header) == 1 else ""
    raise UnreadableFile(
        f"{path.name} has no column {names[0]} (nor {', '.join(names[1:])}); "
        f"it has {', '.join(header)}{commas}"
    )


def _share(path: Path, number: int, value: str) -> float | None:
    if not value.strip():
        return None
    try:
        share = float(value)
    except ValueError:
        share = -1.0
    if not 0.0 <= share <= 1.0:
        raise UnreadableFile(
            f"{path.name} line {number}: the share {value.strip()!r} is no number from 0 to 1"
        )
    return share


def refuse_unknown(lines: Sequence[Line], old: Mapping[str, str], new: Mapping[str, str]) -> None:
    """Raise `RefusedReform`, listing them, when the file names codes that are no wards.

    `old` and `new` are the names of the wards before and of the set, by code.
    """
    wrong = [
        f"  line {line.number}: old ward {line.old} was not in force the day before"
        for line in lines
        if line.old is not None and line.old not in old
    ]
    wrong += [
        f"  line {line.number}: new ward {line.new} is not in the set"
        for line in lines
        if line.new not in new
    ]
    if wrong:
        raise RefusedReform(
            "\n".join(
                [
                    "the mapping names wards that are not there:",
                    *wrong,
                    "Mend the codes, or leave these lines out.",
                ]
            )
        )


def disagreements(
    lines: Sequence[Line], drawn: Mapping[tuple[str, str], float], old: Sequence[str]
) -> list[Disagreement]:
    """Where the file and the boundaries differ, by old and new code.

    `drawn` are the shares of the old ward's area by (old, new); `old` the codes of all old wards.
    """
    told = {(line.old, line.new): line for line in lines if line.old is not None}
    found = [
        Disagreement("missing", code, None, None, None, None)
        for code in old
        if not any(line.old == code for line in lines)
    ]
    for (before, after), line in told.items():
        assert before is not None
        share = drawn.get((before, after))
        if share is None:
            found.append(Disagreement("told only", before, after, line.share, None, line.number))
        elif line.share is not None and abs(share - line.share) > SHARE_TOLERANCE:
            found.append(Disagreement("share", before, after, line.share, share, line.number))
    listed = {line.old for line in lines}
    for (before, after), share in drawn.items():
        if before in listed and (before, after) not in told and share >= SMALLEST_SHARE:
            found.append(Disagreement("drawn only", before, after, None, share, None))
    return sorted(found, key=lambda one: (one.old, one.new or "", one.what))
