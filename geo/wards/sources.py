"""Files with polygons, opened with bounded memory: what pyogrio reads, GeoJSON, GeoParquet.

What a file is, is read from its first bytes, so that gigabytes of something else are refused at
once (`geo.wards.packed`, which also limits sizes).
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from geo.errors import UnreadableFile
from geo.wards.features import Objects
from geo.wards.geojson import NotGeoJSON, Reader
from geo.wards.packed import ENDINGS, HEAD_BYTES, Form, form, limit, unpacked

_CRS84 = "OGC:CRS84"


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
    return path.name.lower().removesuffix(".gz").endswith((*ENDINGS, ".zip"))


def open_table(path: Path, name: str, layer: str | None = None) -> Table:
    """The features of a file; `name` is what people know it by.

    Raises `UnreadableFile` for a missing, empty, oversized, broken or unknown file, with the place
    where it broke and how to mend it.
    """
    packed = _form(path, name)
    if packed not in ("gzip", "zip"):
        return _open(path, name, packed, layer)
    with unpacked(path, name, packed) as inner:
        what = _form(inner, name)
        if what in ("gzip", "zip"):
            raise UnreadableFile(f"{name} is packed twice; unpack it once")
        return _open(inner, name, what, layer)


def _form(path: Path, name: str) -> Form:
    if not path.is_file():
        raise UnreadableFile(f"{name} does not exist or is not a file")
    size = path.stat().st_size
    if size == 0:
        raise UnreadableFile(f"{name} is empty (0 bytes)")
    with path.open("rb") as opened:
        found = form(opened.read(HEAD_BYTES), name)
    limit(name, size)
    return found


def _open(path: Path, name: str, what: Form, layer: str | None) -> Table:
    if what == "json":
        return _json(path, name, layer)
    if what == "parquet":
        return _parquet(path, name)
    return _pyogrio(path, name, layer)


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
        return _pyogrio(path, name, layer)
    names = dict.fromkeys(field for values in rows for field in values)
    fields = {field: [values.get(field) for values in rows] for field in names}
    return Table(name, fields, _objects(shapes), troubles, reader.crs or _CRS84)


def _parquet(path: Path, name: str) -> Table:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            meta = (file.schema_arrow.metadata or {}).get(b"geo")
            if meta is None:
                raise UnreadableFile(
                    f"{name} is Parquet without places (no `geo` metadata); write it as "
                    "GeoParquet, e.g. by geopandas' to_parquet"
                )
            about = json.loads(meta)
            column = about["primary_column"]
            described = about["columns"][column]
            if described["encoding"] != "WKB":
                raise UnreadableFile(
                    f"{name} keeps its shapes as {described['encoding']}; write them as WKB"
                )
            batches, size = [], 0
            # In parts, since a few bytes of Parquet can say the same long text a million times.
            for batch in file.iter_batches(batch_size=1000):
                size += batch.nbytes
                limit(name, size, " or more unpacked")
                batches.append(batch)
            table = pyarrow.Table.from_batches(batches, file.schema_arrow)
            wkb = table.column(column).to_pylist()
    except (pyarrow.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise UnreadableFile(
            f"{name} is broken GeoParquet: {error}. Was it cut off while downloading?"
        ) from error
    shapes, troubles = _from_wkb(wkb)
    fields = {
        field: table.column(field).to_pylist()
        for field in table.column_names
        if field != column and not pyarrow.types.is_nested(table.schema.field(field).type)
    }
    # By the GeoParquet specification a missing crs is CRS84 and a null one is unknown.
    crs = described.get("crs", _CRS84)
    return Table(name, fields, shapes, troubles, json.dumps(crs) if isinstance(crs, dict) else crs)


def _pyogrio(path: Path, name: str, layer: str | None) -> Table:
    # Not above: it brings pandas with it, and most files are read without it.
    import pyogrio
    from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

    try:
        layer = _layer(pyogrio.list_layers(path), name, layer)
        meta, _, found, columns = pyogrio.raw.read(path, layer=layer, force_2d=True)
    except (DataSourceError, DataLayerError, FeatureError, UnicodeDecodeError) as error:
        said = str(error).replace(str(path), name)
        raise UnreadableFile(f"{name} cannot be read as a map file: {said}") from error
    names = [str(field) for field in meta["fields"]]
    fields = {field: list(columns[i]) for i, field in enumerate(names)}
    wkb = [None] * (len(columns[0]) if columns else 0) if found is None else list(found)
    shapes, troubles = _from_wkb(wkb)
    return Table(name, fields, shapes, troubles, meta["crs"])


def _layer(layers: Any, name: str, layer: str | None) -> str | None:
    """The one layer of polygons, when a file has several layers and none was asked for."""
    listed = [(str(found), str(kind or "")) for found, kind in layers]
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
