"""Which ward covers a point, for millions of points a second, exactly.

A grid of square cells lies over the wards. A cell that no border touches is covered alike
everywhere, so one exact answer labels it. A cell that borders touch is split 4 x 4, and again,
until few edges are left in it; there the answer is counted from a reference point of the cell
whose wards are known, by the borders crossed on the straight way to the point.

Why it is exact: a point's cell is `floor((v - v0) * scale)`, which never decreases as `v` grows,
so cells are boxes, and an edge that comes near a box marks it (`touching`, by a margin far above
rounding). Crossings are decided with an error bound (`crossing`); what it leaves unsure, and
every point in more than one ward, is asked of GEOS' exact predicates.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from geo.wards.borders import Edges
from geo.wards.crossing import ONE, UNSURE, Cells, Network
from geo.wards.touching import children, first_level

Floats = npt.NDArray[np.float64]
Complexes = npt.NDArray[np.complex128]
Ints = npt.NDArray[np.int64]
Labels = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]

# How often a cell may be split below the first level, and the edges it may keep unsplit.
_SPLITS = 4
_FEW_EDGES = 3
# Least and most cells of the first level on the longer side.
_SIDE = (16, 2048)
# Splitting stops when there are so many cells (four bytes each).
_MOST_CELLS = 12_000_000
# Points looked up at once, so that the work stays in the processor's cache.
_CHUNK = 32_768
# What a cell holds: 0 no ward; n > 0 ward n - 1; -1 … -_LEAF split, block -1 - n; below that a
# leaf, number -_LEAF - 1 - n.
_LEAF = 1 << 30
# Where in a cell its reference lies: off the middle, where no round number puts a border.
_REFERENCE = 0.4651926 + 0.5340117j


class Grid:
    """Labels of points: the covering ward's position, the lowest where several cover, else -1."""

    def __init__(self, edges: Edges, covering: Callable[[Floats, Floats], tuple[Ints, Ints]]):
        """`covering(lon, lat)` gives all `(point, ward)` pairs, exactly: the grid's truth."""
        self._covering = covering
        self._wards = int(edges.ward.max()) + 1 if len(edges) else 0
        self._network = Network.of(edges)
        self._blocks = np.zeros(0, dtype=np.int32)
        self._touched: Labels | None = None
        if len(edges):
            self._lay()
            self._build()

    def labels(self, lon: Floats, lat: Floats) -> Labels:
        """Position of the covering ward per point, -1 where none. Coordinates must be finite."""
        out = np.full(len(lon), -1, dtype=np.int32)
        if self._wards:
            for start in range(0, len(lon), _CHUNK):
                end = start + _CHUNK
                self._label(lon[start:end], lat[start:end], out[start:end])
        return out

    def near_border(self, lon: Floats, lat: Floats, wide: Floats, high: Floats) -> Bools:
        """Whether a border may lie in the box lon ± wide, lat ± high; False is certain."""
        if not self._wards:
            return np.zeros(len(lon), dtype=bool)
        if self._touched is None:
            # sums[r, c]: touched first cells in the rows before r and the columns before c
            sums = np.zeros((self._rows + 1, self._columns + 1), dtype=np.int32)
            touched = (self._top < 0).reshape(self._rows, self._columns)
            sums[1:, 1:] = touched.cumsum(axis=0, dtype=np.int32).cumsum(axis=1, dtype=np.int32)
            self._touched = sums
        scale = self._scale / self._finest
        # A cell more on either side: the box's own corners are rounded.
        west = np.clip(np.floor((lon - wide - self._x0) * scale) - 1, 0, self._columns)
        east = np.clip(np.floor((lon + wide - self._x0) * scale) + 2, 0, self._columns)
        south = np.clip(np.floor((lat - high - self._y0) * scale) - 1, 0, self._rows)
        north = np.clip(np.floor((lat + high - self._y0) * scale) + 2, 0, self._rows)
        w, e, s, n = (v.astype(np.int64) for v in (west, east, south, north))
        sums = self._touched
        found: Bools = sums[n, e] - sums[s, e] - sums[n, w] + sums[s, w] > 0
        return found

    @property
    def nbytes(self) -> int:
        """Memory of the grid's arrays in bytes."""
        leaves = self._leaves
        net = self._network
        return sum(
            array.nbytes
            for array in (
                *(self._top, self._blocks, net.a, net.b, net.weight),
                *(leaves.reference, leaves.total, leaves.first, leaves.count),
                *(leaves.edge, leaves.left),
            )
        )

    def _label(self, lon: Floats, lat: Floats, out: Labels) -> None:
        fx, fy = (lon - self._x0) * self._scale, (lat - self._y0) * self._scale
        inside = (fx >= 0) & (fx < self._width) & (fy >= 0) & (fy < self._height)
        if not inside.all():
            some = np.flatnonzero(inside)
            if len(some):
                found = np.full(len(some), -1, dtype=np.int32)
                self._label(lon[some], lat[some], found)
                out[some] = found
            return
        qx, qy = fx.astype(np.int32), fy.astype(np.int32)
        shift = 2 * _SPLITS
        value = self._top[(qy >> shift) * self._columns + (qx >> shift)]
        np.subtract(value, 1, out=out)
        rest = np.flatnonzero(value < 0)
        value = value[rest]
        while len(rest):
            at_leaf = value < -_LEAF
            if at_leaf.any():
                where = rest[at_leaf]
                leaf = -_LEAF - 1 - value[at_leaf]
                out[where] = self._at_leaves(lon[where], lat[where], leaf)
                rest, value = rest[~at_leaf], value[~at_leaf]
            shift -= 2
            child = ((qy[rest] >> shift) & 3) * 4 + ((qx[rest] >> shift) & 3)
            value = self._blocks[(-1 - value).astype(np.int64) * 16 + child]
            out[rest] = value - 1
            deeper = np.flatnonzero(value < 0)
            rest, value = rest[deeper], value[deeper]

    def _at_leaves(self, lon: Floats, lat: Floats, leaf: Labels) -> Labels:
        total = self._leaves.totals(self._network, lon + 1j * lat, leaf)
        return self._one_of(total, lon, lat)

    def _one_of(self, total: Ints, lon: Floats, lat: Floats) -> Labels:
        """The label that each sum over wards says; what it does not say is asked exactly."""
        label = np.where(total == 0, -1, total - ONE)
        ask = np.flatnonzero((label < -1) | (label >= self._wards))
        if len(ask):
            label[ask] = self._lowest(lon[ask], lat[ask])
        return label.astype(np.int32)

    def _lowest(self, lon: Floats, lat: Floats) -> Ints:
        point, ward = self._covering(lon, lat)
        label = np.full(len(lon), self._wards, dtype=np.int64)
        np.minimum.at(label, point, ward)
        label[label == self._wards] = -1
        return label

    def _sum(self, lon: Floats, lat: Floats) -> Ints:
        point, ward = self._covering(lon, lat)
        total = np.zeros(len(lon), dtype=np.int64)
        np.add.at(total, point, ONE + ward)
        return total

    def _lay(self) -> None:
        """Place and size of the grid: about nine first cells for each border edge."""
        ends = np.concatenate([self._network.a, self._network.b])
        low = complex(ends.real.min(), ends.imag.min())
        high = complex(ends.real.max(), ends.imag.max())
        side = 2 ** np.ceil(np.log2(3.0 * np.sqrt(len(self._network.a))))
        side = float(np.clip(side, *_SIDE))
        cell = max(high.real - low.real, high.imag - low.imag) / (side - 1.0)
        self._x0, self._y0 = low.real - cell / 4, low.imag - cell / 4
        self._columns = int((high.real - low.real) / cell + 0.5) + 1
        self._rows = int((high.imag - low.imag) / cell + 0.5) + 1
        self._finest = 4.0**_SPLITS
        self._scale = self._finest / cell
        self._width, self._height = self._columns * self._finest, self._rows * self._finest

    def _degrees(self, place: Complexes) -> tuple[Floats, Floats]:
        return self._x0 + place.real / self._scale, self._y0 + place.imag / self._scale

    def _build(self) -> None:
        corner = complex(self._x0, self._y0)
        a, b = (self._network.a - corner) * self._scale, (self._network.b - corner) * self._scale
        width = self._finest
        cell, edge = first_level(a, b, width, self._columns)
        touched, cell = np.unique(cell, return_inverse=True)
        self._label_runs(touched)
        slots = touched
        place = np.empty(len(touched), dtype=np.complex128)
        place.real, place.imag = touched % self._columns * width, touched // self._columns * width
        lon, lat = self._degrees(place + _REFERENCE * width)
        total = self._sum(lon, lat)
        into, leaves, n_leaves, n_blocks = self._top, [], 0, 0
        blocks: list[Labels] = []
        for level in range(_SPLITS + 1):
            cells = Cells.of(self._network, lon + 1j * lat, total, cell, edge)
            room = self._top.size + 16 * (n_blocks + len(slots)) <= _MOST_CELLS
            split = (cells.count > _FEW_EDGES) & (cells.total != UNSURE)
            split &= level < _SPLITS and room
            kept = np.flatnonzero(~split)
            into[slots[kept]] = -_LEAF - 1 - (n_leaves + np.arange(len(kept)))
            leaves.append(cells.pick(kept))
            n_leaves += len(kept)
            chosen = np.flatnonzero(split)
            if not len(chosen):
                break
            into[slots[chosen]] = -1 - (n_blocks + np.arange(len(chosen)))
            n_blocks += len(chosen)
            parents, corner_of, width = cells.pick(chosen), place[chosen], width / 4
            into, slots, place, total, cell, edge = self._split(parents, corner_of, width, a, b)
            lon, lat = self._degrees(place + _REFERENCE * width)
            blocks.append(into)
        self._leaves = Cells.joined(leaves)
        if blocks:
            self._blocks = np.concatenate(blocks)

    def _label_runs(self, touched: Ints) -> None:
        """Label the untouched first cells: each run of them in a row is covered alike."""
        free = np.ones(self._rows * self._columns, dtype=bool)
        free[touched] = False
        rows = free.reshape(self._rows, self._columns)
        starts = rows.copy()
        starts[:, 1:] &= ~rows[:, :-1]
        first = np.flatnonzero(starts)
        place = (first % self._columns + 1j * (first // self._columns) + _REFERENCE) * self._finest
        label = self._lowest(*self._degrees(place))
        # a row of touched cells before the first run has none: its -1 takes the one appended
        run = np.cumsum(starts.ravel()) - 1
        self._top = np.where(free, np.append(label, -1)[run] + 1, 0).astype(np.int32)

    def _split(
        self, parents: Cells, corner: Complexes, width: float, a: Complexes, b: Complexes
    ) -> tuple[Labels, Ints, Complexes, Ints, Ints, Ints]:
        """Blocks of 4 x 4 children, and of the touched ones slot, corner, total, (cell, edge)."""
        owner = np.repeat(np.arange(len(corner)), parents.count)
        cell, edge = children(a, b, owner, parents.edge.astype(np.int64), corner, width)
        child = np.arange(16)
        offset = (child % 4 + 1j * (child // 4)) * width
        place = (corner[:, None] + offset).ravel()
        lon, lat = self._degrees(place + _REFERENCE * width)
        parent = np.repeat(np.arange(len(corner)), 16)
        total = parents.totals(self._network, lon + 1j * lat, parent)
        ask = np.flatnonzero(total == UNSURE)
        if len(ask):
            total[ask] = self._sum(lon[ask], lat[ask])
        touched, cell = np.unique(cell, return_inverse=True)
        free = np.ones(len(place), dtype=bool)
        free[touched] = False
        values = np.zeros(len(place), dtype=np.int32)
        values[free] = self._one_of(total[free], lon[free], lat[free]) + 1
        return values, touched, place[touched], total[touched], cell, edge
