"""Where the reports of the made-up city lie, and its wards."""

import numpy as np
import numpy.typing as npt
import shapely

from geo.wards.features import WardFeature, WardFile

Floats = npt.NDArray[np.float64]

FRAME = (106.4, 10.4, 107.2, 11.2)
HERE = (106.70, 10.78)
"""The busiest place."""
PILE = (106.7009, 10.7769)
"""Where one report in a hundred lies, on one and the same point: a geocoder's default answer."""
WARDS = 168

_CORES, _STREETS = 60, 4_000


def sites(rng: np.random.Generator, n: int) -> Floats:
    """Lon, lat of `n` places as reports lie, without the pile: half in quarters, some on streets,
    a few anywhere."""
    shape = np.random.default_rng(7)
    west, south, east, north = FRAME
    middles = np.array(HERE) + shape.normal(0, (0.09, 0.09), (_CORES, 2))
    middles[0] = HERE
    spread = shape.uniform(0.002, 0.02, _CORES)
    weight = 1 / np.arange(1, _CORES + 1)
    starts = np.array(HERE) + shape.normal(0, 0.08, (_STREETS, 2))
    along = shape.normal(0, 0.006, (_STREETS, 2))
    places = np.empty((n, 2))
    which = rng.random(n)
    dense, street = which < 0.5, (which >= 0.5) & (which < 0.9)
    core = rng.choice(_CORES, int(dense.sum()), p=weight / weight.sum())
    places[dense] = middles[core] + rng.normal(0, 1, (len(core), 2)) * spread[core, None]
    # squared: long streets with most of their reports in few
    line = (rng.random(int(street.sum())) ** 2 * _STREETS).astype(int)
    step = rng.random((len(line), 1))
    places[street] = starts[line] + along[line] * step + rng.normal(0, 1e-4, (len(line), 2))
    rest = ~dense & ~street
    places[rest] = rng.uniform((west, south), (east, north), (int(rest.sum()), 2))
    inner = 1e-4
    return np.clip(places, (west + inner, south + inner), (east - inner, north - inner)).round(7)


def ward_file() -> WardFile:
    """A made-up coverage of 168 wards, small where reports are many."""
    rng = np.random.default_rng(3)
    frame = shapely.box(*FRAME)
    middles = np.concatenate(
        [sites(rng, WARDS // 2), rng.uniform(FRAME[:2], FRAME[2:], (WARDS - WARDS // 2, 2))]
    )
    cells = shapely.get_parts(
        shapely.voronoi_polygons(shapely.multipoints(middles), extend_to=frame)
    )
    cells = shapely.coverage_clean(shapely.intersection(cells, frame))
    named = tuple(
        WardFeature(f"{80000 + n}", f"Mẫu {n + 1}", None, "ward", f"feature {n}")
        for n in range(len(cells))
    )
    return WardFile("bench", named, cells)
