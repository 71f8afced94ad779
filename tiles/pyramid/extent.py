"""Where the public reports lie, from the pyramid's nodes: no look at the reports themselves."""

from dataclasses import dataclass

import numpy as np
import psycopg

from tiles.address import CELL_ZOOM, MAX_ZOOM, columns, latitude
from tiles.pyramid import store
from tiles.pyramid.packing import FACT
from tiles.pyramid.tree import ROOT

_SIDE = 1 << CELL_ZOOM


@dataclass(frozen=True, slots=True)
class Extent:
    """Bounds and centre of gravity in degrees; `spread` is the larger standard deviation."""

    west: float
    south: float
    east: float
    north: float
    lon: float
    lat: float
    spread: float


async def extent(raw: psycopg.AsyncConnection) -> Extent | None:
    """Where they lie; None when there are none.

    The bounds hold all reports; what is gone leaves them when the fold hears of it, within about a
    minute. Centre and spread are good to the size of a node.
    """
    state = await store.state(raw)
    found = await raw.execute(
        # all that has no nodes below it: the edges of other cubes are never taken back
        "SELECT n, west, north, east, south, node FROM pyramid_nodes WHERE leaf OR node >= %s",
        [1 << 2 * MAX_ZOOM],
    )
    nodes = np.array(await found.fetchall(), dtype=np.int64).reshape(-1, 6)
    found = await raw.execute(
        f"SELECT new_cell FROM changes WHERE topic = 'report' AND {state.pending} "
        "AND new_cell IS NOT NULL"
    )
    cells = np.array([cell for (cell,) in await found.fetchall()], dtype=np.int64)
    root_alone = len(nodes) == 1
    if root_alone:
        held = np.frombuffer(await store.facts_of_leaf(raw, ROOT), dtype=FACT)
        cells = np.concatenate([cells, held["cell"]])
    one_by_one = np.ones(len(cells), dtype=np.int64)
    x, y = columns(cells), columns(cells >> 1)
    edges = np.stack([one_by_one, x, y, x, y], axis=1)
    held_apart = nodes[:0, :5] if root_alone else nodes[nodes[:, 0] > 0, :5]
    weighed = np.concatenate([held_apart, edges])
    if not len(weighed):
        return None
    weight = weighed[:, 0]
    middle_x = (weighed[:, 1] + weighed[:, 3] + 1) / 2
    middle_y = (weighed[:, 2] + weighed[:, 4] + 1) / 2
    mean_x, mean_y = np.average(middle_x, weights=weight), np.average(middle_y, weights=weight)
    spread = max(
        np.average((middle_x - mean_x) ** 2, weights=weight),
        np.average((middle_y - mean_y) ** 2, weights=weight),
    )
    return Extent(
        west=_longitude(weighed[:, 1].min()),
        south=latitude((int(weighed[:, 4].max()) + 1) / _SIDE),
        east=_longitude(weighed[:, 3].max() + 1),
        north=latitude(int(weighed[:, 2].min()) / _SIDE),
        lon=_longitude(mean_x),
        lat=latitude(float(mean_y) / _SIDE),
        spread=float(np.sqrt(spread)) * 360.0 / _SIDE,
    )


def _longitude(column: float) -> float:
    return float(column) / _SIDE * 360.0 - 180.0
