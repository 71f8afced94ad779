"""Facilities from the command that imports them to the answers that name them."""

import json

import psycopg
import pytest
from drawn import put_facilities

from api.parameters import encode_cursor
from builders import middle

CSV = """id,name,kind,lon,lat,source
1,Trường Tiểu học Thạnh Mẫu,school,106.6101,10.7101,Thử (ODbL)
2,,hospital,106.6150,10.7101,Thử (ODbL)
3,Trạm y tế Đa Mẫu,clinic,106.6201,10.7101,Thử (ODbL)
"""


def count(url):
    with psycopg.connect(url) as db:
        return db.execute("SELECT count(*) FROM facilities").fetchone()[0]


@pytest.fixture
def places(tmp_path):
    path = tmp_path / "places.csv"
    path.write_text(CSV, encoding="utf-8")
    return path


def test_an_import_says_what_it_did_and_does_nothing_twice(pinward, url, places):
    first = pinward("facilities", "import", places, "--json", url=url)
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout) == {
        "added": 3,
        "changed": 0,
        "unchanged": 0,
        "unnamed": 1,
        "kinds": {"school": 1, "clinic": 1, "hospital": 1},
    }
    second = pinward("facilities", "import", places, url=url)
    assert "0 added, 0 changed, 3 unchanged" in second.stdout
    assert count(url) == 3


def test_a_refused_file_changes_nothing_and_exits_1(pinward, url, places):
    places.write_text(CSV + "4,Sai,castle,106.6,10.7,x\n5,Sai,school,abc,10.7,x\n", "utf-8")
    done = pinward("facilities", "import", places, url=url)
    assert done.returncode == 1
    assert "line 6: lon 'abc' is not a number" in done.stderr
    assert "'castle' (1)" in done.stderr
    assert "Traceback" not in done.stderr
    assert count(url) == 0


@pytest.mark.parametrize(
    "words",
    [("--kind", "castle"), ("--kind", "school", "--kind-field", "kind"), ("--unknown-as", "x")],
)
def test_misuse_exits_2(pinward, url, places, words):
    assert pinward("facilities", "import", places, *words, url=url).returncode == 2


def test_the_real_file_comes_in(pinward, url, shared_data):
    done = pinward("facilities", "import", shared_data / "hcmc_facilities_osm.csv", url=url)
    assert done.returncode == 0, done.stderr
    assert "69 facilities read: 49 school, 6 clinic, 14 hospital (4 without a name)" in done.stdout
    assert count(url) == 69


@pytest.fixture(scope="module")
def filled(service):
    lon, lat = middle(0)
    put_facilities(
        service.url,
        [
            *((lon + n * 1e-4, lat, "school", f"Trường Hoà Bình {n}") for n in range(5)),
            (lon, lat + 1e-4, "kindergarten", "Mầm non Sao Mai"),
            (lon, lat + 2e-4, "clinic", None),
        ],
    )
    return service


def listed(service, query=""):
    answer = service.http.get(f"/api/v1/facilities{query}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/geo+json"
    return answer.json()


def test_a_facility_is_a_geojson_feature(filled):
    (found,) = listed(filled, "?kind=clinic")["features"]
    lon, lat = middle(0)
    assert found["geometry"] == {
        "type": "Point",
        "coordinates": pytest.approx([lon, lat + 2e-4], abs=1e-12),
    }
    assert found["id"] == found["properties"]["id"]
    assert found["properties"]["kind"] == "clinic"
    assert found["properties"]["name"] is None
    assert found["properties"]["source"] == "OSM (ODbL)"


def test_pages_hold_everything_once_and_keep_the_filter(filled):
    seen = []
    path = "/api/v1/facilities?limit=2&kind=school,kindergarten"
    while path:
        answer = filled.http.get(path)
        body = answer.json()
        assert len(body["features"]) <= 2
        seen += [feature["id"] for feature in body["features"]]
        assert ("link" in answer.headers) == (body["next"] is not None)
        path = body["next"]
    assert len(seen) == len(set(seen)) == 6
    assert seen == sorted(seen, reverse=True)


def test_filters_narrow(filled):
    lon, lat = middle(0)
    box = f"{lon + 1.5e-4},{lat - 1e-5},{lon + 1e-3},{lat + 1e-5}"
    assert len(listed(filled, f"?bbox={box}")["features"]) == 3
    assert len(listed(filled, "?q=hoa binh")["features"]) == 5
    assert len(listed(filled, "?kind=school&q=sao mai")["features"]) == 0


def test_nearby_is_in_order_with_metres(filled):
    lon, lat = middle(0)
    answer = filled.http.get(f"/api/v1/facilities/nearby?lon={lon}&lat={lat}&kind=school&limit=3")
    found = [feature["properties"] for feature in answer.json()["features"]]
    assert [each["name"] for each in found] == [f"Trường Hoà Bình {n}" for n in range(3)]
    # 0.0001 degrees of longitude at this latitude
    assert [each["distance_m"] for each in found] == pytest.approx([0, 10.94, 21.88], abs=0.02)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("?kind=castle", "kind"),
        ("?kinds=school", "kinds"),
        ("?bbox=1,2,3", "bbox"),
        ("?limit=0", "limit"),
        ("?cursor=abc", "cursor"),
        ("/nearby?lon=200&lat=0", "lon"),
        ("/nearby?lat=0", "lon"),
        ("/nearby?lon=nan&lat=0", "lon"),
        ("/nearby?lon=0&lat=0&radius_m=-1", "radius_m"),
        ("/nearby?lon=0&lat=0&limit=1000", "limit"),
        ("/nearby?lon=0&lat=0&kind=castle", "kind"),
    ],
)
def test_nonsense_is_422_that_names_the_field(filled, path, field):
    answer = filled.http.get(f"/api/v1/facilities{path}")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_who_has_the_answer_gets_304(filled):
    first = filled.http.get("/api/v1/facilities")
    again = filled.http.get("/api/v1/facilities", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.headers["etag"] == first.headers["etag"]


@pytest.mark.parametrize("number", [10**30, -(10**30), 0])
def test_a_made_up_cursor_is_no_server_error(filled, number):
    answer = filled.http.get(f"/api/v1/facilities?cursor={encode_cursor(number)}")
    assert answer.status_code == 200
