"""What `pinward wards reform plan` says at its end, and of files that cannot be written."""

import json

import psycopg
import pytest
import shapely
from drawn import put_reports

import builders
from ward_files import a_feature, a_file


@pytest.fixture
def whole(city_url, pinward, tmp_path):
    """The small city as one ward from 2025 on."""
    ground = shapely.union_all([builders.square(n) for n in range(6)])
    file = a_file(tmp_path, a_feature(0, ground, name="Tất Cả"))
    words = ("wards", "import", file, "--set", "whole", "--valid-from", "2025-07-01")
    assert pinward(*words, url=city_url).returncode == 0
    return city_url


def test_a_map_or_geojson_that_cannot_be_written_is_told_in_a_sentence(whole, pinward, tmp_path):
    (tmp_path / "a_file").write_text("")
    for words in (
        ("wards", "reform", "plan", "--to", "whole", "--map", "a_file/plan.html"),
        ("wards", "check", "whole", "--against", "small-city", "--geojson", "a_file/x.json"),
    ):
        done = pinward(*words, url=whole)
        assert done.returncode == 1
        assert done.stderr.strip() == f"{words[-1]} cannot be written: Not a directory"


def test_a_plan_says_what_comes_next(whole, pinward):
    def last():
        return pinward("wards", "reform", "plan", "--to", "whole", url=whole).stdout.splitlines()[
            -1
        ]

    assert last().endswith("`pinward wards reform apply --to whole` does it.")
    assert pinward("wards", "reform", "apply", "--to", "whole", url=whole).returncode == 0
    assert "It was applied already" in last()


def test_a_plan_counts_what_ends_and_what_begins_and_one_is_no_plural(whole, pinward):
    with psycopg.connect(whole) as db:
        ((ward,),) = db.execute(
            "SELECT id FROM wards WHERE code = '90003' AND valid @> DATE '2025-01-01'"
        )
    put_reports(whole, [builders.middle(2)], ward_id=ward, status="assigned")
    said = pinward("wards", "reform", "plan", "--to", "whole", url=whole).stdout.splitlines()
    assert said[0] == "whole: 6 wards are replaced by 1 on 2025-07-01"
    assert said[1].startswith("  1 open report: 1 moves to another ward, 0 get the new version")
    assert "1 pair of wards by reports that move" in said
    assert "1 reused code" in said
    assert any(
        line.endswith(": 1 of 1 moves, 100.0% of the old ward, 16.7% of the new, 0 ambiguous")
        for line in said
    )


def test_neighbours_that_go_on_are_told_apart(city_url, pinward, tmp_path):
    ground = shapely.union_all([builders.square(n) for n in range(2)])
    file = a_file(tmp_path, a_feature(0, ground, name="Hai Phường"))
    words = ("wards", "import", file, "--set", "two", "--valid-from", "2025-07-01")
    assert pinward(*words, url=city_url).returncode == 0
    words = ("wards", "reform", "plan", "--to", "two", "--partial")
    said = pinward(*words, url=city_url).stdout.splitlines()
    assert said[0] == (
        "two: 2 wards are replaced by 1 on 2025-07-01; the city's 4 other wards go on"
    )
    totals = json.loads(pinward(*words, "--json", url=city_url).stdout)["totals"]
    assert [totals[f"wards_{when}"] for when in ("before", "after", "going_on")] == [2, 1, 4]
