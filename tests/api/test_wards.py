import time

import psycopg
import pytest

import builders


def _at(service, lon, lat, **more):
    return service.http.get("/api/v1/wards/at", params={"lon": lon, "lat": lat, **more})


def test_a_point_names_its_ward_and_who_answers(service):
    lon, lat = builders.middle(2)
    answer = _at(service, lon, lat)
    assert answer.status_code == 200
    body = answer.json()
    assert body["code"] == "90003"
    assert body["name"] == "Đa Mẫu"
    assert body["match"] == "covers"
    assert body["organisation"]["code"] == "ward-90003"
    assert "Đa Mẫu" in body["organisation"]["name"]["vi"]


def test_outside_the_city_is_a_problem_that_names_it(service):
    answer = _at(service, 105.0, 21.0)
    assert answer.status_code == 422
    assert answer.json()["type"].endswith("/outside-coverage")
    assert "Thành phố Thử" in answer.json()["detail"]


@pytest.mark.parametrize(
    "params",
    [
        {"lon": "nan", "lat": "10.7"},
        {"lon": "106.6"},
        {"lon": "106.6", "lat": "91"},
        {"lon": "106.6", "lat": "10.7", "on": "yesterday"},
        {"lon": "106.6", "lat": "10.7", "accuracy_m": "-1"},
        {"lon": "106.6", "lat": "10.7", "near": "1"},
    ],
)
def test_a_question_that_is_none_is_refused_by_field(service, params):
    answer = service.http.get("/api/v1/wards/at", params=params)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["field"] in {"lon", "lat", "on", "accuracy_m", "near"}


def test_pages_of_wards_hold_each_ward_once(service):
    seen, path = [], "/api/v1/wards?limit=4"
    while path:
        answer = service.http.get(path)
        seen += [ward["code"] for ward in answer.json()["wards"]]
        path = answer.json()["next"]
        assert (f'<{path}>; rel="next"' == answer.headers.get("link")) is bool(path)
    assert sorted(seen) == list(builders.CODES)


def test_a_search_without_marks_finds_the_ward(service):
    found = service.http.get("/api/v1/wards", params={"q": "ben thu"}).json()["wards"]
    assert [ward["name"] for ward in found] == ["Bến Thử"]
    west, south, east, north = found[0]["bbox"]
    assert west < found[0]["center"][0] < east
    assert south < found[0]["center"][1] < north


def test_a_box_lists_the_wards_it_touches(service):
    lon, lat = builders.middle(4)
    box = f"{lon - 0.001},{lat - 0.001},{lon + 0.001},{lat + 0.001}"
    found = service.http.get("/api/v1/wards", params={"bbox": box}).json()["wards"]
    assert [ward["code"] for ward in found] == ["90005"]


def test_shapes_come_as_geojson_when_asked_for(service):
    answer = service.http.get("/api/v1/wards", headers={"Accept": "application/geo+json"})
    assert answer.headers["content-type"] == "application/geo+json"
    body = answer.json()
    assert body["type"] == "FeatureCollection"
    assert {feature["geometry"]["type"] for feature in body["features"]} == {"MultiPolygon"}


def test_one_ward_comes_with_its_boundary_and_can_be_kept(service):
    answer = service.http.get("/api/v1/wards/90001")
    assert answer.headers["content-type"] == "application/geo+json"
    assert answer.json()["properties"]["name"] == "Bến Thử"
    again = service.http.get(
        "/api/v1/wards/90001", headers={"If-None-Match": answer.headers["etag"]}
    )
    assert again.status_code == 304
    assert again.headers["etag"] == answer.headers["etag"]


def test_a_ward_nobody_knows_is_404(service):
    assert service.http.get("/api/v1/wards/00000").status_code == 404
    assert service.http.get("/api/v1/wards/90001", params={"on": "2001-01-01"}).status_code == 404


def test_a_change_of_wards_reaches_a_running_service_within_seconds(service):
    lon, lat = builders.middle(5)
    with psycopg.connect(service.url) as conn:
        conn.execute("UPDATE wards SET name = 'Đổi Tên' WHERE code = '90006'")
        conn.execute("SELECT pg_notify('pinward_wards', '')")
    for _ in range(50):
        if _at(service, lon, lat).json()["name"] == "Đổi Tên":
            break
        time.sleep(0.1)
    assert _at(service, lon, lat).json()["name"] == "Đổi Tên"


def test_wards_are_refreshed_again_after_the_database_went_away(service):
    """What was notified while the listening connection was down is not missed."""
    with psycopg.connect(service.url, autocommit=True) as conn:
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        conn.execute("UPDATE wards SET name = 'Sau Mất Nối' WHERE code = '90006'")
        conn.execute("SELECT pg_notify('pinward_wards', '')")
    lon, lat = builders.middle(5)
    for _ in range(50):
        if _at(service, lon, lat).json()["name"] == "Sau Mất Nối":
            break
        time.sleep(0.1)
    assert _at(service, lon, lat).json()["name"] == "Sau Mất Nối"
