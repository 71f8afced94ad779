"""Wards, hotspots and facilities as tiles: nothing lost, labels once, sizes bounded."""

import gzip
from collections import Counter
from datetime import UTC, date, datetime

import numpy as np
import psycopg
import pytest
import shapely
from drawn import decoded, put_facilities, put_hotspots

from builders import CODES, middle, square
from geo.errors import Invalid
from geo.store.database import create_engine
from geo.wards import importing, load
from tiles import render
from tiles.address import TileAddress, cell_of, tile_of
from tiles.filters import Filter
from tiles.layers import FACILITIES, HOTSPOTS, HULLS_ZOOM, LABELS_ZOOM, MOST_POINTS, WARDS

pytestmark = pytest.mark.anyio

CLOCK = render.Clock(datetime(2026, 7, 1, tzinfo=UTC), "Asia/Ho_Chi_Minh")
NOTHING = Filter()


@pytest.fixture
async def conn(city_url):
    engine = create_engine(city_url)
    async with engine.connect() as made:
        yield made
    await engine.dispose()


def tiles_over(z, bounds):
    west, south, east, north = bounds
    x0, y0 = tile_of(int(cell_of([west], [north])[0]), z)
    x1, y1 = tile_of(int(cell_of([east], [south])[0]), z)
    return [TileAddress(z, x, y) for x in range(x0, x1 + 1) for y in range(y0, y1 + 1)]


async def layers_of(conn, layer, address, chosen=NOTHING):
    body = await render.tile(conn, layer, address, chosen, CLOCK)
    return decoded(body) if body else {}


CITY = shapely.union_all([square(n) for n in range(6)]).bounds


def degrees(address, ring):
    """Tile units, y down, to lon/lat."""
    side = 1 << address.z
    points = np.asarray(ring, dtype=np.float64) / 4096 + [address.x, address.y]
    lon = points[:, 0] / side * 360 - 180
    lat = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * points[:, 1] / side))))
    return np.column_stack([lon, lat])


async def test_wards_are_drawn_where_they_lie_at_every_zoom(conn):
    for z in (10, 12, 14):
        pieces = {code: [] for code in CODES}
        for address in tiles_over(z, CITY):
            for feature in (await layers_of(conn, WARDS, address)).get("wards", []):
                rings = feature["geometry"]["coordinates"]
                assert feature["geometry"]["type"] == "Polygon"
                shape = shapely.Polygon(degrees(address, rings[0]))
                west, south, east, north = address.bounds
                pieces[feature["properties"]["code"]].append(
                    shapely.intersection(shape, shapely.box(west, south, east, north))
                )
        for n, code in enumerate(CODES):
            drawn = shapely.union_all(pieces[code])
            apart = shapely.symmetric_difference(drawn, square(n)).area / square(n).area
            assert apart < (0.03 if z == 10 else 0.004), f"zoom {z}, ward {code}"


async def test_outer_rings_wind_as_the_specification_says(conn):
    (address, *_) = tiles_over(12, CITY)
    found = await layers_of(conn, WARDS, address)
    for feature in found["wards"]:
        ring = shapely.LinearRing(feature["geometry"]["coordinates"][0])
        # MVT 2.1: positive area by the surveyor's formula in tile units, whose y points down
        assert ring.is_ccw


async def test_each_ward_has_one_label_in_one_tile_of_a_zoom(conn):
    for z in (LABELS_ZOOM, 11, 14):
        labels = Counter()
        for address in tiles_over(z, CITY):
            for feature in (await layers_of(conn, WARDS, address)).get("ward_labels", []):
                (place,) = degrees(address, [feature["geometry"]["coordinates"]])
                code = feature["properties"]["code"]
                labels[code] += 1
                wanted = shapely.Point(middle(CODES.index(code)))
                assert shapely.Point(place).distance(wanted) < 0.002
                # half of 0.02 degrees of latitude
                assert 1050 < feature["properties"]["room_m"] < 1150
        assert labels == dict.fromkeys(CODES, 1), f"zoom {z}"


async def test_names_carry_their_kind(conn):
    found = await layers_of(conn, WARDS, tiles_over(9, CITY)[0])
    names = {f["properties"]["name"]: f["properties"]["name_full"] for f in found["ward_labels"]}
    assert names["Bến Thử"] == "Phường Bến Thử"


async def test_wards_of_another_day_are_asked_for_by_the_day(conn):
    (address, *_) = tiles_over(9, CITY)
    assert await layers_of(conn, WARDS, address, Filter(on=date(2019, 12, 31))) == {}
    assert await layers_of(conn, WARDS, address, Filter(on=date(2020, 1, 1))) != {}
    with pytest.raises(Invalid, match="category is no filter of wards"):
        await layers_of(conn, WARDS, address, Filter(category=("noise",)))


async def test_the_real_citys_ward_tiles_stay_small(url, shared_data):
    whole, centre = (106.35, 10.35, 107.6, 11.5), (106.6, 10.7, 106.8, 10.85)
    engine = create_engine(url)
    async with engine.connect() as conn:
        file = load.read(shared_data / "hcmc_wards_2025_clean.geojson.gz")
        await importing.import_wards(
            conn, file, name="real", valid_from=date(2025, 7, 1), city="Thành phố"
        )
        for z in range(WARDS.min_zoom, 15):
            found = 0
            for address in tiles_over(z, whole if z < 12 else centre):
                body = await render.tile(conn, WARDS, address, NOTHING, CLOCK)
                assert len(body) <= 200_000, address
                assert len(gzip.compress(body, 6)) <= 60_000, address
                found += len(decoded(body).get("ward_labels", []))
            # 168, but Côn Đảo lies far out at sea
            if LABELS_ZOOM <= z < 12:
                assert found == 167, f"zoom {z}"
    await engine.dispose()


def some_facilities(n, seed=0, reach=0.03):
    rng = np.random.default_rng(seed)
    kinds = rng.choice(["school", "kindergarten", "clinic", "hospital", "police"], n)
    lon, lat = middle(0)
    offsets = rng.uniform(-reach, reach, (n, 2))
    return [
        (lon + dx, lat + dy, str(kind), None if i % 10 == 0 else f"Nơi {i}")
        for i, (kind, (dx, dy)) in enumerate(zip(kinds, offsets.tolist(), strict=True))
    ]


async def test_every_facility_is_counted_once_a_zoom_and_a_group(conn, city_url):
    places = some_facilities(2500)
    put_facilities(city_url, places)
    wanted = Counter(
        {"school": "schools", "kindergarten": "schools", "police": "other"}.get(kind, "clinics")
        for _, _, kind, _ in places
    )
    for z in (5, 8, 10, 11, 13):
        found = Counter()
        for address in tiles_over(z, (106.5, 10.6, 106.8, 10.9)):
            for feature in (await layers_of(conn, FACILITIES, address)).get("facilities", []):
                found[feature["properties"]["group"]] += feature["properties"]["point_count"]
        assert found == wanted, f"zoom {z}"


async def test_facilities_on_a_tiles_edge_are_counted_once(conn, city_url):
    address = tiles_over(12, CITY)[0]
    west, south, east, north = address.bounds
    edges = [
        (x, y, "school", None)
        for lon in (west, east)
        for lat in (south, north)
        for x in (lon, float(np.nextafter(lon, 200)), float(np.nextafter(lon, 0)))
        for y in (lat, float(np.nextafter(lat, 90)), float(np.nextafter(lat, 0)))
    ]
    put_facilities(city_url, edges)
    for z in (8, 12, 14):
        found = [
            feature["properties"]["point_count"]
            for each in tiles_over(z, (west - 0.1, south - 0.1, east + 0.1, north + 0.1))
            for feature in (await layers_of(conn, FACILITIES, each)).get("facilities", [])
        ]
        assert sum(found) == len(edges), f"zoom {z}"


async def test_facilities_thin_out_below_their_zoom_and_past_their_number(conn, city_url):
    put_facilities(city_url, [(*middle(0), "school", "A"), (*middle(0), "school", "B")])
    x, y = tile_of(int(cell_of(*([v] for v in middle(0)))[0]), 10)
    (cell,) = (await layers_of(conn, FACILITIES, TileAddress(10, x, y)))["facilities"]
    assert cell["properties"] == {"point_count": 2, "group": "schools"}
    x, y = tile_of(int(cell_of(*([v] for v in middle(0)))[0]), 11)
    points = (await layers_of(conn, FACILITIES, TileAddress(11, x, y)))["facilities"]
    assert {feature["properties"]["name"] for feature in points} == {"A", "B"}
    put_facilities(city_url, [(*middle(0), "clinic", None)] * MOST_POINTS)
    # a tile is of the moment its transaction began
    await conn.rollback()
    cells = (await layers_of(conn, FACILITIES, TileAddress(11, x, y)))["facilities"]
    assert {f["properties"]["group"]: f["properties"]["point_count"] for f in cells} == {
        "schools": 2,
        "clinics": MOST_POINTS,
    }


async def test_facilities_of_some_kinds_only(conn, city_url):
    put_facilities(city_url, some_facilities(300))
    x, y = tile_of(int(cell_of(*([v] for v in middle(0)))[0]), 8)
    found = await layers_of(
        conn, FACILITIES, TileAddress(8, x, y), Filter(kind=("clinic", "hospital"))
    )
    assert {feature["properties"]["group"] for feature in found["facilities"]} == {"clinics"}
    with pytest.raises(Invalid, match="kind unknown: castle"):
        await layers_of(conn, FACILITIES, TileAddress(8, x, y), Filter(kind=("castle",)))


def some_hulls(n, seed=0):
    rng = np.random.default_rng(seed)
    lon, lat = middle(2)
    return [
        shapely.Point(lon + dx, lat + dy).buffer(0.0004, quad_segs=4)
        for dx, dy in rng.uniform(-0.1, 0.1, (n, 2)).tolist()
    ]


async def test_every_hotspot_is_there_at_every_zoom_and_its_hull_from_its_zoom(conn, city_url):
    hulls = some_hulls(60)
    put_hotspots(city_url, [hull.wkt for hull in hulls])
    for z in (0, 3, 8, HULLS_ZOOM, 11, 14):
        points, drawn = Counter(), set()
        for address in tiles_over(z, (106.5, 10.5, 106.9, 10.9)):
            found = await layers_of(conn, HOTSPOTS, address)
            points.update(f["properties"]["id"] for f in found.get("hotspot_points", []))
            drawn.update(f["properties"]["id"] for f in found.get("hotspots", []))
        assert len(points) == 60, f"zoom {z}"
        assert set(points.values()) == {1}, f"zoom {z}"
        assert len(drawn) == (60 if z >= HULLS_ZOOM else 0), f"zoom {z}"


async def test_only_the_newest_runs_hotspots_are_drawn(conn, city_url):
    old, new, noise = (hull.wkt for hull in some_hulls(3))
    put_hotspots(city_url, [old], as_of=date(2026, 3, 1))
    put_hotspots(city_url, [new])
    put_hotspots(city_url, [noise], category="noise.karaoke")
    put_hotspots(city_url, [noise], category="order.drugs")
    # Made from exact places, before the category was blurred.
    put_hotspots(city_url, [noise], category="noise.neighbours")

    async def shown(chosen=NOTHING):
        found = await layers_of(conn, HOTSPOTS, TileAddress(0, 0, 0), chosen)
        return sorted(f["properties"]["category"] for f in found.get("hotspot_points", []))

    assert await shown() == ["drainage.flooding", "noise.karaoke"]
    assert await shown(Filter(category=("noise",))) == ["noise.karaoke"]
    assert await shown(Filter(category=("waste",))) == []


async def test_of_the_dormant_nothing_is_drawn(conn, city_url):
    put_hotspots(city_url, [hull.wkt for hull in some_hulls(3)], seen="dormant")
    for z in (8, HULLS_ZOOM, 14):
        for address in tiles_over(z, (106.5, 10.5, 106.9, 10.9)):
            assert await layers_of(conn, HOTSPOTS, address) == {}


@pytest.mark.parametrize("layer", [WARDS, FACILITIES, HOTSPOTS])
async def test_fields_and_layers_are_those_the_tilejson_names(conn, city_url, layer):
    put_facilities(city_url, some_facilities(50))
    put_hotspots(city_url, [hull.wkt for hull in some_hulls(5)], trend="persistent")
    with psycopg.connect(city_url) as db:
        db.execute("UPDATE wards SET name_en = 'Some Ward'")
    types = {"String": str, "Number": (int, float)}
    seen = {part.id: set() for part in layer.parts}
    for z in (8, 12, 14):
        for address in tiles_over(z, (106.58, 10.68, 106.7, 10.8)):
            for name, features in (await layers_of(conn, layer, address)).items():
                (part,) = [part for part in layer.parts if part.id == name]
                for feature in features:
                    assert isinstance(feature["id"], int)
                    for field, value in feature["properties"].items():
                        assert isinstance(value, types[part.fields[field].split(":")[0]]), field
                        seen[name].add(field)
    for part in layer.parts:
        assert seen[part.id] == set(part.fields)
