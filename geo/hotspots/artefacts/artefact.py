"""What an artefact is: a heap of reports that the way they were recorded made, not the city."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from geo.errors import Invalid

Kind = Literal["default_location", "one_sender", "coarse_grid", "bulk_import"]
Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

METRES_A_DEGREE = 111_195.0


@dataclass(frozen=True, slots=True, eq=False)
class Artefact:
    """One such heap: `members` and `left_out` are indices into the reports given, ascending.

    `left_out` are those that no hotspot may be built on. `lon`, `lat` (WGS 84 degrees) say where,
    and are None where it is not one place. `why_vi`, `why_en` tell a planner, in a sentence.
    """

    kind: Kind
    members: Numbers
    left_out: Numbers
    lon: float | None
    lat: float | None
    why_vi: str
    why_en: str

    @property
    def n(self) -> int:
        """How many reports."""
        return len(self.members)


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Reports by the exact point they lie on, told apart to 1e-7 degrees (a centimetre).

    `which` is each report's place; `n` how many reports each place has; `lon`, `lat` where it is.
    """

    which: Numbers
    n: Numbers
    lon: Floats
    lat: Floats

    @classmethod
    def of(cls, lon: npt.ArrayLike, lat: npt.ArrayLike) -> "Places":
        """From (n,) WGS 84 degrees. Raises `Invalid` on unequal lengths or what is no degree."""
        x = np.asarray(lon, dtype=np.float64)
        y = np.asarray(lat, dtype=np.float64)
        if x.ndim != 1 or x.shape != y.shape:
            raise Invalid(f"lon and lat must be of one length; they are {x.shape} and {y.shape}")
        if not ((np.abs(x) <= 180.0) & (np.abs(y) <= 90.0)).all():
            raise Invalid("lon and lat must be degrees; one of them is none")
        east = np.rint((x + 180.0) * 1e7).astype(np.int64)
        north = np.rint((y + 90.0) * 1e7).astype(np.int64)
        _, first, which, n = np.unique(
            east << 32 | north, return_index=True, return_inverse=True, return_counts=True
        )
        return cls(which.astype(np.int64).reshape(-1), n.astype(np.int64), x[first], y[first])

    def members(self, chosen: npt.NDArray[np.bool_]) -> Numbers:
        """The reports on the places marked in `chosen`, ascending."""
        return np.flatnonzero(chosen[self.which]).astype(np.int64)


def vi(n: int) -> str:
    """A number as Vietnamese writes it: 17.070."""
    return f"{n:,}".replace(",", ".")


def column(what: str, values: npt.ArrayLike, n: int) -> Numbers:
    """(n,) whole numbers, or `Invalid` naming the column."""
    made = np.asarray(values)
    if made.shape != (n,) or (n and made.dtype.kind not in "iub"):
        raise Invalid(
            f"{what} must be {n} whole numbers, one a report; it is {made.dtype}"
            f" of shape {made.shape}"
        )
    return made.astype(np.int64)
