"""A plane to measure wards in."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS, Transformer

from geo.crs import WGS84, metric_epsg
from geo.wards.features import Objects

Floats = npt.NDArray[np.float64]

# Wider than a UTM zone, areas would be off by more than a thousandth.
_ZONE_DEGREES = 6.0


@dataclass(frozen=True)
class Plane:
    """Metres for one ward source; `name` says which projection, for people."""

    name: str
    to_plane: Transformer
    to_degrees: Transformer

    @classmethod
    def of(cls, polygons: Objects) -> "Plane":
        """The UTM zone of the data's middle (`geo.crs`); Lambert's equal-area one if wider."""
        west, south, east, north = shapely.total_bounds(polygons).tolist()
        if east - west > 180.0:
            # Islands on both sides of the antimeridian: the middle is on the other side.
            edges = shapely.bounds(polygons)[:, 0] % 360.0
            west, east = float(edges.min()), float(edges.max())
        lon, lat = (west + east) / 2, (south + north) / 2
        lon -= 360.0 * (lon > 180.0)
        if east - west <= _ZONE_DEGREES:
            crs = CRS.from_epsg(metric_epsg(lon, lat))
            name = f"EPSG:{crs.to_epsg()} ({crs.name})"
        else:
            name = f"Lambert azimuthal equal-area around {lon:.2f},{lat:.2f}"
            crs = CRS.from_proj4(f"+proj=laea +lon_0={lon:.2f} +lat_0={lat:.2f} +datum=WGS84")
        there = Transformer.from_crs(WGS84, crs, always_xy=True)
        return cls(name, there, Transformer.from_crs(crs, WGS84, always_xy=True))

    def flat(self, polygons: Objects) -> Objects:
        """Polygons in degrees → valid polygons in metres."""
        return made_valid(moved(polygons, self.to_plane))

    def degrees(self, xy: Floats) -> Floats:
        """Places (n, 2) in metres → lon, lat degrees."""
        return np.column_stack(self.to_degrees.transform(xy[:, 0], xy[:, 1]))


def moved(shapes: Objects, transformer: Transformer) -> Objects:
    """Shapes with every vertex transformed; edges stay straight between them."""

    def move(xy: Floats) -> Floats:
        return np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))

    found: Objects = shapely.transform(shapes, move)
    return found


def made_valid(shapes: Objects) -> Objects:
    """Valid shapes stay the same objects, of the others the polygons are kept; may be empty."""
    bad = np.flatnonzero(~shapely.is_valid(shapes))
    if not len(bad):
        return shapes
    shapes = shapes.copy()
    # "structure" keeps holes holes, where "linework" would turn what overlaps inside out.
    shapes[bad] = shapely.make_valid(shapes[bad], method="structure", keep_collapsed=False)
    return shapes
