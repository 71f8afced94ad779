"""Wards of a whole country: tiles stay small, and low zooms are a coverage without slivers."""

import gzip
from datetime import UTC, date, datetime

import numpy as np
import pytest
import shapely
from drawn import decoded

from geo.store import wards as store
from geo.store.database import create_engine
from geo.store.organisations import Seat, ensure_committees
from geo.wards import load
from geo.wards.shapes import LABEL_ZOOM, display_shapes, labels
from tiles import render
from tiles.address import TileAddress, cell_of, tile_of
from tiles.filters import Filter
from tiles.layers import LABELS_ZOOM, WARDS

pytestmark = pytest.mark.anyio

CLOCK = render.Clock(datetime(2026, 7, 1, tzinfo=UTC), "Asia/Ho_Chi_Minh")
LARGEST, LARGEST_PACKED = 200_000, 60_000


async def stored(conn, polygons, names):
    """The wards and their shapes, without the checks of an import, which take minutes."""
    set_id = await store.add_set(
        conn, name="country", city="Nước", source="test", valid_from=date(2025, 7, 1), repairs={}
    )
    since = date(2025, 7, 1)
    seats = [Seat(f"{n:05d}", name, "commune", since) for n, name in enumerate(names)]
    committees = await ensure_committees(conn, seats)
    new = [
        store.NewWard(
            seat.code, seat.name, f"{seat.name} in English", seat.kind, since, None, None, who, p
        )
        for seat, who, p in zip(seats, committees, polygons, strict=True)
    ]
    ids = await store.add(conn, set_id, new)
    levels = display_shapes(polygons)
    for zoom, shapes in levels.items():
        assert shapely.coverage_is_valid(shapes), zoom
        await store.add_shapes(conn, ids, zoom, shapes)
    placed = labels(levels[LABEL_ZOOM])
    await store.add_labels(conn, ids, placed.points, placed.room_m.tolist())


async def check_sizes(conn, polygons, zooms):
    points = shapely.get_coordinates(shapely.point_on_surface(polygons))
    cells = cell_of(points[:, 0], points[:, 1])
    for z in zooms:
        drawn, written = set(), 0
        for x, y in sorted({tile_of(int(cell), z) for cell in cells}):
            body = await render.tile(conn, WARDS, TileAddress(z, x, y), Filter(), CLOCK)
            assert len(body) <= LARGEST, (z, x, y)
            assert len(gzip.compress(body, 6)) <= LARGEST_PACKED, (z, x, y)
            found = decoded(body)
            drawn |= {feature["properties"]["code"] for feature in found["wards"]}
            written += len(found.get("ward_labels", []))
        # small islands may be smaller than a tile's unit
        assert len(drawn) >= 0.99 * len(polygons)
        assert (written > 0) is (z >= LABELS_ZOOM)


def crooked_country(columns=60, rows=55, per_edge=16):
    """A grid of wards over 8 x 12 degrees, edges as crooked as rivers and shared by neighbours."""
    rng = np.random.default_rng(7)
    west = 102 + np.arange(columns + 1) * 8 / columns
    south = 9 + np.arange(rows + 1) * 12 / rows

    def edge(a, b):
        t = np.linspace(0, 1, per_edge)[:, None]
        line = np.asarray(a) * (1 - t) + np.asarray(b) * t
        line[1:-1] += rng.normal(0, 0.004, (per_edge - 2, 2))
        return line

    flat = {(i, j): edge((west[i], south[j]), (west[i + 1], south[j]))
            for i in range(columns) for j in range(rows + 1)}  # fmt: skip
    steep = {(i, j): edge((west[i], south[j]), (west[i], south[j + 1]))
             for i in range(columns + 1) for j in range(rows)}  # fmt: skip
    rings = [
        np.concatenate([
            flat[i, j], steep[i + 1, j][1:], flat[i, j + 1][::-1][1:], steep[i, j][::-1][1:]
        ])
        for i in range(columns) for j in range(rows)
    ]  # fmt: skip
    return np.array([shapely.Polygon(ring) for ring in rings], dtype=object)


async def test_three_thousand_wards_make_small_tiles_at_low_zooms(url):
    polygons = shapely.coverage_clean(crooked_country())
    names = [f"Xã Thứ {n} Mẫu" for n in range(len(polygons))]
    engine = create_engine(url)
    async with engine.begin() as conn:
        await stored(conn, polygons, names)
        await check_sizes(conn, polygons, (6, 7))
    await engine.dispose()


async def test_the_real_countrys_ward_tiles_stay_small(url, shared_data):
    file = load.read(shared_data / "vietnam_wards_2025.parquet")
    polygons = shapely.coverage_clean(file.polygons)
    engine = create_engine(url)
    async with engine.begin() as conn:
        await stored(conn, polygons, [ward.name for ward in file.wards])
        await check_sizes(conn, polygons, (6, 7, 8))
    await engine.dispose()
