"""The demo's ward shapes: cells around real centres, wiggled, ended at rivers, cut by the sea.

Every unit gets the ground that lies nearest to its own centre or to the centre of a place that
became part of it. The shapes are approximate by construction and say so; names, codes, kinds and
centres are real.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from shapely import MultiPolygon

from geo import crs
from geo.demo.terrain import EPSG, Terrain, segments
from geo.demo.units import Sites, Unit
from geo.demo.wiggle import Wiggle

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.str_]

# Edges get a vertex every so many metres before the wiggle, and lose those that turned out
# to lie within the tolerance of a straight line after it.
_STEP_M = 90.0
_TOLERANCE_M = 4.0
# Land pieces smaller than this, cut off by water, are given to the water.
_ISLET_M2 = 30_000.0
# About 0.1 m: what a coordinate is written with.
_DECIMALS = 6


@dataclass(frozen=True)
class Ward:
    """A unit with its approximate shape in WGS 84."""

    unit: Unit
    shape: MultiPolygon


def draw(units: tuple[Unit, ...], sites: Sites, terrain: Terrain, wiggle: Wiggle) -> list[Ward]:
    """One ward per unit, in the order of `units`; together a valid coverage without gaps."""
    border = _cells(sites, terrain, wiggle)
    faces, codes = _by_banks(border, sites, terrain)
    faces, codes = _dry(faces, codes, terrain)
    shapes = {code: shapely.coverage_union_all(faces[codes == code]) for code in np.unique(codes)}
    ordered = np.array([shapes[u.code] for u in units])
    simple = shapely.coverage_simplify(ordered, _TOLERANCE_M)
    degrees = shapely.transform(simple, _to_written_degrees)
    return [Ward(u, _multi(g)) for u, g in zip(units, degrees, strict=True)]


def _cells(sites: Sites, terrain: Terrain, wiggle: Wiggle) -> npt.NDArray[np.object_]:
    """Wiggled lines between cells of different units, cut to land, as an array of lines."""
    frame = shapely.buffer(shapely.box(*terrain.land.bounds), 20_000.0)
    cells = shapely.get_parts(
        shapely.voronoi_polygons(shapely.multipoints(sites.points_m), extend_to=frame, ordered=True)
    )
    merged = [shapely.coverage_union_all(cells[sites.codes == c]) for c in np.unique(sites.codes)]
    edges = shapely.union_all(shapely.boundary(merged))
    lines = shapely.get_parts(shapely.line_merge(edges))
    dense = shapely.segmentize(lines, _STEP_M)
    return np.asarray(shapely.transform(dense, wiggle.shift))


def _by_banks(
    border: npt.NDArray[np.object_], sites: Sites, terrain: Terrain
) -> tuple[npt.NDArray[np.object_], Codes]:
    """Faces between cell borders, coast and river middles, each with the unit it belongs to.

    A face that holds none of its unit's sites was cut off by a river (or is a cell's stray part):
    it goes to the neighbour it shares the longest dry border with, where it has one.
    """
    banks = shapely.union_all([shapely.LineString(b) for b in terrain.banks])
    outline = shapely.boundary(terrain.land)
    lines = shapely.union_all([*border, outline, banks])
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    inside = shapely.covers(terrain.land, shapely.point_on_surface(faces))
    faces = faces[inside]
    codes = _nearest_code(faces, sites)
    tree = shapely.STRtree(faces)
    site, face = tree.query(shapely.points(sites.points_m), predicate="intersects")
    anchored = np.zeros(len(faces), dtype=bool)
    anchored[face[sites.codes[site] == codes[face]]] = True
    # The neighbours' land reaches the frame; what touches it needs no site.
    west, south, east, north = terrain.land.bounds
    rim = shapely.boundary(shapely.box(west, south, east, north))
    anchored |= (codes == "") & shapely.intersects(faces, rim)
    _give_away(faces, codes, anchored, [outline, banks])
    return faces, codes


def _nearest_code(faces: npt.NDArray[np.object_], sites: Sites) -> Codes:
    tree = shapely.STRtree(np.asarray(shapely.points(sites.points_m)))
    return sites.codes[tree.nearest(shapely.point_on_surface(faces))]


def _give_away(
    faces: npt.NDArray[np.object_],
    codes: Codes,
    anchored: npt.NDArray[np.bool_],
    wet: list[shapely.Geometry],
) -> None:
    """Give every loose face the code of an anchored neighbour across dry ground, in place."""
    a, b = shapely.STRtree(faces).query(faces, predicate="touches")
    loose = ~anchored[a]
    a, b = a[loose], b[loose]
    shared = shapely.intersection(shapely.boundary(faces[a]), shapely.boundary(faces[b]))
    pieces, pair = segments(shared)
    middles = shapely.line_interpolate_point(pieces, 0.5, normalized=True)
    is_wet = np.zeros(len(pieces), dtype=bool)
    water = shapely.STRtree(segments(wet)[0])
    is_wet[water.query(middles, predicate="dwithin", distance=0.5)[0]] = True
    dry_m = np.bincount(pair, np.where(is_wet, 0.0, shapely.length(pieces)), len(a))
    for _ in range(6):
        waiting = [(dry_m[i], i) for i in range(len(a)) if not anchored[a[i]] and anchored[b[i]]]
        if not waiting:
            return
        for metres, i in sorted(waiting, reverse=True):
            if metres > 1.0 and not anchored[a[i]]:
                codes[a[i]] = codes[b[i]]
                anchored[a[i]] = True


def _dry(
    faces: npt.NDArray[np.object_], codes: Codes, terrain: Terrain
) -> tuple[npt.NDArray[np.object_], Codes]:
    """The city's ground with the rivers' surface taken out, as faces of one shared network."""
    city = codes != ""
    merged = [shapely.union_all(faces[codes == c]) for c in np.unique(codes[city])]
    names = np.unique(codes[city])
    lines = shapely.union_all([*shapely.boundary(merged), shapely.boundary(terrain.water)])
    pieces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    inner = shapely.point_on_surface(pieces)
    piece, ward = shapely.STRtree(merged).query(inner, predicate="intersects")
    owner = np.full(len(pieces), "", dtype=names.dtype)
    owner[piece] = names[ward]
    shapely.prepare(terrain.water)
    owner[shapely.intersects(terrain.water, inner)] = ""
    pieces, owner = pieces[owner != ""], owner[owner != ""]
    return _without_islets(pieces, owner)


def _without_islets(
    pieces: npt.NDArray[np.object_], owner: Codes
) -> tuple[npt.NDArray[np.object_], Codes]:
    """Small pieces join the neighbour with the longest common edge; lone ones sink."""
    main = {code: shapely.area(pieces[owner == code]).max() for code in np.unique(owner)}
    area = shapely.area(pieces)
    small = (area < _ISLET_M2) & (area < np.array([main[c] for c in owner]))
    a, b = shapely.STRtree(pieces).query(pieces[small], predicate="touches")
    a = np.flatnonzero(small)[a]
    shared_m = shapely.length(
        shapely.intersection(shapely.boundary(pieces[a]), shapely.boundary(pieces[b]))
    )
    keep = ~small
    for i in np.argsort(-shared_m):
        if shared_m[i] > 1.0 and not keep[a[i]] and keep[b[i]]:
            owner[a[i]], keep[a[i]] = owner[b[i]], True
    return pieces[keep], owner[keep]


def _to_written_degrees(points_m: Floats) -> Floats:
    lon, lat = crs.to_degrees(points_m[:, 0], points_m[:, 1], EPSG)
    return np.asarray(np.round(np.column_stack([lon, lat]), _DECIMALS), dtype=np.float64)


def _multi(geometry: shapely.Geometry) -> MultiPolygon:
    return MultiPolygon([p for p in shapely.get_parts(geometry) if p.geom_type == "Polygon"])
