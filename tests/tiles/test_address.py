"""Tiles and cells: numpy's cell numbers are the database's, and every point has one tile a zoom."""

import itertools

import numpy as np
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.crs import transformer
from geo.errors import Invalid, NotFound
from tiles.address import (
    CELL_ZOOM,
    MAX_ZOOM,
    MERCATOR_LAT,
    TileAddress,
    cell_of,
    cell_range,
    tile_of,
)

AWKWARD = [
    (-180.0, 0.0),
    (180.0, 0.0),
    (0.0, 90.0),
    (0.0, -90.0),
    (180.0, -90.0),
    (0.0, 0.0),
    (-0.0, -0.0),
    (0.0, MERCATOR_LAT),
    (0.0, -MERCATOR_LAT),
    (179.99999999999997, 85.05112877980659),
    (106.7, 10.8),
]


def edges(rng, n):
    """Points on edges of cells as near as doubles can say, and their neighbours."""
    columns = rng.integers(0, 1 << CELL_ZOOM, n) / (1 << CELL_ZOOM)
    rows = rng.integers(1, 1 << CELL_ZOOM, n) / (1 << CELL_ZOOM)
    lon = columns * 360.0 - 180.0
    lat = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * rows))))
    return [
        (float(x), float(y))
        for x, y in zip(
            np.concatenate([lon, np.nextafter(lon, 200), np.nextafter(lon, -200)]).clip(-180, 180),
            np.concatenate([lat, np.nextafter(lat, 90), np.nextafter(lat, -90)]),
            strict=True,
        )
    ]


def test_cell_numbers_are_the_databases_own_also_on_edges(url):
    rng = np.random.default_rng(4)
    anywhere = zip(
        rng.uniform(-180, 180, 20_000).tolist(), rng.uniform(-90, 90, 20_000).tolist(), strict=True
    )
    points = [*AWKWARD, *edges(rng, 10_000), *anywhere]
    lon, lat = (list(part) for part in zip(*points, strict=True))
    with psycopg.connect(url) as db:
        rows = db.execute(
            "SELECT pinward_cell(lon, lat) FROM unnest(%s::float8[], %s::float8[])"
            " WITH ORDINALITY AS p (lon, lat, i) ORDER BY i",
            (lon, lat),
        ).fetchall()
    ours = cell_of(lon, lat)
    assert ours.dtype == np.int64
    assert ours.tolist() == [row[0] for row in rows]


@given(st.floats(-180, 180), st.floats(-90, 90), st.integers(0, MAX_ZOOM))
def test_a_point_lies_in_exactly_one_tile_of_a_zoom(lon, lat, z):
    cell = int(cell_of([lon], [lat])[0])
    x, y = tile_of(cell, z)
    holding = [
        (a, b)
        for a in range(max(0, x - 1), min(1 << z, x + 2))
        for b in range(max(0, y - 1), min(1 << z, y + 2))
        if cell_range(z, a, b)[0] <= cell <= cell_range(z, a, b)[1]
    ]
    assert holding == [(x, y)]
    west, south, east, north = TileAddress(z, x, y).bounds
    slack = 1e-9
    assert west - slack <= lon <= east + slack
    assert south - slack <= lat <= north + slack


@pytest.mark.parametrize("z", [0, 1, 2, 3, 5])
def test_the_tiles_of_a_zoom_hold_every_cell_once(z):
    ranges = sorted(cell_range(z, x, y) for x in range(1 << z) for y in range(1 << z))
    assert ranges[0][0] == 0
    assert ranges[-1][1] == (1 << 2 * CELL_ZOOM) - 1
    assert all(a[1] + 1 == b[0] for a, b in itertools.pairwise(ranges))


def test_four_children_are_their_parent():
    first, last = cell_range(11, 1631, 962)
    children = sorted(cell_range(12, 2 * 1631 + i, 2 * 962 + j) for i in (0, 1) for j in (0, 1))
    assert (children[0][0], children[-1][1]) == (first, last)


def test_tiles_are_those_of_the_web_mercator_projection():
    rng = np.random.default_rng(5)
    lon, lat = rng.uniform(-180, 180, 1000), rng.uniform(-85, 85, 1000)
    x_m, y_m = transformer(4326, 3857).transform(lon, lat)
    half = 6378137.0 * np.pi
    column = np.floor((x_m + half) / (2 * half) * 2**14).astype(int)
    row = np.floor((half - y_m) / (2 * half) * 2**14).astype(int)
    ours = [tile_of(int(cell), 14) for cell in cell_of(lon, lat)]
    assert ours == list(zip(column.tolist(), row.tolist(), strict=True))


@pytest.mark.parametrize(
    ("z", "x", "y"),
    [(-1, 0, 0), (19, 0, 0), (0, 1, 0), (0, 0, 1), (3, 8, 0), (3, 0, -1), (18, 1 << 18, 0)],
)
def test_there_is_no_tile_outside_the_grid(z, x, y):
    with pytest.raises(NotFound):
        TileAddress(z, x, y)


@pytest.mark.parametrize(("lon", "lat"), [([np.nan], [0]), ([0], [np.inf]), ([0, 1], [0])])
def test_nonsense_has_no_cell(lon, lat):
    with pytest.raises(Invalid):
        cell_of(lon, lat)
