"""Times as files write them → UTC, a column at once."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from geo.reports.times import LocalZone

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Order = Literal["iso", "dmy", "mdy"]

FIRST_YEAR, LAST_YEAR = 1900, 2100

_ISO = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.]\d{1,6})?)?)?$"
_ISO_ZONED = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.]\d{1,6})?)?(Z|[+-]\d{2}(:?\d{2})?)$"
# 31/12/2025 or 12/31/2025, with 23:59[:59] or 11:59[:59] PM behind.
_SLASHED = (
    r"^(?P<a>\d{1,2})[/.-](?P<b>\d{1,2})[/.-](?P<year>\d{4})"
    r"(?:[ T,]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.]\d+)?)?"
    r" ?(?P<half>[AaPp][Mm])?)?$"
)


@dataclass(frozen=True)
class Moments:
    """A column of times: `utc` microseconds since 1970; `missing` where nothing was written,
    `bad` where something that is no time; `ambiguous` and `nonexistent` local hours."""

    utc: Ints
    missing: Bools
    bad: Bools
    ambiguous: Bools
    nonexistent: Bools
    local_day: npt.NDArray[np.datetime64]


class Dates:
    """Reads one way of writing dates, local times by the clocks of one zone.

    `iso`: `2025-12-31[T23:59[:59]]`, with `Z` or an offset in place of the zone; `dmy` and `mdy`:
    `31/12/2025` and `12/31/2025`, with a time of 24 or 12 hours.
    """

    def __init__(self, zone: str, order: Order) -> None:
        """Raises `Invalid` when there is no such zone."""
        self._zone = LocalZone(zone, FIRST_YEAR, LAST_YEAR)
        self._order = order

    def read(self, column: pa.Array) -> Moments:
        """A column of trimmed text, null or empty where nothing was written."""
        n = len(column)
        column = pc.fill_null(column, "")
        missing = _mask(pc.equal(column, ""))
        wall = np.zeros(n, dtype=np.int64)
        utc = np.zeros(n, dtype=np.int64)
        zoned = np.zeros(n, dtype=bool)
        if self._order == "iso":
            local = _mask(pc.match_substring_regex(column, _ISO))
            wall, local = _iso(column, local, pa.timestamp("us"))
            rest = ~local & ~missing
            if rest.any():
                zoned = rest & _mask(pc.match_substring_regex(column, _ISO_ZONED))
                utc, zoned = _iso(column, zoned, pa.timestamp("us", "UTC"))
        else:
            wall, local = _slashed(column, day_first=self._order == "dmy")
        placed, ambiguous, nonexistent = self._zone.to_utc(wall // 1_000_000)
        utc = np.where(local, placed * 1_000_000 + wall % 1_000_000, utc)
        offset = np.where(zoned, self._zone.offset_at(utc // 1_000_000) * 1_000_000, 0)
        day = np.where(local, wall, utc + offset) // 86_400_000_000
        year = day.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
        good = (local | zoned) & (year >= FIRST_YEAR) & (year <= LAST_YEAR)
        return Moments(
            utc=utc,
            missing=missing,
            bad=~good & ~missing,
            ambiguous=ambiguous & local & good,
            nonexistent=nonexistent & local & good,
            local_day=day.astype("datetime64[D]"),
        )


def _mask(column: pa.Array) -> Bools:
    made: Bools = np.asarray(column.to_numpy(zero_copy_only=False), dtype=bool)
    return made


def _iso(column: pa.Array, wanted: Bools, kind: pa.DataType) -> tuple[Ints, Bools]:
    """Microseconds where `wanted`; rows that look right but are no date come back unwanted."""
    kept = pc.if_else(pa.array(wanted), column, pa.scalar(None, pa.string()))
    try:
        read = pc.cast(kept, kind)
    except pa.ArrowInvalid:
        # 30 February and the like: few, found one by one.
        read = pa.array([_one(value, kind) for value in kept.to_pylist()], kind)
    good = wanted & _mask(read.is_valid())
    micros: Ints = pc.fill_null(read.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
    return micros, good


def _one(value: str | None, kind: pa.DataType) -> pa.Scalar | None:
    if value is None:
        return None
    try:
        return pa.scalar(value).cast(kind)
    except pa.ArrowInvalid:
        return None


def _slashed(column: pa.Array, day_first: bool) -> tuple[Ints, Bools]:
    parts = pc.extract_regex(column, _SLASHED)
    good = _mask(parts.is_valid())

    def number(name: str) -> Ints:
        text = pc.struct_field(parts, name)
        text = pc.if_else(pc.equal(text, ""), "0", text)
        read: Ints = pc.fill_null(text.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
        return read

    first, second = number("a"), number("b")
    day, month = (first, second) if day_first else (second, first)
    hour = number("hour")
    half = pc.utf8_lower(pc.fill_null(pc.struct_field(parts, "half"), ""))
    morning, evening = _mask(pc.equal(half, "am")), _mask(pc.equal(half, "pm"))
    good &= ~((morning | evening) & ((hour < 1) | (hour > 12)))
    hour = np.where((morning | evening) & (hour == 12), 0, hour) + np.where(evening, 12, 0)
    minute, sec = number("minute"), number("second")
    good &= (month >= 1) & (month <= 12) & (day >= 1) & (hour < 24) & (minute < 60) & (sec < 60)
    months = (number("year") - 1970) * 12 + np.where(good, month, 1) - 1
    begins = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    following = (months + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    good &= day <= following - begins
    seconds = (begins + day - 1) * 86_400 + hour * 3600 + minute * 60 + sec
    return seconds * 1_000_000, good
