"""The demo's streets: where its people live and along which its reports lie.

Quiet streets gather around the centres of the places a ward is made of, so that a rural commune
has its reports in villages and not on fields; main roads join neighbouring places. Names are
put together from common parts; that one also exists somewhere is chance.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from geo.demo.names import street_names
from geo.demo.terrain import Terrain
from geo.demo.units import Sites

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Shapes = npt.NDArray[np.object_]

# People per km² by distance from the Bến Thành market (km), read off like a table: a dense core,
# an urban belt, villages. Round figures that add up to about the city's 14 million.
_DENSITY_KM = (0.0, 4.0, 7.0, 11.0, 16.0, 22.0, 30.0, 45.0, 70.0, 110.0)
_DENSITY = (42_000, 38_000, 29_000, 13_500, 5_600, 3_000, 1_300, 480, 300, 120)
_MARKET_M = (685_662.0, 1_191_339.0)
# Towns away from the core: x, y in UTM 48N metres, people per km² there, reach in km.
_TOWNS = (
    (728_300.0, 1_146_000.0, 7_500.0, 4.5),  # Vũng Tàu
    (738_600.0, 1_161_000.0, 3_500.0, 4.0),  # Bà Rịa
    (680_800.0, 1_213_700.0, 5_500.0, 5.0),  # Thủ Dầu Một
    (691_300.0, 1_207_700.0, 7_000.0, 5.5),  # Dĩ An and Thuận An
)
# The mangrove forest of Cần Giờ: middle and reach as above, and the share of people left there.
_FOREST = (702_500.0, 1_163_000.0, 19.0, 0.07)
_FEWEST, _MOST = 6_000.0, 165_000.0
_PEOPLE_PER_STREET = 3_000.0
# Where this many live on a km² the whole ward is built over, not only around its centres.
_BUILT_OVER = 22_000.0
_MIN_STREET_M = 120.0
# Wide water has few bridges.
_BRIDGE_M = 420.0


@dataclass(frozen=True)
class Streets:
    """One row a street: its line (UTM 48N metres), its ward's number, and what it is like."""

    lines: Shapes
    ward: Ints
    names: list[str]
    length_m: Floats
    main: npt.NDArray[np.bool_]
    lowness: Floats

    def at(self, street: Ints, along: Floats) -> Floats:
        """Points (n, 2) at the shares `along` (0–1) of the streets numbered `street`."""
        points = shapely.line_interpolate_point(self.lines[street], along, normalized=True)
        return shapely.get_coordinates(points)

    def beside(self, street: Ints, along: Floats, offset_m: Floats) -> Floats:
        """As `at`, moved `offset_m` to the left of the street."""
        here = self.at(street, along)
        there = self.at(street, np.where(along > 0.5, along - 0.02, along + 0.02))
        way = np.where((along > 0.5)[:, None], here - there, there - here)
        way /= np.maximum(np.hypot(way[:, 0], way[:, 1]), 1e-9)[:, None]
        return here + np.column_stack([-way[:, 1], way[:, 0]]) * offset_m[:, None]


def population(shapes_m: Shapes) -> Floats:
    """People per ward (n,), by how far it lies from the core and the towns, and how large it is."""
    middle = shapely.get_coordinates(shapely.point_on_surface(shapes_m))
    away_km = np.hypot(*(middle - _MARKET_M).T) / 1000.0
    density = np.interp(away_km, _DENSITY_KM, _DENSITY)
    for x, y, people, reach_km in _TOWNS:
        there_km = np.hypot(middle[:, 0] - x, middle[:, 1] - y) / 1000.0
        density = np.maximum(density, people * np.exp(-((there_km / reach_km) ** 2)))
    x, y, reach_km, share = _FOREST
    in_forest = np.hypot(middle[:, 0] - x, middle[:, 1] - y) / 1000.0 < reach_km
    density = np.where(in_forest, density * share, density)
    return np.asarray(np.clip(density * shapely.area(shapes_m) / 1e6, _FEWEST, _MOST))


def lay(
    rng: np.random.Generator,
    shapes_m: Shapes,
    codes: npt.NDArray[np.str_],
    people: Floats,
    sites: Sites,
    terrain: Terrain,
) -> Streets:
    """Streets for all wards; every ward has at least two."""
    quiet, quiet_ward = _quiet(rng, shapes_m, codes, people, sites)
    main, main_ward = _main(rng, shapes_m, sites, terrain)
    lines = np.concatenate([quiet, main])
    ward = np.concatenate([quiet_ward, main_ward])
    is_main = np.arange(len(lines)) >= len(quiet)
    middles = shapely.get_coordinates(shapely.line_interpolate_point(lines, 0.5, normalized=True))
    return Streets(
        lines=lines,
        ward=ward,
        names=street_names(rng, is_main),
        length_m=shapely.length(lines),
        main=is_main,
        lowness=terrain.lowness(middles),
    )


def _quiet(
    rng: np.random.Generator,
    shapes_m: Shapes,
    codes: npt.NDArray[np.str_],
    people: Floats,
    sites: Sites,
) -> tuple[Shapes, Ints]:
    homes = [sites.points_m[sites.codes == code] for code in codes]
    reach_m = np.array(
        [
            np.clip(0.5 * np.sqrt(a / np.pi / max(len(h), 1)), 150.0, 1300.0)
            for h, a in zip(homes, shapely.area(shapes_m), strict=True)
        ]
    )
    built_over = np.clip(people / (shapely.area(shapes_m) / 1e6) / _BUILT_OVER, 0.0, 0.85)
    west, south, east, north = shapely.bounds(shapes_m).T
    wanted = np.clip(np.round(people / _PEOPLE_PER_STREET), 5, 60).astype(np.int64)
    lines: list[Shapes] = []
    wards: list[Ints] = []
    # Streets that fall outside their ward are thrown again.
    for _ in range(8):
        ward = np.repeat(np.arange(len(codes)), wanted)
        if len(ward) == 0:
            break
        home = np.array([homes[w][rng.integers(len(homes[w]))] for w in ward])
        near = home + rng.normal(size=(len(ward), 2)) * reach_m[ward, None]
        anywhere = np.column_stack(
            [rng.uniform(west[ward], east[ward]), rng.uniform(south[ward], north[ward])]
        )
        spread = rng.random(len(ward)) < built_over[ward]
        middle = np.where(spread[:, None], anywhere, near)
        line = _bent(rng, middle, reach_m[ward])
        kept, kept_ward = _longest_inside(line, ward, shapes_m)
        lines.append(kept)
        wards.append(kept_ward)
        wanted = wanted - np.bincount(kept_ward, minlength=len(codes))
    return np.concatenate(lines), np.concatenate(wards)


def _bent(rng: np.random.Generator, middle: Floats, reach_m: Floats) -> Shapes:
    """Slightly bent lines; neighbours lie along or across one direction, as blocks do."""
    n = len(middle)
    grain = 0.7 * np.sin(middle[:, 0] / 2300.0) + 0.7 * np.sin(middle[:, 1] / 2900.0 + 1.0)
    angle = grain + rng.integers(0, 2, n) * (np.pi / 2) + rng.normal(0.0, 0.06, n)
    length = np.clip(rng.lognormal(np.log(420.0), 0.45, n), 200.0, 1500.0)
    length = np.minimum(length, 2.2 * reach_m + 200.0)
    along = np.column_stack([np.cos(angle), np.sin(angle)])
    across = np.column_stack([-along[:, 1], along[:, 0]])
    t = np.linspace(-0.5, 0.5, 7)
    bend = rng.normal(0.0, 0.05, n)[:, None] * (1.0 - (2 * t) ** 2) * length[:, None]
    points = (
        middle[:, None, :]
        + (t * length[:, None])[..., None] * along[:, None, :]
        + bend[..., None] * across[:, None, :]
    )
    return np.asarray(shapely.linestrings(points))


def _longest_inside(lines: Shapes, ward: Ints, shapes_m: Shapes) -> tuple[Shapes, Ints]:
    inside = shapely.intersection(lines, shapes_m[ward])
    parts, of = shapely.get_parts(inside, return_index=True)
    length = np.where(shapely.get_type_id(parts) == 1, shapely.length(parts), 0.0)
    order = np.lexsort((-length, of))
    first = order[np.unique(of[order], return_index=True)[1]]
    first = first[length[first] >= _MIN_STREET_M]
    return parts[first], ward[of[first]]


def _main(
    rng: np.random.Generator, shapes_m: Shapes, sites: Sites, terrain: Terrain
) -> tuple[Shapes, Ints]:
    """Roads between neighbouring places (a Gabriel graph), cut at ward borders and the water."""
    places = sites.points_m[sites.codes != ""]
    mesh = shapely.get_parts(
        shapely.delaunay_triangles(shapely.multipoints(places), only_edges=True)
    )
    ends = shapely.get_coordinates(shapely.get_parts(mesh)).reshape(-1, 2, 2)
    length = np.hypot(*(ends[:, 1] - ends[:, 0]).T)
    middle = ends.mean(axis=1)
    nearest = shapely.STRtree(shapely.points(places)).query(
        shapely.points(middle), predicate="dwithin", distance=length / 2 * 0.999
    )
    crowded = np.zeros(len(ends), dtype=bool)
    crowded[nearest[0]] = True
    water = terrain.water
    shapely.prepare(water)
    straight = np.asarray(shapely.linestrings(ends))
    wet_m = np.zeros(len(ends))
    wet = shapely.intersects(water, straight)
    wet_m[wet] = shapely.length(shapely.intersection(straight[wet], water))
    on_land = shapely.covers(shapely.buffer(terrain.land, 1.0), straight)
    keep = ~crowded & (length < 15_000.0) & (length > 250.0) & (wet_m < _BRIDGE_M) & on_land
    ends, length = ends[keep], length[keep]
    t = np.linspace(0.0, 1.0, 15)
    side = np.column_stack([-(ends[:, 1] - ends[:, 0])[:, 1], (ends[:, 1] - ends[:, 0])[:, 0]])
    sway = rng.normal(0.0, 0.05, (len(ends), 3, 1)) * np.sin(np.pi * np.outer([1, 2, 3], t))
    points = (
        ends[:, :1] * (1 - t)[None, :, None]
        + ends[:, 1:] * t[None, :, None]
        + sway.sum(axis=1)[..., None] * side[:, None, :]
    )
    roads = shapely.linestrings(points)
    ward, road = shapely.STRtree(roads).query(shapes_m, predicate="intersects")
    return _longest_inside(roads[road], ward, shapes_m)
