"""What browsers are told that our answers may not do, at every kind of address."""

import re
import socket

import pytest
from conftest import serving
from fastapi.routing import APIRoute

from api.bodies import BoundedRoute
from api.routes import ROUTERS
from api.security_headers import NOTHING, of_pages

KINDS = [
    "/healthz",
    "/metrics",
    "/openapi.json",
    "/api/v1/categories",
    "/api/v1/reports",
    "/api/v1/reports/none",
    "/api/v1/reports?bbox=x",
    "/api/v1/session",
    "/api/v1/nonsense",
    "/tiles/wards.json",
    "/tiles/wards/0/0/0.mvt",
    "/tiles/wards/99/0/0.mvt",
    "/styles/pinward.json",
    "/nonsense",
]
PAGES = ["/", "/r/ABCD-EFGH", "/docs"]


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("path", KINDS)
def test_an_answer_that_is_no_page_may_do_nothing(service, path, method):
    # Twice: a tile's second answer comes from memory.
    for _ in range(2):
        headers = service.http.request(method, path).headers
        assert headers["x-content-type-options"] == "nosniff"
        if not path.endswith("/0/0/0.mvt") or method == "PUT":
            assert headers["content-security-policy"] == NOTHING
            assert headers["referrer-policy"] == "strict-origin"


@pytest.mark.parametrize("path", PAGES)
def test_a_page_runs_our_own_files_alone_and_in_nobodys_frame(service, path):
    answer = service.http.get(path)
    policy = answer.headers["content-security-policy"]
    assert policy == of_pages("")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    # What the policy forbids is not there: it would only be missed.
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=", answer.text)


def test_the_map_below_may_come_from_the_host_it_is_set_to():
    policy = of_pages("https://tiles.city.example/{z}/{x}/{y}.png")
    assert "connect-src 'self' https://tiles.city.example;" in policy
    assert "img-src 'self' data: blob: https://tiles.city.example;" in policy
    assert "script-src 'self';" in policy


def test_browsers_are_told_to_stay_with_tls_where_there_is_some(service):
    proxied = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "city.example"}
    for path in (*PAGES, "/api/v1/categories", "/nonsense"):
        said = service.http.get(path, headers=proxied).headers["strict-transport-security"]
        assert said == "max-age=31536000"
        assert "strict-transport-security" not in service.http.get(path).headers


def test_every_route_that_reads_a_body_bounds_it():
    routes = [route for router in ROUTERS for route in router.routes]
    reading = [r for r in routes if isinstance(r, APIRoute) and r.body_field is not None]
    assert len(reading) >= 3
    assert [r.path for r in reading if not isinstance(r, BoundedRoute)] == []


def test_a_body_that_trickles_in_is_not_waited_for(city_url, tmp_path):
    with serving(city_url, tmp_path, PINWARD_BODY_TIMEOUT_S="1") as impatient:
        host, port = impatient.base.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=20) as phone:
            phone.sendall(
                b"POST /api/v1/reports HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                b"Content-Length: 5000\r\n\r\n{"
            )
            answer = phone.recv(4096)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"application/problem+json" in answer
        # Nobody else waited, and the service is well.
        assert impatient.http.get("/readyz").status_code == 200
