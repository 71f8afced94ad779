import gzip
import json
import tracemalloc
import zipfile

import numpy as np
import pytest
import shapely

import builders
from geo.errors import RefusedImport, UnreadableFile
from geo.wards import load, packed
from ward_files import a_feature, a_file, refusal, the_city, write_gz


def test_unknown_column_is_refused_with_the_columns_there_are(tmp_path):
    said = refusal(a_file(tmp_path, a_feature(0)), code_field="gso")
    assert "'gso'" in said
    assert "code, name, type" in said


def test_file_without_names_is_refused_with_the_columns_there_are(tmp_path):
    feature = a_feature(0)
    feature["properties"] = {"code": "1", "pop": 3}
    said = refusal(a_file(tmp_path, feature))
    assert "--name-field" in said
    assert "code, pop" in said


def test_same_code_twice_is_refused_with_the_code_and_both_places(tmp_path):
    path = a_file(tmp_path, a_feature(0), a_feature(1, code="90001"), a_feature(2))
    said = refusal(path)
    assert "90001: Bến Thử (feature 1); Chợ Nhỏ (feature 2)" in said
    assert "90003" not in said
    assert len(load.read(path, keep_duplicates=True)) == 3


@pytest.mark.parametrize("empty", ["", "  ", None, "\u200b"])
def test_missing_codes_and_names_are_refused_with_their_rows(tmp_path, empty):
    said = refusal(a_file(tmp_path, a_feature(0), a_feature(1, code=empty)))
    assert "without a code" in said
    assert "feature 2 (Chợ Nhỏ)" in said
    said = refusal(a_file(tmp_path, a_feature(0), a_feature(1, name=empty)))
    assert "without a name" in said
    assert "feature 2 (code 90002)" in said


@pytest.mark.parametrize(
    ("shape", "word"),
    [
        (shapely.Point(106.6, 10.7), "Point"),
        (shapely.LineString([(106.6, 10.7), (106.7, 10.7)]), "LineString"),
    ],
)
def test_points_and_lines_are_no_wards(tmp_path, shape, word):
    said = refusal(a_file(tmp_path, a_feature(0, shape), a_feature(1, shape)))
    assert "no polygons" in said
    assert word in said
    # One among polygons is named by its row.
    assert "feature 2: it is a" in refusal(a_file(tmp_path, a_feature(0), a_feature(1, shape)))


@pytest.mark.parametrize(
    "coordinates",
    [
        [[[106.6, 10.7], [106.7, "x"], [106.7, 10.8], [106.6, 10.7]]],
        [[[106.6, 10.7], [106.7], [106.7, 10.8], [106.6, 10.7]]],
        [[[106.6, 10.7], [106.7, None], [106.7, 10.8], [106.6, 10.7]]],
        [[[106.6, 10.7]]],
        [],
        "polygon",
        None,
        [[[[[106.6]]]]],
    ],
)
def test_malformed_coordinates_are_refused_with_their_row(tmp_path, coordinates):
    broken = {"type": "Polygon", "coordinates": coordinates}
    assert "feature 2" in refusal(a_file(tmp_path, a_feature(0), a_feature(1, broken)))


@pytest.mark.parametrize("geometry", [{"type": "Blob"}, {}, [], "POLYGON EMPTY", 7])
def test_geometry_that_is_none_is_refused_with_its_row(tmp_path, geometry):
    feature = a_feature(1) | {"geometry": geometry}
    assert "feature 2" in refusal(a_file(tmp_path, a_feature(0), feature))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_coordinates_that_are_no_numbers_are_refused(tmp_path, number):
    path = a_file(tmp_path, a_feature(0))
    path.write_text(path.read_text().replace("106.6,", f"{number},"))
    with pytest.raises((RefusedImport, UnreadableFile), match="number"):
        load.read(path)


def test_nan_in_a_binary_format_is_refused_with_its_row(tmp_path):
    frame = the_city()
    ring = np.array(builders.square(2).exterior.coords)
    ring[1, 0] = np.nan
    with np.errstate(invalid="ignore"):
        frame.loc[2, "geometry"] = shapely.Polygon(ring)
    frame.to_parquet(tmp_path / "city.parquet")
    assert "feature 3" in refusal(tmp_path / "city.parquet")


def swapped(shape):
    return shapely.transform(shape, lambda xy: xy[:, ::-1])


def test_swapped_longitude_and_latitude_are_named_as_such(tmp_path):
    said = refusal(a_file(tmp_path, a_feature(0, swapped(builders.square(0)))))
    assert "looks swapped" in said
    assert "10.7,106.6" in said
    boston = swapped(shapely.box(-71.1, 42.3, -71.0, 42.4))
    assert "looks swapped" in refusal(a_file(tmp_path, a_feature(0, boston)))


def test_metres_without_their_crs_are_refused_with_the_mend(tmp_path):
    path = a_file(tmp_path, a_feature(0, the_city("EPSG:32648").geometry[0]))
    said = refusal(path)
    assert "out of range" in said
    assert "--crs" in said
    assert len(load.read(path, crs="EPSG:32648")) == 1


def test_a_wrong_crs_is_noticed(tmp_path):
    path = a_file(tmp_path, a_feature(0))
    assert "look like degrees" in refusal(path, crs="EPSG:32648")
    assert "no CRS that PROJ knows" in refusal(path, crs="EPSG:1")


def test_layer_of_polygons_is_found_and_several_must_be_named(tmp_path):
    path = tmp_path / "city.gpkg"
    points = the_city().set_geometry(the_city().geometry.representative_point())
    points.to_file(path, layer="labels")
    the_city().to_file(path, layer="wards")
    assert len(load.read(path)) == 6
    the_city().iloc[:2].to_file(path, layer="old")
    assert "wards, old" in refusal(path, UnreadableFile)
    assert len(load.read(path, layer="old")) == 2
    assert "wards" in refusal(path, UnreadableFile, layer="none")


def test_missing_empty_and_featureless_files_are_told_apart(tmp_path):
    assert "does not exist" in refusal(tmp_path / "none.geojson", UnreadableFile)
    (tmp_path / "zero.geojson").touch()
    assert "empty" in refusal(tmp_path / "zero.geojson", UnreadableFile)
    assert "no features" in refusal(a_file(tmp_path))
    (tmp_path / "folder").mkdir()
    assert "without map files" in refusal(tmp_path / "folder", UnreadableFile)


def test_cut_off_json_is_refused_with_its_line(tmp_path):
    path = a_file(tmp_path, a_feature(0), a_feature(1))
    text = json.dumps(json.loads(path.read_text()), indent=1)
    path.write_text(text[: len(text) // 2])
    said = refusal(path, UnreadableFile)
    assert f"line {text[: len(text) // 2].count(chr(10)) + 1}," in said


def test_junk_between_features_is_not_skipped(tmp_path):
    # GDAL reads the features before the junk and says nothing of the others.
    path = a_file(tmp_path, a_feature(0), a_feature(1))
    path.write_text(path.read_text().replace('}, {"type": "Feature"', '} @@ {"type": "Feature"'))
    assert "comma is missing" in refusal(path, UnreadableFile)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("<!DOCTYPE html><html>404", "web page"),
        ("code,name\n1,A", "not a map file"),
        ('{"a": 1}', "cannot be read"),
        ("[1, 2]", "begins with {"),
        ('{"type": "FeatureCollection", "features": [' + "[" * 100_000, "nested too deep"),
        ('{"type": "FeatureCollection", "features": [' + "1" * 5000 + "]}", "digits"),
        ('{"type": "FeatureCollection", "features": []} {}', "after the end"),
        ("\x00" * 100, "not a map file"),
        ("PK\x03\x04broken", "cannot be unpacked"),
        ("PAR1broken", "GeoParquet"),
        ("SQLite format 3\x00broken", "cannot be read"),
    ],
)
def test_broken_files_are_refused_with_what_is_wrong(tmp_path, text, word):
    path = tmp_path / "wards.geojson"
    path.write_text(text)
    assert word in refusal(path, UnreadableFile)


def test_cut_off_gzip_is_refused(tmp_path):
    path = tmp_path / "wards.geojson.gz"
    path.write_bytes(write_gz(tmp_path).read_bytes()[:-20])
    assert "cut off" in refusal(path, UnreadableFile)


@pytest.mark.parametrize("begin", [b"", b'{"type": "FeatureCollection", "features": ['])
def test_two_gigabytes_are_refused_without_being_read(tmp_path, begin):
    path = tmp_path / "wards.geojson"
    with path.open("wb") as out:
        out.write(begin)
        out.truncate(2_000_000_000)
    tracemalloc.start()
    refusal(path, UnreadableFile)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1_000_000


def test_bombs_are_refused_at_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(packed, "LARGEST_BYTES", 1_000_000)
    blank = b'{"type": "FeatureCollection",' + b" " * 2_000_000
    (tmp_path / "a.geojson.gz").write_bytes(gzip.compress(blank))
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("b.geojson", blank)
    long = the_city().iloc[[0] * 500].assign(name="x" * 10_000)
    long.to_parquet(tmp_path / "c.parquet")
    for bomb in ("a.geojson.gz", "b.zip", "c.parquet"):
        assert (tmp_path / bomb).stat().st_size < 100_000
        said = refusal(tmp_path / bomb, UnreadableFile)
        assert "unpacked" in said
        # Counted while unpacking, not after.
        assert ("or more" in said) == (bomb != "b.zip")


def test_nonsense_in_a_gzip_is_refused_by_its_first_bytes(tmp_path, monkeypatch):
    # Unpacking it would end at the limit instead.
    monkeypatch.setattr(packed, "LARGEST_BYTES", 1_000_000)
    path = tmp_path / "wards.geojson.gz"
    path.write_bytes(gzip.compress(b"nonsense" * 1_000_000))
    assert "begins with b'nonsense" in refusal(path, UnreadableFile)


def test_packed_twice_is_refused(tmp_path):
    path = tmp_path / "wards.geojson.gz"
    path.write_bytes(gzip.compress(write_gz(tmp_path).read_bytes()))
    assert "packed twice" in refusal(path, UnreadableFile)


def test_parquet_without_geometry_is_refused(tmp_path):
    the_city().drop(columns="geometry").to_parquet(tmp_path / "city.parquet")
    assert "without places" in refusal(tmp_path / "city.parquet", UnreadableFile)


@pytest.mark.parametrize("odd", [{"code": "c\ud800"}, {"name": "N" * 201}, {"code": "9" * 65}])
def test_codes_and_names_that_cannot_be_kept_are_refused_and_can_be_printed(tmp_path, odd):
    path = tmp_path / "odd.geojson"
    features = [a_feature(0), a_feature(1, **odd)]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    said = refusal(path)
    assert "feature 2" in said
    assert "feature 1 " not in said
    assert said.encode("utf-8")
