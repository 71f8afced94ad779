"""Groups of what is counted: which of them a fact or a cell is in, and what each adds up to."""

from collections.abc import Mapping

import numpy as np

from geo.store.statistics.asked import Asked
from geo.store.statistics.vectors import Array, Entries, Ints, entries, reduced

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
        self._parts: list[Entries] = []

    @property
    def keys(self) -> Ints:
        """What each group is by, (groups, members), numbers in the order of `by`; 0: none."""
        codes = np.fromiter(self._rows, dtype=np.int64, count=len(self._rows))
        places = range(len(self._asked.by) - 1, -1, -1)
        columns = [codes >> _BITS * place & (1 << _BITS) - 1 for place in places]
        return np.stack(columns, axis=1) if columns else np.empty((len(codes), 0), dtype=np.int64)

    def add(self, facts: Array) -> None:
        """Count facts, or take them away, as their sign says."""
        row = self.of(facts)
        if (row < 0).any():
            facts, row = facts[row >= 0], row[row >= 0]
        self._parts.append(reduced(entries(facts, row)))

    def add_entries(self, made: Entries, cell: Ints) -> None:
        """Count what was added up already: entries by cells, of which `cell` gives the groups."""
        row = cell[made.row]
        here = slice(None) if (cell >= 0).all() else row >= 0
        self._parts.append(Entries(row[here], made.slot[here], made.n[here]))

    def of(self, facts: Array) -> Ints:
        """The group of each fact, or cell with the same members; -1: in no ward asked for."""
        here = np.ones(len(facts), dtype=bool)
        if self._asked.in_wards:
            ward = self._wards(facts)
            if self._asked.wards is not None:
                here = np.isin(ward, np.array(self._asked.wards, dtype=np.int64))
                facts, ward = facts[here], ward[here]
        code = np.zeros(len(facts), dtype=np.int64)
        for name in self._asked.by:
            if name == "ward":
                column = ward
            elif name == "family":
                column = _looked_up(self._family, facts["category"].astype(np.int64))
            elif name == "year":
                column = facts["month"].astype(np.int64) // 12
            else:
                column = facts[name].astype(np.int64)
            code = code << _BITS | column
        found, inverse = np.unique(code, return_inverse=True)
        known = [self._rows.setdefault(key, len(self._rows)) for key in found.tolist()]
        group = np.full(len(here), -1, dtype=np.int64)
        group[here] = np.array(known, dtype=np.int64)[inverse.reshape(-1)]
        return group

    def summed(self) -> Entries:
        """All that was counted."""
        return Entries.joined(self._parts)

    def _wards(self, facts: Array) -> Ints:
        own = facts["ward"].astype(np.int64)
        other = facts[self._asked.word].astype(np.int64)
        if self._asked.word == "today":
            own = _looked_up(self._today, own)
        return np.where(other >= 0, other, own)


def _table(known: Mapping[int, int]) -> Ints:
    table = np.arange(max(known, default=0) + 1, dtype=np.int64)
    for key, value in known.items():
        table[key] = value
    return table


def _looked_up(table: Ints, values: Ints) -> Ints:
    inside = values < len(table)
    return np.where(inside, table[np.where(inside, values, 0)], values)
