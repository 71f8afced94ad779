"""Labels of blocks made into the labels of one machine."""

from collections.abc import Sequence

import numpy as np

from geo.errors import Invalid
from geo.hotspots.country.block import Strip
from geo.hotspots.country.blocks import Ints


def merge(strips: Sequence[Strip]) -> list[Ints]:
    """For each block the final number of each of its labels, in the order of the blocks.

    Two blocks' labels are one where both name the same core. Clusters are numbered by their lowest
    row, as `geo.hotspots.dbscan` numbers them. Raises `Invalid` where blocks contradict each other.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ends = np.cumsum([0, *(len(strip.lowest) for strip in strips)])
    lowest = np.concatenate([np.empty(0, np.int64), *(strip.lowest for strip in strips)])
    own, home = _told(strips, ends, "own")
    seen, guest = _told(strips, ends, "seen")
    order = np.argsort(own)
    own, home = own[order], home[order]
    if (own[1:] == own[:-1]).any():
        twice = own[1:][own[1:] == own[:-1]][0]
        raise Invalid(f"row {twice} is two points; each point needs a number of its own")
    at = np.searchsorted(own, seen)
    known = at < len(own)
    known[known] = own[at[known]] == seen[known]
    if not known.all():
        raise Invalid(
            f"the point with row {seen[~known][0]} is a core for the block beside its own, but not "
            "for its own: the source gave them different points. Did the data change meanwhile?"
        )
    graph = coo_array((np.ones(len(seen), bool), (guest, home[at])), (len(lowest),) * 2)
    _, group = connected_components(graph, directed=False)
    first = np.full(int(group.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, group, lowest)
    number = np.empty(len(first), dtype=np.int64)
    number[np.argsort(first)] = np.arange(len(first))
    return np.split(number[group], ends[1:-1])


def _told(strips: Sequence[Strip], ends: Ints, which: str) -> tuple[Ints, Ints]:
    """(rows, labels) that all blocks tell, a label numbered among all blocks'."""
    rows, labels = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for strip, start in zip(strips, ends, strict=False):
        rows.append(getattr(strip, f"{which}_rows"))
        labels.append(getattr(strip, f"{which}_labels") + start)
    return np.concatenate(rows), np.concatenate(labels)
