"""A tile from memory is answered exactly as when it was made, and only where it was asked for."""

import gzip
import itertools
import time

import pytest
from drawn import put_reports
from holding import counted, until
from wire import raw

from builders import middle
from tiles.address import cell_of, tile_of

LON, LAT = middle(0)
X, Y = tile_of(int(cell_of([LON], [LAT])[0]), 12)
FULL = f"/tiles/reports/12/{X}/{Y}.mvt"
EMPTY = "/tiles/reports/12/0/0.mvt"
numbers = itertools.count()


@pytest.fixture(scope="module")
def drawn(service):
    put_reports(service.url, [(LON + i * 1e-5, LAT) for i in range(60)])
    return service


def same_again(service, path, **asked):
    """The tile as it was made, and as it comes from memory."""
    first = raw(service, f"{path}?v=never-asked-{next(numbers)}", **asked)

    def remembered():
        before = counted(service.http, "pinward_tile_queries_total")
        # The first makes the address known, the second is answered by it.
        raw(service, path, **asked)
        remembered.answer = raw(service, path, **asked)
        return counted(service.http, "pinward_tile_queries_total") == before

    until(remembered)
    return first, remembered.answer


def headers_of(answer):
    return sorted((k, v) for k, v in answer.headers.multi_items() if k != "date")


@pytest.mark.parametrize("origin", [{}, {"Origin": "https://desk.example"}])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "asked", [{}, {"Accept-Encoding": "gzip"}, {"If-None-Match": "*"}, {"Range": "bytes=0-9"}]
)
@pytest.mark.parametrize("path", [FULL, EMPTY])
def test_a_tile_from_memory_is_answered_like_one_just_made(drawn, path, asked, method, origin):
    made, kept = same_again(drawn, path, method=method, **asked, **origin)
    assert kept.status_code == made.status_code
    assert kept.wire == made.wire
    assert headers_of(kept) == headers_of(made)
    assert kept.headers["access-control-allow-origin"] == "*"
    assert "etag" in kept.headers["access-control-expose-headers"].lower()


def test_a_tile_from_memory_is_packed_or_304_by_what_this_client_says(drawn):
    _, packed = same_again(drawn, FULL, **{"Accept-Encoding": "br, gzip;q=0.5"})
    _, plain = same_again(drawn, FULL, **{"Accept-Encoding": "gzip;q=0"})
    assert gzip.decompress(packed.wire) == plain.wire
    tags = packed.headers["etag"], plain.headers["etag"]
    for tag, accepted, status in (
        (tags[0], "gzip", 304),
        (tags[1], "identity", 304),
        # The client has the other encoding; a strong ETag says so.
        (tags[1], "gzip", 200),
        (tags[0], "identity", 200),
        (f'W/"x", W/{tags[0]}', "gzip", 304),
    ):
        asked = {"If-None-Match": tag, "Accept-Encoding": accepted}
        assert same_again(drawn, FULL, **asked)[1].status_code == status, asked
    # A header sent in two lines is one list.
    for lines in ([tags[1], '"x"'], ['"x"', tags[1]]):
        several = [("If-None-Match", line) for line in lines]
        assert same_again(drawn, FULL, several=several)[1].status_code == 304
    lines = [("Accept-Encoding", "br"), ("Accept-Encoding", "gzip")]
    assert same_again(drawn, FULL, several=lines)[1].headers["content-encoding"] == "gzip"


def test_only_the_very_address_is_answered_from_memory(drawn):
    same_again(drawn, FULL)
    for path, status in (
        (FULL + "?", 200),
        (FULL.replace("tiles", "%74iles"), 200),
        (FULL + "/", 307),
        (FULL.replace("/tiles", "//tiles"), 404),
        (FULL.upper(), 404),
        (FULL + "?colour=red", 422),
        (FULL + ";x", 404),
    ):
        assert (path, raw(drawn, path).status_code) == (path, status)
    for method in ("POST", "PUT", "DELETE", "PROPFIND"):
        assert raw(drawn, FULL, method=method).status_code == 405
    preflight = {
        "Origin": "https://desk.example",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "If-None-Match",
    }
    answer = raw(drawn, FULL, method="OPTIONS", **preflight)
    assert answer.status_code == 200
    assert "GET" in answer.headers["access-control-allow-methods"]


def test_answers_from_memory_are_counted_like_the_others(drawn):
    def answered():
        route = "/tiles/{layer}/{z}/{x}/{y}.mvt"
        return counted(drawn.http, "pinward_http_requests_total", route=route, status="200")

    same_again(drawn, FULL)
    time.sleep(0.7)
    before = answered()
    for _ in range(30):
        raw(drawn, FULL)
    until(lambda: answered() == before + 30)
