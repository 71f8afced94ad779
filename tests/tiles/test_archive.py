"""An archive says what the live tiles say: same tiles, same counts, of one moment."""

import asyncio
import gzip
import json
import os
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psycopg
import pytest
from drawn import WHEN, decoded, put_facilities, put_hotspots, put_reports
from pmtiles.reader import MemorySource, Reader, all_tiles
from pmtiles.tile import Compression, TileType, zxy_to_tileid

from builders import CODES, SIDE, SOUTH, WEST, middle
from geo.errors import Invalid, NotFound
from geo.store.database import create_engine
from tiles import render
from tiles.address import TileAddress, cell_of, tile_of
from tiles.archive import export
from tiles.archive.plan import Plan
from tiles.filters import Filter
from tiles.layers import LAYERS, REPORTS

pytestmark = pytest.mark.anyio

CLOCK = render.Clock(datetime(2026, 7, 1, tzinfo=UTC), "Asia/Ho_Chi_Minh")
NOTHING = Filter()


class Archive:
    """A finished archive, read by the format's own library."""

    def __init__(self, path):
        packed = path.read_bytes()
        self.reader = Reader(MemorySource(packed))
        self.header = self.reader.header()
        self.metadata = self.reader.metadata()
        self.tiles = {at: gzip.decompress(data) for at, data in all_tiles(MemorySource(packed))}

    def sums(self, layer="reports"):
        """point_count by zoom."""
        found = Counter()
        for (z, _, _), body in self.tiles.items():
            for feature in decoded(body).get(layer, []):
                found[z] += feature["properties"]["point_count"]
        return found


def scattered(n, seed=0, reach=0.02):
    rng = np.random.default_rng(seed)
    lon, lat = middle(1)
    return [(lon + x, lat + y) for x, y in rng.normal(0, reach, (n, 2)).tolist()]


async def write(url, path, *names, chosen=NOTHING, **more):
    engine = create_engine(url, pool_size=4)
    try:
        plan = Plan.of(names or ["reports"], chosen, **more)
        return await export.export(engine, plan, path, CLOCK, city="Thành phố Thử")
    finally:
        await engine.dispose()


async def test_sums_of_an_archive_are_sqls_count_at_every_zoom(city_url, tmp_path):
    places = [*scattered(1800), (-180.0, 90.0), (179.99, -85.2), (0.0, 0.0)]
    put_reports(
        city_url,
        places,
        category_code=["waste.dumping", "trees.fallen", "noise.karaoke"] * (len(places) // 3)
        + ["waste.dumping"] * (len(places) % 3),
    )
    made = await write(city_url, tmp_path / "all.pmtiles", max_zoom=15)
    archive = Archive(tmp_path / "all.pmtiles")
    assert archive.sums() == {z: len(places) for z in range(16)}
    assert made.tiles == Counter(z for z, _, _ in archive.tiles)
    chosen = Filter(category=("waste",))
    await write(city_url, tmp_path / "waste.pmtiles", chosen=chosen, max_zoom=12)
    with psycopg.connect(city_url) as db:
        (wanted,) = db.execute(
            "SELECT count(*) FROM reports WHERE category_code LIKE 'waste.%'"
        ).fetchone()
    assert Archive(tmp_path / "waste.pmtiles").sums() == dict.fromkeys(range(13), wanted)


async def test_every_tile_of_an_archive_is_the_live_one(city_url, tmp_path):
    lon, lat = middle(1)
    put_reports(city_url, scattered(1200), status=["received", "closed"] * 600)
    put_facilities(city_url, [(lon + i / 500, lat, "school", f"Trường {i}") for i in range(9)])
    put_hotspots(
        city_url, [f"POLYGON(({lon} {lat},{lon + 0.003} {lat},{lon} {lat + 0.003},{lon} {lat}))"]
    )
    names = ["reports", "wards", "facilities", "hotspots"]
    chosen = Filter(status=("received",))
    await write(city_url, tmp_path / "all.pmtiles", *names, chosen=chosen, max_zoom=14)
    archive = Archive(tmp_path / "all.pmtiles")
    engine = create_engine(city_url)
    live = {}
    async with engine.connect() as conn:
        for z in range(15):
            # everything of the city, and a ring of tiles around it
            columns, rows = zip(
                *(
                    tile_of(int(cell), z)
                    for cell in cell_of(
                        [WEST - 0.2, WEST + 3 * SIDE + 0.2], [SOUTH - 0.2, SOUTH + 2 * SIDE + 0.2]
                    )
                ),
                strict=True,
            )
            for x in range(columns[0], columns[1] + 1):
                for y in range(rows[1], rows[0] + 1):
                    body = b""
                    for name in names:
                        layer = LAYERS[name]
                        if layer.min_zoom <= z:
                            own = chosen if name == "reports" else NOTHING
                            body += await render.tile(conn, layer, TileAddress(z, x, y), own, CLOCK)
                    if body:
                        live[z, x, y] = body
    await engine.dispose()
    assert archive.tiles == live
    assert {"reports", "wards", "facilities", "hotspot_points"} <= set(
        decoded(archive.tiles[(14, *tile_of(int(cell_of([lon], [lat])[0]), 14))])
    )


async def test_reports_sent_while_an_archive_is_written_are_in_none_of_its_zooms(
    city_url, tmp_path
):
    put_reports(city_url, scattered(900))
    engine = create_engine(city_url, pool_size=4)
    plan = Plan.of(["reports"], NOTHING, max_zoom=13)
    begun = []

    def started(zoom, tiles):
        begun.append((zoom, tiles))
        put_reports(city_url, scattered(40, seed=zoom))
        return lambda n: None

    path = tmp_path / "moment.pmtiles"
    await export.export(engine, plan, path, CLOCK, city="Thử", started=started)
    await engine.dispose()
    assert [zoom for zoom, _ in begun] == list(range(14))
    assert Archive(path).sums() == dict.fromkeys(range(14), 900)


async def test_an_archive_says_what_it_holds(city_url, tmp_path):
    put_reports(city_url, scattered(300))
    chosen = Filter(category=("drainage",), since=WHEN - timedelta(days=1))
    await write(
        city_url, tmp_path / "a.pmtiles", "reports", "wards", chosen=chosen, min_zoom=4, max_zoom=11
    )
    archive = Archive(tmp_path / "a.pmtiles")
    header, metadata = archive.header, archive.metadata
    assert header["tile_type"] is TileType.MVT
    assert header["tile_compression"] is Compression.GZIP
    assert header["clustered"]
    assert (header["min_zoom"], header["max_zoom"]) == (4, 11)
    assert {part["id"] for part in metadata["vector_layers"]} == {
        part.id for name in ("reports", "wards") for part in LAYERS[name].parts
    }
    for part in metadata["vector_layers"]:
        assert 4 <= part["minzoom"] <= part["maxzoom"] == 11
    assert metadata["filters"]["reports"]["category"] == ["drainage"]
    assert metadata["filters"]["wards"] == {}
    west, south, east, north = metadata["bounds"]
    for lon, lat in scattered(300):
        assert west <= lon <= east
        assert south <= lat <= north
    assert west <= metadata["center"][0] <= east
    assert header["min_lon_e7"] == round(west * 1e7)
    assert "Thành phố Thử" in metadata["attribution"]
    ids = [zxy_to_tileid(*at) for at in archive.tiles]
    assert ids == sorted(ids)


async def test_a_box_takes_the_tiles_that_touch_it_whole(city_url, tmp_path):
    put_reports(city_url, [middle(0)] * 5 + [middle(5)] * 7)
    lon, lat = middle(0)
    from geo.store.area import Bbox

    box = Bbox(lon - 0.001, lat - 0.001, lon + 0.001, lat + 0.001)
    await write(city_url, tmp_path / "box.pmtiles", bbox=box, max_zoom=14)
    archive = Archive(tmp_path / "box.pmtiles")
    assert archive.sums()[14] == 5
    assert archive.sums()[3] == 12
    assert archive.metadata["bounds"] == pytest.approx(
        [lon - 0.001, lat - 0.001, lon + 0.001, lat + 0.001], abs=0.0011
    )


async def test_what_cannot_be_an_archive_is_refused(city_url, tmp_path, monkeypatch):
    put_reports(city_url, scattered(20))
    path = tmp_path / "none.pmtiles"
    with pytest.raises(Invalid, match="category unknown: drainag"):
        await write(city_url, path, chosen=Filter(category=("drainag",)))
    with pytest.raises(NotFound, match="nothing lies there"):
        await write(city_url, path, chosen=Filter(status=("withdrawn",)))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(Invalid, match="category is no filter of wards"):
        Plan.of(["wards"], Filter(category=("drainage",)))
    with pytest.raises(Invalid, match="wards ends at zoom 14"):
        Plan.of(["reports", "wards"], NOTHING, max_zoom=15)
    with pytest.raises(Invalid, match="zooms go from 0 to 18"):
        Plan.of(["reports"], NOTHING, min_zoom=9, max_zoom=8)
    with pytest.raises(NotFound, match="there is no layer 'roads'"):
        Plan.of(["roads"], NOTHING)
    from dataclasses import replace

    monkeypatch.setitem(LAYERS, "crews", replace(REPORTS, id="crews", private=True))
    with pytest.raises(Invalid, match="signed-in staff"):
        Plan.of(["crews"], NOTHING)


async def test_an_archive_that_failed_leaves_the_old_one_as_it_was(city_url, tmp_path):
    put_reports(city_url, scattered(20))
    path = tmp_path / "kept.pmtiles"
    await write(city_url, path)
    before = path.read_bytes()
    with pytest.raises(NotFound):
        await write(city_url, path, chosen=Filter(status=("withdrawn",)))
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["kept.pmtiles"]


def test_the_command_writes_an_archive_and_says_so(pinward, city_url, tmp_path):
    put_reports(city_url, scattered(400), category_code=["waste.dumping", "trees.fallen"] * 200)
    done = pinward(
        *("tiles", "export", "city.pmtiles", "--layer", "reports", "--layer", "wards"),
        *("--category", "waste,trees.fallen", "--since", "2026-01-01", "--max-zoom", "9", "--json"),
        url=city_url,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    archive = Archive(tmp_path / "city.pmtiles")
    assert archive.sums() == dict.fromkeys(range(10), 400)
    assert said["tiles"] == len(archive.tiles) == sum(zoom["tiles"] for zoom in said["zooms"])
    assert said["bytes"] == (tmp_path / "city.pmtiles").stat().st_size
    assert re.search(r"zoom 9: \d+ of \d+", done.stderr)
    wrong = pinward("tiles", "export", "x.pmtiles", "--ward", "00000", url=city_url)
    assert wrong.returncode == 1
    assert "ward unknown: 00000" in wrong.stderr
    odd = pinward("tiles", "export", "x.mbtiles", url=city_url)
    assert odd.returncode == 2
    assert CODES[0] not in wrong.stderr


async def test_a_file_that_cannot_be_written_is_said_in_a_sentence(city_url, tmp_path):
    put_reports(city_url, scattered(20))
    (tmp_path / "folder.pmtiles").mkdir()
    with pytest.raises(Invalid, match=r"folder\.pmtiles is a folder"):
        await write(city_url, tmp_path / "folder.pmtiles")
    with pytest.raises(Invalid, match="there is no folder"):
        await write(city_url, tmp_path / "nowhere" / "a.pmtiles")
    with pytest.raises(Invalid, match="cannot be written"):
        await write(city_url, Path("/proc/a.pmtiles"))
    long = tmp_path / ("a" * 240 + ".pmtiles")
    await write(city_url, long)
    assert sorted(each.name for each in tmp_path.iterdir()) == [long.name, "folder.pmtiles"]


async def test_what_a_killed_export_left_is_cleared_and_a_running_ones_is_not(city_url, tmp_path):
    put_reports(city_url, scattered(20))
    dead = await asyncio.create_subprocess_exec("true")
    await dead.wait()
    (tmp_path / f".pinward-{dead.pid}.part").write_bytes(b"x")
    (tmp_path / f".pinward-{os.getppid()}.part").write_bytes(b"x")
    await write(city_url, tmp_path / "a.pmtiles")
    names = {each.name for each in tmp_path.iterdir()}
    assert names == {"a.pmtiles", f".pinward-{os.getppid()}.part"}
