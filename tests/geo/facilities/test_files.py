"""Facilities out of real files: guessed columns, every refusal said with its place and its cure."""

import json
import unicodedata

import pytest
import shapely

from geo.errors import RefusedImport, UnreadableFile
from geo.facilities.files import Columns, read


def a_file(tmp_path, text, name="places.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def geojson(*features):
    return json.dumps(
        {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "properties": properties,
                    "geometry": shapely.geometry.mapping(g),
                }
                for g, properties in features
            ],
        }
    )


def test_columns_are_guessed_whatever_their_case(tmp_path):
    path = a_file(tmp_path, "ID,Name,Amenity,Longitude,Latitude\n7,Trường A,school,106.7,10.8\n")
    (row,) = read(path, Columns())
    assert (row.source_id, row.name, row.kind) == ("7", "Trường A", "school")
    assert (row.lon, row.lat) == (106.7, 10.8)
    assert row.source == "places"


def test_a_decomposed_name_is_kept_composed(tmp_path):
    name = unicodedata.normalize("NFD", "Trường Thạnh Mỹ")
    path = a_file(tmp_path, f"id,name,kind,lon,lat\n1,{name},school,106.7,10.8\n")
    (row,) = read(path, Columns())
    assert row.name == "Trường Thạnh Mỹ"


def test_a_facility_may_have_no_name(tmp_path):
    path = a_file(tmp_path, "id,name,kind,lon,lat\n1, ,hospital,106.7,10.8\n")
    assert read(path, Columns())[0].name is None


def test_semicolons_and_a_byte_order_mark_are_read(tmp_path):
    path = a_file(tmp_path, "\ufeffid;name;kind;lon;lat\n1;A, B;clinic;106.7;10.8\n")
    assert read(path, Columns())[0].name == "A, B"


def test_a_school_ground_becomes_a_point_on_it(tmp_path):
    ground = shapely.Polygon([(0, 0), (3, 0), (3, 1), (1, 1), (1, 3), (0, 3)])
    path = a_file(tmp_path, geojson((ground, {"name": "L"})), "grounds.geojson")
    (row,) = read(path, Columns(kind="school"))
    assert ground.contains(shapely.Point(row.lon, row.lat))


def test_a_file_in_metres_comes_out_in_degrees(tmp_path):
    geopandas = pytest.importorskip("geopandas")
    frame = geopandas.GeoDataFrame(
        {"kind": ["clinic"]}, geometry=[shapely.Point(106.7, 10.8)], crs=4326
    ).to_crs(32648)
    path = tmp_path / "metres.gpkg"
    frame.to_file(path)
    (row,) = read(path, Columns())
    assert (round(row.lon, 7), round(row.lat, 7)) == (106.7, 10.8)


def test_without_an_id_a_row_keeps_its_name_in_the_next_file(tmp_path):
    text = "name,kind,lon,lat\nA,school,106.7,10.8\nB,school,106.7,10.8\n"
    first = read(a_file(tmp_path, text), Columns(source="s"))
    second = read(a_file(tmp_path, text + "C,school,106.8,10.8\n"), Columns(source="s"))
    assert [row.source_id for row in first] == [row.source_id for row in second[:2]]
    assert len({row.source_id for row in second}) == 3


def test_other_columns_are_kept_as_tags(tmp_path):
    path = a_file(tmp_path, "id,kind,lon,lat,beds,fax\n1,hospital,106.7,10.8,120,\n")
    assert read(path, Columns())[0].tags == {"beds": "120"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,name,kind\n1,A,school\n", "looks like lon .*--lon-field"),
        ("id,lon,lat\n1,106.7,10.8\n", "--kind for all"),
        ("id,kind,lon,lat\n1,school,abc,10.8\n", "line 2: lon 'abc' is not a number"),
        ("id,kind,lon,lat\n1,school,,10.8\n", "line 2: lon '' is not a number"),
        ("id,kind,lon,lat\n1,school,nan,10.8\n", "line 2: .*must be numbers"),
        ("id,kind,lon,lat\n1,school,10.8,106.7\n", "line 2: .*swapped"),
        ("id,kind,lon,lat\n1,school,685364.3,1191824.2\n", "line 2: .*another CRS"),
        ("id,kind,lon,lat\n1,castle,106.7,10.8\n", r"'castle' \(1\).*--unknown-as"),
        ("id,kind,lon,lat\n", "holds no facilities"),
    ],
)
def test_a_refusal_says_where_and_how_to_mend_it(tmp_path, text, said):
    with pytest.raises(RefusedImport, match=f"(?s){said}"):
        read(a_file(tmp_path, text), Columns())


def test_every_wrong_line_is_named_at_once(tmp_path):
    text = "id,kind,lon,lat\n" + "".join(f"{n},school,x{n},10\n" for n in range(30))
    with pytest.raises(RefusedImport) as refused:
        read(a_file(tmp_path, text), Columns())
    assert "line 2:" in refused.value.detail
    assert "line 21:" in refused.value.detail
    assert "and 10 more" in refused.value.detail


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.csv", b"", "is empty"),
        ("latin.csv", "id,kind,lon,lat\n1,trường,1,1\n".encode("utf-16"), "not UTF-8"),
        ("broken.geojson", b'{"type": "FeatureColl', "cannot be read"),
        ("noise.gpkg", b"\x00\x01\x02" * 1000, "cannot be read"),
        ("packed.csv.gz", b"not gzip at all", "cannot be unpacked"),
    ],
)
def test_nonsense_is_named_as_unreadable(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=said):
        read(path, Columns())


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UnreadableFile, match="is not a file"):
        read(tmp_path / "nowhere.csv", Columns())


def test_an_unknown_kind_can_be_taken_as_another(tmp_path):
    path = a_file(tmp_path, "id,kind,lon,lat\n1,castle,106.7,10.8\n2,doctors,106.7,10.8\n")
    assert [row.kind for row in read(path, Columns(unknown_as="other"))] == ["other", "clinic"]


def test_the_real_schools_and_clinics_are_read(shared_data):
    rows = read(shared_data / "hcmc_facilities_osm.csv", Columns())
    assert len(rows) == 69
    assert sum(row.name is None for row in rows) == 4
    assert {row.kind for row in rows} == {"school", "hospital", "clinic"}
    assert {row.source for row in rows} == {"OSM (ODbL) via minhe51805/UrbanReflex"}


def test_a_ground_with_a_coordinate_that_is_none_is_refused_with_its_row(tmp_path):
    ring = "[[[106.6,10.7],[NaN,10.7],[106.7,10.8],[106.6,10.7]]]"
    text = (
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"name":"A"},'
        f'"geometry":{{"type":"Polygon","coordinates":{ring}}}}}]}}'
    )
    path = a_file(tmp_path, text, "grounds.geojson")
    with pytest.raises((RefusedImport, UnreadableFile)) as refused:
        read(path, Columns(kind="school"))
    assert "feature 1" in refused.value.detail
