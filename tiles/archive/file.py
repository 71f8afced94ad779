"""The archive's own form: PMTiles version 3, tiles packed by gzip, header and metadata."""

import contextlib
import gzip
import tempfile
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import IO, Any, cast

from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer

from geo.store.area import Bbox
from tiles.archive.plan import Plan
from tiles.filters import Filter
from tiles.render import Clock


class Archive:
    """The library's writer, with its tiles kept beside the archive until the end."""

    def __init__(self, out: IO[bytes], folder: Path) -> None:
        # The library is not typed.
        self._writer: Any = cast(Any, Writer)(out)
        self._writer.tile_f.close()
        self._writer.tile_f = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *raised: object) -> None:
        # What is still to be written of it (a full disk refuses even that) is not wanted any more.
        with contextlib.suppress(OSError):
            self._writer.tile_f.close()

    def add(self, z: int, x: int, y: int, body: bytes) -> None:
        """Tiles come zoom by zoom and along the curve, so that near ones lie together."""
        self._writer.write_tile(zxy_to_tileid(z, x, y), gzip.compress(body, 6, mtime=0))

    def finish(
        self, plan: Plan, described: Sequence[dict[str, Any]], clock: Clock
    ) -> tuple[float, float, float, float]:
        """Directories, header and metadata; returns the bounds."""
        west, south, east, north = bounds = _bounds(described, plan.bbox)
        lon, lat, zoom = _center(described, bounds)
        zoom = max(plan.min_zoom, min(plan.max_zoom, zoom))
        header = {
            "tile_type": TileType.MVT,
            "tile_compression": Compression.GZIP,
            "min_lon_e7": round(west * 1e7),
            "min_lat_e7": round(south * 1e7),
            "max_lon_e7": round(east * 1e7),
            "max_lat_e7": round(north * 1e7),
            "center_zoom": zoom,
            "center_lon_e7": round(lon * 1e7),
            "center_lat_e7": round(lat * 1e7),
        }
        metadata = {
            "name": ", ".join(layer.title["vi"] for layer, _ in plan.parts),
            "description": ", ".join(layer.title["en"] for layer, _ in plan.parts),
            "attribution": " · ".join(
                dict.fromkeys(said for each in described if (said := each["attribution"]))
            ),
            "type": "overlay",
            "version": "1.0.0",
            "minzoom": plan.min_zoom,
            "maxzoom": plan.max_zoom,
            "bounds": list(bounds),
            "center": [lon, lat, zoom],
            "vector_layers": [
                part
                | {
                    "minzoom": max(part["minzoom"], plan.min_zoom),
                    "maxzoom": min(part["maxzoom"], plan.max_zoom),
                }
                for each in described
                for part in each["vector_layers"]
                if part["minzoom"] <= plan.max_zoom
            ],
            "as_of": clock.now.isoformat(timespec="seconds"),
            "filters": {layer.id: _as_json(chosen) for layer, chosen in plan.parts},
        }
        self._writer.finalize(header, metadata)
        return bounds


def _bounds(
    described: Sequence[dict[str, Any]], bbox: Bbox | None
) -> tuple[float, float, float, float]:
    """The box of all layers, no larger than the one asked for."""
    boxes = [each["bounds"] for each in described if "bounds" in each]
    west, south = (min(box[i] for box in boxes) for i in (0, 1))
    east, north = (max(box[i] for box in boxes) for i in (2, 3))
    # A box across 180 degrees has no west below its east; the header knows no such thing.
    if bbox is not None and bbox.west <= bbox.east:
        west, south = min(max(west, bbox.west), bbox.east), min(max(south, bbox.south), bbox.north)
        east, north = max(min(east, bbox.east), bbox.west), max(min(north, bbox.north), bbox.south)
    return west, south, east, north


def _center(
    described: Sequence[dict[str, Any]], bounds: tuple[float, float, float, float]
) -> tuple[float, float, int]:
    """The first layer's own where it lies inside, else the middle."""
    west, south, east, north = bounds
    for each in described:
        if "center" in each:
            lon, lat, zoom = each["center"]
            if west <= lon <= east and south <= lat <= north:
                return lon, lat, zoom
    zoom = next((each["center"][2] for each in described if "center" in each), 0)
    return (west + east) / 2, (south + north) / 2, zoom


def _as_json(chosen: Filter) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in fields(chosen):
        value = getattr(chosen, part.name)
        if value:
            found[part.name] = list(value) if isinstance(value, tuple) else value.isoformat()
    return found
