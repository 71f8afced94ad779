"""A smooth shift of the plane that turns ruled lines into lines a hand might have drawn.

The shift depends on the place alone: an edge that two wards share is moved once and stays shared.
"""

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

Floats = npt.NDArray[np.float64]

# Wave lengths in metres; the short ones roughen small wards, the long ones bend large ones.
_WAVES_M = (300.0, 650.0, 1400.0, 2900.0, 6100.0)
_DIRECTIONS = 5
# Largest shift of one wave length, as a share of it: beyond about 0.06 the plane folds.
_SHARE = 0.035


class Wiggle:
    """The field; `sites_m` (n, 2) say how large things are here: half the way to the third site."""

    def __init__(self, rng: np.random.Generator, sites_m: Floats) -> None:
        self._sites = cKDTree(sites_m)
        self._neighbours = min(4, len(sites_m))
        shape = (len(_WAVES_M), _DIRECTIONS)
        angle = rng.uniform(0.0, 2.0 * np.pi, shape)
        self._k = 2.0 * np.pi / np.asarray(_WAVES_M)[:, None]
        self._kx, self._ky = self._k * np.cos(angle), self._k * np.sin(angle)
        self._phase = rng.uniform(0.0, 2.0 * np.pi, (2, *shape))

    def shift(self, points_m: Floats, strength: float = 1.0, size_m: float | None = None) -> Floats:
        """`points_m` (n, 2) in metres moved by the field.

        `size_m` is how large the things around are; without it half the distance to the sites.
        """
        if len(points_m) == 0:
            return points_m
        if size_m is None:
            distance, _ = self._sites.query(points_m, k=self._neighbours)
            size = 0.5 * np.asarray(distance, dtype=np.float64).reshape(len(points_m), -1)[:, -1]
        else:
            size = np.full(len(points_m), size_m)
        moved = points_m.copy()
        for i, wave in enumerate(_WAVES_M):
            # waves longer than the things here would only carry them off; fade those out
            share = np.clip(2.2 * size / wave, 0.0, 1.0) ** 2
            turn = points_m[:, :1] * self._kx[i] + points_m[:, 1:] * self._ky[i]
            scale = strength * _SHARE * wave * share / np.sqrt(_DIRECTIONS / 2)
            for axis in (0, 1):
                moved[:, axis] += scale * np.sin(turn + self._phase[axis, i]).sum(axis=1)
        return moved
