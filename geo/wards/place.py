"""Coordinates of a ward source made WGS 84, and what is wrong with them told."""

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError

from geo.errors import Invalid, RefusedImport

Objects = npt.NDArray[np.object_]

# Nobody lives beyond: wards down there are wards with lon and lat exchanged.
_SOUTHMOST = -60.0


def parse_crs(text: str) -> CRS:
    """A coordinate system from what people and files call it; raises `Invalid`."""
    try:
        return CRS.from_user_input(text).to_2d()
    except (CRSError, ValueError) as error:
        raise Invalid(
            f"{text!r} is no coordinate system; give an EPSG code, e.g. EPSG:4326 (lon/lat), "
            "EPSG:9210 (VN-2000, Hồ Chí Minh City), EPSG:32648 (UTM 48N)"
        ) from error


def label(crs: CRS) -> str:
    """Short name for people: "EPSG:9210 (VN-2000 / TM-3 105-45)"."""
    code = crs.to_authority(min_confidence=70)
    return f"{':'.join(code)} ({crs.name})" if code else crs.name


def to_wgs84(shapes: Objects, crs: CRS, name: str, swap_xy: bool = False) -> Objects:
    """Shapes in `crs` (x east, y north) → WGS 84 lon/lat; no shape is None.

    Raises `RefusedImport` where coordinates are no numbers, look exchanged, or lie off the Earth.
    """
    if swap_xy:
        shapes = shapely.transform(shapes, lambda xy: xy[:, ::-1])
    if crs.is_geographic:
        _check_degrees(shapes, name, label(crs))
    if not crs.equals(CRS(4326), ignore_axis_order=True):
        try:
            transformer = Transformer.from_crs(crs, 4326, always_xy=True)
            shapes = shapely.transform(shapes, transformer.transform, interleaved=False)
        except ProjError as error:
            raise RefusedImport(
                f"{name}: coordinates cannot be brought from {label(crs)} to WGS 84 ({error}); "
                "if the file names a wrong coordinate system, give the right one with --crs"
            ) from error
        _check_degrees(shapes, name, f"{label(crs)}, brought to WGS 84")
    return shapes


def _check_degrees(shapes: Objects, name: str, system: str) -> None:
    xy, owner = shapely.get_coordinates(shapes, return_index=True)
    if not len(xy):
        return
    finite = np.isfinite(xy).all(axis=1)
    if not finite.all():
        at = int(owner[~finite][0])
        raise RefusedImport(
            f"{name}, feature {at + 1}: a coordinate is not a number ({_first(xy[~finite])}) in "
            f"{system}; mend the shape at its source, or give the right --crs"
        )
    x, y = xy[:, 0], xy[:, 1]
    out = (np.abs(x) > 180.0) | (np.abs(y) > 90.0)
    turned = (np.abs(x) <= 90.0).all() and (np.abs(y) <= 180.0).all()
    if (out.any() and turned) or y.max() < _SOUTHMOST:
        raise RefusedImport(
            f"{name}: lon and lat look exchanged: as written, lat runs from {y.min():.4f} to "
            f"{y.max():.4f} and lon from {x.min():.4f} to {x.max():.4f}. GeoJSON writes lon "
            "first; export again, or exchange them with --swap-xy"
        )
    if out.any():
        at = int(owner[out][0])
        metres = np.abs(xy).max() > 400.0
        hint = (
            "such large numbers are metres: give the coordinate system they are in with --crs, "
            "e.g. --crs EPSG:9210"
            if metres
            else "mend the shape at its source"
        )
        raise RefusedImport(
            f"{name}, feature {at + 1}: {_first(xy[out])} is no place in {system}, where lon is "
            f"within ±180 and lat within ±90; {hint}"
        )


def _first(xy: npt.NDArray[np.float64]) -> str:
    return f"{xy[0, 0]:.10g}, {xy[0, 1]:.10g}"
