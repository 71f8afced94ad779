import json
import unicodedata

import pytest
import shapely

import builders
from geo.wards import load
from ward_files import (
    a_feature,
    a_file,
    a_shapefile,
    refusal,
    the_city,
    write_as,
    write_geojson,
    write_gz,
    write_parquet,
    write_zipped,
)


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(write_geojson, id="geojson"),
        pytest.param(write_gz, id="geojson.gz"),
        pytest.param(write_zipped, id="geojson in a zip"),
        pytest.param(write_as(".gpkg"), id="gpkg"),
        pytest.param(write_as(".fgb"), id="fgb"),
        pytest.param(write_as(".shp"), id="shp"),
        pytest.param(lambda folder: a_shapefile(folder, the_city()), id="shp in a zip"),
        pytest.param(write_parquet, id="parquet"),
    ],
)
def test_every_format_gives_the_same_wards(tmp_path, write):
    file = load.read(write(tmp_path))
    by_code = {ward.code: (ward, file.polygons[i]) for i, ward in enumerate(file.wards)}
    assert sorted(by_code) == list(builders.CODES)
    for n, code in enumerate(builders.CODES):
        ward, shape = by_code[code]
        assert (ward.name, ward.kind) == (builders.NAMES[n], "ward")
        assert shape.symmetric_difference(builders.square(n)).area < 1e-12


@pytest.mark.parametrize("write", [".gpkg", ".shp", ".parquet"])
def test_projected_sources_come_back_in_degrees(tmp_path, write):
    path = tmp_path / f"city{write}"
    frame = the_city("EPSG:3405")
    frame.to_parquet(path) if write == ".parquet" else frame.to_file(path)
    file = load.read(path)
    assert file.crs == "VN-2000 / UTM zone 48N"
    assert shapely.hausdorff_distance(file.polygons[0], builders.square(0)) < 1e-7


def test_old_geojson_crs_member_is_obeyed(tmp_path):
    flat = the_city("EPSG:32648").geometry[0]
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32648"}}
    file = load.read(a_file(tmp_path, a_feature(0, flat), crs=crs))
    assert shapely.hausdorff_distance(file.polygons[0], builders.square(0)) < 1e-8


def test_shapefile_without_prj_is_refused_until_its_crs_is_said(tmp_path):
    path = a_shapefile(tmp_path, the_city("EPSG:32648"), without=(".prj",))
    assert "--crs EPSG:" in refusal(path)
    file = load.read(path, crs="EPSG:32648")
    assert shapely.hausdorff_distance(file.polygons[0], builders.square(0)) < 1e-8


def test_parquet_with_an_unknown_crs_is_refused_until_it_is_said(tmp_path):
    the_city().set_crs(None, allow_override=True).to_parquet(tmp_path / "city.parquet")
    assert "--crs" in refusal(tmp_path / "city.parquet")
    assert len(load.read(tmp_path / "city.parquet", crs="EPSG:4326")) == 6


def test_vietnamese_names_of_a_shapefile_without_cpg_are_read_as_meant(tmp_path):
    file = load.read(a_shapefile(tmp_path, the_city(), without=(".cpg",)))
    assert {ward.name for ward in file.wards} == set(builders.NAMES)
    assert any("Latin-1" in note for note in file.notes)


def test_heights_are_left_out(tmp_path):
    high = shapely.force_3d(builders.square(0), 12.0)
    file = load.read(a_file(tmp_path, a_feature(0, high)))
    assert not shapely.has_z(file.polygons).any()


def test_folder_with_a_file_a_ward_is_read_in_order_of_the_paths(tmp_path):
    for n in (4, 1, 3):
        one = a_feature(n)
        path = tmp_path / "79_city" / "wards" / f"{builders.CODES[n]}.geojson"
        path.parent.mkdir(parents=True, exist_ok=True)
        # A file may be a collection of one, or the feature itself.
        alone = one if n == 3 else {"type": "FeatureCollection", "features": [one]}
        path.write_text(json.dumps(alone), encoding="utf-8")
    (tmp_path / "README.md").write_text("not a map")
    file = load.read(tmp_path)
    assert [ward.code for ward in file.wards] == ["90002", "90004", "90005"]
    assert file.source.endswith(f"/{tmp_path.name}")
    assert file.wards[2].place == "feature 1 of 79_city/wards/90005.geojson"


def test_kind_comes_from_the_full_name_when_there_is_no_column_of_kinds(tmp_path):
    properties = {"nameEn": "Ben Thu", "fullName": "Đặc khu Bến Thử", "fullNameEn": "x"}
    feature = a_feature(0, **properties)
    del feature["properties"]["type"]
    (ward,) = load.read(a_file(tmp_path, feature)).wards
    assert (ward.name, ward.name_en, ward.kind) == ("Bến Thử", "Ben Thu", "special_zone")


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("phường", "ward"),
        ("Phường", "ward"),
        ("PHUONG", "ward"),
        (unicodedata.normalize("NFD", "phường"), "ward"),
        ("xã", "commune"),
        ("thị trấn", "town"),
        ("đặc khu", "special_zone"),
        ("huyện", "district"),
        ("neighborhood", "other"),
        ("MultiPolygon", "other"),
    ],
)
def test_kinds_are_read_in_vietnamese_and_english(tmp_path, word, kind):
    assert load.read(a_file(tmp_path, a_feature(0, type=word))).wards[0].kind == kind


def test_kind_before_the_name_is_split_off(tmp_path):
    feature = a_feature(0, name="Phường Bến Thử", name_en="Ben Thu Ward")
    del feature["properties"]["type"]
    (ward,) = load.read(a_file(tmp_path, feature)).wards
    assert (ward.name, ward.name_en, ward.kind) == ("Bến Thử", "Ben Thu", "ward")


def test_word_like_a_kind_stays_in_the_name_of_another_kind(tmp_path):
    (ward,) = load.read(a_file(tmp_path, a_feature(0, name="Xã Đàn", type="phường"))).wards
    assert (ward.name, ward.kind) == ("Xã Đàn", "ward")


def test_source_with_names_alone_gets_codes_made_of_them(tmp_path):
    features = [a_feature(0, name="Hyde Park"), a_feature(1, name="Đông Hoà")]
    for feature in features:
        del feature["properties"]["code"]
    file = load.read(a_file(tmp_path, *features))
    assert [ward.code for ward in file.wards] == ["hyde-park", "dong-hoa"]
    assert any("codes are made of the names" in note for note in file.notes)


def test_names_in_nfd_are_brought_to_nfc_and_told(tmp_path):
    apart = unicodedata.normalize("NFD", "Thạnh Mẫu")
    file = load.read(a_file(tmp_path, a_feature(0, name=apart), a_feature(1)))
    assert file.wards[0].name == "Thạnh Mẫu"
    assert any("1 wards were not in Unicode NFC" in note for note in file.notes)


def test_codes_that_are_numbers_become_whole_numbers_and_the_loss_is_told(tmp_path):
    file = load.read(a_file(tmp_path, a_feature(0, code=4), a_feature(1, code=7.0)))
    assert [ward.code for ward in file.wards] == ["4", "7"]
    assert any("leading zeros" in note for note in file.notes)


def test_columns_named_by_hand_win_over_guesses(tmp_path):
    feature = a_feature(0, ma_so="A1", ten_goi="Chợ Lớn", cap="xã", tieng_anh="Big Market")
    (ward,) = load.read(
        a_file(tmp_path, feature),
        code_field="ma_so",
        name_field="ten_goi",
        name_en_field="tieng_anh",
        kind_field="cap",
    ).wards
    expected = ("A1", "Chợ Lớn", "Big Market", "commune")
    assert (ward.code, ward.name, ward.name_en, ward.kind) == expected


def test_polygons_of_a_geometry_collection_are_taken(tmp_path):
    both = shapely.GeometryCollection([shapely.Point(106.6, 10.7), builders.square(0)])
    file = load.read(a_file(tmp_path, a_feature(0, both)))
    assert shapely.area(file.polygons[0]) == pytest.approx(builders.SIDE**2)


@pytest.mark.parametrize(
    ("name", "n"),
    [
        ("hcmc_wards_2025.geojson.gz", 168),
        ("boston_neighborhoods.geojson.gz", 26),
        ("vietnam_wards_2025.parquet", 3321),
    ],
)
def test_real_sources_are_read_whole(shared_data, name, n):
    file = load.read(shared_data / name)
    assert len(file) == n
    assert len({ward.code for ward in file.wards}) == n
