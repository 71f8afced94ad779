"""How many reports lie in a tile, by fine cell and status: from the pyramid and what it lacks yet.

Everything is read in the caller's transaction; only in a REPEATABLE READ one is it all of one
moment.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import psycopg

from geo.store.database import AsyncConnection, driver
from tiles.address import CELL_ZOOM, TileAddress
from tiles.pyramid import direct, store, todays
from tiles.pyramid.packing import (
    ALL_CATEGORIES,
    ALL_PERIODS,
    FACT,
    FACTS,
    FINE,
    FINE_CELLS,
    HOUR_US,
    HOURS,
    PERIOD_HOURS,
    STATUS_SLOTS,
    TOTALS,
    WARD,
    WARD_ZOOM,
    Ints,
    Packing,
    fine_key,
    state_of,
)
from tiles.pyramid.span import microseconds, moment
from tiles.pyramid.tree import ROOT, STEP, zoom_of
from tiles.pyramid.wanted import Counted, Spot, Table, Wanted, nothing


async def count(conn: AsyncConnection, address: TileAddress, wanted: Wanted) -> Counted:
    """Count the public reports of a tile that pass the filter."""
    raw = await driver(conn)
    if wanted.categories == () or wanted.wards == ():
        return Counted(nothing(), matched=np.empty(0, dtype=FACT))
    state = await store.state(raw)
    node, leaf = await _node_over(raw, address)
    if leaf:
        made = await _from_leaf(raw, node, address, wanted)
        ends = wanted.span.us
    else:
        made = (
            await _from_cube(raw, node, address, wanted)
            if wanted.wards is None
            else await _from_wards(raw, address, wanted)
        )
        # Cubes know whole hours; what is left of others is read from the table itself.
        first, end = wanted.span.hours
        ends = (None if first is None else first * HOUR_US, None if end is None else end * HOUR_US)
        if broken := wanted.span.broken_hours:
            made.table += await direct.part_hours(conn, address, made.fine, wanted, broken)
    made.table += await direct.pending(conn, address, made.fine, wanted, state, ends)
    if wanted.todays:
        await todays.correct(conn, address, wanted, made)
    return made


async def candidates(raw: psycopg.AsyncConnection, wanted: Wanted, most: int) -> int:
    """How many public reports, of any place, an index on category or ward and time leaves; exact up
    to `most`."""
    found = []
    if wanted.wards is not None:
        by_ward = Wanted(wards=wanted.wards, span=wanted.span)
        own = await todays.many(raw, wanted, most) if wanted.todays else 0
        found.append(own + (await _from_wards(raw, TileAddress(0, 0, 0), by_ward)).total)
    if wanted.wards is None or wanted.categories is not None:
        by_category = Wanted(categories=wanted.categories, span=wanted.span)
        found.append((await _from_cube(raw, ROOT, TileAddress(0, 0, 0), by_category)).total)
    return min(found)


async def spots(
    conn: AsyncConnection, address: TileAddress, wanted: Wanted, counted: Counted
) -> list[Spot]:
    """Where and when all reports counted one by one are found in the table, each in one spot."""
    assert counted.matched is not None
    raw = await driver(conn)
    state = await store.state(raw)
    query = f"""
        SELECT new_cell, new_category, new_created_at FROM changes
        WHERE topic = 'report' AND {state.pending} AND new_cell BETWEEN %s AND %s
    """
    fresh = await (await raw.execute(query, address.cells)).fetchall()
    own = await todays.spots(conn, address, wanted) if wanted.todays else []
    parts = (counted.matched[name].tolist() for name in ("cell", "category", "at"))
    found: list[Spot] = []
    for at, first, last in sorted(
        {
            *((microseconds(one.at), one.first, one.last) for one in own),
            # where a blurred report lies within its cell of zoom 18 is not told
            *(
                (at, cell >> 16 << 16, cell | 0xFFFF)
                if category in wanted.blurred
                else (at, cell, cell)
                for cell, category, at in {
                    *zip(*parts, strict=True),
                    *((cell, category, microseconds(at)) for cell, category, at in fresh),
                }
            ),
        }
    ):
        if found and found[-1].at == moment(at) and first <= found[-1].last:
            found[-1] = Spot(found[-1].first, max(last, found[-1].last), found[-1].at)
        else:
            found.append(Spot(first, last, moment(at)))
    return found


async def _node_over(raw: psycopg.AsyncConnection, address: TileAddress) -> tuple[int, bool]:
    """The tile's own node or the nearest above it; before anything is folded, an empty root."""
    path = [
        (1 << 2 * zoom) | (address.cells[0] >> 2 * (CELL_ZOOM - zoom))
        for zoom in range(0, address.z + 1, STEP)
    ]
    query = "SELECT node, leaf FROM pyramid_nodes WHERE node = ANY (%s) ORDER BY node DESC LIMIT 1"
    row = await (await raw.execute(query, [path])).fetchone()
    return row or (ROOT, True)


async def _from_leaf(
    raw: psycopg.AsyncConnection, leaf: int, address: TileAddress, wanted: Wanted
) -> Counted:
    since, until = wanted.span.us
    low, high = (ALL_PERIODS, -ALL_PERIODS - 1)
    if since is not None:
        low = since // HOUR_US // PERIOD_HOURS
    if until is not None:
        high = until // HOUR_US // PERIOD_HOURS
    condition = f"category = {FACTS} AND period BETWEEN {low} AND {high}"
    (packed,) = await _joined(raw, [(condition, [])], [leaf])
    facts = np.frombuffer(packed, dtype=FACT)
    first, last = address.cells
    passes = (facts["cell"] >= first) & (facts["cell"] <= last)
    passes &= wanted.states[state_of(facts)]
    if wanted.categories is not None:
        passes &= np.isin(facts["category"], wanted.categories)
    if wanted.wards is not None:
        passes &= np.isin(facts["ward"], wanted.wards)
    if since is not None:
        passes &= facts["at"] >= since
    if until is not None:
        passes &= facts["at"] < until
    matched = facts[passes]
    slot = (fine_key(matched["cell"], address.z) * STATUS_SLOTS) + matched["status"]
    table = np.bincount(slot, minlength=FINE_CELLS * STATUS_SLOTS).astype(np.int64)
    return Counted(table.reshape(FINE_CELLS, STATUS_SLOTS), matched=matched)


async def _from_cube(
    raw: psycopg.AsyncConnection, node: int, address: TileAddress, wanted: Wanted
) -> Counted:
    # The node is the tile itself, or the one above it, of which the tile is a part.
    above = address.z - zoom_of(node)
    fine = FINE - above
    part = (address.cells[0] >> 2 * (CELL_ZOOM - address.z)) & ((1 << 2 * above) - 1)
    table = nothing(fine)
    for packing, hours, packed in await _parts(raw, [node], wanted):
        keys, counts = packing.unpack(packed)
        if hours:
            hour = keys >> 15
            inside = (hour >= hours[0]) & (hour < hours[1])
            keys, counts = keys[inside], counts[inside]
        passes = wanted.states[keys & 31]
        if above:
            passes &= ((keys >> 5) & (FINE_CELLS - 1)) >> 2 * fine == part
        keys, counts = keys[passes], counts[passes]
        # fine cell and status, without the kind below and the hour above
        table += _summed((keys >> 1) & ((STATUS_SLOTS << 2 * fine) - 1), counts, fine)
    return Counted(table, fine)


async def _from_wards(
    raw: psycopg.AsyncConnection, address: TileAddress, wanted: Wanted
) -> Counted:
    assert wanted.wards is not None
    table = nothing()
    first, last = (edge >> 2 * (CELL_ZOOM - WARD_ZOOM) for edge in address.cells)
    finer = address.z + FINE - WARD_ZOOM
    for packing, hours, packed in await _parts(raw, [-ward for ward in wanted.wards], wanted):
        keys, counts = packing.unpack(packed)
        hour, place = keys >> 41, (keys >> 5) & ((1 << 36) - 1)
        passes = wanted.states[keys & 31] & (place >= first) & (place <= last)
        if hours:
            passes &= (hour >= hours[0]) & (hour < hours[1])
        place, status, counts = place[passes], (keys[passes] >> 1) & 15, counts[passes]
        # a cell of zoom 18 that is many fine ones counts in the middle of them
        middle = 3 << 2 * (finer - 1) if finer > 0 else 0
        fine = (place << 2 * finer) | middle if finer > 0 else place >> -2 * finer
        table += _summed((fine & (FINE_CELLS - 1)) * STATUS_SLOTS + status, counts, FINE)
    return Counted(table, level=WARD_ZOOM)


async def _parts(
    raw: psycopg.AsyncConnection, nodes: Sequence[int], wanted: Wanted
) -> list[tuple[Packing, tuple[int, int] | None, bytes]]:
    """The rows a filter needs: packing, which hours of them count (None: all), and bytes."""
    of_ward = nodes[0] < 0
    named = wanted.categories is not None
    some = "category = ANY (%s)" if named else f"category = {ALL_CATEGORIES}"
    each = "category = ANY (%s)" if named else "category > 0"
    chosen = [list(wanted.categories or ())] if named else []
    totals, hourly = (WARD, WARD) if of_ward else (TOTALS, HOURS)
    parts: list[tuple[Packing, tuple[int, int] | None]] = []
    asked: list[tuple[str, list[Any]]] = []
    if wanted.span.always:
        parts.append((totals, None))
        asked.append((f"{some} AND period = {ALL_PERIODS}", chosen))
    else:
        first, last = wanted.span.whole_periods
        if first <= last:
            parts.append((hourly if named else totals, None))
            asked.append((f"{some} AND period BETWEEN {first} AND {last}", chosen))
        for period, hours in wanted.span.cut_periods.items():
            parts.append((hourly, hours))
            asked.append((f"{each} AND period = {period}", chosen))
    packed = await _joined(raw, asked, nodes)
    return [(*part, one) for part, one in zip(parts, packed, strict=True)]


async def _joined(
    raw: psycopg.AsyncConnection, asked: Sequence[tuple[str, list[Any]]], nodes: Sequence[int]
) -> list[bytes]:
    """The rows of nodes that meet each of some conditions, their bytes joined by the server."""
    if not asked:
        return []
    query = " UNION ALL ".join(
        f"SELECT {i}, string_agg(packed, '') FROM pyramid_counts "
        f"WHERE node = ANY (%s) AND {condition}"
        for i, (condition, _) in enumerate(asked)
    )
    values = [value for _, values in asked for value in (list(nodes), *values)]
    async with raw.cursor(binary=True) as cursor:
        await cursor.execute(query, values)
        found = {i: packed async for i, packed in cursor}
    return [found[i] or b"" for i in range(len(asked))]


def _summed(slot: Ints, counts: Ints, fine: int) -> Table:
    # doubles hold whole numbers up to 2^53 exactly
    table = np.bincount(slot, weights=counts, minlength=STATUS_SLOTS << 2 * fine)
    return table.astype(np.int64).reshape(-1, STATUS_SLOTS)
