"""`pinward reports import`, as people run it."""

import csv
import json

import pytest
from hotline import HEADER, flags, query, row, run_import, write_csv

import builders


def test_rows_come_in_with_ward_category_times_and_events(city_url, pinward, tmp_path):
    path = write_csv(
        tmp_path / "Hotline 2025.csv",
        [
            row(1, closed="2025-03-02T08:00:00", text="  đèn\r\ntắt "),
            row(2, category="traffic.pothole", text=""),
        ],
    )
    said = run_import(pinward, path, city_url)
    assert (said["rows"], said["imported"], said["already"], said["refused"]) == (2, 2, 0, 0)
    assert said["categories"] == ["imported.street-light-outages"]
    assert said["refused_file"] is None
    rows = query(
        city_url,
        "SELECT source, source_id, category_code, text, status, channel, w.code, "
        "created_at AT TIME ZONE 'UTC', closed_at AT TIME ZONE 'UTC', due_at - created_at, flags "
        "FROM reports r JOIN wards w ON w.id = r.ward_id ORDER BY source_id",
    )
    first, second = [[str(value) for value in row] for row in rows]
    assert first == [
        *("Hotline 2025", "r1", "imported.street-light-outages", "đèn\ntắt", "closed", "import"),
        *("90001", "2025-03-01 03:00:00", "2025-03-02 01:00:00", "None", "[]"),
    ]
    assert second == [
        *("Hotline 2025", "r2", "traffic.pothole", "traffic.pothole", "assigned", "import"),
        *("90001", "2025-03-01 03:00:00", "None", "5 days, 0:00:00", "[]"),
    ]
    events = query(
        city_url,
        "SELECT r.source_id, e.kind, e.at = coalesce(CASE e.kind WHEN 'closed' THEN r.closed_at "
        "END, r.created_at), e.text_vi FROM report_events e JOIN reports r ON r.id = e.report_id "
        "ORDER BY r.source_id, e.id",
    )
    assert events == [
        ("r1", "received", True, "Nhập từ nguồn Hotline 2025."),
        ("r1", "closed", True, "Đã đóng."),
        ("r2", "received", True, "Nhập từ nguồn Hotline 2025."),
    ]
    offered = "SELECT offered FROM categories WHERE code >= 'imported' AND code < 'importee'"
    assert set(query(city_url, offered)) == {(False,)}


def test_a_second_run_adds_nothing_and_a_longer_file_only_what_is_new(city_url, pinward, tmp_path):
    path = write_csv(tmp_path / "a.csv", [row(n) for n in range(50)])
    assert run_import(pinward, path, city_url)["imported"] == 50
    before = query(city_url, "SELECT count(*), max(id) FROM report_events")
    again = run_import(pinward, path, city_url)
    assert (again["imported"], again["already"], again["categories"]) == (0, 50, [])
    assert query(city_url, "SELECT count(*), max(id) FROM report_events") == before
    write_csv(path, [row(n) for n in range(60)])
    more = run_import(pinward, path, city_url)
    assert (more["imported"], more["already"]) == (10, 50)
    # The same ids of another system are other reports.
    assert run_import(pinward, path, city_url, "--source", "other")["imported"] == 60


def test_each_refused_row_is_listed_with_its_line_and_reason(city_url, pinward, tmp_path):
    bad = [
        (row(1, id=""), "it has no id"),
        (row(0), "its id came before in this file (r0)"),
        (row(3, created=""), "it has no time of creation"),
        (row(4, created="31/12/2025"), "is no date that is understood (31/12/2025)"),
        (row(5, created="2025-02-30"), "is no date that is understood (2025-02-30)"),
        (row(6, created="2090-01-01"), "lies in the future (2090-01-01)"),
        (row(7, closed="soon"), "its time of closing is no date that is understood (soon)"),
        (row(8, lon=""), "it has no coordinates"),
        (row(9, lon="0", lat="0.0"), "it has no coordinates"),
        (row(10, lon="106,6"), "its coordinates are no numbers (106,6, 10.710000)"),
        (row(11, lat="106.6"), "lon is within ±180 and lat within ±90"),
        (row(12, lon="1e999"), "its coordinates are out of range"),
        (row(13, category=" "), "it has no category"),
        (row(14, text="a\x01b"), "its text holds control characters"),
        (row(15, text="x" * 5001), "its text is longer than 5000 characters"),
        (row(16, id="i" * 201), "its id is longer than 200 characters"),
        ([*row(17), "more"], "it has 8 fields where the header has 7"),
    ]
    path = write_csv(tmp_path / "a.csv", [row(0, text="hai\ndòng"), *[row for row, _ in bad]])
    said = run_import(pinward, path, city_url)
    assert (said["rows"], said["imported"], said["refused"]) == (18, 1, 17)
    assert said["refused_file"] == "a.csv.refused.csv"
    assert sum(item["rows"] for item in said["reasons"]) == 17
    with (tmp_path / "a.csv.refused.csv").open(encoding="utf-8", newline="") as file:
        listed = list(csv.reader(file))
    assert listed[0] == ["line", "reason", *HEADER]
    # The first row takes two lines.
    assert [int(line) for line, *_ in listed[1:]] == list(range(4, 21))
    for (_, said_reason, *said_fields), (fields, reason) in zip(listed[1:], bad, strict=True):
        assert reason in said_reason
        assert said_fields == fields


def test_bytes_that_are_not_utf8_cost_their_row_only(city_url, pinward, tmp_path):
    path = write_csv(tmp_path / "a.csv", [row(0), row(1, text="BAD"), row(2)])
    path.write_bytes(path.read_bytes().replace(b"BAD", b"\xe1\xbb"))
    said = run_import(pinward, path, city_url)
    assert (said["imported"], said["refused"]) == (2, 1)
    assert "it is not UTF-8" in (tmp_path / "a.csv.refused.csv").read_text(encoding="utf-8")


def test_refused_rows_mended_in_their_file_come_in_from_it(city_url, pinward, tmp_path):
    path = write_csv(tmp_path / "a.csv", [row(0), row(1, created="x")])
    run_import(pinward, path, city_url)
    mended = tmp_path / "a.csv.refused.csv"
    mended.write_text(mended.read_text().replace(",x,", ",2025-03-01,"))
    said = run_import(pinward, mended, city_url, "--source", "a", "--refused", "b.csv")
    assert (said["imported"], said["refused"]) == (1, 0)
    # Once nothing is refused any more, the list of the first run is gone.
    write_csv(path, [row(0), row(1)])
    assert run_import(pinward, path, city_url)["already"] == 2
    assert not mended.exists()


def test_odd_rows_are_kept_and_flagged(city_url, pinward, tmp_path):
    near = {"lat": f"{builders.SOUTH - 0.001:.4f}"}
    far = {"lon": "107.5", "lat": "11.5"}
    piled = {"lon": "106.615", "lat": "10.715"}
    path = write_csv(
        tmp_path / "a.csv",
        [
            *[row(n) for n in range(10)],
            *[row(n, **piled) for n in range(100, 200)],
            row(20, **near),
            row(21, **far),
            row(22, closed="2025-03-01T09:00:00"),
            row(23, created="2025-11-02T01:30:00", closed="2025-11-05T00:00:00"),
            row(24, created="2025-03-09T02:30:00"),
        ],
    )
    said = run_import(pinward, path, city_url, "--timezone", "America/New_York")
    assert flags(said) == {
        "default-point": 100,
        "outside-coverage": 2,
        "closed-before-created": 1,
        "ambiguous-local-time": 1,
        "nonexistent-local-time": 1,
    }
    assert said["default_points"] == [{"lon": 106.615, "lat": 10.715, "rows": 100}]
    rows = dict(
        query(
            city_url,
            "SELECT source_id, row_to_json(r) FROM reports r WHERE flags <> '{}' "
            "AND NOT flags @> '{default-point}'",
        )
    )
    assert rows["r20"]["ward_match"] == "nearest"
    assert rows["r20"]["flags"] == ["outside-coverage"]
    assert rows["r21"]["ward_id"] is None
    # The time is kept where it cannot be taken for a duration.
    assert (rows["r22"]["status"], rows["r22"]["closed_at"]) == ("closed", None)
    given = "SELECT data FROM report_events WHERE report_id = %s"
    assert query(city_url, given, rows["r22"]["id"]) == [
        ({"closed_given": "2025-03-01T14:00:00Z"},)
    ]
    assert rows["r23"]["created_at"].startswith("2025-11-02T05:30:00")
    assert rows["r24"]["created_at"].startswith("2025-03-09T07:30:00")


def test_statuses_of_other_systems_are_understood(city_url, pinward, tmp_path):
    words = ["Open", "CLOSED", "In Progress", "đã xử lý", "zzz", "", "open", "duplicate"]
    rows = [[*row(n), word] for n, word in enumerate(words)]
    rows[6][3] = "2025-03-05"
    path = write_csv(tmp_path / "a.csv", rows, (*HEADER, "case_status"))
    said = run_import(pinward, path, city_url)
    kept = [kept for (kept,) in query(city_url, "SELECT status FROM reports ORDER BY source_id")]
    assert kept == [
        *("assigned", "closed", "in_progress", "resolved", "assigned", "assigned", "closed"),
        "duplicate",
    ]
    assert flags(said) == {"unknown-status": 1}


def test_categories_are_mapped_refused_or_told_apart(city_url, pinward, tmp_path):
    rows = [row(0, category="Pot Hole"), row(1, category="pot-hole"), row(2, category="道路")]
    path = write_csv(tmp_path / "a.csv", rows)
    refused = run_import(pinward, path, city_url, "--categories", "refuse")
    assert (refused["imported"], refused["refused"]) == (0, 3)
    map_file = tmp_path / "map.csv"
    map_file.write_text("name,code\npot hole,traffic.pothole\n")
    mapped = run_import(pinward, path, city_url, "--categories", "map", "--category-map", map_file)
    assert (mapped["imported"], mapped["refused"]) == (1, 2)
    assert run_import(pinward, path, city_url)["imported"] == 2
    codes = query(city_url, "SELECT category_code FROM reports ORDER BY source_id")
    assert codes[0] == ("traffic.pothole",)
    # "Pot Hole" was looked at again: its row is there, but its name is nobody's without the map.
    assert codes[1] == ("imported.pot-hole-2",)
    assert codes[2][0].startswith("imported.")


def test_two_names_that_would_have_one_code_get_two(city_url, pinward, tmp_path):
    names = ["Noise / Bar", "Noise: Bar", "noise / bar"]
    path = write_csv(tmp_path / "a.csv", [row(n, category=name) for n, name in enumerate(names)])
    assert run_import(pinward, path, city_url)["categories"] == [
        *("imported.noise-bar", "imported.noise-bar-2"),
    ]
    codes = query(city_url, "SELECT category_code FROM reports ORDER BY source_id")
    assert codes[0] == codes[2] != codes[1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--timezone", "Mars/Olympus"], "no time zone 'Mars/Olympus'"),
        (["--text", "nonsense"], "no column 'nonsense'"),
        (["--refused", "/nowhere/at/all.csv"], "--refused"),
        (["--category-map", "missing.csv"], "category map"),
        (["--category", "id"], None),
    ],
)
def test_what_is_refused_as_a_whole_changes_nothing(city_url, pinward, tmp_path, options, said):
    path = write_csv(tmp_path / "a.csv", [row(n) for n in range(2_001)])
    done = pinward("reports", "import", path, *options, url=city_url)
    assert done.returncode == 1
    assert (said or "wrong column") in done.stderr
    assert "Traceback" not in done.stderr
    assert query(city_url, "SELECT count(*) FROM reports") == [(0,)]
    assert query(city_url, "SELECT count(*) FROM categories WHERE NOT offered") == [(0,)]


def test_a_map_to_a_category_that_is_none_names_the_nearest(city_url, pinward, tmp_path):
    (tmp_path / "map.csv").write_text("x,traffic.potholes\n")
    path = write_csv(tmp_path / "a.csv", [row(0)])
    done = pinward("reports", "import", path, "--category-map", "map.csv", url=city_url)
    assert done.returncode == 1
    assert "traffic.pothole" in done.stderr.replace("traffic.potholes", "")


def test_when_every_row_is_refused_the_command_fails(city_url, pinward, tmp_path):
    path = write_csv(tmp_path / "a.csv", [row(n, lon="") for n in range(3)])
    done = pinward("reports", "import", path, url=city_url)
    assert done.returncode == 1
    assert "0 imported" in done.stdout
    assert "it has no coordinates: 3" in done.stdout


def test_without_any_wards_reports_come_in_without_one_and_it_is_said(url, pinward, tmp_path):
    path = write_csv(tmp_path / "a.csv", [row(0)])
    said = run_import(pinward, path, url)
    assert (said["imported"], said["flags"], said["wards_known"]) == (1, [], False)


def test_geojson_comes_in_the_same_way(city_url, pinward, tmp_path):
    features = [
        {
            "type": "Feature",
            "id": n,
            "properties": {"category": "Ổ gà", "created": "2025-01-01T00:00:00Z", "text": "hố"},
            "geometry": {"type": "Point", "coordinates": builders.middle(n)} if n < 6 else None,
        }
        for n in range(7)
    ]
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    said = run_import(pinward, path, city_url)
    assert (said["imported"], said["refused"]) == (6, 1)
    refused = (tmp_path / "a.geojson.refused.csv").read_text(encoding="utf-8").splitlines()
    assert refused[0].startswith("feature,reason,")
    assert refused[1].startswith("7,it has no coordinates,")


def test_a_file_of_a_header_alone_is_refused(pinward, city_url, tmp_path):
    path = tmp_path / "header.csv"
    path.write_text("id,category,created,lon,lat,text\n")
    done = pinward("reports", "import", path, url=city_url)
    assert done.returncode == 1
    assert "no rows" in done.stderr
