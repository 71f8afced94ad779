"""Ground that corrected wards give up, cut into faces, and who gets each."""

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from geo.wards.check import SLIVER_M, width_m
from geo.wards.features import Objects
from geo.wards.plane import Floats, Plane, moved

SETTLED_DEG = 1e-6
"""About 11 cm, twice what a file of six decimals rounds by: nearer places are the same."""

NOBODY = -1

# A millimetre: borders that are the same line but for rounding are within it.
_SAME_LINE_DEG = 1e-8
_LINE, _POLYGON = 1, 3


def given_up(
    old: Objects, new: Objects, near: Objects, plane: Plane
) -> tuple[Objects, npt.NDArray[np.int64]]:
    """Polygons (faces,) of what the corrected wards `old` leave when they become `new`, and whose
    each becomes (faces,): a position in the corrected wards and then in `near`, or `NOBODY`.

    Shapes are in degrees, borders are measured in the plane. A corrected ward gets slivers only.
    """
    wide = np.asarray(shapely.buffer(np.concatenate([new, near]), _SAME_LINE_DEG), dtype=object)
    everybody = shapely.union_all(wide)
    faces: list[BaseGeometry] = []
    owners: list[int] = []
    for giver, left in enumerate(shapely.difference(old, shapely.union_all(new))):
        for part in _parts(left, _POLYGON):
            (flat,) = plane.flat(np.array([part]))
            sliver = shapely.is_empty(flat) or width_m(flat) <= SLIVER_M
            takers = np.arange(0 if sliver else len(new), len(wide))
            takers = takers[takers != giver]
            open_edge = shapely.difference(shapely.boundary(part), everybody)
            ends = np.array([*wide[takers], shapely.buffer(open_edge, _SAME_LINE_DEG)])
            cut = _cut(part, new[giver], wide[takers])
            lengths = np.array([_borders(face, ends, plane) for face in cut])
            if not cut or (lengths.max(axis=1) <= 0.0).any():
                # Cut off from all neighbours, a face would be nobody's amid the city.
                cut, lengths = [part], np.array([_borders(part, ends, plane)])
            faces.extend(cut)
            longest = np.array([*takers, NOBODY])[lengths.argmax(axis=1)]
            owners.extend(np.where(lengths.max(axis=1) > 0.0, longest, NOBODY).tolist())
    found = np.empty(len(faces), dtype=object)
    found[:] = faces
    return found, np.array(owners, dtype=np.int64)


def _cut(part: BaseGeometry, new: BaseGeometry, takers: Objects) -> list[BaseGeometry]:
    """The part cut where along its old border one taker ends, to the nearest place of the new."""
    edge = shapely.boundary(part)
    shared = [_line(line) for line in shapely.intersection(edge, takers)]
    ends = shapely.get_coordinates(shapely.boundary(shared))
    corners = shapely.get_coordinates(part)
    border = shapely.boundary(new)
    if not len(ends):
        return [part]
    # The lines end a millimetre beyond the corner that they share.
    at = shapely.STRtree(np.asarray(shapely.points(corners), dtype=object)).nearest(
        np.asarray(shapely.points(ends), dtype=object)
    )
    places = np.asarray(shapely.points(np.unique(corners[at], axis=0)), dtype=object)
    # Where the old border meets the new one there is nothing to cut.
    places = places[shapely.distance(places, border) > SETTLED_DEG]
    lines = shapely.union_all([edge, *shapely.shortest_line(places, border)])
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    inside = shapely.contains_properly(part, shapely.point_on_surface(faces))
    return list(faces[inside])


def _line(shape: BaseGeometry) -> BaseGeometry:
    """The lines of what an overlay leaves, joined."""
    return shapely.line_merge(shapely.union_all(_parts(shape, _LINE)))


def _parts(shape: BaseGeometry, kind: int) -> list[BaseGeometry]:
    parts = shapely.get_parts(shape)
    kept = (shapely.get_type_id(parts) == kind) & ~shapely.is_empty(parts)
    return list(parts[kept])


def _borders(face: BaseGeometry, takers: Objects, plane: Plane) -> Floats:
    """Metres of a face's border on each taker."""
    lines = np.asarray(shapely.intersection(shapely.boundary(face), takers), dtype=object)
    return np.asarray(shapely.length(moved(lines, plane.to_plane)), dtype=np.float64)
