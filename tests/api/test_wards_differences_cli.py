import json

import pytest
import shapely

import builders
from ward_files import a_feature, a_file

SIDE = builders.SIDE
SET = ("--set", "city-2025", "--valid-from", "2025-07-01", "--city", "Thành phố Thử")


@pytest.fixture
def before(tmp_path):
    return a_file(tmp_path, *(a_feature(n) for n in range(6)), name="before.geojson")


@pytest.fixture
def after(tmp_path):
    """A quarter of the first ward went to the second, the third is called otherwise."""
    _, south, east, north = builders.square(0).bounds
    quarter = shapely.box(east - SIDE / 4, south, east, north)
    shapes = {
        0: shapely.difference(builders.square(0), quarter),
        1: shapely.union(builders.square(1), quarter),
    }
    names = {2: {"name": "Tên Mới"}}
    return a_file(
        tmp_path,
        *(a_feature(n, shapes.get(n), **names.get(n, {})) for n in range(6)),
        name="after.geojson",
    )


def test_differences_of_two_files_need_no_database_and_are_no_failure(pinward, before, after):
    done = pinward("wards", "check", after, "--against", before)
    assert done.returncode == 0, done.stderr
    assert "after.geojson (6 wards) against before.geojson (6 wards)" in done.stdout
    assert "3 wards the same" in done.stdout
    assert "moved: 90001 Bến Thử → 90002 Chợ Nhỏ, 1.21 km²" in done.stdout
    assert "renamed: 90003 Đa Mẫu → 90003 Tên Mới" in done.stdout


def test_differences_as_json_and_as_a_map(pinward, tmp_path, before, after):
    drawn = tmp_path / "drawn.geojson"
    drawn.write_text("of before")
    done = pinward("wards", "check", after, "--against", before, "--json", "--geojson", drawn)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["same"] == 3
    assert [one["change"] for one in found["pieces"]] == ["renamed", "moved"]
    assert [one["from_code"] for one in found["renamed"]] == ["90003"]
    assert [one["from_code"] for one in found["changed"]] == ["90001", "90002"]
    assert found["recoded"] == found["reused"] == found["only_before"] == found["only_after"] == []
    assert "geometry" not in done.stdout
    features = json.loads(drawn.read_text())["features"]
    assert [one["properties"] for one in features] == found["pieces"]
    assert list(tmp_path.glob("*.part")) == []


def test_either_side_may_be_an_imported_set(pinward, url, before, after):
    assert pinward("wards", "import", before, *SET, url=url).returncode == 0
    done = pinward("wards", "check", after, "--against", "city-2025", "--json", url=url)
    assert json.loads(done.stdout)["moved_m2"] > 1e6, done.stderr
    other = json.loads(
        pinward("wards", "check", "city-2025", "--against", after, "--json", url=url).stdout
    )
    (moved,) = (one for one in other["pieces"] if one["change"] == "moved")
    assert (moved["from_code"], moved["to_code"]) == ("90002", "90001")
    itself = pinward("wards", "check", "city-2025", "--against", before, "--json", url=url)
    assert json.loads(itself.stdout)["differ"] is False


def test_an_unknown_set_is_refused_with_those_there_are(pinward, url, before):
    assert pinward("wards", "import", before, *SET, url=url).returncode == 0
    done = pinward("wards", "check", before, "--against", "city-2052", url=url)
    assert done.returncode == 1
    assert "city-2052 is neither a file or folder nor an imported ward set" in done.stderr
    assert "city-2025" in done.stderr


def test_a_mistyped_file_is_called_so_without_a_database(pinward, before):
    done = pinward("wards", "check", before, "--against", "befor.geojson")
    assert done.returncode == 1
    assert "befor.geojson is neither a file nor a folder" in done.stderr


def test_a_map_of_nothing_compared_is_misuse(pinward, tmp_path, before):
    done = pinward("wards", "check", before, "--geojson", tmp_path / "x.geojson")
    assert done.returncode == 2
    assert not (tmp_path / "x.geojson").exists()


def test_a_map_that_cannot_be_written_leaves_nothing_behind(pinward, tmp_path, before, after):
    drawn = tmp_path / "nowhere" / "x.geojson"
    done = pinward("wards", "check", after, "--against", before, "--geojson", drawn)
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
