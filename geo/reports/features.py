"""Rows of a GeoJSON file of points, as `rows.CsvRows` gives those of a CSV file."""

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from geo.errors import UnreadableFile
from geo.reports.mapping import chosen
from geo.reports.rows import Batch, Broken

_ROWS = 20_000


class GeoJsonRows:
    """A FeatureCollection of points (also .gz), or one GeoJSON feature a line.

    `line` of a batch numbers the features from 1. The position comes from the geometry (columns
    `lon` and `lat`), the id from the feature unless a property is named. Raises as `CsvRows` does.
    """

    unit = "feature"

    def __init__(self, path: Path, options: Mapping[str, str | None]) -> None:
        self.path = path
        self.broken: list[Broken] = []
        self._features = _read(path)
        names: dict[str, None] = {}
        for feature in self._features:
            names.update(dict.fromkeys(feature.get("properties") or {}))
        for name in ("id", "lon", "lat"):
            names.setdefault(name)
        self.header = list(names)
        position = {"lon": options.get("lon") or "lon", "lat": options.get("lat") or "lat"}
        self.mapping = chosen(self.header, {**options, **position}, path.name)

    def __iter__(self) -> Iterator[Batch]:
        for start in range(0, len(self._features), _ROWS):
            rows = [_row(feature) for feature in self._features[start : start + _ROWS]]
            columns = [
                pa.array([_bytes(row.get(name)) for row in rows], pa.binary())
                for name in self.header
            ]
            raw = pa.RecordBatch.from_arrays(columns, [str(i) for i in range(len(columns))])
            yield Batch(raw, np.arange(start + 1, start + 1 + len(rows)), self.mapping)


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        packed = path.read_bytes()
        if path.suffix.lower() == ".gz":
            packed = gzip.decompress(packed)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableFile(f"{path.name} cannot be read: {error}") from None
    try:
        text = packed.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{path.name} is not UTF-8 (byte {error.start})") from None
    try:
        whole = json.loads(text)
        features = whole.get("features") if isinstance(whole, dict) else None
        if isinstance(whole, dict) and whole.get("type") == "Feature":
            features = [whole]
    except RecursionError:
        raise UnreadableFile(f"{path.name} is nested too deeply to be GeoJSON") from None
    except ValueError as error:
        features = _lines(text, path.name, error)
    if not isinstance(features, list) or not all(
        isinstance(feature, dict)
        and isinstance(feature.get("properties") or {}, dict)
        and isinstance(feature.get("geometry") or {}, dict)
        for feature in features
    ):
        raise UnreadableFile(f"{path.name} is JSON but no GeoJSON FeatureCollection")
    if not features:
        raise UnreadableFile(f"{path.name} holds no features")
    return features


def _lines(text: str, name: str, error: ValueError) -> list[Any]:
    # One feature a line (GeoJSONSeq); what is no such thing is broken JSON, said as first met.
    try:
        return [json.loads(line.strip("\x1e \r")) for line in text.split("\n") if line.strip()]
    except (ValueError, RecursionError):
        raise UnreadableFile(f"{name} is broken JSON: {error}") from None


def _row(feature: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    if feature.get("id") is not None:
        row["id"] = feature["id"]
    geometry = feature.get("geometry") or {}
    coordinates = geometry.get("coordinates")
    if geometry.get("type") == "Point" and isinstance(coordinates, list) and len(coordinates) > 1:
        row["lon"], row["lat"] = coordinates[:2]
    return row | {
        name: value
        for name, value in (feature.get("properties") or {}).items()
        # A position among the properties does not overrule the geometry.
        if not (name in ("lon", "lat") and name in row)
    }


def _bytes(value: Any) -> bytes:
    if value is None:
        return b""
    said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # A lone surrogate becomes bytes that are not UTF-8: the row is refused later, by its number.
    return said.encode("utf-8", "surrogatepass")
