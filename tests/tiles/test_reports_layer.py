"""The reports layer tells the truth: each public report once a zoom, counts equal to SQL's."""

from datetime import UTC, datetime, timedelta

import numpy as np
import psycopg
import pytest
from drawn import WHEN, decoded, put_reports

from geo.errors import Invalid, NotFound
from geo.store.database import create_engine
from tiles import render
from tiles.address import MERCATOR_LAT, TileAddress, cell_of, tile_of
from tiles.filters import Filter
from tiles.layers import LAYERS, MOST_POINTS, MOST_POINTS_AFAR, REPORTS

pytestmark = pytest.mark.anyio

CLOCK = render.Clock(datetime(2026, 7, 1, tzinfo=UTC), "Asia/Ho_Chi_Minh")
HERE = (106.7, 10.8)
NOTHING = Filter()


@pytest.fixture
async def conn(url):
    engine = create_engine(url)
    async with engine.connect() as made:
        yield made
    await engine.dispose()


def scattered(n, seed=0, reach=0.2):
    rng = np.random.default_rng(seed)
    offsets = rng.normal(0, reach / 3, (n, 2))
    return [(HERE[0] + x, HERE[1] + y) for x, y in offsets.tolist()]


async def features(conn, z, x, y, chosen=NOTHING):
    # what was written since the last look is in the next one's snapshot
    await conn.rollback()
    body = await render.tile(conn, REPORTS, TileAddress(z, x, y), chosen, CLOCK)
    return decoded(body)["reports"] if body else []


async def whole_zoom(conn, url, z, chosen=NOTHING):
    """All features of every tile of a zoom that holds a report of any kind."""
    with psycopg.connect(url) as db:
        cells = [row[0] for row in db.execute("SELECT DISTINCT cell FROM reports")]
    found = []
    for x, y in sorted({tile_of(cell, z) for cell in cells}):
        found += await features(conn, z, x, y, chosen)
    return found


def total(found, name="point_count"):
    return sum(feature["properties"].get(name, 0) for feature in found)


async def test_the_sum_over_a_zooms_tiles_is_the_number_of_reports(conn, url):
    put_reports(url, scattered(6000, reach=0.06))
    for z in (0, 3, 8, 10, 12, 14, 15):
        assert total(await whole_zoom(conn, url, z)) == 6000, f"zoom {z}"


async def test_reports_at_the_ends_of_the_world_are_counted_once(conn, url):
    awkward = [
        *((-180.0, 0.0), (180.0, 0.0), (0.0, 90.0), (0.0, -90.0), (180.0, 90.0), (0.0, 0.0)),
        *((0.0, MERCATOR_LAT), (0.0, -MERCATOR_LAT), (-180.0, -90.0), (179.999999999, 86.0)),
    ]
    put_reports(url, awkward)
    for z in (0, 1, 2, 7, 18):
        found = await whole_zoom(conn, url, z)
        assert total(found) == len(awkward), f"zoom {z}"
        for feature in found:
            assert all(0 <= value <= 4095 for value in feature["geometry"]["coordinates"])


async def test_reports_on_tile_edges_are_counted_once(conn, url):
    rng = np.random.default_rng(6)
    z = 12
    columns = rng.integers(1, 1 << z, 40)
    rows = rng.integers(1, 1 << z, 40)
    lon = columns / (1 << z) * 360.0 - 180.0
    lat = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * rows / (1 << z)))))
    places = [
        (float(np.nextafter(x, x + dx) if dx else x), float(np.nextafter(y, y + dy) if dy else y))
        for x, y in zip(lon, lat, strict=True)
        for dx in (-1, 0, 1)
        for dy in (-1, 0, 1)
    ]
    put_reports(url, places)
    for at in (11, 12, 13, 18):
        assert total(await whole_zoom(conn, url, at)) == len(places), f"zoom {at}"


async def test_every_status_is_counted_in_cells(conn, url):
    statuses = ["received", "assigned", "waiting", "closed", "duplicate"] * 800
    put_reports(url, scattered(4000, reach=0.05), status=statuses)
    for z in (6, 8, 10):
        cells = [f for f in await whole_zoom(conn, url, z) if f["properties"]["point_count"] > 1]
        assert cells
        for feature in cells:
            counts = {
                name: value
                for name, value in feature["properties"].items()
                if name.endswith("_count") and name not in ("point_count", "open_count")
            }
            assert sum(counts.values()) == feature["properties"]["point_count"]
            open_count = sum(
                counts.get(f"{status}_count", 0)
                for status in ("received", "assigned", "in_progress", "waiting")
            )
            assert open_count == feature["properties"]["open_count"]
        everything = await whole_zoom(conn, url, z)
        assert total(everything, "open_count") == 2400


@pytest.mark.parametrize(
    ("z", "most"), [(9, MOST_POINTS_AFAR), (12, MOST_POINTS_AFAR), (13, MOST_POINTS)]
)
async def test_a_tile_turns_into_cells_only_past_its_limit(conn, url, z, most):
    x, y = tile_of(int(cell_of([HERE[0]], [HERE[1]])[0]), z)
    west, south, east, north = TileAddress(z, x, y).bounds
    middle = ((west + east) / 2, (south + north) / 2)
    put_reports(url, [middle] * most)
    points = await features(conn, z, x, y)
    assert len(points) == most
    assert {feature["properties"]["point_count"] for feature in points} == {1}
    put_reports(url, [middle])
    (cell,) = await features(conn, z, x, y)
    assert cell["properties"]["point_count"] == most + 1


async def test_a_pile_on_one_spot_is_one_counted_cell_at_every_zoom(conn, url):
    put_reports(url, [HERE] * 3000)
    for z in (0, 9, 14, 15, 16, 17, 18):
        (cell,) = await whole_zoom(conn, url, z)
        assert cell["properties"]["point_count"] == 3000


async def test_cells_lie_where_their_reports_are_at_every_zoom(conn, url):
    # three piles within one tile of zoom 18, a good part of it apart
    x, y = tile_of(int(cell_of([HERE[0]], [HERE[1]])[0]), 18)
    west, south, east, north = TileAddress(18, x, y).bounds
    wide, high = east - west, north - south
    piles = {
        (west + 0.1 * wide, north - 0.1 * high): 600,
        (west + 0.9 * wide, north - 0.1 * high): 700,
        (west + 0.5 * wide, north - 0.9 * high): 800,
    }
    for place, n in piles.items():
        put_reports(url, [place] * n)
    found = await features(conn, 18, x, y)
    assert sorted(f["properties"]["point_count"] for f in found) == [600, 700, 800]
    for feature in found:
        n = feature["properties"]["point_count"]
        (place,) = (p for p, count in piles.items() if count == n)
        px, py = feature["geometry"]["coordinates"]
        # to half a fine cell, of which a tile is 32 wide
        assert abs(px / 4096 - (place[0] - west) / wide) <= 1 / 64
        assert abs(py / 4096 - (north - place[1]) / high) <= 1 / 64
    assert len({f["id"] for f in found}) == 3


async def test_a_cell_is_one_number_over_all_zooms(conn, url):
    put_reports(url, [HERE] * (MOST_POINTS + 1))
    (number,) = cell_of([HERE[0]], [HERE[1]])
    for z in (0, 8, 18):
        (cell,) = await whole_zoom(conn, url, z)
        # its zoom is readable from the number: a leading 1, then two bits a zoom
        assert cell["id"] == (1 << 2 * (z + 3)) | (int(number) >> 2 * (26 - z - 3))
        assert cell["properties"]["cell"] == cell["id"]
        assert "code" not in cell["properties"]


async def test_points_say_what_is_public_and_nothing_else(conn, url):
    (code,) = put_reports(url, [HERE], created_at=datetime(2026, 2, 1, 23, tzinfo=UTC))
    (feature,) = await whole_zoom(conn, url, 14)
    assert feature["properties"] == {
        "code": code,
        "category": "drainage.flooding",
        "family": "drainage",
        "status": "received",
        "kind": "incident",
        # already the next day in the city
        "created": "2026-02-02",
        "point_count": 1,
        "open_count": 1,
    }


async def test_fields_are_those_the_tilejson_names_with_their_types(conn, url):
    put_reports(url, scattered(2400), status=["received", "closed", "waiting"] * 800)
    types = {"String": str, "Number": (int, float)}
    seen = set()
    for z in (6, 14):
        for feature in await whole_zoom(conn, url, z):
            for name, value in feature["properties"].items():
                described = REPORTS.parts[0].fields[name]
                assert isinstance(value, types[described.split(":")[0]])
                seen.add(name)
    assert {"point_count", "open_count", "code", "closed_count", "created"} <= seen


async def test_hidden_categories_are_nowhere(conn, url):
    put_reports(url, scattered(50), category_code="order.drugs")
    for z in (0, 12):
        assert await whole_zoom(conn, url, z) == []
    put_reports(url, scattered(2000, seed=1))
    assert total(await whole_zoom(conn, url, 5)) == 2000


async def test_blurred_reports_lie_where_the_api_shows_them_and_count_once(conn, url):
    places = scattered(300, reach=0.01)
    codes = put_reports(url, places, category_code="noise.neighbours")
    true = dict(zip(codes, places, strict=True))
    with psycopg.connect(url) as db:
        shown = {
            code: (lon, lat)
            for code, lon, lat in db.execute(
                "SELECT code, ST_X(p), ST_Y(p) FROM reports"
                " CROSS JOIN LATERAL pinward_public_point(geom, 'blurred') AS p"
            )
        }
    for z in (12, 16, 18):
        cells = cell_of(*zip(*true.values(), strict=True))
        counted = []
        for x, y in sorted({tile_of(int(cell), z) for cell in cells}):
            west, south, east, north = TileAddress(z, x, y).bounds
            for feature in await features(conn, z, x, y):
                counted.append(feature["properties"]["code"])
                px, py = feature["geometry"]["coordinates"]
                lon = west + (east - west) * px / 4096
                lat = north - (north - south) * py / 4096
                far = shown[counted[-1]]
                unit = 2 * (east - west) / 4096
                assert abs(lon - far[0]) < unit
                assert abs(lat - far[1]) < unit
        assert sorted(counted) == sorted(codes), f"zoom {z}"


FILTERS = [
    (Filter(category=("drainage",)), "category_code LIKE 'drainage.%%'"),
    (Filter(category=("drainage.flooding",)), "category_code = 'drainage.flooding'"),
    (Filter(category=("noise", "drainage.flooding")),
     "category_code LIKE 'noise.%%' OR category_code = 'drainage.flooding'"),
    (Filter(status=("closed", "waiting")), "status IN ('closed', 'waiting')"),
    (Filter(kind=("suggestion",)), "kind = 'suggestion'"),
    (Filter(since=WHEN + timedelta(days=3)), "created_at >= '2026-03-04 05:00Z'"),
    (Filter(until=WHEN + timedelta(days=3)), "created_at < '2026-03-04 05:00Z'"),
    (Filter(category=("noise",), status=("closed",), since=WHEN + timedelta(days=2)),
     "category_code LIKE 'noise.%%' AND status = 'closed' AND created_at >= '2026-03-03 05:00Z'"),
]  # fmt: skip


@pytest.mark.parametrize("z", [2, 11, 13])
async def test_counts_with_filters_equal_sqls(conn, url, z):
    rng = np.random.default_rng(7)
    n = 3000
    put_reports(
        url,
        scattered(n, reach=0.1),
        category_code=rng.choice(
            ["drainage.flooding", "drainage.odour", "noise.karaoke", "noise.neighbours"], n
        ).tolist(),
        status=rng.choice(["received", "closed", "waiting"], n).tolist(),
        kind=rng.choice(["incident", "suggestion"], n).tolist(),
        created_at=[(WHEN + timedelta(days=i % 7)).isoformat() for i in range(n)],
    )
    for chosen, condition in FILTERS:
        with psycopg.connect(url) as db:
            (wanted,) = db.execute(
                f"SELECT count(*) FROM reports WHERE {condition}".replace("%%", "%")
            ).fetchone()
        assert 0 < wanted < n
        assert total(await whole_zoom(conn, url, z, chosen)) == wanted, chosen


async def test_a_ward_filter_counts_the_wards_reports_of_every_date(city_url):
    with psycopg.connect(city_url) as db:
        rows = db.execute("SELECT id, code FROM wards ORDER BY code").fetchall()
    ids = [row[0] for row in rows]
    put_reports(city_url, scattered(600, reach=0.01), ward_id=[ids[i % 6] for i in range(600)])
    engine = create_engine(city_url)
    async with engine.connect() as conn:
        chosen = Filter(ward=(rows[0][1], rows[1][1]))
        assert total(await whole_zoom(conn, city_url, 9, chosen)) == 200
        with pytest.raises(Invalid, match="99999"):
            await features(conn, 0, 0, 0, Filter(ward=(rows[0][1], "99999")))
    await engine.dispose()


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (Filter(category=("castle", "drainage")), "category unknown: castle"),
        (Filter(status=("open",)), "status unknown: open; known are received"),
        (Filter(kind=("school",)), "kind unknown: school; known are incident"),
        (Filter(on=CLOCK.today), "on is no filter of reports"),
        (Filter(wards="today"), "wards is no filter without ward"),
    ],
)
async def test_unknown_filter_values_are_named(conn, chosen, said):
    with pytest.raises(Invalid, match=said):
        await features(conn, 0, 0, 0, chosen)


async def test_equal_data_make_equal_bytes(conn, url):
    put_reports(url, scattered(3000))
    x, y = tile_of(int(cell_of([HERE[0]], [HERE[1]])[0]), 11)
    address = TileAddress(11, x, y)
    first = await render.tile(conn, REPORTS, address, NOTHING, CLOCK)
    with psycopg.connect(url) as db:
        # the same rows, physically in another order
        db.execute("CREATE TEMP TABLE kept AS SELECT * FROM reports ORDER BY md5(code)")
        db.execute("DELETE FROM reports")
        columns = "id, code, kind, category_code, status, text, geom, created_at"
        db.execute(f"INSERT INTO reports ({columns}) SELECT {columns} FROM kept")
    await conn.rollback()
    assert await render.tile(conn, REPORTS, address, NOTHING, CLOCK) == first


async def test_ids_are_whole_numbers_unique_in_a_tile(conn, url):
    put_reports(url, scattered(MOST_POINTS, reach=0.01))
    for z in (9, 13):
        for x, y in {tile_of(int(c), z) for c in cell_of(*zip(*scattered(50), strict=True))}:
            ids = [feature["id"] for feature in await features(conn, z, x, y)]
            assert all(isinstance(i, int) and 0 <= i < 2**53 for i in ids)
            assert len(set(ids)) == len(ids)


async def test_a_full_tile_stays_small(conn, url):
    rng = np.random.default_rng(8)
    x, y = tile_of(int(cell_of([HERE[0]], [HERE[1]])[0]), 13)
    west, south, east, north = TileAddress(13, x, y).bounds
    inside = list(
        zip(
            rng.uniform(west, east, 20_000).tolist(),
            rng.uniform(south, north, 20_000).tolist(),
            strict=True,
        )
    )
    statuses = rng.choice(["received", "closed", "waiting", "assigned", "rejected"], 20_000)
    put_reports(url, inside[:MOST_POINTS], status=statuses[:MOST_POINTS].tolist())
    address = TileAddress(13, x, y)
    points = await render.tile(conn, REPORTS, address, NOTHING, CLOCK)
    assert len(points) < 100_000
    put_reports(url, inside[MOST_POINTS:], status=statuses[MOST_POINTS:].tolist())
    await conn.rollback()
    assert len(await render.tile(conn, REPORTS, address, NOTHING, CLOCK)) < 30_000


async def test_no_layer_has_a_tile_past_its_zooms(conn):
    for layer in LAYERS.values():
        for z in (layer.min_zoom - 1, layer.max_zoom + 1):
            if 0 <= z <= 18:
                with pytest.raises(NotFound, match="zoom"):
                    await render.tile(conn, layer, TileAddress(z, 0, 0), NOTHING, CLOCK)
