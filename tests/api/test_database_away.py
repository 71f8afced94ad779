"""The database goes away, refuses, or was never there: said plainly, and nothing given away."""

import psycopg
import pytest
from conftest import serving

import builders
from geo.store import migrate
from geo.store.cluster import Cluster


def test_without_its_database_the_service_says_later_and_recovers_by_itself(tmp_path):
    cluster = Cluster(tmp_path / "own", durable=False)
    try:
        migrate.upgrade(cluster.start())
        with serving(cluster.url(), tmp_path) as service:
            assert service.http.get("/api/v1/reports").status_code == 200
            cluster.stop()
            for path in ("/readyz", "/api/v1/reports", "/tiles/reports/0/0/0.mvt"):
                answer = service.http.get(path)
                assert (path, answer.status_code) == (path, 503)
                assert answer.headers["retry-after"]
                assert answer.json()["type"].endswith("/not-ready")
                # Where it is looked for is for the log.
                assert str(tmp_path) not in answer.text
                assert "PINWARD" not in answer.text
            sent = service.http.post("/api/v1/reports", json=builders.a_report())
            assert sent.status_code == 503
            assert service.http.get("/healthz").status_code == 200
            cluster.start()
            assert service.http.get("/api/v1/reports").status_code == 200
    finally:
        cluster.remove()


def test_what_people_wrote_is_not_in_the_log_when_the_database_refuses_it(city_url, tmp_path):
    with psycopg.connect(city_url) as conn:
        conn.execute("ALTER TABLE reports ADD CONSTRAINT odd CHECK (channel <> 'kiosk')")
    body = builders.a_report(
        text="Nhà bà Sáu ở hẻm 12", channel="kiosk", reporter={"phone": "0912 345 678"}
    )
    with serving(city_url, tmp_path) as service:
        answer = service.http.post("/api/v1/reports", json=body)
        assert answer.status_code == 500
        assert answer.headers["content-type"] == "application/problem+json"
        log = service.log.read_text()
    assert "23514" in log
    for said in ("Sáu", "0912", str(body["lon"]), "INSERT"):
        assert said not in log
        assert said not in answer.text


@pytest.mark.parametrize(
    "wrong", ["postgresql://u:geheim@127.0.0.1:1/x", "nonsense", "mysql://x", "postgresql://"]
)
@pytest.mark.parametrize("command", [("wards", "list"), ("db", "upgrade")])
def test_a_database_that_is_none_is_a_sentence_not_a_traceback(pinward, wrong, command):
    done = pinward(*command, url=wrong)
    assert done.returncode == 1
    assert "database cannot be reached" in done.stderr
    assert "PINWARD_DATABASE_URL" in done.stderr
    assert "Traceback" not in done.stderr
    assert "geheim" not in done.stderr
