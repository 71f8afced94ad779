"""What reports add up to: sparse vectors of whole numbers, one slot a measure or bin of a time.

All that is told of a group is read off the sum of its reports' vectors, so sums of parts, and what
is taken away again, are exact. Medians are, too, up to the width of a bin.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# As facts.sql has them, in the order of its columns; `at` in microseconds since 2000 (UTC).
FACT = np.dtype(
    [
        ("at", "i8"),
        *(("month", "i4"), ("ward", "i4"), ("then", "i4"), ("today", "i4"), ("category", "i2")),
        *(("organisation", "i4"), ("channel", "i4"), ("state", "i2"), ("flags", "i2")),
        *(("reply", "i2"), ("result", "i2"), ("rating", "i2"), ("sign", "i2")),
    ]
)

COUNTS = (
    *("received", "open", "answered", "reply_due", "reply_kept", "due", "kept"),
    *("finished", "reopened", "ratings", "rating_sum"),
)
"""The first slots, in their order."""
BINS = 400
REPLY_BINS, RESULT_BINS = 16, 16 + BINS
SLOTS = RESULT_BINS + BINS

# Bits of `flags` (migration 0027) by the slot that they count in; the last two are of time alone.
REPLY_LATE, LATE = 256, 512
_BITS = (
    *((1, "open"), (2, "answered"), (4, "reply_due"), (8, "reply_kept"), (16, "due")),
    *((32, "kept"), (64, "finished"), (128, "reopened"), (REPLY_LATE, "reply_due"), (LATE, "due")),
)

_GROWTH = 1.05
_FIRST_S = 60.0


@dataclass(frozen=True)
class Entries:
    """Numbers to add: `n` in `slot` of the group or cell numbered `row`."""

    row: Ints
    slot: Ints
    n: Ints

    @staticmethod
    def joined(parts: "list[Entries]") -> "Entries":
        """All of these."""
        if not parts:
            nothing = np.empty(0, dtype=np.int64)
            return Entries(nothing, nothing, nothing)
        return Entries(
            *(np.concatenate([getattr(p, name) for p in parts]) for name in ("row", "slot", "n"))
        )


def entries(facts: Array, row: Ints, sign: Ints) -> Entries:
    """What facts add, each to its row as often as its sign says."""
    every = np.ones(len(facts), dtype=bool)
    parts = [_part(row, sign, every, COUNTS.index("received"))]
    for bit, name in _BITS:
        parts.append(_part(row, sign, facts["flags"] & bit > 0, COUNTS.index(name)))
    rated = facts["rating"] > 0
    parts.append(_part(row, sign, rated, COUNTS.index("ratings")))
    parts.append(_part(row, sign * facts["rating"], rated, COUNTS.index("rating_sum")))
    for name, first in (("reply", REPLY_BINS), ("result", RESULT_BINS)):
        known = facts[name] >= 0
        parts.append(_part(row, sign, known, first + facts[name][known].astype(np.int64)))
    return Entries.joined(parts)


def _part(row: Ints, n: Ints, which: npt.NDArray[np.bool_], slot: int | Ints) -> Entries:
    rows = row[which]
    return Entries(rows, np.broadcast_to(np.asarray(slot, dtype=np.int64), rows.shape), n[which])


def tallied(facts: Array, row: Ints, signs: Ints, rows: int) -> Entries:
    """What facts add up to: as `entries`, many times as quick, and fewer where facts are many."""
    sign = signs.astype(np.float64)
    flags = facts["flags"].astype(np.int64)
    known = np.zeros(2 * LATE, dtype=bool)
    known[flags] = True
    kinds = np.flatnonzero(known)
    by_kind = _tally((np.cumsum(known) - 1)[flags], row, rows, len(kinds), sign)
    counted = np.zeros((rows, len(COUNTS)))
    counted[:, COUNTS.index("received")] = by_kind.sum(axis=1)
    for bit, name in _BITS:
        counted[:, COUNTS.index(name)] += by_kind[:, kinds & bit > 0].sum(axis=1)
    rated = _tally(facts["rating"].astype(np.int64), row, rows, 6, sign)
    counted[:, COUNTS.index("ratings")] = rated[:, 1:].sum(axis=1)
    counted[:, COUNTS.index("rating_sum")] = rated @ np.arange(6)
    found = [_entries_of(counted, 0)]
    for name, first in (("reply", REPLY_BINS), ("result", RESULT_BINS)):
        bins = facts[name].astype(np.int64)
        if rows * BINS > len(facts):
            known = bins >= 0
            found.append(Entries(row[known], bins[known] + first, signs[known]))
        else:
            held = _tally(bins + 1, row, rows, BINS + 1, sign)
            found.append(_entries_of(held[:, 1:], first))
    return Entries.joined(found)


def _tally(what: Ints, row: Ints, rows: int, width: int, weight: Floats) -> Floats:
    """The sum of weights by row and by what (0 to width)."""
    found = np.bincount(row * width + what, weights=weight, minlength=rows * width)
    return found.astype(np.float64, copy=False).reshape(rows, width)


def _entries_of(table: Floats, first: int) -> Entries:
    row, slot = np.nonzero(table)
    return Entries(row, slot + first, np.rint(table[row, slot]).astype(np.int64))


def reduced(made: Entries) -> Entries:
    """The same numbers, one of each row and slot; what is nothing is left out."""
    at = made.row * SLOTS + made.slot
    most = int(at.max(initial=-1)) + 1
    if most <= max(1 << 20, 4 * len(at)):
        summed = np.rint(np.bincount(at, weights=made.n, minlength=1)).astype(np.int64)
        kept = np.flatnonzero(summed)
        n = summed[kept]
    else:
        order = np.argsort(at, kind="stable")
        at = at[order]
        first = np.flatnonzero(np.concatenate([[True], at[1:] != at[:-1]]))
        n = np.add.reduceat(made.n[order], first)
        kept, n = at[first][n != 0], n[n != 0]
    return Entries(kept // SLOTS, kept % SLOTS, n)


@dataclass(frozen=True)
class Table:
    """Sums of some rows: `n` (rows, SLOTS) is what each adds up to."""

    n: Floats

    def add(self, at: Ints, n: Array) -> None:
        """Add numbers, each to the row and slot that `at` // and % `SLOTS` are."""
        if 8 * len(at) < self.n.size:
            np.add.at(self.n.reshape(-1), at, n.astype(np.float64))
        else:
            self.n[:] += np.bincount(at, weights=n, minlength=self.n.size).reshape(self.n.shape)

    def total(self) -> "Table":
        """All rows together, one row."""
        return Table(self.n.sum(axis=0, keepdims=True))

    def counts(self) -> Ints:
        """The `COUNTS` of each row, (rows, len(COUNTS))."""
        return np.rint(self.n[:, : len(COUNTS)]).astype(np.int64)

    def middles(self, first: int, parts: tuple[float, ...]) -> Ints:
        """The bin that each of `parts` (0 to 1) of a row's times lie in or below, (rows, parts);
        -1 where a row has none. As `percentile_disc` of the bins. `first` is `REPLY_BINS` or
        `RESULT_BINS`."""
        bins = self.n[:, first : first + BINS]
        found = np.full((len(bins), len(parts)), -1, dtype=np.int64)
        used = np.flatnonzero(bins.any(axis=0))
        if not len(used):
            return found
        low = used[0]
        below = bins[:, low : used[-1] + 1].cumsum(axis=1)
        total = below[:, -1]
        for k, part in enumerate(parts):
            # at least so many; and one at the least, for the lowest bins may hold none
            wanted = np.maximum(np.ceil(np.round(part * total, 6)), 1)
            place = (below >= wanted[:, None]).argmax(axis=1)
            found[:, k] = np.where(total > 0, low + place, -1)
        return found


def seconds(bins: Ints) -> npt.NDArray[np.float64]:
    """The middle of each bin, in seconds: no time in it is more than 2.5 % away."""
    return np.asarray(_FIRST_S * _GROWTH ** (bins + 0.5), dtype=np.float64)
