"""The map's icons, drawn here: a white sign on a coloured tile, as one picture and its index.

Shapes are polygons on a 24 x 24 grid, y down. A pixel's colour is how much of it a shape covers,
counted on a grid of 4 x 4 samples.
"""

import struct
import zlib
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely

from tiles.palette import DAY

SIZE: Final = 24
_SAMPLES: Final = 4

Pixels = npt.NDArray[np.uint8]


def _sign(*rings: list[tuple[float, float]]) -> shapely.Geometry:
    return shapely.union_all([shapely.Polygon(ring) for ring in rings])


def _cap() -> shapely.Geometry:
    board = _sign([(12, 5.5), (20, 9.3), (12, 13.1), (4, 9.3)])
    body = _sign([(7.2, 12.3), (12, 14.6), (16.8, 12.3), (16.8, 15.4), (12, 18), (7.2, 15.4)])
    tassel = shapely.box(18.6, 9.6, 19.7, 15)
    return shapely.union_all([board, body, tassel])


def _blocks() -> shapely.Geometry:
    return shapely.union_all(
        [
            shapely.box(5.5, 12.6, 11.4, 18.5),
            shapely.box(12.6, 12.6, 18.5, 18.5),
            shapely.Point(12, 8.3).buffer(3.3),
        ]
    )


def _columns(top: float) -> shapely.Geometry:
    roof = _sign([(12, top), (19, 9.8), (5, 9.8)])
    pillars = [shapely.box(x, 10.8, x + 1.9, 16) for x in (6.4, 11.05, 15.7)]
    return shapely.union_all([roof, *pillars, shapely.box(5, 16.8, 19, 18.6)])


def _cross(reach: float, half: float) -> shapely.Geometry:
    across = shapely.box(12 - reach, 12 - half, 12 + reach, 12 + half)
    return across.union(shapely.box(12 - half, 12 - reach, 12 + half, 12 + reach))


def _capital_h() -> shapely.Geometry:
    return shapely.union_all(
        [
            shapely.box(6.6, 5.8, 9.4, 18.2),
            shapely.box(14.6, 5.8, 17.4, 18.2),
            shapely.box(8, 10.7, 16, 13.3),
        ]
    )


def _pill() -> shapely.Geometry:
    line = shapely.LineString([(8.2, 15.8), (15.8, 8.2)])
    gap = shapely.LineString([(9.5, 9.5), (14.5, 14.5)]).buffer(0.55, cap_style="flat")
    return line.buffer(3.2).difference(gap)


def _shield() -> shapely.Geometry:
    left = [(8, 16), (6, 11.6), (6, 6.8)]
    return _sign([(12, 4.6), (18, 6.8), (18, 11.6), (16, 16), (12, 19.2), *left])


def _flame() -> shapely.Geometry:
    outer = _sign(
        [
            *((12.6, 4), (13.4, 7.6), (16.4, 10.8), (17.2, 14.2), (15.6, 17.6), (12, 19.2)),
            *((8.4, 17.6), (6.8, 14.4), (7.6, 11), (9.4, 12.6), (10.2, 8.2)),
        ]
    )
    return shapely.buffer(outer, 0.6).difference(shapely.Point(12, 15.6).buffer(1.9))


def _exclamation() -> shapely.Geometry:
    stroke = _sign([(10.6, 8.2), (13.4, 8.2), (12.8, 14.2), (11.2, 14.2)])
    return shapely.union_all([shapely.buffer(stroke, 0.3), shapely.Point(12, 17).buffer(1.4)])


_TILE: Final = shapely.box(5, 5, 19, 19).buffer(4.2)
# A warning has the shape of a warning sign.
_TRIANGLE: Final = shapely.Polygon([(12, 4.6), (20.2, 18.8), (3.8, 18.8)]).buffer(2.2)

# name -> (sign, colour of its tile)
_ICONS: Final[dict[str, tuple[shapely.Geometry, str]]] = {
    "school": (_cap(), DAY.school),
    "kindergarten": (_blocks(), DAY.school),
    "university": (_columns(4.6), DAY.school),
    "clinic": (_cross(6.2, 2.1), DAY.clinic),
    "hospital": (_capital_h(), DAY.clinic),
    "pharmacy": (_pill(), DAY.place),
    "ward_office": (_columns(5.6), DAY.place),
    "police": (_shield(), DAY.place),
    "fire_station": (_flame(), DAY.place),
    "other": (shapely.Point(12, 12).buffer(3.4), DAY.place),
}
WARNINGS: Final = {"alert": DAY.alert, "alert-grave": DAY.alert_grave}


@cache
def sheet(ratio: int) -> tuple[bytes, dict[str, dict[str, Any]]]:
    """(PNG, index) of all icons at `ratio` pixels a map pixel (1 or 2), as MapLibre wants them."""
    side = SIZE * ratio
    drawn = {name: _draw(_TILE, *icon, ratio) for name, icon in _ICONS.items()}
    for name, colour in WARNINGS.items():
        drawn[name] = _draw(_TRIANGLE, _exclamation(), colour, ratio)
    index = {
        name: {"x": i * side, "y": 0, "width": side, "height": side, "pixelRatio": ratio}
        for i, name in enumerate(drawn)
    }
    return _png(np.concatenate(list(drawn.values()), axis=1)), index


def _draw(tile: shapely.Geometry, sign: shapely.Geometry, colour: str, ratio: int) -> Pixels:
    """(side, side, 4) RGBA of one icon: tile with a white edge, and the sign on it."""
    edge = _covered(shapely.buffer(tile, 1.2), ratio)
    inner = _covered(tile, ratio)[..., None]
    white = _covered(shapely.affinity.scale(sign, 0.86, 0.86, origin=(12, 12)), ratio)[..., None]
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], dtype=np.float64)
    ground = 255.0 * (1 - inner) + rgb * inner
    shown = 255.0 * white + ground * (1 - white)
    return np.round(np.concatenate([shown, 255.0 * edge[..., None]], axis=2)).astype(np.uint8)


def _covered(shape: shapely.Geometry, ratio: int) -> npt.NDArray[np.float64]:
    """How much of each pixel a shape covers, 0 to 1."""
    n = SIZE * ratio * _SAMPLES
    middle = (np.arange(n) + 0.5) / (ratio * _SAMPLES)
    x, y = np.meshgrid(middle, middle)
    inside = shapely.contains_xy(shape, x.ravel(), y.ravel()).reshape(n, n)
    side = SIZE * ratio
    samples = inside.reshape(side, _SAMPLES, side, _SAMPLES)
    return np.asarray(samples.mean(axis=(1, 3)), dtype=np.float64)


def _png(pixels: Pixels) -> bytes:
    """An RGBA picture as PNG, which is a few chunks around zlib."""
    height, width, _ = pixels.shape
    lines = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    body = zlib.compress(lines.tobytes(), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
