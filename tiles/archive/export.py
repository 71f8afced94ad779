"""Layers and filters → one PMTiles archive (version 3) that any static host can serve.

A tile of the archive holds the bytes of its layers' tiles one after the other, which is again a
vector tile. All are read from one snapshot of the database, so that what the archive counts is what
the map counted at that moment, at every zoom. Only tiles under something are asked for: the walk
goes down from the top into the children of tiles that hold something.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pmtiles.tile import zxy_to_tileid
from sqlalchemy import text

from geo.errors import NotFound
from geo.store.area import Bbox
from geo.store.database import AsyncConnection, AsyncEngine
from tiles import render, tilejson
from tiles.address import TileAddress
from tiles.archive.aside import written_aside
from tiles.archive.file import Archive
from tiles.archive.plan import Plan
from tiles.layers import Layer
from tiles.render import Clock

# Shapes smaller than a tile's unit fall out of tiles from afar, so an empty tile says nothing of
# what is under it; from this zoom on a unit is less than 10 m (4096 a tile, at the equator).
_SHAPES_ZOOM = 10
# Rendered side by side and then written in order.
_BATCH = 256

Started = Callable[[int, int], Callable[[int], None]]
"""`started(zoom, tiles)` when a zoom begins returns `done(n)`, told the tiles looked at so far."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: tiles by zoom, bytes of the file, and the box it shows (degrees)."""

    tiles: dict[int, int]
    nbytes: int
    bounds: tuple[float, float, float, float]
    as_of: datetime


async def export(
    engine: AsyncEngine,
    plan: Plan,
    file: Path,
    clock: Clock,
    *,
    city: str,
    readers: int = 4,
    started: Started = lambda zoom, tiles: lambda n: None,
) -> Exported:
    """Write the archive; `file` appears (or is replaced) only when all of it is there.

    `readers` connections share one snapshot. Raises `Invalid` on a wrong filter or place, or when
    the file cannot be written, and `NotFound` when nothing lies there: an archive without a tile
    cannot be written.
    """
    with written_aside(file) as out:
        async with AsyncExitStack() as stack:
            conns = await _one_snapshot(engine, readers, stack)
            described = [
                await tilejson.describe(conns[0], layer, chosen, clock, base="", city=city)
                for layer, chosen in plan.parts
            ]
            archive = stack.enter_context(Archive(out, file.parent))
            counted = await _walk(conns, plan, clock, described, archive, started)
            if not counted:
                raise NotFound(
                    "nothing lies there under these filters, so there is no archive to write"
                )
            bounds = archive.finish(plan, described, clock)
        nbytes = out.tell()
    return Exported(counted, nbytes, bounds, clock.now)


async def _one_snapshot(
    engine: AsyncEngine, readers: int, stack: AsyncExitStack
) -> list[AsyncConnection]:
    """Connections that all see the database as the first one does, until the stack is left."""
    conns = []
    for _ in range(readers):
        conn = await stack.enter_async_context(engine.connect())
        conns.append(await conn.execution_options(isolation_level="REPEATABLE READ"))
    shared = (await conns[0].execute(text("SELECT pg_export_snapshot()"))).scalar_one()
    for conn in conns[1:]:
        # SET takes no parameters; the name is PostgreSQL's own: hexadecimal digits and hyphens
        await conn.execute(text(f"SET TRANSACTION SNAPSHOT '{shared}'"))
    return conns


async def _walk(
    conns: list[AsyncConnection],
    plan: Plan,
    clock: Clock,
    described: Sequence[dict[str, Any]],
    archive: "Archive",
    started: Started,
) -> dict[int, int]:
    """Tiles written by zoom; per layer only where it holds something, in the archive's order."""
    counted: dict[int, int] = {}
    # Tiles (column, row) under which something may lie, for each layer.
    under: list[set[tuple[int, int]]] = [{(0, 0)} for _ in plan.parts]
    for z in range(plan.max_zoom + 1):
        wanted = {
            at: [n for n, places in enumerate(under) if at in places]
            for at in set().union(*under)
            if _touches(TileAddress(z, *at).bounds, plan.bbox)
        }
        order = sorted(wanted, key=lambda at: zxy_to_tileid(z, *at))
        holds: list[set[tuple[int, int]]] = [set() for _ in plan.parts]
        done = started(z, len(order)) if z >= plan.min_zoom else lambda n: None
        for begin in range(0, len(order), _BATCH):
            batch = order[begin : begin + _BATCH]
            made = await _batch(conns, plan, clock, z, batch, wanted)
            for at, pieces in zip(batch, made, strict=True):
                for n, body in pieces:
                    if body:
                        holds[n].add(at)
                whole = b"".join(body for _, body in pieces)
                if whole and z >= plan.min_zoom:
                    archive.add(z, *at, whole)
                    counted[z] = counted.get(z, 0) + 1
            done(begin + len(batch))
        for n, (layer, _) in enumerate(plan.parts):
            blind = _blind(layer, z)
            seen = {at for at in under[n] if at in wanted} if blind else holds[n]
            box = described[n].get("bounds")
            under[n] = (
                {
                    below
                    for at in seen
                    for below in _children(*at)
                    if not blind
                    or (box and _touches(TileAddress(z + 1, *below).bounds, Bbox(*box)))
                }
                if z < plan.max_zoom
                else set()
            )
    return counted


async def _batch(
    conns: list[AsyncConnection],
    plan: Plan,
    clock: Clock,
    z: int,
    batch: Sequence[tuple[int, int]],
    wanted: dict[tuple[int, int], list[int]],
) -> list[list[tuple[int, bytes]]]:
    """For each tile of the batch the bytes of its layers, by number of the layer in the plan."""
    made: list[list[tuple[int, bytes]]] = [[] for _ in batch]
    left = iter(enumerate(batch))

    async def work(conn: AsyncConnection) -> None:
        for i, at in left:
            for n in wanted[at]:
                layer, chosen = plan.parts[n]
                # Above the archive's zooms a tile is asked for only to know whether to go on.
                if layer.min_zoom <= z and (z >= plan.min_zoom or not _blind(layer, z)):
                    address = TileAddress(z, *at)
                    made[i].append((n, await render.tile(conn, layer, address, chosen, clock)))

    try:
        async with asyncio.TaskGroup() as group:
            for conn in conns:
                group.create_task(work(conn))
    except BaseExceptionGroup as failed:
        # All have ended; the first failure is the one to tell.
        raise failed.exceptions[0] from None
    return made


def _blind(layer: Layer, z: int) -> bool:
    """Whether something may lie under an empty tile: there is none above the layer's zooms, and
    from afar only what is counted (`point_count`) is in it however small."""
    counted = all("point_count" in part.fields for part in layer.parts)
    return z < layer.min_zoom or (z < _SHAPES_ZOOM and not counted)


def _children(x: int, y: int) -> Iterator[tuple[int, int]]:
    for step in (0, 1):
        yield 2 * x, 2 * y + step
        yield 2 * x + 1, 2 * y + step


def _touches(box: tuple[float, float, float, float], area: Bbox | None) -> bool:
    west, south, east, north = box
    return area is None or any(
        west <= right and east >= left and south <= top and north >= bottom
        for left, bottom, right, top in area.parts
    )
