"""The packed rows that facts make: for each cube, each ward and each leaf."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tiles.address import CELL_ZOOM
from tiles.pyramid.packing import (
    ALL_CATEGORIES,
    ALL_PERIODS,
    FACT,
    FACTS,
    HOURS,
    PERIOD_HOURS,
    TOTALS,
    WARD,
    WARD_ZOOM,
    Facts,
    Ints,
    Packing,
    attributes,
    fine_key,
    hours_of,
    state_of,
)
from tiles.pyramid.tree import Tree

Small = npt.NDArray[np.int32]
Name = tuple[int, int, int]
"""node, category, period"""
Row = tuple[int, int, int, bytes]
"""node, category, period, packed"""


def order(facts: Facts) -> Ints:
    """Indices that sort facts as leaves keep them: by cell, then by time."""
    return np.lexsort((attributes(facts), facts["at"], facts["cell"]))


@dataclass(frozen=True)
class Times:
    """When and what facts are, in the parts of a key."""

    category: Small
    period: Small
    hour: Small
    state: Small

    @classmethod
    def of(cls, facts: Facts) -> "Times":
        """One entry for each fact."""
        hours = hours_of(facts)
        # four bytes each: there may be millions
        return cls(
            facts["category"].astype(np.int32),
            (hours // PERIOD_HOURS).astype(np.int32),
            (hours % PERIOD_HOURS).astype(np.int32),
            state_of(facts).astype(np.int32),
        )


@dataclass(frozen=True)
class Told:
    """What facts add to one of the four kinds of rows: entry for entry, not yet summed."""

    packing: Packing
    which: Ints
    node: Ints
    category: Small
    period: Small
    hour: Small
    place_and_state: Ints


def told(facts: Facts, tree: Tree, wards: bool) -> Iterator[Told]:
    """What each row of counts hears of the facts (`which`: indices into them)."""
    times = Times.of(facts)
    for zoom, which, node in tree.steps(facts["cell"]):
        key = (fine_key(facts["cell"][which], zoom) << 5) | times.state[which]
        yield from _four(times, which, node, key, TOTALS, HOURS)
    if wards:
        which = np.flatnonzero(facts["ward"])
        place: Ints = facts["cell"][which] >> 2 * (CELL_ZOOM - WARD_ZOOM)
        node = -facts["ward"][which].astype(np.int64)
        yield from _four(times, which, node, (place << 5) | times.state[which], WARD, WARD)


def _four(
    times: Times, which: Ints, node: Ints, key: Ints, totals: Packing, hours: Packing
) -> Iterator[Told]:
    """Each category or all, each period or all; the hour only where both are named."""
    category, period, hour = times.category[which], times.period[which], times.hour[which]
    none, every, always = (
        np.broadcast_to(np.int32(value), len(which)) for value in (0, ALL_CATEGORIES, ALL_PERIODS)
    )
    yield Told(hours, which, node, category, period, hour, key)
    yield Told(totals, which, node, every, period, none, key)
    yield Told(totals, which, node, category, always, none, key)
    yield Told(totals, which, node, every, always, none, key)


def all_rows(facts: Facts, tree: Tree, wards: bool) -> Iterator[Row]:
    """Every row of the tree over sorted facts; with `wards`, theirs too."""
    for part in told(facts, tree, wards):
        if len(part.which):
            yield from _count(part)
    period = hours_of(facts) // PERIOD_HOURS
    yield from leaf_rows(facts, tree.leaf_of(facts["cell"]), period)


def _count(part: Told) -> Iterator[Row]:
    """Sort once by one number that holds all, and count equal ones."""
    nodes = np.unique(part.node)
    # a place takes 41 bits with a ward, too many to sort by; its rank does
    known = None if part.packing is not WARD else np.unique(part.place_and_state)
    key = part.place_and_state if known is None else np.searchsorted(known, part.place_and_state)
    low_category, low_period = int(part.category.min()), int(part.period.min())
    parts = (
        (part.category - low_category, int(part.category.max()) - low_category + 1),
        (part.period - low_period, int(part.period.max()) - low_period + 1),
        (part.hour, PERIOD_HOURS),
        (key, int(key.max()) + 1),
    )
    if len(nodes) * float(np.prod([float(size) for _, size in parts])) >= 2.0**63:
        raise OverflowError("too many nodes, categories and periods to sort by one number")
    one = np.searchsorted(nodes, part.node)
    for value, size in parts:
        one *= size
        one += value
    one.sort()
    first = np.concatenate([[0], np.flatnonzero(one[1:] != one[:-1]) + 1])
    count = np.diff(first, append=len(one))
    row, key = np.divmod(one[first], parts[3][1])
    row, hour = np.divmod(row, PERIOD_HOURS)
    entries, split = part.packing.pack(
        part.packing.key(hour, key if known is None else known[key]), count
    )
    first = np.concatenate([[0], np.flatnonzero(row[1:] != row[:-1]) + 1])
    begin = (np.cumsum(split) - split)[first]
    row, period = np.divmod(row[first], parts[1][1])
    node, category = np.divmod(row, parts[0][1])
    yield from sliced(entries, begin, nodes[node], category + low_category, period + low_period)


def sliced(
    entries: npt.NDArray[np.generic], begin: Ints, node: Ints, category: Ints, period: Ints
) -> Iterator[Row]:
    """Cut the bytes of entries where the rows begin."""
    raw = memoryview(np.ascontiguousarray(entries).view(np.uint8).data)
    size = entries.dtype.itemsize
    end = np.append(begin[1:], len(entries)) if len(begin) else begin
    for a, b, n, c, p in zip(
        (begin * size).tolist(),
        (end * size).tolist(),
        node.tolist(),
        category.tolist(),
        period.tolist(),
        strict=True,
    ):
        yield n, c, p, bytes(raw[a:b])


def leaf_rows(facts: Facts, leaf: Ints, period: Ints) -> Iterator[Row]:
    """The facts of each leaf and period, as sorted by `order`."""
    which = np.flatnonzero(leaf)
    which = which[np.lexsort((which, period[which], leaf[which]))]
    leaf, period = leaf[which], period[which]
    new = (leaf[1:] != leaf[:-1]) | (period[1:] != period[:-1])
    first = np.concatenate([[0], np.flatnonzero(new) + 1]) if len(which) else which
    yield from sliced(
        facts[which].astype(FACT),
        first,
        leaf[first],
        np.full(len(first), FACTS, dtype=np.int64),
        period[first],
    )
