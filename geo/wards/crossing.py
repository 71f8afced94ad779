"""Counting the wards that cover a point by the borders crossed on the way to it.

Sides are decided by the orientation determinant with Shewchuk's error bound (Adaptive Precision
Floating-Point Arithmetic, 1997, `ccwerrboundA`); what is too near an edge to be sure of is said so.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geo.wards.borders import Edges

Floats = npt.NDArray[np.float64]
Complexes = npt.NDArray[np.complex128]
Ints = npt.NDArray[np.int64]
Shorts = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]

# (3 + 16 e) e with e = 2**-53: a determinant larger than this times the sum of its two
# products' sizes has the right sign.
_SURE = (3.0 + 16.0 * 2.0**-53) * 2.0**-53

# The wards that cover a point as one integer: their number times ONE plus their positions' sum.
ONE = np.int64(1) << 32
UNSURE = np.int64(-1)

# Points worked on at once, so that the work stays in the processor's cache.
_CHUNK = 16_384


def left_of(a: Complexes, b: Complexes, p: Complexes) -> tuple[Bools, Bools]:
    """`(left, sure)`: whether p lies left of the line a → b, and whether that is certain."""
    edge, to = b - a, p - a
    one, two = edge.real * to.imag, edge.imag * to.real
    return one > two, np.abs(one - two) > _SURE * (np.abs(one) + np.abs(two))


@dataclass(frozen=True)
class Network:
    """Every border once: from `a` to `b` (lon + i lat, `a` the lesser), no two alike.

    Crossing one from its right to its left changes the covering wards' integer by `weight`.
    """

    a: Complexes
    b: Complexes
    weight: Ints

    @classmethod
    def of(cls, edges: Edges) -> "Network":
        """Joins the edges that neighbours share."""
        swap = (edges.ax > edges.bx) | ((edges.ax == edges.bx) & (edges.ay > edges.by))
        a, b = edges.ax + 1j * edges.ay, edges.bx + 1j * edges.by
        a, b = np.where(swap, b, a), np.where(swap, a, b)
        weight = np.where(swap, -1, 1) * (ONE + edges.ward)
        order = np.lexsort((b.imag, b.real, a.imag, a.real))
        a, b, weight = a[order], b[order], weight[order]
        if len(a):
            first = np.flatnonzero(np.r_[True, (a[1:] != a[:-1]) | (b[1:] != b[:-1])])
            a, b, weight = a[first], b[first], np.add.reduceat(weight, first)
        return cls(a, b, weight)


@dataclass(frozen=True)
class Cells:
    """Cells that borders touch: `reference` points, the wards there (`total`), and the edges.

    Cell k has the edges `edge[first[k] : first[k] + count[k]]`; `left` says for each whether the
    reference lies on its left. A cell whose `total` is UNSURE must be asked otherwise.
    """

    reference: Complexes
    total: Ints
    first: Shorts
    count: Shorts
    edge: Shorts
    left: Bools

    @classmethod
    def of(
        cls, network: Network, reference: Complexes, total: Ints, cell: Ints, edge: Ints
    ) -> "Cells":
        """From (cell, edge) pairs ordered by cell; every cell has at least one."""
        left, sure = left_of(network.a[edge], network.b[edge], reference[cell])
        total = total.copy()
        total[cell[~sure]] = UNSURE
        count = np.bincount(cell, minlength=len(reference)).astype(np.int32)
        return cls(reference, total, _starts(count), count, edge.astype(np.int32), left)

    def pick(self, chosen: Ints) -> "Cells":
        """Only these cells, in this order."""
        entry = spread(self.first[chosen], self.count[chosen])
        count = self.count[chosen]
        return Cells(
            self.reference[chosen],
            self.total[chosen],
            _starts(count),
            count,
            self.edge[entry],
            self.left[entry],
        )

    @classmethod
    def joined(cls, parts: list["Cells"]) -> "Cells":
        """The cells of all parts, one part after the other."""
        count = np.concatenate([part.count for part in parts])
        return cls(
            np.concatenate([part.reference for part in parts]),
            np.concatenate([part.total for part in parts]),
            _starts(count),
            count,
            np.concatenate([part.edge for part in parts]),
            np.concatenate([part.left for part in parts]),
        )

    def totals(self, network: Network, p: Complexes, cell: Ints | Shorts) -> Ints:
        """The integer of the wards covering each point `p` of cell `cell`; UNSURE where so.

        Walks straight from the cell's reference to the point. Only edges of the cell can be in
        the way, for a cell is convex.
        """
        if len(p) > _CHUNK:
            parts = (slice(at, at + _CHUNK) for at in range(0, len(p), _CHUNK))
            return np.concatenate([self.totals(network, p[part], cell[part]) for part in parts])
        count = self.count[cell]
        entry = spread(self.first[cell], count)
        point = np.repeat(np.arange(len(p)), count)
        edge = self.edge[entry]
        left, sure = left_of(network.a[edge], network.b[edge], p[point])
        total = self.total[cell].copy()
        unsure = total == UNSURE
        unsure[point[~sure]] = True
        # An edge can be crossed only if its line parts the point from the reference.
        parted = np.flatnonzero(left != self.left[entry])
        point, edge, left = point[parted], edge[parted], left[parted]
        start, end = self.reference[cell[point]], p[point]
        a_left, a_sure = left_of(start, end, network.a[edge])
        b_left, b_sure = left_of(start, end, network.b[edge])
        unsure[point[~(a_sure & b_sure)]] = True
        crossed = np.flatnonzero(a_left != b_left)
        weight = network.weight[edge[crossed]]
        np.add.at(total, point[crossed], np.where(left[crossed], weight, -weight))
        total[unsure] = UNSURE
        return total


def _starts(count: Shorts) -> Shorts:
    starts: Shorts = (np.cumsum(count) - count).astype(np.int32)
    return starts


def spread(first: Ints | Shorts, count: Ints | Shorts) -> Ints:
    """Positions first[k] … first[k] + count[k] - 1 of every k, one after the other."""
    last = np.cumsum(count, dtype=np.int64)
    total = int(last[-1]) if len(last) else 0
    found: Ints = np.arange(total) + np.repeat(first - (last - count), count)
    return found
