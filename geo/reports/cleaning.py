"""Rows as they come from a file → reports, or the reason why not; a batch at once.

The rules are those of a report sent by a citizen where they can be: NFC, no control characters, the
same length, coordinates in range. What is only odd is kept and flagged.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from geo.reports.dates import Dates, Moments
from geo.reports.rows import Batch, Broken
from geo.reports.spreadsheets import as_written
from geo.reports.text import LONGEST_TEXT
from geo.store.tables.reports import STATUSES

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Shorts = npt.NDArray[np.int16]

LONGEST_ID = 200
LONGEST_CATEGORY = 200
_NUMBER = r"^[+-]?(\d+[.]?\d*|[.]\d+)([eE][+-]?\d+)?$"
_CONTROLS = r"[\x00-\x08\x0b-\x1f\x7f-\x{9f}]"

# What other systems call the states of a report.
_SAID_STATUSES = {
    **{status: status for status in STATUSES},
    **dict.fromkeys(("open", "new", "pending", "submitted", "mở", "mới"), "received"),
    **dict.fromkeys(("in progress", "started", "active", "đang xử lý"), "in_progress"),
    **dict.fromkeys(("on hold", "paused"), "waiting"),
    **dict.fromkeys(("complete", "completed", "done", "đã xử lý"), "resolved"),
    **dict.fromkeys(("close", "đã đóng", "đóng"), "closed"),
    **dict.fromkeys(("canceled", "cancelled"), "withdrawn"),
    **dict.fromkeys(("invalid", "referred"), "rejected"),
}


REASONS = {
    "empty": "the row is empty",
    "not-utf8": "it is not UTF-8",
    "no-id": "it has no id",
    "bad-id": f"its id is longer than {LONGEST_ID} characters or holds control characters",
    "repeated-id": "its id came before in this file",
    "no-created": "it has no time of creation",
    "bad-created": "its time of creation is no date that is understood",
    "future": "its time of creation lies in the future",
    "bad-closed": "its time of closing is no date that is understood",
    "no-place": "it has no coordinates",
    "bad-place": "its coordinates are no numbers",
    "out-of-range": (
        "its coordinates are out of range: lon is within ±180 and lat within ±90; "
        "if the two columns are swapped, say which is which by --lon and --lat"
    ),
    "no-category": "it has no category",
    "bad-category": f"its category is longer than {LONGEST_CATEGORY} characters or holds control "
    "characters",
    "bad-text": "its text holds control characters",
    "long-text": f"its text is longer than {LONGEST_TEXT} characters",
    "unknown-category": "its category is not known here",
}
"""Why a row is refused, in words."""
NUMBER = {name: number for number, name in enumerate(REASONS, start=1)}
"""The reasons as small numbers; 0 is none."""
# What of the row is shown with the reason.
_SHOWN = {
    "repeated-id": ("id",),
    "bad-created": ("created",),
    "future": ("created",),
    "bad-closed": ("closed",),
    "bad-place": ("lon", "lat"),
    "out-of-range": ("lon", "lat"),
    "unknown-category": ("category",),
}


def mark(reason: Shorts, rows: Bools, name: str) -> None:
    """Note why `rows` are refused, where nothing was found before."""
    reason[rows & (reason == 0)] = NUMBER[name]


@dataclass(frozen=True)
class Cleaned:
    """A batch of rows (n,), good and refused alike; refused ones hold what could be read."""

    batch: Batch
    reason: Shorts
    source_id: pa.Array
    category_code: pa.Array
    text: pa.Array
    lon: Floats
    lat: Floats
    created: Moments
    closed: Moments
    status: pa.Array | None


def positions(batch: Batch) -> tuple[Floats, Floats, Shorts]:
    """`(lon, lat, reason)`; NaN where the reason (0: fine) says what is wrong."""
    columns = [_decoded(batch, noun)[0] for noun in ("lon", "lat")]
    reason = np.zeros(len(batch), dtype=np.int16)
    missing = np.zeros(len(batch), dtype=bool)
    bad = np.zeros(len(batch), dtype=bool)
    numbers = []
    for column in columns:
        missing |= _mask(pc.equal(column, ""))
        is_number = pc.match_substring_regex(column, _NUMBER)
        bad |= ~_mask(is_number)
        kept = pc.if_else(is_number, column, pa.scalar(None, pa.string()))
        numbers.append(pc.fill_null(kept.cast(pa.float64()), np.nan).to_numpy(zero_copy_only=False))
    lon, lat = numbers
    # 0, 0 in the Gulf of Guinea is how many systems write "nowhere".
    missing |= (lon == 0.0) & (lat == 0.0)
    mark(reason, missing, "no-place")
    mark(reason, bad, "bad-place")
    mark(reason, ~((np.abs(lon) <= 180.0) & (np.abs(lat) <= 90.0)), "out-of-range")
    lon, lat = np.where(reason > 0, np.nan, lon), np.where(reason > 0, np.nan, lat)
    return lon, lat, reason


def ids(batch: Batch) -> pa.Array:
    """The trimmed ids, "" where there is none or it is not UTF-8."""
    return _decoded(batch, "id")[0]


def categories(batch: Batch) -> list[str]:
    """The different category names that can be kept."""
    column = pc.unique(_decoded(batch, "category")[0])
    bad = _mask(pc.equal(column, "")) | _long(column, LONGEST_CATEGORY) | _controls(column)
    kept: list[str] = column.filter(pa.array(~bad)).to_pylist()
    return kept


def clean(
    batch: Batch,
    repeated: Bools,
    codes: Mapping[str, str | None],
    dates: Dates,
    latest_us: int,
) -> Cleaned:
    """Apply all rules.

    `repeated` (n,) marks ids met before; `codes` has the category of each name, None where it is
    not known here; nothing can have been created after `latest_us`.
    """
    n = len(batch)
    reason = np.zeros(n, dtype=np.int16)
    mark(reason, _empty(batch), "empty")
    texts = {}
    for noun in batch.mapping:
        texts[noun], broken = _decoded(batch, noun)
        mark(reason, broken, "not-utf8")
    mark(reason, _mask(pc.equal(texts["id"], "")), "no-id")
    mark(reason, _long(texts["id"], LONGEST_ID) | _controls(texts["id"]), "bad-id")
    mark(reason, repeated, "repeated-id")
    created = dates.read(texts["created"])
    mark(reason, created.missing, "no-created")
    mark(reason, created.bad, "bad-created")
    mark(reason, created.utc > latest_us, "future")
    closed = dates.read(texts["closed"] if "closed" in texts else pa.array([""] * n))
    mark(reason, closed.bad, "bad-closed")
    lon, lat, place = positions(batch)
    for name in ("no-place", "bad-place", "out-of-range"):
        mark(reason, place == NUMBER[name], name)
    category = texts["category"]
    mark(reason, _mask(pc.equal(category, "")), "no-category")
    mark(reason, _long(category, LONGEST_CATEGORY) | _controls(category), "bad-category")
    # One look-up per name, not per row.
    named = category.dictionary_encode()
    found = [codes.get(name) for name in named.dictionary.to_pylist()]
    coded = pa.DictionaryArray.from_arrays(named.indices, pa.array(found, pa.string()))
    mark(reason, ~_mask(coded.dictionary_decode().is_valid()), "unknown-category")
    text = texts.get("text")
    if text is not None and batch.cells:
        text = as_written(text)
    # A report without words of its own says what it is about.
    text = category if text is None else pc.if_else(pc.equal(text, ""), category, text)
    text = pc.replace_substring(pc.replace_substring(text, "\r\n", "\n"), "\r", "\n")
    mark(reason, _controls(text), "bad-text")
    mark(reason, _long(text, LONGEST_TEXT), "long-text")
    return Cleaned(
        batch=batch,
        reason=reason,
        source_id=texts["id"],
        category_code=coded,
        text=text,
        lon=lon,
        lat=lat,
        created=created,
        closed=closed,
        status=texts.get("status"),
    )


def statuses(said: pa.Array | None, closed: Bools, organised: Bools) -> tuple[pa.Array, Bools]:
    """`(status, unknown)`: what the file says, where it says what we know; else by its times."""
    n = len(closed)
    otherwise = np.where(closed, "closed", np.where(organised, "assigned", "received"))
    unknown = np.zeros(n, dtype=bool)
    if said is None:
        return pa.array(otherwise), unknown
    words = pc.utf8_lower(said).dictionary_encode()
    known = [_SAID_STATUSES.get(word) for word in words.dictionary.to_pylist()]
    # Open there is received or assigned here; closed by its time, whatever the word is.
    plain = [status is None or status in ("received", "assigned") for status in known]
    index = words.indices.to_numpy()
    status = np.where(np.array(plain)[index], otherwise, np.array([s or "" for s in known])[index])
    unknown = np.array([status is None for status in known], dtype=bool)[index]
    return pa.array(status), unknown & ~_mask(pc.equal(said, ""))


def refusals(cleaned: Cleaned) -> list[Broken]:
    """The refused rows with their reasons in words; empty ones are nobody's loss."""
    names = list(REASONS)
    found = []
    for i in np.flatnonzero(cleaned.reason > NUMBER["empty"]).tolist():
        fields = tuple(
            column[i].as_py().decode("utf-8", "backslashreplace")
            for column in cleaned.batch.raw.columns
        )
        name = names[cleaned.reason[i] - 1]
        nouns = [noun for noun in _SHOWN.get(name, ()) if noun in cleaned.batch.mapping]
        values = [fields[cleaned.batch.mapping[noun]][:60] for noun in nouns]
        shown = f" ({', '.join(values)})" if values else ""
        found.append(Broken(int(cleaned.batch.line[i]), f"{REASONS[name]}{shown}", fields, name))
    return found


def _decoded(batch: Batch, noun: str) -> tuple[pa.Array, Bools]:
    """Trimmed NFC text of a column, and which rows are not UTF-8 ("" there)."""
    raw: Any = batch.column(noun)
    broken = np.zeros(len(batch), dtype=bool)
    try:
        text = pc.cast(raw, pa.string())
    except pa.ArrowInvalid:
        values = []
        for i, packed in enumerate(raw.to_pylist()):
            try:
                values.append(packed.decode())
            except UnicodeDecodeError:
                values.append("")
                broken[i] = True
        text = pa.array(values, pa.string())
    if not pc.all(pc.string_is_ascii(text), min_count=0).as_py():
        text = pc.utf8_normalize(text, form="NFC")
    return pc.utf8_trim_whitespace(text), broken


def _empty(batch: Batch) -> Bools:
    empty = np.ones(len(batch), dtype=bool)
    for column in batch.raw.columns:
        empty &= pc.binary_length(column).to_numpy(zero_copy_only=False) == 0
    return empty


def _controls(column: pa.Array) -> Bools:
    return _mask(pc.match_substring_regex(column, _CONTROLS))


def _long(column: pa.Array, longest: int) -> Bools:
    return _mask(pc.greater(pc.utf8_length(column), longest))


def _mask(column: pa.Array) -> Bools:
    made: Bools = np.asarray(column.to_numpy(zero_copy_only=False), dtype=bool)
    return made
