"""Manners of the whole service, whatever the noun."""

import httpx
import pytest
from conftest import serving

import builders


def test_an_unknown_path_is_a_problem_document(service):
    answer = service.http.get("/api/v1/nonsense")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"].endswith("/not-found")


def test_a_wrong_method_is_405_and_names_the_right_ones(service):
    answer = service.http.put("/api/v1/reports")
    assert answer.status_code == 405
    assert answer.headers["allow"]
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/api/v1/wards", "/openapi.json"])
def test_head_answers_like_get_without_a_body(service, path):
    got, headed = service.http.get(path), service.http.head(path)
    assert got.status_code == headed.status_code == 200
    assert headed.content == b""
    assert headed.headers["content-type"] == got.headers["content-type"]


def test_errors_of_public_data_can_be_read_from_another_site(service):
    answer = service.http.get("/api/v1/reports/none", headers={"Origin": "https://desk.example"})
    assert answer.status_code == 404
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    "path", ["/api/v1/session", "/metrics", "/readyz", "/", "/api/v1/nonsense"]
)
def test_what_is_not_public_data_is_for_no_other_site(service, path):
    asks = {"Origin": "https://desk.example", "Access-Control-Request-Method": "GET"}
    for answer in (service.http.get(path, headers=asks), service.http.options(path, headers=asks)):
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_readyz_names_what_is_missing(url, tmp_path):
    with serving(url, tmp_path) as bare:
        assert bare.http.get("/healthz").status_code == 200
        answer = bare.http.get("/readyz")
        assert answer.status_code == 503
        assert "wards import" in answer.json()["detail"]


def test_metrics_count_over_all_workers_and_name_no_path(city_url, tmp_path):
    with serving(city_url, tmp_path, workers=2) as both:
        for _ in range(20):
            # A new connection each time, so that both workers get some.
            with httpx.Client(base_url=both.base) as client:
                client.get("/healthz")
                client.get("/r/SECRET-CODE")
        seen = [both.http.get("/metrics").text for _ in range(3)][-1]
    counts = {
        line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
        for line in seen.splitlines()
        if line.startswith("pinward_http_requests_total")
    }
    healthz = sum(n for name, n in counts.items() if 'route="/healthz"' in name)
    assert healthz == 20
    assert "SECRET-CODE" not in seen


def test_answers_are_compressed_once_and_say_what_they_vary_by(service):
    answer = service.http.get("/openapi.json", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in answer.headers["vary"].lower()
    assert answer.json()["openapi"].startswith("3.")


@pytest.mark.parametrize("refused", ["gzip;q=0", "nogzip", "br", ""])
def test_nobody_gets_gzip_who_does_not_want_it(service, refused):
    answer = service.http.get("/openapi.json", headers={"Accept-Encoding": refused})
    assert "content-encoding" not in answer.headers
    assert answer.json()["openapi"].startswith("3.")


@pytest.mark.parametrize(
    "name", ["%00", "a%00.js", "a" * 300, "%F0%9F%8C%8A" * 80, "..%2Findex.html"]
)
def test_an_odd_name_of_an_asset_is_one_that_is_not_there(service, name):
    answer = service.http.get(f"/assets/{name}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_day_or_a_time_is_never_read_from_a_bare_number(service):
    for path in (
        "/api/v1/wards?on=0",
        "/api/v1/reports?since=-1.5",
        "/api/v1/reports?bbox=1_0,1,2,3",
    ):
        assert (path, service.http.get(path).status_code) == (path, 422)


def test_addresses_follow_the_proxy_on_this_machine(service):
    for _ in range(2):
        service.http.post("/api/v1/reports", json=builders.a_report())
    proxied = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "city.example"}
    sent = service.http.post("/api/v1/reports", json=builders.a_report(), headers=proxied)
    assert sent.json()["tracking_url"].startswith("https://city.example/r/")
    for path in ("/api/v1/reports?limit=1", "/api/v1/wards?limit=1"):
        listed = service.http.get(path, headers=proxied)
        assert listed.json()["next"].startswith("https://city.example/api/v1/")
