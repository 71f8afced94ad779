"""What is asked of the pyramid, and what it answers."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo.store.tables.reports import STATUSES
from tiles.address import CELL_ZOOM
from tiles.pyramid.packing import FINE, KINDS, STATUS_SLOTS, Facts
from tiles.pyramid.span import Span

Table = npt.NDArray[np.int64]
"""Counts by fine cell (z-order within the tile) and status (16)."""


@dataclass(frozen=True)
class Wanted:
    """A filter in the pyramid's words; None leaves a condition out. `categories` are numbers.

    `wards` are those of the reports' rows. With `todays` they are the wards whose reports are in
    these today, but for the reports that have an answer of their own (`reports_today`).
    """

    categories: tuple[int, ...] | None = None
    blurred: frozenset[int] = frozenset()
    statuses: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    wards: tuple[int, ...] | None = None
    todays: tuple[int, ...] | None = None
    span: Span = field(default_factory=lambda: Span(None, None))

    @property
    def states(self) -> npt.NDArray[np.bool_]:
        """For each status and kind (the low 5 bits of a key) whether it passes."""
        passes = np.zeros(2 * STATUS_SLOTS, dtype=bool)
        for i, status in enumerate(STATUSES):
            for j, kind in enumerate(KINDS):
                passes[2 * i + j] = (not self.statuses or status in self.statuses) and (
                    not self.kinds or kind in self.kinds
                )
        return passes


class Spot(NamedTuple):
    """A range of `reports.cell` and a time, as the index on both is asked."""

    first: int
    last: int
    at: datetime


@dataclass
class Counted:
    """Counts of a tile, of as many fine cells as `fine` zooms below it make (4^fine).

    Cells finer than zoom `level` cannot be told apart in them.

    `matched` are the facts counted, where they are at hand one by one (in a leaf).
    """

    table: Table
    fine: int = FINE
    level: int = CELL_ZOOM
    matched: Facts | None = None

    @property
    def total(self) -> int:
        """All reports of the tile that pass the filter."""
        return int(self.table.sum())


def nothing(fine: int = FINE) -> Table:
    """A table without reports."""
    return np.zeros((1 << 2 * fine, STATUS_SLOTS), dtype=np.int64)
