"""How counts and reports are packed into bytes.

A count is one unsigned integer: a key in the high bits, how many in the low ones (more than fit are
several entries of one key). Entries are sorted by key, so equal counts are equal bytes.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from geo.store.tables.reports import STATUSES

Ints = npt.NDArray[np.int64]

# Below a tile come 5 more levels: 32 x 32 fine cells in each.
FINE: Final = 5
FINE_CELLS: Final = 1 << 2 * FINE
# 4 bits; new statuses go to the end.
STATUS_SLOTS: Final = 16
KINDS: Final = ("incident", "suggestion")

HOUR_US: Final = 3_600_000_000
# 16 days: a power of two near half a month. 384 hours need 9 bits.
PERIOD_HOURS: Final = 384
ALL_PERIODS: Final = -32768
ALL_CATEGORIES: Final = 0
FACTS: Final = -1

# The zoom of a ward's cells: 150 m wide at Ho Chi Minh City.
WARD_ZOOM: Final = 18

# A report as the public sees it, 24 bytes. `at` counts microseconds from 2000-01-01 UTC, as
# PostgreSQL does; `ward` is wards.id, 0 for none; `category` is categories.number.
FACT: Final = np.dtype(
    [
        ("cell", "<i8"),
        ("at", "<i8"),
        ("ward", "<i4"),
        ("category", "<u2"),
        ("status", "u1"),
        ("kind", "u1"),
    ]
)
Facts = npt.NDArray[np.void]
"""An array of FACT."""

assert len(STATUSES) <= STATUS_SLOTS


@dataclass(frozen=True, slots=True)
class Packing:
    """One way to pack: the integer's type, and how many of its low bits count."""

    dtype: str
    count_bits: int
    place_bits: int

    def key(self, hour: npt.NDArray[np.integer[Any]], place_and_state: Ints) -> Ints:
        """Hour of the period, then place, status and kind."""
        key: Ints = (hour.astype(np.int64) << (self.place_bits + 5)) | place_and_state
        return key

    def pack(self, keys: Ints, counts: Ints) -> tuple[npt.NDArray[Any], Ints]:
        """Entries of sorted keys with counts above 0, and how many entries each of them became."""
        most = (1 << self.count_bits) - 1
        parts = -(-counts // most)
        if parts.max(initial=1) > 1:
            rest = counts - (parts - 1) * most
            keys = np.repeat(keys, parts)
            counts = np.full(len(keys), most, dtype=np.int64)
            counts[np.cumsum(parts) - 1] = rest
        return ((keys << self.count_bits) | counts).astype(np.uint64).astype(self.dtype), parts

    def unpack(self, packed: bytes) -> tuple[Ints, Ints]:
        """Keys and counts; a key may come several times."""
        entries = np.frombuffer(packed, dtype=self.dtype).astype(np.uint64)
        keys = (entries >> np.uint64(self.count_bits)).astype(np.int64)
        counts = (entries & np.uint64((1 << self.count_bits) - 1)).astype(np.int64)
        return keys, counts


# Keys: hour of the period (9 bits), fine cell (10), status (4), kind (1).
HOURS: Final = Packing("<u4", 8, 10)
# Over all categories or all periods: no hour.
TOTALS: Final = Packing("<u4", 17, 10)
# Keys: hour (9), cell of zoom 18 (36), status (4), kind (1); totals have hour 0.
WARD: Final = Packing("<u8", 14, 36)
# No key of any packing is longer.
KEY_BITS: Final = 50


def hours_of(facts: Facts) -> Ints:
    """Whole hours since 2000-01-01 UTC."""
    return np.asarray(facts["at"], dtype=np.int64) // HOUR_US


def state_of(facts: Facts) -> Ints:
    """Status and kind as the low 5 bits of a key."""
    state: Ints = (facts["status"].astype(np.int64) << 1) | facts["kind"]
    return state


def fine_key(cell: Ints, zoom: int) -> Ints:
    """Fine cell (z-order) of cell numbers of zoom 26 within their tile at `zoom`."""
    fine: Ints = (cell >> (2 * (26 - FINE - zoom))) & (FINE_CELLS - 1)
    return fine


def attributes(facts: Facts) -> Ints:
    """All that a fact says besides where and when, as one number."""
    ward: Ints = facts["ward"].astype(np.int64)
    one: Ints = (ward << 32) | (facts["category"].astype(np.int64) << 16) | state_of(facts)
    return one
