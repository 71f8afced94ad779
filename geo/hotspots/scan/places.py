"""Where the reports of a scan lie: wards, squares, or any numbered places."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geo.errors import Invalid

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_FARTHEST_M = 1e8  # twice around the earth; keeps distances in mm exact


@dataclass(frozen=True, slots=True)
class Places:
    """Places by their centres, and the place of each report.

    `of` (n,) are rows of `centres_m` (places, 2), metres of one plane. `names` are the places'
    names in the order of `centres_m`, or none. Raises `Invalid` on other shapes, rows that do not
    exist, and centres that are not finite or farther than 1e8 m from the plane's origin.
    """

    of: Ints
    centres_m: Floats
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        centres = _points(self.centres_m, "centres_m")
        given = np.asarray(self.of)
        if given.size == 0:
            given = np.empty(0, np.int64)
        if given.ndim != 1 or given.dtype.kind not in "iu":
            raise Invalid(
                f"of must be whole numbers, one a report; it is {given.dtype}, shape {given.shape}"
            )
        bad = np.flatnonzero((given < 0) | (given >= len(centres)))
        if len(bad):
            raise Invalid(
                f"report {bad[0]} lies in place {given[bad[0]]}, but there are {len(centres)} "
                "places, numbered from 0"
            )
        if self.names and len(self.names) != len(centres):
            raise Invalid(f"{len(self.names)} names do not go with {len(centres)} places")
        object.__setattr__(self, "of", given.astype(np.int64))
        object.__setattr__(self, "centres_m", centres)

    @classmethod
    def squares(cls, points_m: npt.ArrayLike, side_m: float) -> "Places":
        """Squares of `side_m` metres that hold any of the reports at `points_m` (n, 2).

        The grid is fixed to the plane, not to the data: a square is the same from run to run. A
        point on an edge belongs to the square east or north of it.
        """
        points = _points(points_m, "points_m")
        if not 1.0 <= side_m <= 1e6:
            raise Invalid(f"side_m must be 1 to 1,000,000 metres; it is {side_m}")
        squares, of = np.unique(np.floor(points / side_m), axis=0, return_inverse=True)
        return cls(of.reshape(-1), (squares + 0.5) * side_m)

    @classmethod
    def wards(cls, codes: Sequence[str], centres_m: Mapping[str, tuple[float, float]]) -> "Places":
        """Wards by code: `codes` (n,) is the ward of each report, `centres_m` the middle of each
        ward in metres of one plane. `names` are the wards' codes, ascending."""
        names = sorted(centres_m)
        row = {name: i for i, name in enumerate(names)}
        try:
            of = np.array([row[code] for code in codes], dtype=np.int64)
        except KeyError as missing:
            raise Invalid(
                f"ward {missing} of a report has no centre; add it to centres_m"
            ) from None
        return cls(of, np.array([centres_m[name] for name in names]), tuple(names))


def _points(given: npt.ArrayLike, name: str) -> Floats:
    points = np.asarray(given, dtype=np.float64)
    if points.size == 0:
        points = points.reshape(0, 2)
    if points.ndim != 2 or points.shape[1] != 2:
        raise Invalid(f"{name} must have the shape (n, 2); it has {points.shape}")
    bad = np.flatnonzero(~(np.abs(points) <= _FARTHEST_M).all(axis=1))
    if len(bad):
        raise Invalid(
            f"{name} must be metres within ±{_FARTHEST_M:.0e}; row {bad[0]} is "
            f"{tuple(points[bad[0]].tolist())}"
        )
    return points
