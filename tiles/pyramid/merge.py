"""Packed rows with changes worked in."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tiles.pyramid import rows as rows_of
from tiles.pyramid.packing import (
    FACT,
    FACTS,
    KEY_BITS,
    PERIOD_HOURS,
    Facts,
    Ints,
    Packing,
    attributes,
    hours_of,
)
from tiles.pyramid.rows import Name, Row
from tiles.pyramid.tree import Tree

Whole = npt.NDArray[np.integer[Any]]

# Rows held in memory at once; some may be megabytes. With KEY_BITS they fit 63 bits.
AT_ONCE = 4_000


class Broken(Exception):
    """The counts do not hold what a change took away: they are not what the table says."""


@dataclass(frozen=True)
class SomeCounts:
    """Rows of one packing, and what is added to them."""

    packing: Packing
    names: Sequence[Name]
    row: Ints
    key: Ints
    weight: Ints

    def merged(self, before: Mapping[Name, bytes]) -> list[Row]:
        """The rows afterwards; one with nothing left in it is not among them."""
        packed = [before.get(name, b"") for name in self.names]
        size = np.dtype(self.packing.dtype).itemsize
        held = np.array([len(one) // size for one in packed], dtype=np.int64)
        keys, counts = self.packing.unpack(b"".join(packed))
        # Row and key in one number: what was there is in its order already, so sorting the two
        # together is hardly more than one merge.
        there = (np.repeat(np.arange(len(packed)), held) << KEY_BITS) | keys
        added = (self.row << KEY_BITS) | self.key
        sooner = np.argsort(added)
        named = np.concatenate([there, added[sooner]])
        order = np.argsort(named, kind="stable")
        named = named[order]
        first = _first(named)
        count = np.add.reduceat(np.concatenate([counts, self.weight[sooner]])[order], first)
        if (count < 0).any():
            raise Broken
        named = named[first][count > 0]
        key = named & ((1 << KEY_BITS) - 1)
        entries, parts = self.packing.pack(key, count[count > 0])
        return _rows(entries, np.repeat(named >> KEY_BITS, parts), self.names)


@dataclass(frozen=True)
class SomeFacts:
    """Rows of facts, and the facts that come and go."""

    names: Sequence[Name]
    row: Ints
    facts: Facts
    weight: Ints

    def merged(self, before: Mapping[Name, bytes]) -> list[Row]:
        """The rows afterwards; one with nothing left in it is not among them."""
        packed = [before.get(name, b"") for name in self.names]
        held = np.array([len(one) // FACT.itemsize for one in packed], dtype=np.int64)
        facts = np.concatenate([np.frombuffer(b"".join(packed), dtype=FACT), self.facts])
        row = np.concatenate([np.repeat(np.arange(len(packed)), held), self.row])
        weight = np.concatenate([np.ones(int(held.sum()), dtype=np.int64), self.weight])
        order = np.lexsort((attributes(facts), facts["at"], facts["cell"], row))
        facts, row = facts[order], row[order]
        first = _first(row, facts["cell"], facts["at"], attributes(facts))
        count = np.add.reduceat(weight[order], first)
        if (count < 0).any():
            raise Broken
        return _rows(np.repeat(facts[first], count), np.repeat(row[first], count), self.names)


def counts(facts: Facts, weights: Ints, tree: Tree) -> Iterator[SomeCounts]:
    """All changes of counts, some rows at a time."""
    for part in rows_of.told(facts, tree, wards=True):
        if not len(part.which):
            continue
        key = part.packing.key(part.hour, part.place_and_state)
        for names, row, which in _grouped(part.node, part.category, part.period):
            yield SomeCounts(part.packing, names, row, key[which], weights[part.which][which])


def facts(facts: Facts, weights: Ints, tree: Tree) -> Iterator[SomeFacts]:
    """All changes of leaves, some rows at a time."""
    leaf = tree.leaf_of(facts["cell"])
    inside = np.flatnonzero(leaf)
    period = hours_of(facts)[inside] // PERIOD_HOURS
    category = np.full(len(inside), FACTS, dtype=np.int64)
    for names, row, which in _grouped(leaf[inside], category, period):
        yield SomeFacts(names, row, facts[inside[which]], weights[inside[which]])


def _grouped(node: Ints, category: Whole, period: Whole) -> Iterator[tuple[list[Name], Ints, Ints]]:
    """Distinct names, `AT_ONCE` at a time; for each entry its name's place, and which it is."""
    order = np.lexsort((period, category, node))
    node, category, period = node[order], category[order], period[order]
    first = _first(node, category, period)
    for begin in range(0, len(first), AT_ONCE):
        chosen = first[begin : begin + AT_ONCE]
        end = first[begin + AT_ONCE] if begin + AT_ONCE < len(first) else len(node)
        names = list(
            zip(
                node[chosen].tolist(),
                category[chosen].tolist(),
                period[chosen].tolist(),
                strict=True,
            )
        )
        lengths = np.diff(np.append(chosen, end))
        yield names, np.repeat(np.arange(len(chosen)), lengths), order[chosen[0] : end]


def _first(*columns: Whole) -> Ints:
    """Where rows differ from the one before; the columns are sorted."""
    if not len(columns[0]):
        return np.empty(0, dtype=np.int64)
    new = np.zeros(len(columns[0]), dtype=bool)
    new[0] = True
    for column in columns:
        new[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(new)


def _rows(entries: npt.NDArray[np.generic], row: Ints, names: Sequence[Name]) -> list[Row]:
    begin = _first(row)
    named = [names[i] for i in row[begin].tolist()]
    node, category, period = (
        np.array([name[i] for name in named], dtype=np.int64) for i in range(3)
    )
    return list(rows_of.sliced(entries, begin, node, category, period))
