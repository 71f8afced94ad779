"""Coordinates that were rounded to a grid: few decimals of a degree, or a lattice of metres."""

import numpy as np
import numpy.typing as npt

from geo import crs
from geo.hotspots.artefacts.artefact import METRES_A_DEGREE, Artefact, Floats, Numbers, Places, vi

# Three decimals are steps of 110 m: coarser than the smallest scale of a hotspot, 50 m. Four
# (11 m) do no harm and are not looked for.
DECIMALS = (1, 2, 3)
LATTICES_M = (50, 100, 200, 250, 500, 1000)
FEWEST_PLACES = 20
# How much more than chance, and how surely: over everything looked at in any one call.
LEAST_RATIO = 3.0
ALPHA = 1e-6
# Coordinates of six or seven decimals hold a lattice to within 0.1 m.
_BIN_M = 4.0
_ONE_LATTICE = 0.9


def coarse_grids(lon: npt.ArrayLike, lat: npt.ArrayLike) -> list[Artefact]:
    """Reports whose coordinates lie on a coarse grid more often than chance, a grid at a time.

    `lon`, `lat` are (n,) WGS 84 degrees. Looked for are 1 to 3 decimals in both, and lattices of
    50 to 1,000 m with any origin along the axes of `geo.crs.to_metres` (a lattice of another,
    turned plane is not seen). Distinct points are counted, not reports, so that one full point is
    no grid; at least 20. Exact binomial tests at 1e-6, Bonferroni over what is looked at. Every
    member is left out: a hotspot could not tell the grid from the street. Raises `Invalid` on
    unequal lengths.
    """
    places = Places.of(lon, lat)
    found = []
    free = np.ones(len(places.n), dtype=bool)
    for decimals in DECIMALS:
        on = free & _on_decimals(places, decimals)
        finer = free & _on_decimals(places, decimals + 1)
        # Of the points that have one decimal more, one in a hundred has two zeros there.
        if _more_than_chance(int(on.sum()), int(finer.sum()), 0.01, len(DECIMALS)):
            found.append(_by_decimals(places, on, decimals))
            free &= ~on
    return found + _lattices(places, free)


def _on_decimals(places: Places, decimals: int) -> npt.NDArray[np.bool_]:
    on = np.ones(len(places.n), dtype=bool)
    for degrees in (places.lon, places.lat):
        scaled = degrees * 10.0**decimals
        on &= np.abs(scaled - np.rint(scaled)) < 1e-7 * 10.0**decimals
    return on


def _more_than_chance(n: int, of: int, chance: float, looked_at: int) -> bool:
    if n < FEWEST_PLACES or n < LEAST_RATIO * of * chance:
        return False
    from scipy import stats

    return bool(stats.binom.sf(n - 1, of, chance) * looked_at <= ALPHA)


def _by_decimals(places: Places, on: npt.NDArray[np.bool_], decimals: int) -> Artefact:
    members = places.members(on)
    step_m = round(METRES_A_DEGREE / 10**decimals, -1)
    many = ("một", "hai", "ba")[decimals - 1]
    few = ("one decimal", "two decimals", "three decimals")[decimals - 1]
    return _grid(
        members,
        f"toạ độ chỉ có {many} chữ số thập phân (ô lưới khoảng {vi(int(step_m))} m)",
        f"their coordinates have only {few} (a grid of about {step_m:,.0f} m)",
    )


def _lattices(places: Places, free: npt.NDArray[np.bool_]) -> list[Artefact]:
    found: list[Artefact] = []
    left = np.flatnonzero(free)
    if len(left) < FEWEST_PLACES:
        return found
    x_m, y_m, _ = crs.to_metres(places.lon[left], places.lat[left])
    looked_at = sum(2 * int(step / _BIN_M) ** 2 for step in LATTICES_M)
    for step_m in LATTICES_M:
        on = _fullest_phase(x_m, y_m, step_m)
        chance = (_BIN_M / step_m) ** 2
        if not _more_than_chance(len(on), len(x_m), chance, looked_at):
            continue
        # What lies on a lattice of 500 m lies on one of 50 m too: the widest that still holds
        # what is there beyond chance.
        beyond = len(on) - chance * len(x_m)
        widest = step_m
        for step in LATTICES_M:
            narrower = on[_fullest_phase(x_m[on], y_m[on], step)]
            if step > widest and len(narrower) >= _ONE_LATTICE * beyond:
                widest, on = step, narrower
        chosen = np.zeros(len(places.n), dtype=bool)
        chosen[left[on]] = True
        found.append(
            _grid(
                places.members(chosen),
                f"toạ độ nằm trên các mắt lưới cách nhau {vi(widest)} m",
                f"their coordinates lie on the knots of a grid of {widest:,} m",
            )
        )
        rest = np.ones(len(left), dtype=bool)
        rest[on] = False
        left, x_m, y_m = left[rest], x_m[rest], y_m[rest]
        if len(left) < FEWEST_PLACES:
            break
    return found


def _fullest_phase(x_m: Floats, y_m: Floats, step_m: int) -> npt.NDArray[np.intp]:
    """The points of the fullest bin of x and y modulo the step; bins of two origins, since a
    lattice may lie on the edge of one."""
    best = np.empty(0, dtype=np.intp)
    bins = round(step_m / _BIN_M)
    wide_m = step_m / bins
    for origin_m in (0.0, wide_m / 2):
        column = np.minimum(((x_m + origin_m) % step_m / wide_m).astype(np.int64), bins - 1)
        row = np.minimum(((y_m + origin_m) % step_m / wide_m).astype(np.int64), bins - 1)
        which = column * bins + row
        fullest = int(np.bincount(which).argmax())
        members = np.flatnonzero(which == fullest)
        if len(members) > len(best):
            best = members
    return best


def _grid(members: Numbers, how_vi: str, how_en: str) -> Artefact:
    n = len(members)
    return Artefact(
        kind="coarse_grid",
        members=members,
        left_out=members,
        lon=None,
        lat=None,
        why_vi=f"{vi(n)} phản ánh bị làm tròn vị trí: {how_vi}. Vị trí thật có thể cách xa điểm "
        "được ghi.",
        why_en=f"The places of {n:,} reports were rounded: {how_en}. The true place may be far "
        "from the one recorded.",
    )
