"""Which cells of a grid an edge touches: never too few, seldom too many.

Everything is in widths of the grid's finest cell, counted from the grid's corner. Edges are
widened by `MARGIN`, which is far above what rounding moves a coordinate by (below 1e-9).
"""

import numpy as np
import numpy.typing as npt

from geo.wards.crossing import spread

Floats = npt.NDArray[np.float64]
Complexes = npt.NDArray[np.complex128]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

MARGIN = 1e-6


def touches(a: Complexes, b: Complexes, middle: Complexes, half: float) -> Bools:
    """Whether the edge a - b comes within `half` + MARGIN of `middle` on both axes.

    Separating axes: the two boxes', and the edge's own direction.
    """
    reach = half + MARGIN
    a, b = a - middle, b - middle
    along_x = (np.minimum(a.real, b.real) <= reach) & (np.maximum(a.real, b.real) >= -reach)
    along_y = (np.minimum(a.imag, b.imag) <= reach) & (np.maximum(a.imag, b.imag) >= -reach)
    d = b - a
    away = np.abs(d.real * a.imag - d.imag * a.real)
    across = away <= (np.abs(d.real) + np.abs(d.imag)) * (reach + MARGIN)
    found: Bools = along_x & along_y & across
    return found


def first_level(a: Complexes, b: Complexes, width: float, columns: int) -> tuple[Ints, Ints]:
    """`(cell, edge)` pairs for cells of this width, row * columns + column, ordered by cell."""
    # Long edges in pieces no longer than a cell, so that a piece's box is at most 3 x 3 cells.
    d = b - a
    count = np.maximum(np.ceil(np.maximum(np.abs(d.real), np.abs(d.imag)) / width), 1)
    count = count.astype(np.int64)
    edge = np.repeat(np.arange(len(a)), count)
    step = spread(np.zeros(len(a), dtype=np.int64), count)
    start = a[edge] + d[edge] * (step / count[edge])
    stop = a[edge] + d[edge] * ((step + 1) / count[edge])
    low_x = _cell(np.minimum(start.real, stop.real) - MARGIN, width)
    high_x = _cell(np.maximum(start.real, stop.real) + MARGIN, width)
    low_y = _cell(np.minimum(start.imag, stop.imag) - MARGIN, width)
    high_y = _cell(np.maximum(start.imag, stop.imag) + MARGIN, width)
    wide = high_x - low_x + 1
    cells = wide * (high_y - low_y + 1)
    piece = np.repeat(np.arange(len(edge)), cells)
    k = spread(np.zeros(len(edge), dtype=np.int64), cells)
    x, y = low_x[piece] + k % wide[piece], low_y[piece] + k // wide[piece]
    edge = edge[piece]
    middle = _at(x + 0.5, y + 0.5) * width
    hit = touches(a[edge], b[edge], middle, width / 2)
    key = np.unique((y[hit] * columns + x[hit]) * len(a) + edge[hit])
    return key // len(a), key % len(a)


def _at(x: npt.ArrayLike, y: npt.ArrayLike) -> Complexes:
    place: Complexes = np.asarray(x) + np.complex128(1j) * np.asarray(y)
    return place


def _cell(value: Floats, width: float) -> Ints:
    cell: Ints = np.floor(value / width).astype(np.int64)
    return cell


def children(
    a: Complexes, b: Complexes, cell: Ints, edge: Ints, corner: Complexes, width: float
) -> tuple[Ints, Ints]:
    """Of (cell, edge) pairs, the same for the cells' 4 x 4 children: cell * 16 + row * 4 + column.

    `corner` is each cell's lower left corner, `width` the children's width.
    """
    found: list[tuple[Ints, Ints]] = []
    # A child at a time: sixteen passes over the pairs need far less memory than one over all.
    for child in range(16):
        middle = corner[cell] + ((child % 4 + 0.5) + 1j * (child // 4 + 0.5)) * width
        hit = np.flatnonzero(touches(a[edge], b[edge], middle, width / 2))
        found.append((cell[hit] * 16 + child, edge[hit]))
    cells = np.concatenate([pair[0] for pair in found])
    order = np.argsort(cells, kind="stable")
    return cells[order], np.concatenate([pair[1] for pair in found])[order]
