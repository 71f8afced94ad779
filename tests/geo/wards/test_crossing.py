"""Counting crossings must own up to what it cannot be sure of."""

import numpy as np
import shapely

from geo.wards.borders import Edges
from geo.wards.crossing import ONE, UNSURE, Cells, Network

SQUARE = shapely.box(1, 1, 2, 2)


def one_cell(reference: complex, total: int) -> tuple[Network, Cells]:
    """All edges of two neighbouring squares (positions 0 and 1) in one cell."""
    shapes = np.array([SQUARE, shapely.box(2, 1, 3, 2)], dtype=object)
    network = Network.of(Edges.of(shapes))
    edge = np.arange(len(network.a))
    places = np.array([reference])
    return network, Cells.of(network, places, np.array([total]), np.zeros_like(edge), edge)


def totals(reference: complex, total: int, *points: complex) -> list[int]:
    network, cells = one_cell(reference, total)
    found = cells.totals(network, np.array(points), np.zeros(len(points), dtype=np.int64))
    return [int(value) for value in found]


def test_the_edge_that_two_wards_share_is_kept_once() -> None:
    network, _ = one_cell(0.5 + 0.6j, 0)
    assert len(network.a) == 7


def test_walking_in_counts_the_ward_and_walking_through_counts_none() -> None:
    assert totals(0.5 + 1.4j, 0, 1.5 + 1.5j, 2.5 + 1.6j, 3.5 + 1.3j) == [ONE, ONE + 1, 0]


def test_walking_out_of_a_ward_uncounts_it() -> None:
    assert totals(2.5 + 1.4j, int(ONE) + 1, 0.5 + 1.5j, 1.5 + 1.3j) == [0, ONE]


def test_a_point_on_an_edge_or_a_corner_is_unsure() -> None:
    assert totals(0.5 + 1.4j, 0, 1.0 + 1.7j, 2.0 + 2.0j, 2.0 + 1.5j) == [UNSURE] * 3


def test_a_walk_through_a_corner_is_unsure() -> None:
    # the diagonal through (2, 2), where three edges meet
    assert totals(1.5 + 1.5j, int(ONE), 2.5 + 2.5j) == [UNSURE]


def test_a_reference_on_an_edge_makes_its_cell_unsure() -> None:
    assert totals(1.0 + 1.5j, int(ONE), 1.5 + 1.5j) == [UNSURE]
