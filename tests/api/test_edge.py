"""Manners of the whole service, whatever the noun."""

import httpx
import pytest
from conftest import serving


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
    answer = service.http.get("/api/v1/nonsense", headers={"Origin": "https://desk.example"})
    assert answer.headers["access-control-allow-origin"] == "*"


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
