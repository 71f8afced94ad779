"""One block clustered by itself: labels of its own points, and what joins them to others'."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geo.hotspots.country.blocks import Block, Floats, Ints, around, inside, places
from geo.hotspots.dbscan import cored

Narrow = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """What a block tells for the merge; its size is that of the block's border.

    `lowest` (labels,) is the lowest row of each label among the block's own points. `own_…` are the
    block's cores that another block may see, `seen_…` the cores of other blocks within eps of this
    one which are of one of its clusters: row and label here.
    """

    lowest: Ints
    own_rows: Ints
    own_labels: Narrow
    seen_rows: Ints
    seen_labels: Narrow


@dataclass(frozen=True, slots=True, eq=False)
class Clustered:
    """A block's own points: `rows` and `labels` (n,) each, labels 0, 1, … of this block alone."""

    rows: Ints
    labels: Narrow
    strip: Strip


def cluster(
    rows: Ints,
    points_m: Floats,
    block: Block,
    side_m: float,
    eps_m: float,
    min_points: int,
    threads: int | None = None,
) -> Clustered:
    """Cluster the points of a block and its halo: all that lie in `around(…, hops=2)`.

    `rows` (n,) number the points, each differently and the same in every block; `points_m` (n, 2).

    Whether a point of the block is a core is known exactly, and whether one within eps of it is:
    so a border point finds the same nearest core as among all points, and cores joined here are
    joined among all. What is joined by way of other blocks, the merge joins.
    """
    own = (places(points_m, side_m) == np.array(block)).all(axis=1)
    if not own.any():
        none, nothing = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int32)
        return Clustered(none, nothing, Strip(none, none, nothing, none, nothing))
    label, core = cored(points_m, eps_m, min_points, threads)
    mine = label[own]
    numbers = np.unique(mine[mine >= 0])
    # Labels of this block; clusters of the halo alone have none.
    new = np.full(int(label.max()) + 2, -1, dtype=np.int32)
    new[numbers] = np.arange(len(numbers), dtype=np.int32)
    labels = new[label]
    mine = labels[own]
    lowest = np.full(len(numbers), np.iinfo(np.int64).max)
    clustered = mine >= 0
    np.minimum.at(lowest, mine[clustered], rows[own][clustered])
    near = own & core & ~inside(block, side_m, eps_m).holds(points_m)
    seen = ~own & core & (labels >= 0) & around(block, side_m, eps_m, 1).holds(points_m)
    strip = Strip(lowest, rows[near], labels[near], rows[seen], labels[seen])
    return Clustered(rows[own], mine, strip)
