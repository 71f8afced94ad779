"""The whole pyramid made from the table, and compared with it."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from geo.store import changes
from geo.store.database import AsyncEngine, driver
from tiles.address import CELL_ZOOM, MAX_ZOOM, columns
from tiles.pyramid import facts as facts_of
from tiles.pyramid import rows as rows_of
from tiles.pyramid import store
from tiles.pyramid.packing import Facts, Ints
from tiles.pyramid.store import Node, Progress
from tiles.pyramid.tree import Tree, grown, node_of, zoom_of


@dataclass
class Verdict:
    """What `verify` found: `reports` compared, rows that differ, and some of them by name."""

    reports: int = 0
    rows: int = 0
    missing: int = 0
    unknown: int = 0
    different: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        """Whether the pyramid says exactly what the table says."""
        return not (self.missing or self.unknown or self.different)

    def note(self, kind: str, row: tuple[int, int, int]) -> None:
        """Count a row that differs."""
        setattr(self, kind, getattr(self, kind) + 1)
        if len(self.examples) < 10:
            node, category, period = row
            what = f"ward {-node}" if node < 0 else f"node {node} (zoom {zoom_of(node)})"
            self.examples.append(f"{kind}: {what}, category {category}, period {period}")


async def rebuild(engine: AsyncEngine, progress: Progress = lambda done: None) -> int:
    """Make the pyramid anew from the table; returns the number of public reports.

    Online: tiles answer from the old one until this commits, and whatever is written meanwhile
    stays in the log. Waits for a fold under way. `progress` hears how many rows are written.
    """
    await _number_all(engine)
    async with store.locked(engine) as raw:
        made = await asyncio.to_thread(_sorted, await facts_of.of_reports(raw))
        tree = await asyncio.to_thread(grown, made["cell"])
        await raw.execute("DELETE FROM pyramid_counts")
        await raw.execute("DELETE FROM pyramid_nodes")
        await store.count_all_changes(raw)
        await store.write_nodes(raw, list(nodes(tree, made)))
        await store.write_rows(raw, rows_of.all_rows(made, tree, wards=True), progress)
        await raw.commit()
    async with engine.connect() as conn:
        await conn.execution_options(isolation_level="AUTOCOMMIT")
        raw = await driver(conn)
        await raw.execute("VACUUM ANALYZE pyramid_counts")
        await raw.execute("ANALYZE pyramid_nodes")
    return len(made)


async def verify(engine: AsyncEngine) -> Verdict:
    """Compare every count with the table, in one snapshot; what is not folded yet is allowed."""
    found = Verdict()
    async with store.locked(engine) as raw:
        await raw.execute("SET TRANSACTION READ ONLY")
        facts = await facts_of.of_reports(raw)
        found.reports = len(facts)
        state = await store.state(raw)
        pending, weights = await facts_of.of_changes(raw, state.pending)
        base, gone = await asyncio.to_thread(_without, facts, pending, weights)
        for cell in gone["cell"].tolist():
            # The log brought it, and the table has it not: tiles count it.
            found.note("unknown", (int(node_of(cell, MAX_ZOOM)), 0, 0))
        known = await store.nodes(raw)
        tree = Tree.of([(node, leaf) for node, leaf, _ in known])
        if not len(tree.leaves) and not len(tree.cubes) and len(base):
            tree = grown(base["cell"])
            found.examples.append("the pyramid is empty")
        elif known:
            missing, unknown = tree.torn()
            for node in missing:
                found.note("missing", (node, 0, 0))
            for node in unknown:
                found.note("unknown", (node, 0, 0))
        made = {(n, c, p): packed for n, c, p, packed in rows_of.all_rows(base, tree, wards=True)}
        found.rows = len(made)
        async for node, category, period, packed in store.every_row(raw):
            expected = made.pop((node, category, period), None)
            if expected is None:
                found.note("unknown", (node, category, period))
            elif expected != packed:
                found.note("different", (node, category, period))
        for row in made:
            found.note("missing", row)
        held = {node: (n, leaf) for node, leaf, n in known}
        for node, leaf, n, *_ in nodes(tree, base):
            if held.get(node) != (n, leaf):
                found.note("different", (node, 0, 0))
    return found


async def _number_all(engine: AsyncEngine) -> None:
    """Number what is in the log, so that few changes have to be named one by one."""
    while True:
        async with engine.begin() as conn:
            if await changes.number(conn) is None:
                return


def _without(facts: Facts, pending: Facts, weights: Ints) -> tuple[Facts, Facts]:
    """The facts with pending changes undone, sorted; and what should be undone but is not there."""
    gone = pending[:0]
    if len(pending):
        every = np.concatenate([facts, pending])
        weight = np.concatenate([np.ones(len(facts), dtype=np.int64), -weights])
        every, weight = facts_of.net(every, weight)
        facts = np.repeat(every, np.maximum(weight, 0))
        gone = np.repeat(every, np.maximum(-weight, 0))
    return _sorted(facts), gone


def _sorted(facts: Facts) -> Facts:
    return facts[rows_of.order(facts)]


def nodes(tree: Tree, facts: Facts) -> Iterator[Node]:
    """Rows of `pyramid_nodes` of a tree over sorted facts."""
    cell = facts["cell"]
    x, y = columns(cell), columns(cell >> 1)
    for leaf, known in ((False, tree.cubes), (True, tree.leaves)):
        for node in known.tolist():
            zoom = zoom_of(node)
            shift = 2 * (CELL_ZOOM - zoom)
            first = (node - (1 << 2 * zoom)) << shift
            a, b = np.searchsorted(cell, [first, first + (1 << shift)])
            yield Node(node, leaf, int(b - a), *extent(x[a:b], y[a:b]))


def adjusted(tree: Tree, facts: Facts, weights: Ints) -> list[Node]:
    """How the nodes over some facts change: `n` by so many, the extent at least to these."""
    cell = facts["cell"]
    x, y = columns(cell), columns(cell >> 1)
    steps = [(which, node) for _, which, node in tree.steps(cell)]
    leaf = tree.leaf_of(cell)
    steps.append((np.flatnonzero(leaf), leaf[leaf > 0]))
    made = []
    for which, over in steps:
        order = np.argsort(over, kind="stable")
        over, which = over[order], which[order]
        first = np.concatenate([[0], np.flatnonzero(over[1:] != over[:-1]) + 1])
        for a, b in zip(first.tolist(), [*first[1:].tolist(), len(over)], strict=True):
            some = which[a:b]
            come = some[weights[some] > 0]
            n = int(weights[some].sum())
            made.append(Node(int(over[a]), False, n, *extent(x[come], y[come])))
    return made


# An extent that any other replaces.
NOWHERE = (1 << CELL_ZOOM, 1 << CELL_ZOOM, -1, -1)


def extent(x: Ints, y: Ints) -> tuple[int, int, int, int]:
    """West, north, east, south."""
    if not len(x):
        return NOWHERE
    return int(x.min()), int(y.min()), int(x.max()), int(y.max())
