"""Files with polygons, opened with bounded memory: what pyogrio reads, GeoJSON, GeoParquet.

What a file is, is read from its first bytes, so that gigabytes of something else are refused at
once. Sizes are limited before and after unpacking.
"""

import gzip
import json
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError

from geo.errors import UnreadableFile
from geo.wards.features import Objects
from geo.wards.geojson import NotGeoJSON, Reader

LARGEST_BYTES = 500_000_000
ENDINGS = [
    ".geojson",
    ".json",
    ".gpkg",
    ".zip",
    ".fgb",
    ".shp",
    ".parquet",
    ".geoparquet",
    ".kml",
    ".gml",
    ".topojson",
    ".tab",
    ".mif",
    ".sqlite",
]
_CRS84 = "OGC:CRS84"
_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Table:
    """The features of one file as they are: rows' texts, shapes in the file's own `crs`.

    `shapes` (n,) shapely geometries or None; `troubles` says per row why a shape is None;
    `crs` is anything pyproj takes, None when the file does not say.
    """

    name: str
    fields: dict[str, list[Any]]
    shapes: Objects
    troubles: dict[int, str]
    crs: str | None


def is_map_file(path: Path) -> bool:
    """Whether a folder's file is one to read, told by its ending."""
    return path.name.lower().removesuffix(".gz").endswith(tuple(ENDINGS))


def open_table(path: Path, name: str, layer: str | None = None) -> Table:
    """The features of a file; `name` is what people know it by.

    Raises `UnreadableFile` for a missing, empty, oversized, broken or unknown file, with the place
    where it broke and how to mend it.
    """
    if not path.is_file():
        raise UnreadableFile(f"{name} does not exist or is not a file")
    size = path.stat().st_size
    if size == 0:
        raise UnreadableFile(f"{name} is empty (0 bytes)")
    with path.open("rb") as opened:
        head = opened.read(4096)
    if head[:2] == b"\x1f\x8b":
        _limit(name, size)
        with _unpacked(path, name) as inner:
            return open_table(inner, name, layer)
    kind = _kind(head, name)
    _limit(name, size)
    if kind == "json":
        return _json(path, name, layer)
    if kind == "parquet":
        return _parquet(path, name)
    return _pyogrio(_inside_zip(path, name) if kind == "zip" else str(path), name, layer)


def _limit(name: str, size: int, unpacked: str = "") -> None:
    if size > LARGEST_BYTES:
        raise UnreadableFile(
            f"{name} has {size / _MB:,.0f} MB{unpacked}; ward files may have up to "
            f"{LARGEST_BYTES / _MB:,.0f} MB. Cut it down first, e.g. by "
            "`ogr2ogr -where … -select code,name,type small.gpkg FILE`"
        )


def _kind(head: bytes, name: str) -> str:
    begin = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if begin[:1] in (b"{", b"["):
        return "json"
    if head[:4] == b"PAR1":
        return "parquet"
    if head[:4] == b"PK\x03\x04":
        return "zip"
    known = (b"SQLite format 3\x00", b"fgb", b"\x00\x00\x27\x0a", b"<")
    if head.startswith(known[:3]) or begin.startswith(known[3]) or _is_mapinfo(begin):
        return "other"
    raise UnreadableFile(
        f"{name} is not a map file Pinward knows: it begins with {head[:16]!r}. Wards are read "
        "from GeoJSON (also .gz), GeoPackage, Shapefile in a .zip, FlatGeobuf or GeoParquet"
    )


def _is_mapinfo(begin: bytes) -> bool:
    return begin[:7].lower() in (b"!table\n", b"!table\r", b"version")


@contextmanager
def _unpacked(path: Path, name: str) -> Iterator[Path]:
    """The file inside a .gz, unpacked to a folder of its own, never more than the limit."""
    with tempfile.TemporaryDirectory(prefix="pinward-") as folder:
        inner = Path(folder) / (path.name.lower().removesuffix(".gz") or "file")
        try:
            with gzip.open(path) as packed:
                head = packed.read(4096)
                if not head:
                    raise UnreadableFile(f"{name} is empty inside its .gz")
                if head[:2] == b"\x1f\x8b":
                    raise UnreadableFile(f"{name} is packed twice; unpack it once by gunzip")
                _kind(head, name)
                with inner.open("wb") as out:
                    size = 0
                    while head:
                        size += len(head)
                        _limit(name, size, " or more unpacked")
                        out.write(head)
                        head = packed.read(1 << 20)
        except (OSError, EOFError, ValueError) as error:
            raise UnreadableFile(
                f"{name} cannot be unpacked: {error}. Was it cut off while downloading?"
            ) from error
        yield inner


def _inside_zip(path: Path, name: str) -> str:
    """GDAL's address of the one map file in a .zip."""
    try:
        with zipfile.ZipFile(path) as packed:
            members = [m for m in packed.infolist() if not m.filename.startswith("__MACOSX")]
    except (zipfile.BadZipFile, OSError) as error:
        raise UnreadableFile(
            f"{name} is a broken .zip: {error}. Was it cut off while downloading?"
        ) from error
    _limit(name, sum(m.file_size for m in members), " unpacked")
    endings = [e for e in ENDINGS if e != ".zip"]
    maps = [m.filename for m in members if m.filename.lower().endswith(tuple(endings))]
    if len(maps) != 1:
        found = ", ".join(maps) or "none"
        raise UnreadableFile(
            f"{name} must hold one map file, it holds {found}. Unpack it and name the file, or the "
            "folder when the wards are spread over several files"
        )
    return f"/vsizip/{{{path.resolve()}}}/{maps[0]}"


def _json(path: Path, name: str, layer: str | None) -> Table:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFile(
            f"{name} is not UTF-8 (byte {error.start}); save it as UTF-8"
        ) from error
    reader = Reader(text, name)
    rows: list[dict[str, Any]] = []
    shapes: list[shapely.Geometry | None] = []
    troubles: dict[int, str] = {}
    try:
        for values, shape, trouble in reader.rows():
            if trouble:
                troubles[len(rows)] = trouble
            rows.append(values)
            shapes.append(shape)
    except NotGeoJSON:
        return _pyogrio(str(path), name, layer)
    names = dict.fromkeys(field for values in rows for field in values)
    fields = {field: [values.get(field) for values in rows] for field in names}
    return Table(name, fields, _objects(shapes), troubles, reader.crs or _CRS84)


def _parquet(path: Path, name: str) -> Table:
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            meta = (file.schema_arrow.metadata or {}).get(b"geo")
            if meta is None:
                raise UnreadableFile(
                    f"{name} is Parquet without places (no `geo` metadata); write it as "
                    "GeoParquet, e.g. by geopandas' to_parquet"
                )
            about = json.loads(meta)
            groups = range(file.metadata.num_row_groups)
            size = sum(file.metadata.row_group(i).total_byte_size for i in groups)
            _limit(name, size, " unpacked")
            column = about["primary_column"]
            described = about["columns"][column]
            if described["encoding"] != "WKB":
                raise UnreadableFile(
                    f"{name} keeps its shapes as {described['encoding']}; write them as WKB"
                )
            table = file.read()
    except (pyarrow.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise UnreadableFile(
            f"{name} is broken GeoParquet: {error}. Was it cut off while downloading?"
        ) from error
    shapes, troubles = _from_wkb(table.column(column).to_pylist())
    fields = {
        field: table.column(field).to_pylist()
        for field in table.column_names
        if field != column and not pyarrow.types.is_nested(table.schema.field(field).type)
    }
    # By the GeoParquet specification a missing crs is CRS84 and a null one is unknown.
    crs = described.get("crs", _CRS84)
    return Table(name, fields, shapes, troubles, json.dumps(crs) if isinstance(crs, dict) else crs)


def _pyogrio(address: str, name: str, layer: str | None) -> Table:
    try:
        layer = _layer(address, name, layer)
        meta, _, wkb, columns = pyogrio.raw.read(address, layer=layer, force_2d=True)
    except (DataSourceError, DataLayerError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"{name} cannot be read as a map file: {error}") from error
    names = [str(field) for field in meta["fields"]]
    fields = {field: list(columns[i]) for i, field in enumerate(names)}
    if wkb is None:
        wkb = [None] * (len(columns[0]) if columns else 0)
    shapes, troubles = _from_wkb(list(wkb))
    return Table(name, fields, shapes, troubles, meta["crs"])


def _layer(address: str, name: str, layer: str | None) -> str | None:
    """The one layer of polygons, when a file has several layers and none was asked for."""
    listed = [(str(found), str(kind or "")) for found, kind in pyogrio.list_layers(address)]
    names = [found for found, _ in listed]
    if layer is not None:
        if layer not in names:
            raise UnreadableFile(f"{name} has no layer {layer!r}; it has {', '.join(names)}")
        return layer
    areas = [found for found, kind in listed if "Polygon" in kind or "Surface" in kind]
    if len(names) == 1 or len(areas) == 1:
        return (areas or names)[0]
    if not areas:
        return None
    raise UnreadableFile(
        f"{name} has several layers of polygons: {', '.join(areas)}. Say which by --layer"
    )


def _from_wkb(values: list[bytes | None]) -> tuple[Objects, dict[int, str]]:
    try:
        with np.errstate(invalid="ignore"):
            return shapely.from_wkb(np.array(values, dtype=object)), {}
    except (shapely.errors.ShapelyError, TypeError):
        pass
    shapes: list[shapely.Geometry | None] = []
    troubles = {}
    for row, value in enumerate(values):
        try:
            shapes.append(shapely.from_wkb(value))
        except (shapely.errors.ShapelyError, TypeError) as error:
            shapes.append(None)
            troubles[row] = f"its geometry is malformed ({error})"
    return _objects(shapes), troubles


def _objects(shapes: list[shapely.Geometry | None]) -> Objects:
    made = np.empty(len(shapes), dtype=object)
    made[:] = shapes
    return made
