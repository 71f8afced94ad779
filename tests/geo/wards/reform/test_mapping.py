"""A mapping file of old to new wards: what is taken, and what is refused with its place."""

import pytest

from geo.errors import UnreadableFile
from geo.wards.reform.mapping import Line, read_mapping


def written(folder, text, encoding="utf-8"):
    path = folder / "map.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_a_spreadsheets_file_is_read_with_its_lines(tmp_path):
    text = "legacy_code,new_code,area_share_in_new\r\n1,7,0.25\r\n\r\n1,8,\r\n,9,1\r\n"
    assert read_mapping(written(tmp_path, text, "utf-8-sig")) == [
        Line(2, "1", "7", 0.25),
        Line(4, "1", "8", None),
        Line(5, None, "9", 1.0),
    ]


@pytest.mark.parametrize(
    ("text", "encoding", "said"),
    [
        ("", "utf-8", "map.csv is empty"),
        ("old_code,new_code\n1,2\n", "utf-16", "is not UTF-8"),
        ("old_code;new_code\n1;2\n", "utf-8", "save it with commas between the columns"),
        ("old_code,to_where\n1,2\n", "utf-8", "no column new_code .* it has old_code, to_where$"),
        ("old_code,new_code\n1,2,3\n", "utf-8", "line 2 has 3 columns, the header 2"),
        ("old_code,new_code\n1,\n", "utf-8", "line 2 names no new ward"),
        ("old_code,new_code,share\n1,2,nan\n", "utf-8", "line 2: the share 'nan'"),
        ('old_code,new_code,share\n1,2,"0,5"\n', "utf-8", "line 2: the share '0,5'"),
        ("old_code,new_code,share\n1,2,1.5\n", "utf-8", "line 2: the share '1.5'"),
        ("old_code,new_code,share\n1,2,.5\n1,2,.5\n", "utf-8", r"line 3 says 1 → 2 again \(line 2"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(tmp_path, text, encoding, said):
    with pytest.raises(UnreadableFile, match=said):
        read_mapping(written(tmp_path, text, encoding))
