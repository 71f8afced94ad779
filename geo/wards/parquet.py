"""GeoParquet, which GDAL's wheels leave out: shapes as WKB, their CRS in the `geo` metadata."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyproj import CRS

from geo.errors import RefusedImport, UnreadableFile
from geo.wards import place
from geo.wards.layer import MOST_WARDS, Layer, Objects, shapes_of
from geo.wards.sniff import MOST_BYTES, Part

# The CRS of a column that names none, by the GeoParquet specification.
_DEFAULT_CRS = "OGC:CRS84"
_LIKELY = ("geometry", "geom", "wkb_geometry", "wkb")


def read(part: Part) -> Layer:
    """The file's columns and its primary shapes; raises what `geo.wards.load.read` does."""
    try:
        with pq.ParquetFile(part.path) as file:
            _bound(file, part.name)
            shape_column, crs = _shapes(file.schema_arrow, part.name)
            table = file.read()
    except (pa.ArrowException, OSError) as error:
        raise UnreadableFile(
            f"{part.name} is damaged Parquet ({error}); download or export it again"
        ) from error
    columns = {
        name: _objects(table.column(name))
        for name in table.column_names
        if name != shape_column and not pa.types.is_nested(table.schema.field(name).type)
    }
    wkb = _objects(table.column(shape_column))
    return Layer(columns, shapes_of(wkb, part.name), crs)


def _bound(file: pq.ParquetFile, name: str) -> None:
    meta = file.metadata
    if meta.num_rows > MOST_WARDS:
        raise RefusedImport(f"{name} holds {meta.num_rows:,} features: not wards")
    size = sum(meta.row_group(i).total_byte_size for i in range(meta.num_row_groups))
    if size > MOST_BYTES:
        raise UnreadableFile(f"{name} unpacks to {size / 2**20:,.0f} MiB: no wards are that large")


def _shapes(schema: pa.Schema, name: str) -> tuple[str, CRS | None]:
    """The column with shapes and its CRS (None where it is said to be unknown, or not said)."""
    meta = _geo(schema, name)
    if meta is None:
        found = [c for c in _LIKELY if c in schema.names and _binary(schema.field(c).type)]
        if not found:
            raise RefusedImport(f"{name} is a table without shapes; wards need polygons")
        return found[0], None
    column = meta.get("primary_column", "geometry")
    said = meta.get("columns", {}).get(column)
    if said is None or column not in schema.names:
        raise UnreadableFile(f"{name}: its `geo` metadata names no column that is there")
    if said.get("encoding") != "WKB" or not _binary(schema.field(column).type):
        raise UnreadableFile(
            f"{name}: its shapes are encoded as {said.get('encoding')}; write them as WKB, e.g. "
            "`GeoDataFrame.to_parquet(…, geometry_encoding='WKB')`"
        )
    crs = said.get("crs", _DEFAULT_CRS)
    if crs is None:
        return column, None
    return column, place.parse_crs(crs if isinstance(crs, str) else json.dumps(crs))


def _geo(schema: pa.Schema, name: str) -> dict[str, Any] | None:
    raw = (schema.metadata or {}).get(b"geo")
    if raw is None:
        return None
    try:
        found = json.loads(raw)
    except ValueError as error:
        raise UnreadableFile(f"{name}: its `geo` metadata is no JSON ({error})") from error
    if not isinstance(found, dict):
        raise UnreadableFile(f"{name}: its `geo` metadata is no JSON object")
    return found


def _binary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _objects(column: pa.ChunkedArray) -> Objects:
    values = np.empty(len(column), dtype=object)
    values[:] = column.to_pylist()
    return values
