"""A cell of the map as a filter: the reports that a tile counts in it."""

import math
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal_column, or_, select

from geo.errors import Invalid
from geo.store.database import AsyncConnection
from geo.store.tables import categories, reports

# Zoom of the numbers in `reports.cell` (migration 0003).
FINEST_LEVEL = 26
# 53 bits, which every client can hold.
LAST_ID = (1 << 2 * FINEST_LEVEL + 1) - 1
# The public sees a blurred report in the middle of its cell of this zoom, as the database's
# `pinward_public_cell` has it: in the first cell of that middle's south-eastern quarter.
BLUR_LEVEL = 18
_BLUR_BITS = 2 * (FINEST_LEVEL - BLUR_LEVEL)
_MIDDLE = 3 << (_BLUR_BITS - 2)


@dataclass(frozen=True, slots=True)
class Cell:
    """One of the 4^level squares of the Web Mercator world, `number` in z-order (x in even bits).

    Its id, as features of the `reports` tiles carry it, is `1 << 2 * level | number`: the level can
    be read off the id alone. Raises `Invalid` on a level or number that does not exist.
    """

    level: int
    number: int

    def __post_init__(self) -> None:
        if not 0 <= self.level <= FINEST_LEVEL or not 0 <= self.number < 1 << 2 * self.level:
            raise Invalid(
                f"there is no cell {self.number} at level {self.level}: levels go from 0 to "
                f"{FINEST_LEVEL}, numbers at level L from 0 to 4^L - 1"
            )

    @classmethod
    def parse(cls, text: str) -> "Cell":
        """From the digits of an id; raises `Invalid`."""
        # 2^53 has 16 digits; int() would also take 1_0, signs, blanks and digits of other scripts.
        said = text.isascii() and text.isdecimal() and len(text) <= 16
        bits = int(text).bit_length() if said else 0
        if not said or bits % 2 == 0 or int(text) > LAST_ID:
            raise Invalid(
                "cell must be the whole number that a cell of the reports tiles has as `cell`: "
                "1 << 2 * level | its z-order number"
            )
        level = bits // 2
        return cls(level, int(text) - (1 << 2 * level))

    @property
    def id(self) -> int:
        """`1 << 2 * level | number`."""
        return (1 << 2 * self.level) | self.number

    @property
    def finest(self) -> tuple[int, int]:
        """First and last number (both included) of the finest cells in it."""
        shift = 2 * (FINEST_LEVEL - self.level)
        return self.number << shift, ((self.number + 1) << shift) - 1

    def holds(self, by_index: bool = True) -> ColumnElement[bool]:
        """Condition over `reports` joined to `categories`: the public sees the report in here.

        Hidden reports are left to the caller. `by_index=False` hides the column from the planner,
        so that it cannot take the index on `reports.cell`.
        """
        first, last = self.finest
        cell: ColumnElement[int] = (
            reports.c.cell if by_index else reports.c.cell + literal_column("0")
        )
        exactly = cell.between(first, last)
        if self.level <= BLUR_LEVEL:
            # A blurred report does not leave its cell of the blur's own level, nor any wider one.
            return exactly
        around = first >> _BLUR_BITS << _BLUR_BITS
        if not first <= around | _MIDDLE <= last:
            return and_(exactly, categories.c.visibility == "public")
        # All blurred reports of the cell around stand here, whichever part of it they are from.
        return and_(
            cell.between(around, around + (1 << _BLUR_BITS) - 1),
            or_(
                categories.c.visibility == "blurred",
                and_(categories.c.visibility == "public", exactly),
            ),
        )


def around(west: float, south: float, east: float, north: float) -> list[tuple[int, int]]:
    """First and last number of the finest cells of up to four squares that cover a box, degrees.

    Four numbers to compare instead of a search by place: with them a btree can also order by what
    else is asked for (`ix_reports_open_alike`). `west <= east`.
    """
    left, top = _column(west), _row(north)
    right, bottom = _column(east), _row(south)
    shift = max(right - left, bottom - top, 1).bit_length() - 1
    while (right >> shift) - (left >> shift) > 1 or (bottom >> shift) - (top >> shift) > 1:
        shift += 1
    squares = {(x >> shift, y >> shift) for x in (left, right) for y in (top, bottom)}
    return sorted(
        (number << 2 * shift, ((number + 1) << 2 * shift) - 1)
        for number in (_spread(x) | _spread(y) << 1 for x, y in squares)
    )


def _column(lon: float) -> int:
    side = 1 << FINEST_LEVEL
    return min(side - 1, max(0, math.floor((lon + 180.0) / 360.0 * side)))


def _row(lat: float) -> int:
    side = 1 << FINEST_LEVEL
    s = math.sin(math.radians(min(85.0511287798066, max(-85.0511287798066, lat))))
    share = 0.5 - math.log((1.0 + s) / (1.0 - s)) / (4.0 * math.pi)
    return min(side - 1, max(0, math.floor(share * side)))


def _spread(number: int) -> int:
    """Its bits at the even places."""
    return sum((number >> bit & 1) << 2 * bit for bit in range(FINEST_LEVEL))


async def is_crowded(conn: AsyncConnection, cell: Cell, most: int) -> bool:
    """Whether more than `most` reports, of whatever visibility, lie in or around the cell.

    Reads `most` entries of an index and not one row: 3 ms for 20,000.
    """
    first, last = cell.finest
    if cell.level > BLUR_LEVEL:
        first = first >> _BLUR_BITS << _BLUR_BITS
        last = first + (1 << _BLUR_BITS) - 1
    some: Select[Any] = (
        select(literal_column("1")).where(reports.c.cell.between(first, last)).limit(most + 1)
    )
    found = await conn.execute(select(func.count()).select_from(some.subquery()))
    return bool(found.scalar_one() > most)
