import json

import psycopg
import pytest
import shapely

import builders
from geo.wards.shapes import LEVELS
from ward_files import a_feature, a_file

SIDE = builders.SIDE
SET = ("--set", "city-2025", "--valid-from", "2025-07-01", "--city", "Thành phố Thử")


@pytest.fixture
def good(tmp_path):
    return a_file(tmp_path, *(a_feature(n) for n in range(6)), name="good.geojson")


@pytest.fixture
def bad(tmp_path):
    """The second ward claims a tenth of the third, the fourth is a bow tie, the fifth torn."""
    west, south, east, north = builders.square(1).bounds
    claims = shapely.box(west, south, east + SIDE / 10, north)
    west, south, east, north = builders.square(3).bounds
    tie = shapely.Polygon([(west, south), (east, north), (east, south), (west, north)])
    lon, lat = builders.middle(4)
    torn = shapely.difference(builders.square(4), shapely.box(lon, lat, lon + 0.002, lat + 2e-5))
    changed = {1: claims, 3: tie, 4: torn}
    return a_file(tmp_path, *(a_feature(n, changed.get(n)) for n in range(6)), name="bad.geojson")


def ask(url, query):
    with psycopg.connect(url) as conn:
        return conn.execute(query).fetchall()


def test_check_of_good_boundaries_is_0(pinward, good):
    done = pinward("wards", "check", good)
    assert done.returncode == 0, done.stderr
    assert "6 wards" in done.stdout
    assert "no overlaps between wards" in done.stdout


def test_check_of_bad_boundaries_is_1_and_says_where(pinward, bad):
    done = pinward("wards", "check", bad)
    assert done.returncode == 1
    assert "90002 Chợ Nhỏ and 90003 Đa Mẫu: " in done.stdout
    assert "90004 Tân Mẫu: Self-intersection at 106.61" in done.stdout
    assert "--repair" in done.stdout


def test_check_as_json_is_one_object_of_plurals(pinward, bad):
    done = pinward("wards", "check", bad, "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert len(found["features"]) == 6
    assert [one["code"] for one in found["invalid"]] == ["90004"]
    assert ("90002", "90003") in [(one["code_a"], one["code_b"]) for one in found["overlaps"]]
    slivers = [one for one in found["gaps"] if one["sliver"] and not one["bent"]]
    assert [one["codes"] for one in slivers] == [["90005"]]
    assert found["duplicates"] == []


def test_check_lists_double_codes_instead_of_refusing_the_file(pinward, tmp_path):
    path = a_file(tmp_path, a_feature(0), a_feature(1, code="90001"))
    done = pinward("wards", "check", path, "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["duplicates"][0]["codes"] == ["90001", "90001"]


def test_unreadable_file_is_1_with_a_sentence_and_no_traceback(pinward, tmp_path):
    (tmp_path / "cut.geojson").write_text('{"type": "FeatureCollection", "features": [')
    done = pinward("wards", "check", tmp_path / "cut.geojson")
    assert done.returncode == 1
    assert "broken JSON at line 1" in done.stderr
    assert "Traceback" not in done.stderr


def test_import_misused_is_2(pinward, good):
    done = pinward("wards", "import", good, "--set", "x", "--valid-from", "1/7/2025")
    assert done.returncode == 2


def test_good_boundaries_are_imported_and_listed(pinward, url, good):
    done = pinward("wards", "import", good, *SET, url=url)
    assert done.returncode == 0, done.stderr
    assert "in force from 2025-07-01" in done.stdout
    (one,) = json.loads(pinward("wards", "list", "--json", url=url).stdout)["sets"]
    assert (one["name"], one["city"], one["wards"]) == ("city-2025", "Thành phố Thử", 6)
    assert (one["valid_from"], one["repaired"]) == ("2025-07-01", False)
    assert "city-2025: 6 wards" in pinward("wards", "list", url=url).stdout


def test_bad_boundaries_are_refused_with_the_first_places_and_nothing_is_written(pinward, url, bad):
    done = pinward("wards", "import", bad, *SET, url=url)
    assert done.returncode == 1
    assert "90002 Chợ Nhỏ and 90003 Đa Mẫu" in done.stderr
    assert "--repair" in done.stderr
    assert ask(url, "SELECT count(*) FROM ward_sets") == [(0,)]
    assert "no ward sets yet" in pinward("wards", "list", url=url).stdout


def test_repaired_boundaries_are_a_coverage_to_postgis(pinward, url, bad):
    done = pinward("wards", "import", bad, *SET, "--repair", "--json", url=url)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["wards"] == 6
    assert told["repairs"]["mended"] == ["90004"]
    assert ask(url, "SELECT count(*) FILTER (WHERE NOT ST_IsValid(geom)) FROM wards") == [(0,)]
    overlapping = """
        SELECT a.code, b.code FROM wards a JOIN wards b ON a.code < b.code
        WHERE ST_Relate(a.geom, b.geom, 'T********')"""
    assert ask(url, overlapping) == []
    ((kept,),) = ask(url, "SELECT repairs -> 'mended' ->> 0 FROM ward_sets")
    assert kept == "90004"
    drawn = "SELECT count(DISTINCT ward_id), count(DISTINCT max_zoom) FROM ward_shapes"
    assert ask(url, drawn) == [(6, len(LEVELS))]


def test_dry_run_says_what_would_change_and_changes_nothing(pinward, url, bad):
    done = pinward("wards", "import", bad, *SET, "--repair", "--dry-run", url=url)
    assert done.returncode == 0, done.stderr
    assert "1 invalid shape made valid" in done.stdout
    assert "Dry run" in done.stdout
    tables = ("ward_sets", "wards", "ward_shapes")
    for table in tables:
        assert ask(url, f"SELECT count(*) FROM {table}") == [(0,)]


def test_options_name_columns_and_crs(pinward, url, tmp_path):
    features = []
    for n in range(6):
        feature = a_feature(n)
        feature["properties"] = {"so": f"X{n}", "goi": f"Làng {n}", "cap": "xã"}
        features.append(feature)
    path = a_file(tmp_path, *features)
    columns = ("--code-field", "so", "--name-field", "goi", "--kind-field", "cap")
    done = pinward("wards", "import", path, *SET, *columns, "--crs", "EPSG:4326", url=url)
    assert done.returncode == 0, done.stderr
    assert ask(url, "SELECT code, name, kind FROM wards ORDER BY code LIMIT 1") == [
        ("X0", "Làng 0", "commune")
    ]
    wrong = pinward("wards", "import", path, *SET, "--code-field", "none", url=url)
    assert wrong.returncode == 1
    assert "so, goi, cap" in wrong.stderr


def test_real_city_is_refused_without_repair_and_imported_with_it(pinward, url, shared_data):
    source = shared_data / "hcmc_wards_2025.geojson.gz"
    refused = pinward("wards", "import", source, *SET, url=url)
    assert refused.returncode == 1
    assert "32 overlaps between wards, 70.37 m² in all" in refused.stderr
    assert "41 gaps between wards" in refused.stderr
    done = pinward("wards", "import", source, *SET, "--repair", url=url)
    assert done.returncode == 0, done.stderr
    overlapping = """
        SELECT count(*) FROM wards a JOIN wards b ON a.code < b.code AND a.geom && b.geom
        WHERE ST_Relate(a.geom, b.geom, 'T********')"""
    assert ask(url, overlapping) == [(0,)]
    assert ask(url, "SELECT count(*) FILTER (WHERE ST_IsValid(geom)) FROM wards") == [(168,)]
    # Places whose ward is known, among them one that two wards look like.
    at = {
        (106.6980, 10.7725): "26743",
        (106.7009, 10.7765): "26740",
        (106.7220, 10.7949): "26956",
        (106.6648, 10.8143): "26977",
        (106.6060, 8.6830): "26732",
    }
    for (lon, lat), code in at.items():
        point = f"ST_SetSRID(ST_MakePoint({lon}, {lat}), 4326)"
        assert ask(url, f"SELECT code FROM wards WHERE ST_Covers(geom, {point})") == [(code,)]
