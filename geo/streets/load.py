"""Streets from a file into the database: lines with names, a source replaced as a whole."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError
from shapely.geometry.base import BaseGeometry

from geo.crs import WGS84
from geo.errors import RefusedImport
from geo.store import streets as store
from geo.store.database import AsyncConnection
from geo.wards.sources import Table, open_table

LONGEST_NAME: Final = 200
_NAMES: Final = ("name", "name_vi", "ten", "ten_duong", "street")


@dataclass(frozen=True, slots=True)
class Streets:
    """What a file holds: `lines` (n,) shapely (Multi)LineStrings in WGS 84 degrees, their names,
    and how many rows had none or were no lines."""

    source: str
    names: list[str]
    lines: list[BaseGeometry]
    nameless: int
    no_lines: int


def read(
    path: Path, *, name_field: str | None = None, source: str | None = None, crs: str | None = None
) -> Streets:
    """The named streets of a map file (GeoJSON, GeoPackage, zipped Shapefile, GeoParquet …).

    `name_field` is the column of the name, guessed when it is not given; `crs` overrides what the
    file says. Raises `RefusedImport` and `UnreadableFile`, which say how to mend it.
    """
    table = open_table(path, path.name)
    column = _column(table, name_field)
    shapes = _in_wgs84(table, crs)
    kinds = shapely.get_type_id(shapes)
    names: list[str] = []
    lines: list[BaseGeometry] = []
    nameless = no_lines = 0
    for name, shape, kind in zip(table.fields[column], shapes, kinds, strict=True):
        said = _said(name)
        if kind not in (1, 5) or shapely.is_empty(shape):
            no_lines += 1
        elif not said:
            nameless += 1
        else:
            names.append(said)
            lines.append(shape)
    if not names:
        raise RefusedImport(
            f"{path.name} holds no named street: {no_lines} rows are no lines, {nameless} have "
            f"nothing in {column!r}; say the column of the name by --name-field"
        )
    return Streets(source or path.name, names, lines, nameless, no_lines)


def _said(name: Any) -> str:
    """A name in one line, without what cannot be seen; nothing of what is no name."""
    if not isinstance(name, str | int) or isinstance(name, bool):
        return ""
    line = " ".join(str(name).split())
    return "".join(sign for sign in line if sign.isprintable())[:LONGEST_NAME].strip()


async def replace(conn: AsyncConnection, found: Streets) -> int:
    """Put the streets in place of those of the same source; returns how many were there before.

    Raises `RefusedImport` where there are wards, and none of the streets lies anywhere near.
    """
    around = await store.around_wards(conn)
    if around is not None:
        west, south, east, north = around
        at = shapely.get_coordinates(shapely.get_point(shapely.get_geometry(found.lines, 0), 0))
        near = (at >= (west, south)).all(axis=1) & (at <= (east, north)).all(axis=1)
        if not near.any():
            raise RefusedImport(
                f"none of the streets of {found.source} lies near a ward: the first begins at lon "
                f"{at[0, 0]:.4f}, lat {at[0, 1]:.4f}. Is the coordinate system another (--crs), or "
                "are longitude and latitude swapped?"
            )
    return await store.replace(conn, found.source, found.names, found.lines)


def _column(table: Table, given: str | None) -> str:
    there = list(table.fields)
    if given:
        if given not in there:
            raise RefusedImport(
                f"{table.name} has no column {given!r}; it has {', '.join(there) or 'none'}"
            )
        return given
    guessed = next((each for each in there if each.lower() in _NAMES), None)
    if guessed is None:
        raise RefusedImport(
            f"which column of {table.name} is the name? Say it by --name-field; it has "
            f"{', '.join(there) or 'none'}"
        )
    return guessed


def _in_wgs84(table: Table, given: str | None) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    said = given or table.crs
    if not said:
        raise RefusedImport(f"{table.name} does not say its coordinate system; say it by --crs")
    try:
        crs = CRS.from_user_input(said)
        to = Transformer.from_crs(crs, WGS84, always_xy=True)
        shapes = shapely.force_2d(table.shapes)
        moved = shapely.transform(shapes, lambda at: np.column_stack(to.transform(*at.T)))
    except (CRSError, ProjError) as error:
        raise RefusedImport(f"{table.name} cannot be brought from {said!r}: {error}") from error
    at = shapely.get_coordinates(moved)
    if not (np.isfinite(at).all() and (np.abs(at) <= (180.0, 90.0)).all()):
        raise RefusedImport(
            f"{table.name}: its coordinates are not degrees of {crs.name}; say the right "
            "coordinate system by --crs, e.g. --crs EPSG:9210, or swap longitude and latitude"
        )
    return np.asarray(moved, dtype=object)
