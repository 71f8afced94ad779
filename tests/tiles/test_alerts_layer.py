"""Alerts as tiles: only those in force, never lost when small, as the TileJSON says."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import psycopg
import pytest
import shapely
from drawn import decoded

from builders import middle, square
from geo.errors import Invalid
from tiles import render, tilejson
from tiles.address import TileAddress, cell_of, tile_of
from tiles.filters import Filter
from tiles.layers import ALERTS

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
CLOCK = render.Clock(NOW, "Asia/Ho_Chi_Minh")
HOUR = timedelta(hours=1)
LON, LAT = middle(0)
SMALL = shapely.Point(LON, LAT).buffer(1e-5)


def put(url, shape=SMALL, **columns):
    """A row of `alerts`; returns its id."""
    row = {
        "kind": "flood",
        "severity": "severe",
        "urgency": "expected",
        "certainty": "likely",
        "headline_vi": "Ngập sâu",
        "area_vi": "x",
        "area_en": "x",
        "ward_codes": [],
        "sent_at": NOW - HOUR,
        "effective_at": NOW - HOUR,
        "expires_at": NOW + HOUR,
        "sender": "x",
        "sender_vi": "x",
        "sender_en": "x",
        **columns,
    }
    names = ", ".join(row)
    with psycopg.connect(url) as db:
        (made,) = db.execute(
            f"INSERT INTO alerts (identifier, geom, {names}) VALUES (gen_random_uuid(),"
            f" ST_Multi(ST_GeomFromWKB(%s, 4326)), {', '.join(['%s'] * len(row))}) RETURNING id",
            (shapely.to_wkb(shape), *row.values()),
        ).fetchone()
    return made


def covering(z, lon=LON, lat=LAT):
    return TileAddress(z, *tile_of(int(cell_of([lon], [lat])[0]), z))


async def drawn(conn, address, chosen=Filter(), clock=CLOCK):
    body = await render.tile(conn, ALERTS, address, chosen, clock)
    return decoded(body) if body else {}


def ids(layers, part):
    return [feature["id"] for feature in layers.get(part, [])]


def around(z, shape):
    """Every tile of a zoom that a shape may lie in, and their neighbours."""
    west, south, east, north = shape.bounds
    x0, y0 = tile_of(int(cell_of([west], [north])[0]), z)
    x1, y1 = tile_of(int(cell_of([east], [south])[0]), z)
    side = range(1 << z)
    return [
        TileAddress(z, x, y)
        for x in range(x0 - 1, x1 + 2)
        for y in range(y0 - 1, y1 + 2)
        if x in side and y in side
    ]


async def test_every_alert_has_its_point_in_exactly_one_tile_of_every_zoom(city_url, conn):
    border = 106.61132812  # about the edge of tiles of zoom 12
    shapes = [SMALL, square(0), square(4), shapely.Point(border, 10.71).buffer(0.003)]
    made = {put(city_url, shape) for shape in shapes}
    for z in range(ALERTS.min_zoom, ALERTS.max_zoom + 1):
        found = Counter()
        for address in around(z, shapely.union_all(shapes)):
            for feature in (await drawn(conn, address)).get("alert_points", []):
                found[feature["id"]] += feature["properties"]["point_count"]
                x, y = feature["geometry"]["coordinates"]
                assert 0 <= x < 4096
                assert 0 <= y < 4096
        assert found == dict.fromkeys(made, 1), z


async def test_an_area_too_small_to_draw_still_has_its_point(city_url, conn):
    made = put(city_url)
    for z in (0, 5):
        layers = await drawn(conn, covering(z))
        assert ids(layers, "alerts") == []
        assert ids(layers, "alert_points") == [made]


async def test_only_what_is_in_force_is_drawn(city_url, conn):
    instant = timedelta(microseconds=1)
    there = [put(city_url), put(city_url, effective_at=NOW), put(city_url, sent_at=NOW)]
    there.append(put(city_url, cancelled_at=NOW + instant))
    put(city_url, effective_at=NOW + instant)
    put(city_url, sent_at=NOW + instant)
    put(city_url, expires_at=NOW)
    put(city_url, cancelled_at=NOW)
    layers = await drawn(conn, covering(14))
    assert ids(layers, "alerts") == ids(layers, "alert_points") == there


async def test_an_alert_that_expires_is_gone_with_the_clock(city_url, conn):
    put(city_url)
    assert await drawn(conn, covering(14))
    assert await drawn(conn, covering(14), clock=render.Clock(NOW + HOUR, CLOCK.timezone)) == {}


async def test_areas_are_cut_at_the_tile_and_wound_as_the_specification_says(city_url, conn):
    area = square(0).union(square(1)).difference(shapely.Point(middle(0)).buffer(0.004))
    put(city_url, area)
    z = 13
    total = 0.0
    for address in around(z, area):
        for feature in (await drawn(conn, address)).get("alerts", []):
            assert feature["geometry"]["type"] in ("Polygon", "MultiPolygon")
            parts = feature["geometry"]["coordinates"]
            for rings in parts if feature["geometry"]["type"] == "MultiPolygon" else [parts]:
                for number, ring in enumerate(rings):
                    points = np.array(ring)
                    assert points.min() >= -64
                    assert points.max() <= 4096 + 64
                    # y down: an outer ring is clockwise on the screen, which is positive here
                    x, y = points.T
                    turned = float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))
                    assert turned > 0 if number == 0 else turned < 0
                shape = shapely.Polygon(rings[0], rings[1:])
                total += shape.intersection(shapely.box(0, 0, 4096, 4096)).area
    metres = shapely.transform(
        area,
        lambda xy: np.column_stack(
            [
                (xy[:, 0] + 180) / 360 * 4096 * 2**z,
                np.arctanh(np.sin(np.radians(xy[:, 1]))) / (2 * np.pi) * 4096 * 2**z,
            ]
        ),
    )
    assert total == pytest.approx(metres.area, rel=0.01)


async def test_the_worst_come_last_and_equal_tiles_are_equal_bytes(city_url, conn):
    order = ["extreme", "minor", "severe", "moderate"]
    made = {severity: put(city_url, square(0), severity=severity) for severity in order}
    layers = await drawn(conn, covering(12))
    wanted = [made[severity] for severity in ("minor", "moderate", "severe", "extreme")]
    assert ids(layers, "alerts") == wanted
    before = await render.tile(conn, ALERTS, covering(12), Filter(), CLOCK)
    await conn.rollback()
    with psycopg.connect(city_url) as db:
        # moves the row to another place of the table
        db.execute("UPDATE alerts SET area_vi = 'y' WHERE severity = 'extreme'")
    assert await render.tile(conn, ALERTS, covering(12), Filter(), CLOCK) == before


async def test_a_kind_chooses_and_other_words_are_refused(city_url, conn):
    put(city_url)
    fire = put(city_url, kind="fire")
    assert ids(await drawn(conn, covering(14), Filter(kind=("fire",))), "alerts") == [fire]
    with pytest.raises(Invalid, match="flood, storm"):
        await drawn(conn, covering(14), Filter(kind=("school",)))
    with pytest.raises(Invalid, match="no filter of alerts"):
        await drawn(conn, covering(14), Filter(ward=("90001",)))


async def test_the_tilejson_is_what_the_tiles_hold(city_url, conn):
    put(city_url, square(0), headline_en="Deep water")
    put(city_url, square(5), expires_at=NOW)
    said = await tilejson.describe(conn, ALERTS, Filter(), CLOCK, base="https://x", city="Thử")
    assert said["bounds"] == pytest.approx(list(square(0).bounds), abs=2e-6)
    assert (said["minzoom"], said["maxzoom"]) == (0, 14)
    layers = await drawn(conn, covering(12))
    types = {"String": str, "Number": (int, float), "Boolean": bool}
    for part in said["vector_layers"]:
        (feature,) = layers[part["id"]]
        assert set(feature["properties"]) == set(part["fields"])
        for name, value in feature["properties"].items():
            assert isinstance(value, types[part["fields"][name].partition(":")[0]]), name
    properties = layers["alerts"][0]["properties"]
    assert properties["expires"] == "2026-07-01T13:00:00Z"
    assert properties["headline_en"] == "Deep water"
    assert "headline_en" not in json.dumps(said["tiles"])


async def test_ten_thousand_vertices_make_a_small_tile(city_url, conn):
    rough = np.random.default_rng(1).uniform(0.9, 1.1, 9_999)
    angle = np.linspace(0, 2 * np.pi, 9_999, endpoint=False)
    ring = np.column_stack([LON + 0.02 * rough * np.cos(angle), LAT + 0.02 * rough * np.sin(angle)])
    put(city_url, shapely.make_valid(shapely.Polygon(ring)))
    for z in (8, 11, 14):
        body = await render.tile(conn, ALERTS, covering(z), Filter(), CLOCK)
        assert len(body) < 60_000, z
