"""What tiles ask of the database: once for all who wait, nothing for those who left, never long."""

import asyncio
import itertools
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest
from conftest import serving
from drawn import decoded, put_facilities, put_reports
from holding import counted, held, holdable, until, waiting

from builders import middle
from tiles.address import cell_of, tile_of

LON, LAT = middle(0)
Z = 12
X, Y = tile_of(int(cell_of([LON], [LAT])[0]), Z)
PATH = f"/tiles/facilities/{Z}/{X}/{Y}.mvt"


@pytest.fixture
def held_url(city_url):
    put_facilities(city_url, [(LON + i * 1e-5, LAT, "school", f"Trường {i}") for i in range(9)])
    holdable(city_url)
    return city_url


def queries(service):
    return counted(service.http, "pinward_tile_queries_total", layer="facilities")


def leaving(service, path=PATH):
    """A client in the middle of its request."""
    port = int(service.base.rsplit(":", 1)[1])
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    return client


@pytest.mark.anyio
async def test_a_hundred_clients_asking_for_one_cold_tile_run_one_query(held_url, tmp_path):
    with serving(held_url, tmp_path, PINWARD_TILE_TIMEOUT_S="30") as service:
        # The changes made above are told first, else they would make the query stale.
        until(lambda: service.http.get(PATH).status_code == 200 and hit(service))
        put_facilities(held_url, [(LON, LAT, "clinic", "Trạm")])
        until(lambda: len(decoded(service.http.get(PATH).content)["facilities"]) == 10)
        # That one, too: it may be in a tile before it is told of.
        until(lambda: hit(service))
        before = queries(service)
        limits = httpx.Limits(max_connections=100)
        async with httpx.AsyncClient(base_url=service.base, timeout=30, limits=limits) as client:
            with held(held_url) as release:
                # Two ways to say the same tile, so one query still.
                paths = [
                    PATH + ("?kind=school,clinic", "?kind=clinic,school")[i % 2] for i in range(100)
                ]
                asked = [asyncio.create_task(client.get(path)) for path in paths]
                await asyncio.to_thread(until, lambda: waiting(held_url), 20)
                await asyncio.sleep(1)
                assert waiting(held_url) == 1
                release()
            answers = await asyncio.gather(*asked)
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        assert queries(service) == before + 1


def hit(service):
    """Whether the tile is answered from memory."""
    before = queries(service)
    service.http.get(PATH)
    return queries(service) == before


def test_the_query_of_a_client_that_left_is_cancelled(held_url, tmp_path):
    with (
        serving(held_url, tmp_path, PINWARD_TILE_CONNECTIONS="1") as service,
        held(held_url) as release,
    ):
        for _ in range(3):
            client = leaving(service)
            until(lambda: waiting(held_url) == 1)
            client.close()
            until(lambda: waiting(held_url) == 0, within_s=4)
        # The one connection is usable again, and nothing was kept.
        release()
        found = service.http.get(PATH)
        assert len(decoded(found.content)["facilities"]) == 9
        until(lambda: counted(service.http, "pinward_http_requests_total", status="499") == 3)


def test_a_query_goes_on_while_one_client_still_waits(held_url, tmp_path):
    with serving(held_url, tmp_path) as service, held(held_url) as release:
        first, second = leaving(service), leaving(service)
        until(lambda: waiting(held_url) == 1)
        first.close()
        with pytest.raises(AssertionError):
            until(lambda: waiting(held_url) == 0, within_s=1)
        release()
        second.settimeout(5)
        assert second.recv(1000).startswith(b"HTTP/1.1 200")
        second.close()


def test_a_tile_that_takes_too_long_is_503_and_not_kept(held_url, tmp_path):
    with serving(
        held_url, tmp_path, PINWARD_TILE_TIMEOUT_S="0.5", PINWARD_TILE_CONNECTIONS="1"
    ) as service:
        with held(held_url):
            for _ in range(2):
                answer = service.http.get(PATH, headers={"Origin": "https://desk.example"})
                assert answer.status_code == 503
                assert int(answer.headers["retry-after"]) > 0
                assert answer.headers["content-type"] == "application/problem+json"
                assert answer.headers["cache-control"] == "no-store"
                assert answer.headers["access-control-allow-origin"] == "*"
                assert "0.5 s" in answer.json()["detail"]
                assert 0.4 < answer.elapsed.total_seconds() < 4
                assert waiting(held_url) == 0
            # Waiting for the only connection is bounded too, not half a second for each before:
            # fifteen one after the other would take more than seven.
            kinds = ("clinic", "hospital", "kindergarten", "university", "police", "pharmacy")
            asked = [",".join(["school", *pair]) for pair in itertools.combinations(kinds, 2)]
            with ThreadPoolExecutor(len(asked)) as several:
                began = time.monotonic()
                answers = list(
                    several.map(lambda kind: service.http.get(f"{PATH}?kind={kind}"), asked)
                )
            assert {answer.status_code for answer in answers} == {503}
            assert time.monotonic() - began < 7
        until(lambda: service.http.get(PATH).status_code == 200)


@pytest.mark.parametrize("table", ["pyramid_counts", "pyramid_nodes", "pyramid_state", "changes"])
def test_a_reports_tile_that_takes_too_long_is_503_whatever_it_waits_for(
    pinward, city_url, tmp_path, table
):
    put_reports(city_url, [(LON, LAT)] * 5)
    assert pinward("tiles", "rebuild", url=city_url).returncode == 0
    with serving(city_url, tmp_path, 1, "--no-worker", PINWARD_TILE_TIMEOUT_S="0.3") as service:
        # one that is in no memory
        path = PATH.replace("facilities", "reports") + "?category=drainage"
        with psycopg.connect(city_url) as db:
            db.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            answer = service.http.get(path)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "2"
        assert answer.headers["content-type"] == "application/problem+json"
        assert "longer than 0.3 s" in answer.json()["detail"]
        until(lambda: service.http.get(path).status_code == 200)
