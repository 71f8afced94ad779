"""The quadtree: which nodes there are, and which of them a fact belongs to."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tiles.address import CELL_ZOOM, MAX_ZOOM
from tiles.pyramid.packing import Ints

# A leaf with more facts than this becomes a cube. 32,768 facts are 0.8 MB, read in 2 ms.
LEAF_MOST = 32_768
# Nodes are tiles of every second zoom; tiles between them are read from the one above. Counts at
# low zooms, where one tile holds a whole city, are then kept half as often.
STEP = 2
ROOT = 1


def node_of(cell: Ints, zoom: int) -> Ints:
    """The node at `zoom` over cells of zoom 26."""
    return (1 << 2 * zoom) | (cell >> 2 * (CELL_ZOOM - zoom))


def zoom_of(node: int) -> int:
    """The zoom of a node."""
    return (node.bit_length() - 1) // 2


@dataclass
class Tree:
    """Sorted cubes and leaves. Every child of a cube is there, except below the last zoom."""

    cubes: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    leaves: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    @classmethod
    def of(cls, nodes: list[tuple[int, bool]]) -> "Tree":
        """From rows of `node, leaf`."""
        made = np.array([node for node, _ in nodes], dtype=np.int64)
        leaf = np.array([leaf for _, leaf in nodes], dtype=bool)
        return cls(np.sort(made[~leaf]), np.sort(made[leaf]))

    def steps(self, cell: Ints) -> list[tuple[int, Ints, Ints]]:
        """For each zoom `(zoom, which, node)`: indices of the cells whose cube at it is `node`."""
        found = []
        alive = np.arange(len(cell))
        # a smaller number is a lower zoom
        first = zoom_of(int(self.cubes[0])) if len(self.cubes) else MAX_ZOOM + 1
        for zoom in range(first, MAX_ZOOM + 1, STEP):
            node = node_of(cell[alive], zoom)
            inside = _among(node, self.cubes)
            alive, node = alive[inside], node[inside]
            if not len(alive):
                break
            found.append((zoom, alive, node))
        return found

    def leaf_of(self, cell: Ints) -> Ints:
        """The leaf over each cell; 0 where a cube of the last zoom has none below it."""
        leaf = np.zeros(len(cell), dtype=np.int64)
        for zoom in range(0, MAX_ZOOM + 1, STEP):
            node = node_of(cell, zoom)
            leaf = np.where(_among(node, self.leaves), node, leaf)
        return leaf

    def torn(self) -> tuple[list[int], list[int]]:
        """Nodes that lack, and nodes that have no place: none of either in a whole tree."""
        parents = [node for node in self.cubes.tolist() if zoom_of(node) < MAX_ZOOM]
        children = range(1 << 2 * STEP)
        wanted = {ROOT, *((node << 2 * STEP) + child for node in parents for child in children)}
        known = {*self.cubes.tolist(), *self.leaves.tolist()}
        return sorted(wanted - known), sorted(known - wanted)


def _among(node: Ints, known: Ints) -> npt.NDArray[np.bool_]:
    if not len(known):
        return np.zeros(len(node), dtype=bool)
    place = np.minimum(np.searchsorted(known, node), len(known) - 1)
    found: npt.NDArray[np.bool_] = known[place] == node
    return found


def grown(cell: Ints, root: int = ROOT) -> Tree:
    """The tree over sorted cells below `root`, cut wherever a node holds more than `LEAF_MOST`."""
    cubes: list[Ints] = []
    leaves: list[Ints] = []
    fresh = np.array([root], dtype=np.int64)
    for zoom in range(zoom_of(root), MAX_ZOOM + 1, STEP):
        shift = 2 * (CELL_ZOOM - zoom)
        number = fresh - (1 << 2 * zoom)
        held = np.searchsorted(cell, (number + 1) << shift) - np.searchsorted(cell, number << shift)
        many = held > LEAF_MOST
        cubes.append(fresh[many])
        leaves.append(fresh[~many])
        if zoom == MAX_ZOOM or not many.any():
            break
        children = np.arange(1 << 2 * STEP)
        fresh = ((fresh[many] << 2 * STEP)[:, None] + children).reshape(-1)
    return Tree(np.concatenate(cubes), np.sort(np.concatenate(leaves)))
