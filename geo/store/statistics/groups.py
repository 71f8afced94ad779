"""Groups of what is counted: which of them a fact or a cell is in, and what each adds up to."""

from collections.abc import Mapping

import numpy as np

from geo.store.statistics.asked import Asked
from geo.store.statistics.vectors import SLOTS, Array, Entries, Ints, entries


class Groups:
    """Groups by the members of `asked.by`, in the order they are met.

    `today` is the ward of today that a whole ward became, `family` the number of a category's
    parent or its own, both by id; what is missing is itself.
    """

    def __init__(self, asked: Asked, today: Mapping[int, int], family: Mapping[int, int]) -> None:
        self._asked = asked
        self._today, self._family = _table(today), _table(family)
        self._rows: dict[tuple[int, ...], int] = {}
        self._parts: list[Entries] = []

    @property
    def keys(self) -> list[tuple[int, ...]]:
        """What each group is by, numbers in the order of `by`; 0: none."""
        return list(self._rows)

    def add(self, facts: Array) -> None:
        """Count facts, or take them away, as their sign says."""
        row = self.of(facts)
        here = row >= 0
        self._parts.append(reduced(entries(facts[here], row[here])))

    def add_entries(self, made: Entries) -> None:
        """Count what was added up already, by rows that `of` gave."""
        self._parts.append(made)

    def of(self, facts: Array) -> Ints:
        """The group of each fact, or cell with the same members; -1: in no ward asked for."""
        here = np.ones(len(facts), dtype=bool)
        if self._asked.in_wards:
            ward = self._wards(facts)
            if self._asked.wards is not None:
                here = np.isin(ward, np.array(self._asked.wards, dtype=np.int64))
                facts, ward = facts[here], ward[here]
        group = np.full(len(here), -1, dtype=np.int64)
        columns = []
        for name in self._asked.by:
            if name == "ward":
                columns.append(ward)
            elif name == "family":
                columns.append(_looked_up(self._family, facts["category"].astype(np.int64)))
            elif name == "year":
                columns.append(facts["month"].astype(np.int64) // 12)
            else:
                columns.append(facts[name].astype(np.int64))
        code = np.zeros(len(facts), dtype=np.int64)
        for column in columns:
            code = code << 31 | column
        _, first, inverse = np.unique(code, return_index=True, return_inverse=True)
        found = [tuple(int(column[k]) for column in columns) for k in first.tolist()]
        known = [self._rows.setdefault(key, len(self._rows)) for key in found]
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


def _table(known: Mapping[int, int]) -> Ints:
    table = np.arange(max(known, default=0) + 1, dtype=np.int64)
    for key, value in known.items():
        table[key] = value
    return table


def _looked_up(table: Ints, values: Ints) -> Ints:
    inside = values < len(table)
    return np.where(inside, table[np.where(inside, values, 0)], values)
