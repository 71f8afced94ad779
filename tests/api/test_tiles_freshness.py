"""A tile in memory is never older than the data: over HTTP, in every process, through trouble."""

import asyncio
import http.client
import threading
import time
from contextlib import ExitStack

import psycopg
import pytest
from conftest import serving
from drawn import decoded, put_facilities, put_hotspots, put_reports
from holding import counted, held, holdable, until, waiting

import builders
from builders import a_key, a_report, middle
from geo.store import migrate
from geo.store.cluster import Cluster
from geo.store.database import create_engine
from tiles.address import MAX_ZOOM, cell_of, tile_of

LON, LAT = middle(0)
ZOOMS = (0, 6, 11, 15, MAX_ZOOM)
# `make bench` measures the second that is promised; here other tests run beside it.
WITHIN_S = 2.5


def tile_path(z, lon=LON, lat=LAT, layer="reports", query=""):
    x, y = tile_of(int(cell_of([lon], [lat])[0]), z)
    return f"/tiles/{layer}/{z}/{x}/{y}.mvt{query}"


def get(service, path):
    """Status and body of an answer on a connection of its own, so of any of the processes."""
    client = http.client.HTTPConnection(service.base.removeprefix("http://"), timeout=30)
    try:
        client.request("GET", path)
        answer = client.getresponse()
        return answer.status, answer.read()
    finally:
        client.close()


def total(service, path):
    """Sum of `point_count` over the tile's features."""
    status, body = get(service, path)
    assert status in (200, 204), body
    features = decoded(body).get(path.split("/")[2], []) if body else []
    return sum(feature["properties"]["point_count"] for feature in features)


def queries(service):
    return counted(service.http, "pinward_tile_queries_total")


@pytest.fixture
def two(city_url, tmp_path):
    """Two servers on one database, the second of two processes."""
    with ExitStack() as stack:
        services = []
        for workers in (1, 2):
            folder = tmp_path / str(workers)
            folder.mkdir()
            services.append(stack.enter_context(serving(city_url, folder, workers)))
        yield services


def warm(services, paths):
    """Have all tiles in memory, in all processes."""
    for service in services:

        def kept(service=service):
            before = queries(service)
            for _ in range(6):
                for path in paths:
                    get(service, path)
            return queries(service) == before

        until(kept, service=service)


def test_a_report_sent_moved_recategorised_closed_and_erased_is_right_within_a_second(two):
    put_reports(two[0].url, [(LON + 1e-6, LAT)] * 5)
    here = [tile_path(z) for z in ZOOMS]
    here_closed = [tile_path(z, query="?status=closed") for z in ZOOMS]
    far_lon, far_lat = middle(5)
    there = [tile_path(z, far_lon, far_lat) for z in (15, MAX_ZOOM)]
    noisy = [tile_path(z, far_lon, far_lat, query="?category=noise") for z in (15, MAX_ZOOM)]
    everything = [*here, *here_closed, *there, *noisy]
    first = two[0]

    def check(wanted, change):
        warm(two, everything)
        change()
        # Not asked for meanwhile: what is in memory then must have gone by itself.
        time.sleep(WITHIN_S)
        for service in two:
            for _ in range(8):
                for path, count in wanted.items():
                    assert (path, total(service, path)) == (path, count)

    def sql(statement, *values):
        with psycopg.connect(first.url) as db:
            db.execute(statement, values)

    made = {}

    def send():
        body = a_report(lon=LON, lat=LAT)
        answer = first.http.post("/api/v1/reports", json=body, headers=a_key())
        assert answer.status_code == 201
        made.update(answer.json())

    check(dict.fromkeys(here, 6), send)
    check(
        {**dict.fromkeys(here, 6), **dict.fromkeys(here_closed, 1)},
        lambda: sql("UPDATE reports SET status = 'closed' WHERE code = %s", made["code"]),
    )
    check(
        {**dict.fromkeys(here[3:], 5), here[0]: 6, **dict.fromkeys(there, 1)},
        lambda: sql(
            "UPDATE reports SET geom = ST_SetSRID(ST_MakePoint(%s, %s), 4326) WHERE code = %s",
            far_lon,
            far_lat,
            made["code"],
        ),
    )
    check(
        dict.fromkeys(noisy, 1),
        lambda: sql(
            "UPDATE reports SET category_code = 'noise.neighbours' WHERE code = %s", made["code"]
        ),
    )
    check(
        {here[0]: 5, **dict.fromkeys((*there, *noisy), 0)},
        lambda: sql("DELETE FROM reports WHERE code = %s", made["code"]),
    )


def test_a_tile_whose_query_began_before_a_change_is_not_kept(city_url, tmp_path):
    put_facilities(city_url, [(LON, LAT, "school", "Trường A")])
    holdable(city_url)
    path = tile_path(12, layer="facilities")
    with serving(city_url, tmp_path) as service:
        warm([service], [tile_path(13, layer="facilities")])
        with held(city_url) as release:
            old = []
            asking = threading.Thread(target=lambda: old.append(total(service, path)))
            asking.start()
            until(lambda: waiting(city_url) == 1)
            put_facilities(city_url, [(LON, LAT, "clinic", "Trạm B")])
            # Told by now: the other tile was dropped and is made anew.
            time.sleep(WITHIN_S)
            release()
            asking.join(10)
            assert old == [1]
        assert total(service, path) == 2


def test_who_asks_after_a_change_does_not_join_the_query_from_before(city_url, tmp_path):
    put_facilities(city_url, [(LON, LAT, "school", "Trường A")])
    holdable(city_url)
    path = tile_path(12, layer="facilities")
    with serving(city_url, tmp_path) as service:
        warm([service], [tile_path(13, layer="facilities")])
        with held(city_url) as release:
            found = {}

            def ask(name):
                found[name] = total(service, path)

            threads = [threading.Thread(target=ask, args=("before",))]
            threads[0].start()
            until(lambda: waiting(city_url) == 1)
            put_facilities(city_url, [(LON, LAT, "clinic", "Trạm B")])
            time.sleep(WITHIN_S)
            threads.append(threading.Thread(target=ask, args=("after",)))
            threads[1].start()
            until(lambda: waiting(city_url) == 2)
            release()
            for thread in threads:
                thread.join(10)
        assert found == {"before": 1, "after": 2}


@pytest.mark.parametrize("layer", ["wards", "hotspots", "facilities"])
def test_another_layer_is_right_within_a_second_of_its_change(city_url, tmp_path, layer):
    path = tile_path(12, layer=layer)
    change = {
        "wards": "UPDATE wards SET name = 'Tên Mới', name_plain = 'ten moi' WHERE code = '90001'",
        "hotspots": "UPDATE hotspots SET n = n + 1",
        "facilities": "UPDATE facilities SET name = 'Tên Mới'",
    }[layer]
    put_facilities(city_url, [(LON, LAT, "school", "Trường A")])
    put_hotspots(
        city_url,
        [f"POLYGON(({LON} {LAT}, {LON + 0.001} {LAT}, {LON} {LAT + 0.001}, {LON} {LAT}))"],
    )
    with serving(city_url, tmp_path) as service:
        warm([service], [path])
        before = get(service, path)
        with psycopg.connect(city_url) as db:
            db.execute(change)
        time.sleep(WITHIN_S)
        assert get(service, path) != before


async def fill(url):
    engine = create_engine(url)
    async with engine.begin() as conn:
        await builders.categories(conn)
        await builders.import_city(conn)
    await engine.dispose()


def test_nothing_is_answered_from_memory_while_the_database_is_away(tmp_path):
    cluster = Cluster(tmp_path / "own", durable=False)
    path = tile_path(12)
    try:
        migrate.upgrade(cluster.start())
        asyncio.run(fill(cluster.url()))
        put_reports(cluster.url(), [(LON, LAT)])
        with serving(cluster.url(), tmp_path) as service:
            warm([service], [path])
            assert total(service, path) == 1
            cluster.stop()
            until(lambda: service.http.get(path).status_code == 503, WITHIN_S, service)
            cluster.start()
            # Written while the service may not be listening again yet.
            put_reports(cluster.url(), [(LON, LAT)])
            written = time.monotonic()
            while time.monotonic() < written + WITHIN_S + 4:
                answer = service.http.get(path)
                assert answer.status_code in (200, 503)
                if time.monotonic() > written + WITHIN_S and answer.status_code == 200:
                    assert len(decoded(answer.content)["reports"]) == 2
            warm([service], [path])
            assert total(service, path) == 2
    finally:
        cluster.remove()


def test_without_a_worker_the_memory_is_not_trusted(city_url, tmp_path):
    put_reports(city_url, [(LON, LAT)])
    with serving(city_url, tmp_path, 1, "--no-worker") as service:
        path = tile_path(12)
        for n in range(2, 5):
            put_reports(city_url, [(LON, LAT)])
            time.sleep(WITHIN_S)
            assert total(service, path) == n
