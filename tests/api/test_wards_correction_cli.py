import json

import psycopg
import pytest
import shapely

import builders
from ward_files import a_file

SIDE = builders.SIDE
SET = ("--set", "survey", "--valid-from", "2026-03-01", "--correction")
ROWS = """
    SELECT w.code, w.name, s.name, s.city, w.same_as IS NOT NULL,
           lower(w.valid)::text, upper(w.valid)::text
    FROM wards w JOIN ward_sets s ON s.id = w.set_id
    WHERE w.code IN ('90001', '90002') ORDER BY w.code, lower(w.valid)"""


def a_fix(tmp_path, code="90001", **properties):
    """The first ward reaches a quarter into the second; the file tells its code only."""
    west, south, east, north = builders.square(0).bounds
    wide = shapely.box(west, south, east + SIDE / 4, north)
    shape = {"type": "Feature", "geometry": shapely.geometry.mapping(wide)}
    return a_file(tmp_path, shape | {"properties": {"code": code} | properties}, name="fix.geojson")


def ask(url, query):
    with psycopg.connect(url) as conn:
        return conn.execute(query).fetchall()


@pytest.fixture
def counts(city_url):
    """`counts()`: how many rows the tables of wards have."""
    tables = ("ward_sets", "wards", "ward_shapes", "organisations")
    return lambda: [ask(city_url, f"SELECT count(*) FROM {table}") for table in tables]


def test_a_correction_brings_the_neighbour_along_and_leaves_the_others(pinward, city_url, tmp_path):
    done = pinward("wards", "import", a_fix(tmp_path), *SET, url=city_url)
    assert done.returncode == 0, done.stderr
    assert "corrected 90001 Bến Thử: 1,209,9" in done.stdout
    assert "neighbour 90002 Chợ Nhỏ: 0.00 m² gained, 1,21" in done.stdout
    # the city is that of the ward, not the setting's
    assert "Thành phố Thử: set survey is in force from 2026-03-01" in done.stdout
    city = "Thành phố Thử"
    assert ask(city_url, ROWS) == [
        ("90001", "Bến Thử", "small-city", city, False, "2020-01-01", "2026-03-01"),
        ("90001", "Bến Thử", "survey", city, True, "2026-03-01", None),
        ("90002", "Chợ Nhỏ", "small-city", city, False, "2020-01-01", "2026-03-01"),
        ("90002", "Chợ Nhỏ", "survey", city, True, "2026-03-01", None),
    ]
    ((others,),) = ask(city_url, "SELECT count(*) FROM wards WHERE upper(valid) IS NULL")
    assert others == 6
    crossing = """
        SELECT count(*) FROM wards a JOIN wards b ON a.id < b.id AND a.valid && b.valid
        WHERE ST_Relate(a.geom, b.geom, 'T********')"""
    assert ask(city_url, crossing) == [(0,)]
    told = json.loads(
        pinward(
            "wards", "check", "survey", "--against", "small-city", "--json", url=city_url
        ).stdout
    )
    moved = [one for one in told["pieces"] if one["change"] == "moved"]
    assert [(one["from_code"], one["to_code"]) for one in moved] == [("90002", "90001")]


def test_a_dry_run_tells_the_neighbours_and_changes_nothing(pinward, city_url, tmp_path, counts):
    before = counts()
    words = ("wards", "import", a_fix(tmp_path), *SET, "--dry-run", "--json")
    done = pinward(*words, url=city_url)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["wards"], told["city"], told["dry_run"]) == (2, "Thành phố Thử", True)
    (neighbour,) = told["correction"]["neighbours"]
    assert neighbour["code"] == "90002"
    assert neighbour["lost_m2"] == pytest.approx(1.21e6, rel=0.01)
    assert [one["code"] for one in told["correction"]["corrected"]] == ["90001"]
    assert counts() == before


def test_a_correction_is_of_the_wards_of_its_day(pinward, city_url, tmp_path):
    early = pinward(
        *("wards", "import", a_fix(tmp_path), "--set", "early", "--correction"),
        *("--valid-from", "2019-01-01"),
        url=city_url,
    )
    assert "not in force on 2019-01-01: 90001" in early.stderr
    fix = a_fix(tmp_path)
    assert pinward("wards", "import", fix, *SET, url=city_url).returncode == 0
    # the same once more corrects nothing: the wards that the first one ended are no more
    again = ("--set", "again", "--valid-from", "2026-04-01", "--correction", "--json")
    told = json.loads(pinward("wards", "import", fix, *again, url=city_url).stdout)
    assert told["correction"]["corrected"][0]["gained_m2"] == 0.0
    assert told["correction"]["neighbours"] == []
    assert told["ended"] == ["90001"]


def test_unknown_codes_are_refused_and_nothing_is_written(pinward, city_url, tmp_path, counts):
    before = counts()
    done = pinward("wards", "import", a_fix(tmp_path, "90077"), *SET, url=city_url)
    assert done.returncode == 1
    assert "not in force on 2026-03-01: 90077" in done.stderr
    assert "--correction" in done.stderr
    assert counts() == before


def test_a_city_that_is_named_must_be_the_wards(pinward, city_url, tmp_path):
    done = pinward("wards", "import", a_fix(tmp_path), *SET, "--city", "Nơi Khác", url=city_url)
    assert done.returncode == 1
    assert "90001" in done.stderr


def test_without_correction_a_ward_without_a_name_is_refused_as_ever(pinward, city_url, tmp_path):
    done = pinward("wards", "import", a_fix(tmp_path), *SET[:-1], url=city_url)
    assert done.returncode == 1
    assert "no column that looks like a ward's name" in done.stderr
    named = a_fix(tmp_path, name="")
    done = pinward("wards", "import", named, *SET[:-1], url=city_url)
    assert "wards without a name" in done.stderr
