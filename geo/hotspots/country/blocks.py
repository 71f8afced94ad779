"""Points of one plane cut into square blocks, each of which can be clustered by itself.

A block is a square of a grid fixed to the plane; a point is in exactly one. To know which of its
points are cores, and of those within eps of it, a block must see every point within 2 eps of it
(its *halo*): a neighbour of a point of the block lies within eps of the block, and the neighbours
of that one, which make it a core or not, within 2 eps. What lies farther changes nothing there.
A core of the halo's outer half may go unseen as one, but none is ever made up.

Two points are neighbours by rounded arithmetic: fl(dx)² + fl(dy)² <= eps². A rounded difference is
off by one part in 2⁵³, however large the coordinates, so "within eps" widened by one part in 10¹²
holds all of them; a block's own edges are widened by a few units in the last place.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo.errors import Invalid, UnreadableFile

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]

SIDE_M = 20_000.0

_HAIR = 1.0 + 1e-12
# Units in the last place by which a block's edges may be off.
_UNITS = 4
# Beyond, an edge's last places are no longer small against a block.
_MOST = 2**40


class Block(NamedTuple):
    """A square of the grid: x from `column` to `column + 1` sides, y from `row`, upper ends out."""

    column: int
    row: int


class Box(NamedTuple):
    """A rectangle in metres, edges included."""

    left_m: float
    low_m: float
    right_m: float
    high_m: float

    def holds(self, points_m: Floats) -> Marks:
        """(n,) which of (n, 2) points lie in it."""
        x_m, y_m = points_m[:, 0], points_m[:, 1]
        inside: Marks = (
            (x_m >= self.left_m)
            & (x_m <= self.right_m)
            & (y_m >= self.low_m)
            & (y_m <= self.high_m)
        )
        return inside


def places(points_m: Floats, side_m: float) -> Ints:
    """(n, 2) column and row of each point's block. Raises `Invalid` where points are not finite, or
    too many blocks away."""
    with np.errstate(over="ignore"):
        place = np.floor(points_m / side_m)
    if not (np.abs(place) < _MOST).all():
        bad = int(np.flatnonzero(~(np.abs(place) < _MOST).all(axis=1))[0])
        raise Invalid(
            f"points_m must be finite and at most 2^40 blocks of {side_m} m from 0; "
            f"point {bad} is {tuple(points_m[bad].tolist())}: take larger blocks"
        )
    return place.astype(np.int64)


def around(block: Block, side_m: float, eps_m: float, hops: int) -> Box:
    """Where points within `hops` times `eps_m` of a block may lie: what they touch in so many steps
    from neighbour to neighbour."""
    reach = hops * (eps_m * _HAIR + _UNITS * _unit(block, side_m))
    return Box(
        block.column * side_m - reach,
        block.row * side_m - reach,
        (block.column + 1) * side_m + reach,
        (block.row + 1) * side_m + reach,
    )


def inside(block: Block, side_m: float, eps_m: float) -> Box:
    """Where no point is in reach of another block; empty (right of its own right) if nowhere."""
    # More than another block, whose units may be twice as large, takes for its surroundings.
    reach = eps_m * _HAIR * _HAIR + 4 * _UNITS * _unit(block, side_m)
    return Box(
        block.column * side_m + reach,
        block.row * side_m + reach,
        (block.column + 1) * side_m - reach,
        (block.row + 1) * side_m - reach,
    )


def _unit(block: Block, side_m: float) -> float:
    far = max(abs(place + end) for place in block for end in (0, 1))
    return float(np.spacing(far * side_m))


def checked_side(side_m: float, eps_m: float) -> float:
    """A side that blocks may have: a halo reaches the eight blocks beside it and no farther."""
    if not (np.isfinite(side_m) and side_m >= 2 * eps_m):
        raise Invalid(
            f"side_m must be finite and at least twice eps_m ({2 * eps_m} m); it is {side_m}"
        )
    return side_m


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """Points sorted by block, once: what any block sees is a few slices. A source of points.

    `points_m` (n, 2), `rows` (n,) their numbers, `found` (blocks, 2) column and row of those that
    hold any, row by row, `start` (blocks + 1,) the first point of each.
    """

    points_m: Floats
    rows: Ints
    found: Ints
    start: Ints
    side_m: float

    @classmethod
    def of(cls, points_m: npt.ArrayLike, side_m: float = SIDE_M) -> "Cut":
        """Cut (n, 2) metres of one plane; a point's number is its index. Raises `Invalid`."""
        points = np.asarray(points_m, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != 2:
            raise Invalid(f"points_m must have the shape (n, 2); it has {points.shape}")
        if not (np.isfinite(side_m) and side_m > 0):
            raise Invalid(f"side_m must be a finite number of metres above 0; it is {side_m}")
        place = places(points, side_m)
        order = np.lexsort((place[:, 0], place[:, 1]))
        place = place[order]
        begins = np.flatnonzero(np.any(np.diff(place, axis=0, prepend=place[:1] - 1), axis=1))
        start = np.append(begins, len(points)).astype(np.int64)
        return cls(points[order], order.astype(np.int64), place[begins], start, side_m)

    def blocks(self, side_m: float) -> list[Block]:
        """The blocks that hold points. Raises `Invalid` if they were cut to another size."""
        if side_m != self.side_m:
            raise Invalid(f"the points were cut into blocks of {self.side_m} m, not {side_m}")
        return [Block(*place) for place in self.found.tolist()]

    def load(self, box: Box) -> tuple[Ints, Floats]:
        """(rows, points_m) in a box."""
        corners = np.array([[box.left_m, box.low_m], [box.right_m, box.high_m]])
        low, high = np.floor(corners / self.side_m)
        near = np.flatnonzero(((self.found >= low) & (self.found <= high)).all(axis=1))
        rows: list[Ints] = [np.empty(0, dtype=np.int64)]
        points: list[Floats] = [np.empty((0, 2))]
        for place in near.tolist():
            part = slice(self.start[place], self.start[place + 1])
            here = box.holds(self.points_m[part])
            rows.append(self.rows[part][here])
            points.append(self.points_m[part][here])
        return np.concatenate(rows), np.concatenate(points)

    def save(self, folder: Path) -> None:
        """Write it down, so that each worker reads its own blocks only (`sources.Stored`)."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in _PARTS:
            np.save(folder / f"{name}.npy", getattr(self, name))
        np.save(folder / "side_m.npy", self.side_m)

    @classmethod
    def open(cls, folder: Path) -> "Cut":
        """What `save` wrote, mapped into memory. Raises `UnreadableFile`."""
        try:
            parts = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in _PARTS}
            return cls(**parts, side_m=float(np.load(folder / "side_m.npy")))
        except (OSError, ValueError) as error:
            raise UnreadableFile(
                f"{folder} holds no points cut into blocks as `Cut.save` writes them: {error}"
            ) from error


_PARTS = ("points_m", "rows", "found", "start")
