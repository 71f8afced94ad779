"""The memory of tiles: bounded in bytes, right about what a change touches and when time is up."""

import dataclasses
import random
import tracemalloc
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from api.tile_service import source as tile_source
from api.tile_service.cache import TileCache, TileKey
from api.tile_service.source import TileSource
from api.tile_service.wire import WireTile
from geo.settings import Settings
from tiles import layers
from tiles.address import MAX_ZOOM, TileAddress, cell_of, tile_of
from tiles.filters import Filter
from tiles.render import Clock

LATER = 1e12
LON, LAT = 106.61, 10.71
(CELL,) = (int(cell) for cell in cell_of([LON], [LAT]))


def key(n=0, layer="reports", z=18, **chosen):
    return TileKey.of(layer, TileAddress(z, n, 0), Filter(**chosen))


def a_tile(body=b"tile"):
    return WireTile(body, body, b'"a"', b'"a"', ())


def over(cell, z, layer="reports", **chosen):
    """The key of the tile of zoom `z` that holds a cell."""
    return TileKey.of(layer, TileAddress(z, *tile_of(cell, z)), Filter(**chosen))


def a_change(topic="report", old_cell=None, new_cell=None):
    return SimpleNamespace(topic=topic, old_cell=old_cell, new_cell=new_cell)


@pytest.fixture
def source():
    return TileSource(Settings(tile_cache_mb=8))


def test_the_bytes_kept_are_bounded_and_the_longest_unused_goes_first():
    cache = TileCache(100_000)
    for n in range(100):
        cache.put(key(n), a_tile(bytes(10_000)), LATER)
        cache.name(key(n), (f"/{n}", b""))
        assert cache.get(key(0)) is not None
        assert cache.bytes <= 100_000
    assert len(cache) == 8
    assert cache.find(("/0", b"")) is not None
    assert cache.find(("/1", b"")) is None
    assert cache.find(("/99", b"")) is not None


def test_a_tile_larger_than_the_memory_is_not_kept_nor_any_when_there_is_none():
    cache = TileCache(5_000)
    cache.put(key(), a_tile(bytes(5_000)), LATER)
    cache.put(key(1), a_tile(bytes(100)), LATER)
    assert [cache.get(key(n)) is None for n in (0, 1)] == [True, False]
    nothing = TileCache(0)
    nothing.put(key(), a_tile(b""), LATER)
    assert len(nothing) == nothing.bytes == 0


def test_many_small_tiles_and_long_addresses_cost_what_is_counted_for_them():
    chance = random.Random(1)
    most = 8 << 20
    tracemalloc.start()
    try:
        cache = TileCache(most)
        for n in range(8_000):
            since = datetime.fromtimestamp(1e9 + n, UTC)
            wards = tuple(f"{chance.random():.5f}" for _ in range(n % 50))
            made = key(n, since=since, ward=wards)
            body = chance.randbytes(30)
            etag = chance.randbytes(34)
            cache.put(made, WireTile(body, body, etag, etag, ()), LATER)
            for address in range(n % 6):
                cache.name(made, (f"/tiles/reports/18/{n}/0.mvt", b"v=%d" % address * (n % 9)))
        assert most * 0.9 < cache.bytes <= most
        held, _ = tracemalloc.get_traced_memory()
        assert held < 1.1 * cache.bytes
        cache.drop_where(lambda _: True)
        assert cache.bytes == len(cache) == 0
        left, _ = tracemalloc.get_traced_memory()
        assert left < 0.4 * most
    finally:
        tracemalloc.stop()


def test_a_tile_is_found_by_few_addresses_the_oldest_forgotten_first():
    cache = TileCache(1 << 20)
    cache.put(key(), a_tile(), LATER)
    for n in range(50):
        cache.name(key(), ("/", b"v=%d" % n))
    found = [n for n in range(50) if cache.find(("/", b"v=%d" % n))]
    assert found == [46, 47, 48, 49]
    cache.name(key(7), ("/nobody", b""))
    assert cache.find(("/nobody", b"")) is None


def test_a_tile_made_again_takes_the_place_of_the_old_one():
    cache = TileCache(1 << 20)
    for n in range(10):
        cache.put(key(), a_tile(b"%d" % n), LATER)
        cache.name(key(), ("/", b""))
    assert cache.find(("/", b""))[1].body == b"9"
    before = cache.bytes
    cache.put(key(), a_tile(b"x"), LATER)
    cache.name(key(), ("/", b""))
    assert cache.bytes == before


def test_a_tile_goes_when_its_time_is_up():
    moment = [100.0]
    cache = TileCache(1 << 20, now=lambda: moment[0])
    cache.put(key(), a_tile(), 200.0)
    cache.name(key(), ("/", b""))
    moment[0] = 199.9
    assert cache.find(("/", b""))
    moment[0] = 200.0
    assert cache.find(("/", b"")) is None
    assert cache.get(key()) is None
    assert cache.bytes == 0


def test_a_tile_is_true_to_the_end_of_the_citys_day_at_the_longest():
    clock = Clock(datetime(2026, 1, 31, 16, 59, tzinfo=UTC), "Asia/Ho_Chi_Minh")
    ends = datetime(2026, 1, 31, 17, 0, tzinfo=UTC).timestamp()
    assert tile_source._until(layers.WARDS, clock) == ends
    quick = dataclasses.replace(layers.WARDS, clock_s=10)
    assert tile_source._until(quick, clock) == clock.now.timestamp() + 10
    slow = dataclasses.replace(layers.WARDS, clock_s=3600)
    assert tile_source._until(slow, clock) == ends


def test_one_filter_said_in_two_ways_is_one_tile():
    assert key(category=("a", "b"), ward=("1",)) == key(category=("b", "a", "b"), ward=("1",))
    assert key(category=("a",)) != key(status=("a",))
    assert key(z=18) != key(z=17)
    assert key(layer="wards") != key(layer="reports")


@pytest.mark.parametrize("side", ["old_cell", "new_cell"])
def test_a_change_drops_the_tiles_over_it_at_every_zoom_and_filter_and_no_others(source, side):
    (beside,) = (int(cell) for cell in cell_of([LON + 0.01], [LAT]))
    touched = [over(CELL, z, status=s) for z in range(MAX_ZOOM + 1) for s in ((), ("closed",))]
    apart = [over(beside, z) for z in range(16, MAX_ZOOM + 1)]
    apart += [over(CELL, z, layer="facilities") for z in range(5, 17)]
    for each in (*touched, *apart):
        source.cache.put(each, a_tile(), LATER)
    source.changed([a_change(**{side: CELL})])
    assert [each for each in touched if source.cache.get(each)] == []
    assert [each for each in apart if not source.cache.get(each)] == []


def test_a_layer_that_changed_as_a_whole_is_forgotten_alone(source):
    of_a_ward = over(CELL, 12, ward=("90001",))
    for topic, gone in (
        ("hotspots", {"hotspots"}),
        ("facilities", {"facilities"}),
        ("reports", {"reports", of_a_ward}),
        # Which wards a filter may name is known by the wards.
        ("wards", {"wards", of_a_ward}),
        ("castles", set()),
    ):
        kept = {name: over(CELL, 12, layer=name) for name in layers.LAYERS}
        kept[of_a_ward] = of_a_ward
        for each in kept.values():
            source.cache.put(each, a_tile(), LATER)
        source.changed([a_change(topic=topic)])
        assert {name for name, each in kept.items() if not source.cache.get(each)} == gone


def test_so_many_changes_that_looking_takes_long_empty_the_layer(source):
    far, other = over(1, 18), over(1, 12, layer="wards")
    for each in (far, other):
        source.cache.put(each, a_tile(), LATER)
    source.changed(a_change(new_cell=CELL + (n << 20)) for n in range(1001))
    assert source.cache.get(far) is None
    assert source.cache.get(other) is not None


def test_missed_changes_empty_the_memory(source):
    source.cache.put(key(), a_tile(), LATER)
    source.missed()
    assert len(source.cache) == 0


def test_a_source_that_hears_of_no_changes_does_not_trust_its_memory(source):
    assert not source.trusted
