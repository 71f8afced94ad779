"""Files of reports as they come: every row with its line, nothing lost without a word."""

import gzip
import json

import pytest

from geo.errors import RefusedImport, UnreadableFile
from geo.reports import rows
from geo.reports.importing import open_rows
from geo.reports.rows import CsvRows
from geo.reports.survey import survey

HEADER = "id,category,created,lon,lat,text\n"


def _file(folder, content, name="reports.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def _read(path, **options):
    """`[(line, first column), …]` and the broken rows' `[(line, reason), …]`."""
    read = CsvRows(path, options)
    found = []
    for batch in read:
        ids = batch.column("id").to_pylist()
        found += list(zip(batch.line.tolist(), ids, strict=True))
    return found, [(broken.line, broken.reason) for broken in read.broken]


def test_lines_are_counted_through_quoted_breaks_empty_lines_and_broken_rows(tmp_path):
    path = _file(
        tmp_path,
        '\ufeffid,category,created,lon,lat,"te\nxt"\n'  # 1-2
        '1,a,"x\ny",1,2,z\n'  # 3-4
        "\n"  # 5
        "2,b\n"  # 6
        '3,"c\nd\ne",1,2,3,4,5,6\n'  # 7-9
        "4,a,b,1,2,3\n"  # 10
        "5,a,b,1,2,3,\n"  # 11
        "6,a,b,1,2,3\n",  # 12
    )
    found, broken = _read(path, text="te\nxt")
    assert found == [(3, b"1"), (5, b""), (10, b"4"), (12, b"6")]
    assert broken == [
        (6, "it has 2 fields where the header has 6"),
        (7, "it has 8 fields where the header has 6"),
        (11, "it has 7 fields where the header has 6"),
    ]


def test_lines_are_counted_across_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "BLOCK_BYTES", 2_000)
    lines, expected, line = [], [], 2
    for n in range(3_000):
        text = "hai\ndòng" if n % 7 == 0 else "một"
        row = f"{n},a\n" if n % 11 == 0 else f'{n},a,2025-01-01,1,2,"{text}"\n'
        if n % 11:
            expected.append((line, str(n).encode()))
        lines.append(row)
        line += row.count("\n")
    found, broken = _read(_file(tmp_path, HEADER + "".join(lines)))
    assert found == expected
    assert len(broken) == len([n for n in range(3_000) if n % 11 == 0])
    # Read a second time, nothing differs.
    assert _read(tmp_path / "reports.csv")[0] == expected


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_usual_delimiters_and_line_endings_are_found_out(tmp_path, delimiter, ending):
    text = (HEADER + "1,a,b,1,2,x\n2,a,b,1,2,x").replace(",", delimiter).replace("\n", ending)
    found, broken = _read(_file(tmp_path, text))
    assert found == [(2, b"1"), (3, b"2")]
    assert broken == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"\n1,2\n", "empty line"),
        (b"\x00\x01\x02" * 100, "zero bytes"),
        (b"id,category,created,lon,lat,\xe9\n", "UTF-8"),
        (HEADER + '1,"never,closed\n2,b,c,1,2,x\n', "opened in line 2 is never closed"),
        (HEADER + '1,a,b,1,2,x\n2,a,b,1,2,"open\nand\non\n', "opened in line 3 is never closed"),
        (HEADER + "nonsense\n" * 2_000, "most of its rows"),
    ],
)
def test_a_file_that_is_no_table_says_what_and_where(tmp_path, content, said):
    with pytest.raises(UnreadableFile, match=said):
        _read(_file(tmp_path, content))


def test_a_row_longer_than_a_block_is_said_to_be_an_open_quotation_mark(tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "BLOCK_BYTES", 10_000)
    content = HEADER + "1,a,b,1,2,x\n" + '2,a,b,1,2,"' + "dòng\n" * 10_000
    with pytest.raises(UnreadableFile, match="quotation mark"):
        _read(_file(tmp_path, content))


def test_a_lone_quotation_mark_inside_a_field_is_only_text(tmp_path):
    found, broken = _read(_file(tmp_path, HEADER + '1,a,b,1,2,ống 5" vỡ\n2,a,b,1,2,x\n'))
    assert [line for line, _ in found] == [2, 3]
    assert broken == []


def test_a_cut_off_gz_is_unreadable(tmp_path):
    packed = gzip.compress((HEADER + "1,a,b,1,2,x\n" * 5_000).encode())
    with pytest.raises(UnreadableFile, match="cannot be read"):
        _read(_file(tmp_path, packed[:-50], "reports.csv.gz"))
    with pytest.raises(UnreadableFile, match="cannot be read"):
        _read(_file(tmp_path, b"not gzip at all", "reports.csv.gz"))
    with pytest.raises(UnreadableFile, match="cannot be opened"):
        _read(tmp_path / "missing.csv")


def test_a_header_without_rows_is_an_empty_table(tmp_path):
    assert _read(_file(tmp_path, HEADER)) == ([], [])
    assert _read(_file(tmp_path, HEADER.strip())) == ([], [])


def test_columns_are_guessed_named_or_missed_by_name(tmp_path):
    path = _file(tmp_path, "CASE ENQUIRY ID,open_dt,closed_dt,Case Title,Latitude,Longitude,x\n")
    assert CsvRows(path, {}).mapping == {
        **{"id": 0, "created": 1, "closed": 2, "category": 3, "lat": 4, "lon": 5}
    }
    assert CsvRows(path, {"text": "Case Title", "lon": "x"}).mapping["lon"] == 6
    with pytest.raises(RefusedImport, match="no column 'nonsense'; it has: CASE ENQUIRY ID"):
        CsvRows(path, {"text": "nonsense"})
    with pytest.raises(RefusedImport, match="--category, --created"):
        CsvRows(_file(tmp_path, "id,lon,lat\n"), {})
    with pytest.raises(RefusedImport, match="2 columns called 'id'"):
        CsvRows(_file(tmp_path, "id,id,category,created,lon,lat\n"), {})


def _feature(n, **changes):
    return {
        "type": "Feature",
        "id": n,
        "properties": {"category": "a", "created": "2025-01-01", "text": "x", "size": 2},
        "geometry": {"type": "Point", "coordinates": [106.6, 10.7, 5]},
        **changes,
    }


@pytest.mark.parametrize("form", ["collection", "lines", "gz"])
def test_geojson_reads_like_a_table(tmp_path, form):
    features = [_feature(7), _feature(8, geometry=None), _feature(None, properties=None)]
    content = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    name = "reports.geojson"
    if form == "lines":
        content, name = "\n".join(map(json.dumps, features)).encode(), "reports.geojsonl"
    if form == "gz":
        content, name = gzip.compress(content), "reports.geojson.gz"
    [batch] = list(open_rows(_file(tmp_path, content, name), {}))
    assert batch.line.tolist() == [1, 2, 3]
    assert batch.column("id").to_pylist() == [b"7", b"8", b""]
    assert batch.column("lon").to_pylist() == [b"106.6", b"", b"106.6"]
    assert batch.column("category").to_pylist() == [b"a", b"a", b""]


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[1, 2]",
        b'{"type": "Topology"}',
        b"\xff",
        b"[" * 100_000,
        b'{"features": [1]}',
        b"",
        b'{"features": []}',
    ],
)
def test_json_that_is_no_geojson_is_unreadable(tmp_path, content):
    with pytest.raises(UnreadableFile):
        open_rows(_file(tmp_path, content, "reports.geojson"), {})


def test_a_survey_finds_repeated_ids_and_the_default_point(tmp_path):
    lines = [f"{n},a,2025-01-01,{106.6 + n / 1e4:.4f},10.7,x\n" for n in range(900)]
    lines += [f"d{n},a,2025-01-01,106.7,10.8,x\n" for n in range(100)]
    lines += ["5,b,2025-01-01,106.61,10.7,x\n", ",c,2025-01-01,0,0,x\n", ",c,,0,0,x\n"]
    found = survey(CsvRows(_file(tmp_path, HEADER + "".join(lines)), {}))
    assert found.rows == 1003
    assert found.repeated.nonzero()[0].tolist() == [1000]
    assert [(pile.lon, pile.lat, pile.rows) for pile in found.piles] == [(106.7, 10.8, 100)]
    assert found.categories == ("a", "b", "c")


def test_ninety_nine_reports_at_one_point_are_no_pile_yet(tmp_path):
    lines = [f"d{n},a,2025-01-01,106.7,10.8,x\n" for n in range(99)]
    assert survey(CsvRows(_file(tmp_path, HEADER + "".join(lines)), {})).piles == ()
