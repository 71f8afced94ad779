"""Groups of what is counted: which of them a fact or a cell is in, and what each adds up to."""

from collections.abc import Mapping

import numpy as np

from geo.store.statistics.asked import Asked
from geo.store.statistics.cells import PACKED
from geo.store.statistics.facts import months
from geo.store.statistics.vectors import SLOTS, Array, Ints, Table, tallied

_BITS = 31


class Groups:
    """Groups by the members of `asked.by`, in the order they are met.

    `today` is the ward of today that a whole ward became, `family` the number of a category's
    parent or its own, both by id; what is missing is itself.
    """

    def __init__(self, asked: Asked, today: Mapping[int, int], family: Mapping[int, int]) -> None:
        self._asked = asked
        self._today, self._family = _table(today), _table(family)
        self._rows: dict[int, int] = {}
        self._parts: list[tuple[Ints, Array]] = []

    @property
    def keys(self) -> Ints:
        """What each group is by, (groups, members), numbers in the order of `by`; 0: none."""
        codes = np.fromiter(self._rows, dtype=np.int64, count=len(self._rows))
        places = range(len(self._asked.by) - 1, -1, -1)
        columns = [codes >> _BITS * place & (1 << _BITS) - 1 for place in places]
        return np.stack(columns, axis=1) if columns else np.empty((len(codes), 0), dtype=np.int64)

    def add(self, facts: Array, sign: Ints | None = None) -> None:
        """Count facts, or take them away, as their sign says, or the one that is given."""
        if sign is None:
            sign = facts["sign"].astype(np.int64)
        row = self.of(facts)
        if self._rows:
            here = row >= 0
            made = tallied(facts, np.where(here, row, 0), sign * here, len(self._rows))
            self._parts.append((made.row * SLOTS + made.slot, made.n))

    def add_cells(self, cells: Array, packed: bytes, sizes: Ints) -> None:
        """Count what was added up already, as `geo.store.statistics.cells` packs it."""
        held = np.frombuffer(packed, dtype=PACKED)
        n, slot = held["n"], held["slot"]
        group = self.of(cells)
        at = np.repeat(group * SLOTS, sizes)
        if (group < 0).any():
            here = at >= 0
            at, n, slot = at[here], n[here], slot[here]
        at += slot
        self._parts.append((at, n))

    def of(self, facts: Array) -> Ints:
        """The group of each fact, or cell with the same members; -1: in no ward asked for."""
        here = np.ones(len(facts), dtype=bool)
        if self._asked.in_wards:
            ward = self._wards(facts)
            if self._asked.wards is not None:
                here = np.isin(ward, np.array(self._asked.wards, dtype=np.int64))
                facts, ward = facts[here], ward[here]
        place = np.zeros(len(facts), dtype=np.int64)
        values = np.zeros(1, dtype=np.int64)
        for name in self._asked.by:
            if name == "ward":
                column = ward
            elif name == "family":
                column = _looked_up(self._family, facts["category"].astype(np.int64))
            elif name in ("month", "year"):
                column = self._months(facts) // (12 if name == "year" else 1)
            else:
                column = facts[name].astype(np.int64)
            found, which = _distinct(column)
            values = (values[:, None] << _BITS | found).reshape(-1)
            place = place * len(found) + which
        found, which = _distinct(place)
        known = [self._rows.setdefault(key, len(self._rows)) for key in values[found].tolist()]
        group = np.full(len(here), -1, dtype=np.int64)
        group[here] = np.array(known, dtype=np.int64)[which]
        return group

    def summed(self, first: int, rows: int) -> Table:
        """What the groups from `first` on add up to, `rows` of them."""
        found = Table(np.zeros((rows, SLOTS)))
        for at, n in self._parts:
            if rows < len(self._rows):
                here = (at >= first * SLOTS) & (at < (first + rows) * SLOTS)
                at, n = at[here] - first * SLOTS, n[here]
            found.add(at, n)
        return found

    def _months(self, facts: Array) -> Ints:
        if "month" in (facts.dtype.names or ()):
            return facts["month"].astype(np.int64)
        return months(facts["at"], self._asked.timezone)

    def _wards(self, facts: Array) -> Ints:
        own = facts["ward"].astype(np.int64)
        other = facts[self._asked.word].astype(np.int64)
        if self._asked.word == "today":
            own = _looked_up(self._today, own)
        return np.where(other >= 0, other, own)


def _distinct(numbers: Ints) -> tuple[Ints, Ints]:
    """As `numpy.unique` with the inverse, of numbers from 0 on; quicker where none is large."""
    most = int(numbers.max(initial=0))
    if most > max(1 << 16, 4 * len(numbers)):
        found, which = np.unique(numbers, return_inverse=True)
        return found, which.reshape(-1)
    there = np.zeros(most + 1, dtype=bool)
    there[numbers] = True
    return np.flatnonzero(there), (np.cumsum(there) - 1)[numbers]


def _table(known: Mapping[int, int]) -> Ints:
    table = np.arange(max(known, default=0) + 1, dtype=np.int64)
    for key, value in known.items():
        table[key] = value
    return table


def _looked_up(table: Ints, values: Ints) -> Ints:
    inside = values < len(table)
    return np.where(inside, table[np.where(inside, values, 0)], values)
