"""Working the log of changes into the counts, some thousands at a time.

Readers add what is not folded yet, so nothing is urgent: folding late is only slower to read, and
folding many at once rewrites each row once.
"""

import asyncio

import numpy as np
import psycopg

from geo.store.database import AsyncEngine, driver
from tiles.address import columns
from tiles.pyramid import build, merge, store
from tiles.pyramid import facts as facts_of
from tiles.pyramid import rows as rows_of
from tiles.pyramid.merge import Broken
from tiles.pyramid.packing import FACT, Facts, Ints
from tiles.pyramid.rows import Name
from tiles.pyramid.tree import LEAF_MOST, ROOT, Tree, grown

# Enough that rows at low zooms are not rewritten for each report; few enough to read along (2 µs
# each).
MANY = 8_000
# Seconds after which fewer are folded too.
OLD_S = 60
# At most so many at once, to bound memory and the time between two looks at the log.
BATCH = 200_000
# From here on the table is read instead of the log.
TOO_MANY = 500_000


async def fold_if_due(engine: AsyncEngine) -> int:
    """Fold if it is worth it; returns how many changes were folded. Counts that turn out wrong are
    made anew from the table."""
    async with engine.connect() as conn:
        raw = await driver(conn)
        found = await (
            await raw.execute(
                f"""
                SELECT
                    (SELECT max(seq) FROM changes) - s.folded_seq,
                    (SELECT at FROM changes WHERE seq > s.folded_seq ORDER BY seq LIMIT 1)
                        < now() - interval '{OLD_S} s'
                FROM pyramid_state AS s
                """
            )
        ).fetchone()
        assert found is not None
        waiting, old = found
        await raw.rollback()
    if not waiting or waiting < 0 or (waiting < MANY and not old):
        return 0
    return await fold(engine)


async def fold(engine: AsyncEngine) -> int:
    """Fold what is numbered, up to `BATCH` changes; returns how many."""
    try:
        async with store.locked(engine) as raw:
            state = await store.state(raw)
            found = await (
                await raw.execute(
                    f"SELECT max(seq), count(*) FROM (SELECT seq FROM changes WHERE seq > "
                    f"{state.folded_seq} ORDER BY seq LIMIT {TOO_MANY}) AS next"
                )
            ).fetchone()
            assert found is not None
            until, n = found
            if not n:
                return 0
            if n < TOO_MANY:
                if n > BATCH:
                    row = await (
                        await raw.execute(
                            f"SELECT seq FROM changes WHERE seq > {state.folded_seq} "
                            f"ORDER BY seq OFFSET {BATCH - 1} LIMIT 1"
                        )
                    ).fetchone()
                    assert row is not None
                    until, n = row[0], BATCH
                which = f"seq > {state.folded_seq} AND seq <= {until}{state.not_counted}"
                facts, weights = await facts_of.of_changes(raw, which)
                await _work_in(raw, facts, weights)
                await store.count_changes(raw, state, until)
                await raw.commit()
                return int(n)
    except Broken:
        await build.rebuild(engine)
        return 0
    await build.rebuild(engine)
    return int(n)


async def _work_in(raw: psycopg.AsyncConnection, facts: Facts, weights: Ints) -> None:
    """Add facts of weight above 0 to the tree, and take those below 0 away."""
    if not len(facts):
        return
    known = await store.nodes(raw)
    tree = Tree.of([(node, leaf) for node, leaf, _ in known])
    if not known:
        tree.leaves = np.array([ROOT], dtype=np.int64)
        await store.write_nodes(raw, [store.Node(ROOT, True, 0, *build.NOWHERE)])
    await store.begin_replacing(raw)
    gone: list[Name] = []
    for changes in (merge.counts(facts, weights, tree), merge.facts(facts, weights, tree)):
        for some in changes:
            before = await store.rows_named(raw, some.names)
            after = await asyncio.to_thread(some.merged, before)
            await store.write_rows(raw, iter(after), lambda done: None, store.ASIDE)
            written = {row[:3] for row in after}
            gone += [name for name in before if name not in written]
    await store.replace(raw, gone)
    await store.adjust_nodes(raw, build.adjusted(tree, facts, weights))
    await _draw_in(raw, tree, facts[weights < 0])
    for leaf in await store.crowded_leaves(raw, LEAF_MOST):
        held = np.frombuffer(await store.facts_of_leaf(raw, leaf), dtype=FACT)
        held = held[rows_of.order(held)]
        below = grown(held["cell"], leaf)
        await store.delete_node(raw, leaf)
        await store.write_nodes(raw, list(build.nodes(below, held)))
        rows = rows_of.all_rows(held, below, wards=False)
        await store.write_rows(raw, rows, lambda done: None)


async def _draw_in(raw: psycopg.AsyncConnection, tree: Tree, gone: Facts) -> None:
    """Take the edges of leaves back from where the last fact is gone: what was erased, hidden or
    blurred is not to be read off the layer's bounds."""
    leaf, cell = tree.leaf_of(gone["cell"]), gone["cell"]
    edges = store.leaves_with_edge(raw, leaf, columns(cell), columns(cell >> 1))
    for node in await edges:
        held = np.frombuffer(await store.facts_of_leaf(raw, node), dtype=FACT)["cell"]
        extent = build.extent(columns(held), columns(held >> 1))
        await store.write_nodes(raw, [store.Node(node, True, len(held), *extent)])
