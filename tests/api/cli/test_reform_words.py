"""What `pinward wards reform` says of few reports, of a mere schedule, and of times."""

import json
from datetime import UTC, datetime

import psycopg
import pytest
import shapely
from drawn import put_reports

import builders
from ward_files import a_feature, a_file


@pytest.fixture
def reform(city_url, pinward, tmp_path):
    """`reform(day)` imports the small city as one ward, 90001; it returns the command for it."""

    def begin(day):
        ground = shapely.union_all([builders.square(n) for n in range(6)])
        file = a_file(tmp_path, a_feature(0, ground))
        words = ("wards", "import", file, "--set", "whole", "--valid-from", day)
        assert pinward(*words, url=city_url).returncode == 0

        def run(word, *more):
            to = () if word == "list" else ("--to", "whole")
            done = pinward("wards", "reform", word, *to, *more, url=city_url)
            assert done.returncode == 0, done.stderr
            return done.stdout

        return run

    return begin


def _put(url, places, code, status="received"):
    with psycopg.connect(url) as db:
        (ward,) = db.execute("SELECT id FROM wards WHERE code = %s", (code,)).fetchone()
    codes = put_reports(url, places, ward_id=ward, status=status)
    with psycopg.connect(url) as db:
        db.execute(
            "UPDATE reports r SET organisation_id = w.organisation_id FROM wards w"
            " WHERE w.id = r.ward_id"
        )
    return codes


def test_undoing_a_mere_schedule_says_that_nothing_had_been_moved(reform):
    run = reform("2999-01-01")
    assert "comes into force on 2999-01-01" in run("apply")
    said = run("undo")
    assert "the schedule is taken back; no report had been moved yet" in said
    assert "moved back" not in said


def test_one_report_is_told_of_as_one(reform, city_url):
    [moved] = _put(city_url, [builders.middle(1)], "90002")
    _put(city_url, [builders.middle(0)], "90001")
    _put(city_url, [(0, 0)], "90003")
    _put(city_url, [builders.middle(2)], "90003", "closed")
    run = reform("2025-07-01")
    said = run("apply")
    assert "1 open report moved, 1 in the new version of its ward" in said
    assert "1 lies in no ward of 2025-07-01 and stays where it is" in said
    assert ", 1 report moved" in run("list")
    with psycopg.connect(city_url) as db:
        db.execute("UPDATE reports SET status = 'closed' WHERE code = %s", (moved,))
    said = run("undo")
    assert "0 reports moved back, 1 in the old version of its ward" in said
    assert "1 was touched since and stays as it is" in said
    assert "schedule" not in said


def test_two_reports_are_told_of_as_two(reform, city_url):
    _put(city_url, [builders.middle(1)] * 2, "90002")
    _put(city_url, [(0, 0)] * 2, "90003")
    run = reform("2025-07-01")
    said = run("apply")
    assert "2 open reports moved, 0 in the new version of their ward" in said
    assert "2 lie in no ward of 2025-07-01 and stay where they are" in said
    assert "reports of older wards have an answer of their own" in said
    with psycopg.connect(city_url) as db:
        db.execute("UPDATE reports SET status = 'closed' WHERE ward_id IS NOT NULL")
    assert "2 were touched since and stay as they are" in run("undo")


def test_the_list_as_json_has_times_of_rfc_3339(reform):
    run = reform("2025-07-01")
    run("apply")
    [one] = json.loads(run("list", "--json"))["reforms"]
    assert one["in_force_on"] == "2025-07-01"
    for name in ("asked_at", "begun_at", "applied_at"):
        assert "T" in one[name], name
        at = datetime.fromisoformat(one[name])
        assert abs((datetime.now(UTC) - at).total_seconds()) < 600, name
