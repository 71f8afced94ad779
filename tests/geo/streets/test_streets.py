"""Streets come in from a file, whole or not at all, and hotspots are called by them."""

import json

import psycopg
import pytest
from planted import AS_OF, put_life, put_trouble

from builders import middle
from geo.streets.names import in_english, in_vietnamese

LON, LAT = middle(0)


def file_of(path, *rows, kind="LineString", crs=None):
    features = [
        {
            "type": "Feature",
            "properties": {"id": i, "name": name},
            "geometry": {"type": kind, "coordinates": line},
        }
        for i, (name, line) in enumerate(rows)
    ]
    body = {"type": "FeatureCollection", "features": features}
    path.write_text(json.dumps(body | (crs or {})), encoding="utf-8")
    return path


def along(lon, lat, length=0.004):
    return [[lon - length, lat], [lon + length, lat]]


def named(url):
    with psycopg.connect(url) as db:
        return db.execute("SELECT source, name FROM streets ORDER BY source, name").fetchall()


def test_a_source_is_replaced_as_a_whole_and_others_stay(pinward, city_url, tmp_path):
    first = file_of(tmp_path / "a.geojson", ("Trần Phú", along(LON, LAT)), (None, along(LON, LAT)))
    done = pinward("streets", "import", first, "--source", "OSM", url=city_url)
    assert done.returncode == 0, done.stderr
    assert "1 streets of OSM, in place of 0; left out: 1 without a name" in done.stdout
    pinward("streets", "import", first, url=city_url)
    second = file_of(tmp_path / "b.geojson", ("Lê Lợi", along(LON, LAT)))
    assert (
        "in place of 1"
        in pinward("streets", "import", second, "--source", "OSM", url=city_url).stdout
    )
    assert named(city_url) == [("OSM", "Lê Lợi"), ("a.geojson", "Trần Phú")]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--name-field", "street_name"], "no column 'street_name'; it has id, name"),
        (["--crs", "EPSG:0"], "cannot be brought from 'EPSG:0'"),
        (["--crs", "EPSG:32648"], "say the right coordinate system"),
        (["--name-field", "points"], "no named street: 1 rows are no lines"),
    ],
)
def test_what_cannot_be_taken_in_is_refused_and_nothing_is_lost(
    pinward, city_url, tmp_path, options, said
):
    kept = file_of(tmp_path / "kept.geojson", ("Lê Lợi", along(LON, LAT)))
    pinward("streets", "import", kept, "--source", "x", url=city_url)
    if "points" in options:
        bad = file_of(tmp_path / "bad.geojson", ("A", [LON, LAT]), kind="Point")
        options = []
    else:
        far = [[1e9, 1e9], [2e9, 1e9]] if "EPSG:32648" in options else along(LON, LAT)
        bad = file_of(tmp_path / "bad.geojson", ("A", far))
    done = pinward("streets", "import", bad, "--source", "x", *options, url=city_url)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert named(city_url) == [("x", "Lê Lợi")]


def test_a_hotspot_is_called_by_the_street_that_runs_through_it(pinward, city_url, tmp_path):
    put_life(city_url)
    put_trouble(city_url, LON, LAT)

    def name():
        done = pinward("hotspots", "run", "--as-of", str(AS_OF), "--json", url=city_url)
        answers = {one["category"]: one for one in json.loads(done.stdout)["answers"]}
        (spot,) = answers["drainage.flooding"]["hotspots"]
        return spot["said"]["name"]

    assert name()["vi"].startswith("Ngập nước, phường ")
    crossing = [[LON, LAT], [LON, LAT + 0.0002]]
    streets = file_of(
        tmp_path / "s.geojson",
        ("Ngô Quyền", crossing),
        ("Trần Phú", along(LON, LAT)),
        ("Lê Lợi", along(LON, LAT + 0.01)),
    )
    pinward("streets", "import", streets, url=city_url)
    # What is said already is said anew, since its name has changed.
    assert name()["vi"].startswith("Ngập nước, đường Trần Phú, phường ")
    assert name()["en"].startswith("Flooding, Trần Phú Street, ")


def test_names_are_lines_of_text_that_can_be_seen(pinward, city_url, tmp_path):
    rows = ["Lê\u202e\u0007 Lợi", "  Trần\n Phú\u0000 ", True, 1.5, ["q"], {"a": 1}, 21]
    file = file_of(tmp_path / "a.geojson", *((name, along(LON, LAT)) for name in rows))
    done = pinward("streets", "import", file, "--source", "x", "--json", url=city_url)
    assert done.returncode == 0, done.stderr
    assert {name for _, name in named(city_url)} >= {"Lê Lợi", "Trần Phú"}
    assert json.loads(done.stdout)["streets"] <= len(rows)
    assert not {"True", "['q']", "{'a': 1}"} & {name for _, name in named(city_url)}


@pytest.mark.parametrize(
    ("lon", "lat", "options"),
    [(LON, LAT, ["--crs", "EPSG:32648"]), (LAT, 60.0, []), (LON + 3, LAT, [])],
)
def test_streets_far_from_every_ward_are_refused(pinward, city_url, tmp_path, lon, lat, options):
    file = file_of(tmp_path / "a.geojson", ("Trần Phú", along(lon, lat)))
    done = pinward("streets", "import", file, *options, url=city_url)
    assert done.returncode == 1
    assert "lies near a ward: the first begins at lon" in done.stderr
    assert named(city_url) == []


def test_a_source_is_listed_and_taken_away(pinward, city_url, tmp_path):
    file = file_of(tmp_path / "a.geojson", ("Trần Phú", along(LON, LAT)))
    assert "no streets" in pinward("streets", "list", url=city_url).stdout
    pinward("streets", "import", file, "--source", "OSM", url=city_url)
    listed = pinward("streets", "list", "--json", url=city_url).stdout
    assert json.loads(listed) == {"sources": [{"source": "OSM", "streets": 1}]}
    wrong = pinward("streets", "remove", "osm", url=city_url)
    assert wrong.returncode == 1
    assert "no streets of 'osm'" in wrong.stderr
    assert "1 streets of OSM are gone" in pinward("streets", "remove", "OSM", url=city_url).stdout
    assert named(city_url) == []


def test_a_blurred_hotspot_tells_no_street_and_no_closer_than_it_is_known(
    pinward, city_url, tmp_path
):
    put_life(city_url)
    # All of it is shown in the middle of one cell.
    with psycopg.connect(city_url) as db:
        seen = "pinward_public_point(ST_SetSRID(ST_MakePoint(%s, %s), 4326), 'blurred')"
        lon, lat = db.execute(f"SELECT ST_X(p), ST_Y(p) FROM {seen} AS p", (LON, LAT)).fetchone()
    put_trouble(city_url, lon, lat, category_code="noise.neighbours")
    pinward(
        "streets", "import", file_of(tmp_path / "s.geojson", ("A", along(LON, LAT))), url=city_url
    )
    done = pinward("hotspots", "run", "--as-of", str(AS_OF), "--json", url=city_url)
    answers = {one["category"]: one for one in json.loads(done.stdout)["answers"]}
    (spot,) = answers["noise.neighbours"]["hotspots"]
    assert "đường" not in spot["said"]["name"]["vi"]
    assert "within 150 m" in spot["said"]["sentence"]["en"]


@pytest.mark.shared_data
def test_the_real_streets_of_the_centre(pinward, city_url, shared_data):
    roads = shared_data / "hcmc_roads_center.geojson.gz"
    done = pinward("streets", "import", roads, "--source", "OSM (ODbL)", "--json", url=city_url)
    told = json.loads(done.stdout)
    assert told["streets"] + told["nameless"] + told["no_lines"] == 4936
    assert ("OSM (ODbL)", "Alexandre de Rhodes") in named(city_url)


@pytest.mark.parametrize(
    ("name", "vi", "en"),
    [
        ("Trần Phú", "đường Trần Phú", "Trần Phú Street"),
        ("Đường Trần Phú", "Đường Trần Phú", "Trần Phú Street"),
        ("đường số 21", "đường số 21", "Street 21"),
        ("hẻm 19 Lê Kim Sơn", "hẻm 19 Lê Kim Sơn", "alley 19, Lê Kim Sơn Street"),
        ("Hẻm Cây Điệp", "Hẻm Cây Điệp", "Hẻm Cây Điệp"),
        ("Quốc lộ 13", "Quốc lộ 13", "Quốc lộ 13"),
        ("Quốc Hương", "đường Quốc Hương", "Quốc Hương Street"),
        ("Cao Thắng", "đường Cao Thắng", "Cao Thắng Street"),
        ("Đại lộ Võ Văn Kiệt", "Đại lộ Võ Văn Kiệt", "Đại lộ Võ Văn Kiệt"),
        ("Lê Lợi street", "Lê Lợi street", "Lê Lợi street"),
    ],
)
def test_names(name, vi, en):
    assert (in_vietnamese(name), in_english(name)) == (vi, en)
