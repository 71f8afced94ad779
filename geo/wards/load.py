"""Ward boundaries out of files: one `WardFile` in WGS 84, or a refusal that says how to mend it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError
from shapely.geometry.base import BaseGeometry

from geo.crs import WGS84
from geo.errors import RefusedImport, UnreadableFile
from geo.wards import fields
from geo.wards.features import Objects, WardFeature, WardFile
from geo.wards.packed import LARGEST_BYTES
from geo.wards.sources import Table, is_map_file, open_table

MOST_SAID = 10
_POLYGON, _MULTIPOLYGON, _COLLECTION = 3, 6, 7


def read(
    path: Path,
    *,
    code_field: str | None = None,
    name_field: str | None = None,
    name_en_field: str | None = None,
    kind_field: str | None = None,
    crs: str | None = None,
    layer: str | None = None,
    keep_duplicates: bool = False,
    keep_nameless: bool = False,
) -> WardFile:
    """The wards of a file, or of all map files in a folder (in the order of their paths).

    Columns are guessed by name unless given. `crs` overrides what the file says (a Shapefile
    without .prj says nothing). Shapes may still overlap or be invalid: that is `check`'s matter,
    as are codes that occur twice with `keep_duplicates`; names may be missing with `keep_nameless`.
    Raises `UnreadableFile` when it cannot be read and `RefusedImport` when it cannot be taken.
    """
    notes: list[str] = []
    wards: list[WardFeature] = []
    shapes: list[Objects] = []
    many = path.is_dir()
    found: dict[str, str | None] = {}
    systems: dict[str, None] = {}
    for file in _files(path, notes):
        name = str(file.relative_to(path)) if many else file.name
        table = open_table(file, name, layer)
        if len(table.shapes) == 0:
            raise RefusedImport(f"{name} holds no features at all; export it again")
        chosen = fields.choose(
            name,
            list(table.fields),
            code=code_field,
            name=name_field,
            name_en=name_en_field,
            kind=kind_field,
            nameless=keep_nameless,
        )
        found = asdict(chosen)
        polygons, system = _polygons(table, crs, notes)
        systems[system] = None
        shapes.append(polygons)
        wards.extend(_wards(table, chosen, f" of {name}" if many else "", notes, keep_nameless))
    if not keep_duplicates:
        _refuse_duplicates(path.name, wards)
    return WardFile(
        source="/".join(path.resolve().parts[-2:]) if many else path.name,
        wards=tuple(wards),
        polygons=np.concatenate(shapes),
        notes=_gathered(notes),
        crs=", ".join(systems),
        fields=found,
    )


def _files(path: Path, notes: list[str]) -> list[Path]:
    if not path.exists():
        raise UnreadableFile(f"{path} does not exist")
    if not path.is_dir():
        return [path]
    files = sorted(p for p in path.rglob("*") if p.is_file() and is_map_file(p))
    if not files:
        raise UnreadableFile(f"{path} is a folder without map files (GeoJSON, GeoPackage, …)")
    size = sum(file.stat().st_size for file in files)
    if size > LARGEST_BYTES:
        raise UnreadableFile(
            f"{path} holds {size / 1e6:,.0f} MB of map files; up to {LARGEST_BYTES / 1e6:,.0f} MB "
            "are read at once. Name a smaller folder"
        )
    notes.append(f"{len(files)} files read")
    return files


def _polygons(table: Table, crs: str | None, notes: list[str]) -> tuple[Objects, str]:
    """The rows' polygons in WGS 84, and the name of the CRS they were in."""
    shapes = shapely.force_2d(table.shapes)
    kinds = shapely.get_type_id(shapes)
    mixed = kinds == _COLLECTION
    if mixed.any():
        shapes[mixed] = [_areas(shape) for shape in shapes[mixed]]
        notes.append(f"polygons taken out of {int(mixed.sum())} geometry collections")
        kinds = shapely.get_type_id(shapes)
    wrong = ~np.isin(kinds, (_POLYGON, _MULTIPOLYGON)) | shapely.is_empty(shapes)
    if wrong.all() and not table.troubles and (kinds >= 0).any():
        words = sorted({s.geom_type for s in shapes if s is not None})
        raise RefusedImport(
            f"{table.name} holds no polygons but {', '.join(words)}; wards are areas: "
            "export the layer with the boundaries' polygons"
        )
    if wrong.any():
        said = [
            f"feature {i + 1}: {table.troubles.get(i) or _not_an_area(shapes[i])}"
            for i in np.flatnonzero(wrong).tolist()
        ]
        raise RefusedImport(_listed(f"{table.name} has features without a polygon", said))
    _refuse_nan(table.name, shapes)
    return _in_wgs84(table, shapes, crs, notes)


def _areas(shape: shapely.GeometryCollection) -> shapely.MultiPolygon:
    """The polygons of a geometry collection as one multipolygon."""
    parts = [p for part in shape.geoms for p in shapely.get_parts(part) if p.geom_type == "Polygon"]
    return shapely.MultiPolygon(parts)


def _not_an_area(shape: BaseGeometry | None) -> str:
    if shape is None:
        return "it has no geometry"
    return "its polygon is empty" if shape.is_empty else f"it is a {shape.geom_type}"


def _refuse_nan(name: str, shapes: Objects) -> None:
    points, rows = shapely.get_coordinates(shapes, return_index=True)
    bad = np.unique(rows[~np.isfinite(points).all(axis=1)])
    if bad.size:
        said = [f"feature {row + 1}" for row in bad]
        raise RefusedImport(_listed(f"{name} has coordinates that are no finite numbers", said))


def _in_wgs84(
    table: Table, shapes: Objects, given: str | None, notes: list[str]
) -> tuple[Objects, str]:
    said = given or table.crs
    if not said:
        raise RefusedImport(
            f"{table.name} does not say in which CRS its coordinates are (a Shapefile without "
            ".prj?); say it by --crs, e.g. --crs EPSG:9210 for VN-2000 around Ho Chi Minh City"
        )
    try:
        crs = CRS.from_user_input(said)
    except CRSError as error:
        raise RefusedImport(f"{said!r} is no CRS that PROJ knows; try e.g. EPSG:4326") from error
    if given and table.crs and not crs.equals(CRS.from_user_input(table.crs), True):
        notes.append(f"read as {given}, although the file says otherwise")
    if crs.is_geographic:
        _refuse_out_of_range(
            table.name, shapes, "if these are metres, say their CRS by --crs, e.g. --crs EPSG:9210"
        )
    elif np.abs(shapely.bounds(shapes)).max() <= 360.0:
        raise RefusedImport(
            f"{table.name} says its coordinates are in {crs.name}, but they look like degrees; "
            "say what they are by --crs, e.g. --crs EPSG:4326"
        )
    if any(crs.equals(CRS.from_user_input(same), True) for same in ("EPSG:4326", "OGC:CRS84")):
        return shapes, crs.name
    to = Transformer.from_crs(crs, WGS84, always_xy=True)
    try:
        moved = shapely.transform(shapes, lambda xy: np.column_stack(to.transform(*xy.T)))
    except (ProjError, shapely.errors.ShapelyError) as error:
        raise RefusedImport(f"{table.name} cannot be brought from {crs.name}: {error}") from error
    _refuse_out_of_range(
        table.name, moved, f"brought from {crs.name}, which looks wrong; say the right one by --crs"
    )
    return moved, crs.name


def _refuse_out_of_range(name: str, shapes: Objects, hint: str) -> None:
    west, south, east, north = np.transpose(shapely.bounds(shapes))
    lon, lat = shapely.get_coordinates(shapes)[0].tolist()
    ok = (west >= -180) & (east <= 180) & (south >= -90) & (north <= 90)
    lat_like = (np.abs(west) <= 90) & (np.abs(east) <= 90)
    # A latitude beyond 90, or one where nobody lives, that may well be a longitude.
    lon_like = (np.abs(south) <= 180) & (np.abs(north) <= 180) & ((north > 84) | (south < -60))
    if (lat_like & lon_like).any():
        raise RefusedImport(
            f"{name} looks swapped: it begins at {lon:g},{lat:g}, where the longitude should come "
            f"first and the latitude is {lat:g}. Swap them, e.g. in QGIS by "
            "'Swap X and Y coordinates', and try again"
        )
    if not ok.all():
        first = int(np.flatnonzero(~ok)[0]) + 1
        raise RefusedImport(
            f"{name} has coordinates out of range (feature {first}; the file begins at "
            f"{lon:g},{lat:g}): longitudes lie within ±180, latitudes within ±90; {hint}"
        )


def _wards(
    table: Table, chosen: fields.Fields, of: str, notes: list[str], keep_nameless: bool
) -> list[WardFeature]:
    def column(field: str | None) -> list[Any]:
        return table.fields[field] if field else [None] * len(table.shapes)

    made: list[WardFeature] = []
    nameless: list[str] = []
    codeless: list[str] = []
    unfit: list[str] = []
    changed = misread = 0
    rows = zip(
        column(chosen.code),
        column(chosen.name),
        column(chosen.full_name),
        column(chosen.name_en),
        column(chosen.kind),
        strict=True,
    )
    for number, row in enumerate(rows, 1):
        place = f"feature {number}{of}"
        meant = [fields.reread(value) for value in row]
        misread += meant != list(row)
        raw = [fields.text(value) for value in meant]
        code, name, full, name_en, word = (fields.nfc(value) for value in raw)
        changed += raw != [code, name, full, name_en, word]
        kind = fields.kind_of(word) if word and not fields.is_shape(word) else None
        if full:
            long, kind = fields.split_name(full, kind)
            name = name or long
        name, kind = fields.split_name(name, kind)
        if chosen.code is None:
            code = fields.slug(name)
        if fields.unfit(code, name):
            unfit.append(f"{place} (code {fields.shown(code)}, name {fields.shown(name)})")
        elif not name and not (keep_nameless and code):
            nameless.append(f"{place} (code {code or 'missing too'})")
        elif not code:
            codeless.append(f"{place} ({name})")
        made.append(
            WardFeature(code, name, fields.split_name_en(name_en) or None, kind or "other", place)
        )
    if unfit:
        raise RefusedImport(
            _listed(f"{table.name} has codes or names that are too long or no readable text", unfit)
        )
    if nameless:
        raise RefusedImport(_listed(f"{table.name} has wards without a name", nameless))
    if codeless:
        raise RefusedImport(_listed(f"{table.name} has wards without a code", codeless))
    if chosen.code is None:
        notes.append("there is no column of codes: codes are made of the names")
    elif any(isinstance(value, float | int | np.number) for value in column(chosen.code)):
        notes.append("codes are numbers in the file; leading zeros, if it had any, are lost")
    if misread:
        notes.append(
            f"texts of {misread} wards are UTF-8 that was marked as Latin-1: read as UTF-8"
        )
    if changed:
        notes.append(f"texts of {changed} wards were not in Unicode NFC and were brought to it")
    return made


def _refuse_duplicates(source: str, wards: Iterable[WardFeature]) -> None:
    by_code: dict[str, list[WardFeature]] = defaultdict(list)
    for ward in wards:
        by_code[ward.code].append(ward)
    said = [
        f"{code}: " + "; ".join(f"{ward.name} ({ward.place})" for ward in same)
        for code, same in by_code.items()
        if len(same) > 1
    ]
    if said:
        raise RefusedImport(
            _listed(f"{source} has the same code more than once", said)
            + "\nGive each ward one code (parts of one ward belong in one multipolygon), or name "
            "the right column by --code-field"
        )


def _listed(what: str, said: list[str]) -> str:
    more = [f"… and {len(said) - MOST_SAID} more"] if len(said) > MOST_SAID else []
    return "\n  ".join([f"{what}:", *said[:MOST_SAID], *more])


def _gathered(notes: list[str]) -> tuple[str, ...]:
    """Notes of many files without repeats, in the order they came."""
    return tuple(dict.fromkeys(notes))
