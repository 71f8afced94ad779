"""In which order to visit tasks: a round trip that begins and ends where the crew is.

Nearest neighbour first, then 2-opt (turn a stretch around while that makes it shorter; Croes 1958)
and moving single stops elsewhere (Or-opt of one; Or 1976), over geodesic metres as the crow flies:
streets, one-way signs and traffic are not known here. For 30 stops that is a few per cent above the
best there is.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from geo.crs import GEOD
from geo.errors import Invalid

MOST: Final = 30
"""So many stops: more is no day's work, and the order would take long to find."""

Floats = npt.NDArray[np.float64]
# A gain below a millimetre is rounding.
_GAIN_M: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Tour:
    """`order`: positions of the stops given, first to last. `legs_m`: from the start to the first,
    from each to the next, and back; one more than stops."""

    order: tuple[int, ...]
    legs_m: tuple[float, ...]

    @property
    def length_m(self) -> float:
        """All of it, there and back."""
        return sum(self.legs_m)


def tour(start: tuple[float, float], lon: npt.ArrayLike, lat: npt.ArrayLike) -> Tour:
    """The order of stops `lon, lat` (n,) from `start` (lon, lat; WGS 84 degrees) and back to it.

    The same stops give the same tour; ties go to the stop that was given first. Raises `Invalid`
    for more than 30 stops.
    """
    x = np.concatenate(([start[0]], np.asarray(lon, float)))
    y = np.concatenate(([start[1]], np.asarray(lat, float)))
    n = x.size
    if n - 1 > MOST:
        raise Invalid(f"a round trip has at most {MOST} stops; {n - 1} were given")
    if n == 1:
        return Tour((), ())
    metres = _metres(x, y)
    path = _improved(_by_nearest(metres), metres)
    legs = metres[path, np.roll(path, -1)]
    return Tour(tuple(stop - 1 for stop in path[1:]), tuple(float(leg) for leg in legs))


def _metres(x: Floats, y: Floats) -> Floats:
    one, other = np.divmod(np.arange(x.size**2), x.size)
    _, _, metres = GEOD.inv(x[one], y[one], x[other], y[other])
    found: Floats = metres.reshape(x.size, x.size)
    # There and back to the last bit: else 2-opt could turn a stretch around for ever.
    both: Floats = np.maximum(found, found.T)
    return both


def _by_nearest(metres: Floats) -> list[int]:
    path, left = [0], set(range(1, len(metres)))
    while left:
        path.append(min(left, key=lambda stop: (metres[path[-1], stop], stop)))
        left.remove(path[-1])
    return path


def _improved(path: list[int], metres: Floats) -> list[int]:
    while (better := _turned(path, metres) or _moved(path, metres)) is not None:
        path = better
    return path


def _turned(path: list[int], metres: Floats) -> list[int] | None:
    """With one stretch turned around, if that is shorter."""
    n = len(path)
    for i in range(n - 2):
        a, b = path[i], path[i + 1]
        for j in range(i + 2, n):
            c, d = path[j], path[(j + 1) % n]
            if d == a:
                continue
            if metres[a, c] + metres[b, d] < metres[a, b] + metres[c, d] - _GAIN_M:
                return path[: i + 1] + path[i + 1 : j + 1][::-1] + path[j + 1 :]
    return None


def _moved(path: list[int], metres: Floats) -> list[int] | None:
    """With one stop between two others, if that is shorter."""
    n = len(path)
    for i in range(1, n):
        before, stop, after = path[i - 1], path[i], path[(i + 1) % n]
        gain = metres[before, stop] + metres[stop, after] - metres[before, after]
        rest = path[:i] + path[i + 1 :]
        for j in range(len(rest)):
            a, b = rest[j], rest[(j + 1) % len(rest)]
            if metres[a, stop] + metres[stop, b] - metres[a, b] < gain - _GAIN_M:
                return [*rest[: j + 1], stop, *rest[j + 1 :]]
    return None
