"""A survey's fix of one polygon, from its import to its undoing, by the real commands.

The first ward reaches a quarter into the second: of their seven open reports two lie between the
old border and the new one. The two are a third of the city, and no word is needed for the rest.
"""

import json

import psycopg
import pytest
import shapely
from conftest import command, serving
from drawn import put_reports

import builders
from builders import SIDE
from ward_files import a_file

DAY = "2026-03-01"
IN_THE_STRIP = (builders.WEST + SIDE * 1.1, builders.SOUTH + SIDE / 2)
STATE = (
    "SELECT code, ward_id, organisation_id, status, ward_match, reasons FROM reports ORDER BY id"
)
HELD = (
    "SELECT w.code, count(*) FROM reports r JOIN wards w ON w.id = r.ward_id GROUP BY 1 ORDER BY 1"
)


def ask(url, query, *values):
    with psycopg.connect(url) as db:
        return db.execute(query, values).fetchall()


def a_survey(folder):
    """One polygon, by its code only; what else there is of the ward stays."""
    west, south, east, north = builders.square(0).bounds
    shape = shapely.geometry.mapping(shapely.box(west, south, east + SIDE / 4, north))
    feature = {"type": "Feature", "geometry": shape, "properties": {"code": "90001"}}
    return a_file(folder, feature, name="fix.geojson")


@pytest.fixture(scope="module")
def city(clone, city_template, tmp_path_factory):
    """The database with its nine reports and the fix imported, and the command."""
    url, folder = clone(city_template), tmp_path_factory.mktemp("fix")
    pinward = command(folder)
    ids = dict(ask(url, "SELECT code, id FROM wards"))
    for code, places in {
        "90001": [builders.middle(0)] * 3,
        "90002": [builders.middle(1)] * 2 + [IN_THE_STRIP] * 2,
        "90003": [builders.middle(2)],
        "90004": [builders.middle(3)],
    }.items():
        put_reports(url, places, ward_id=ids[code], status="assigned")
    with psycopg.connect(url) as db:
        db.execute(
            "UPDATE reports r SET organisation_id = w.organisation_id, ward_match = 'covers'"
            " FROM wards w WHERE w.id = r.ward_id"
        )
    words = ("wards", "import", a_survey(folder), "--set", "survey", "--valid-from", DAY)
    done = pinward(*words, "--correction", url=url)
    assert done.returncode == 0, done.stderr
    assert "2 older wards end on 2026-03-01" in done.stdout
    return url, pinward


def test_the_set_is_known_as_a_correction(city):
    url, pinward = city
    sets = json.loads(pinward("wards", "list", "--json", url=url).stdout)["sets"]
    assert {one["name"]: one["correction"] for one in sets} == {"survey": True, "small-city": False}
    assert "survey: 2 wards of Thành phố Thử" in pinward("wards", "list", url=url).stdout
    assert "fix.geojson, a correction" in pinward("wards", "list", url=url).stdout


def test_planned_applied_and_undone_without_a_word_for_the_rest(city, tmp_path):
    url, pinward = city
    before = ask(url, STATE)
    said = pinward("wards", "reform", "plan", "--to", "survey", url=url)
    assert said.returncode == 0, said.stderr
    assert said.stdout.splitlines()[:2] == [
        "survey: 2 wards are replaced by 2 on 2026-03-01; the city's 4 other wards go on",
        "  7 open reports: 2 move to another ward, 5 get the new version of theirs, "
        "0 lie in none and stay",
    ]
    assert "  90002 Chợ Nhỏ → 90001 Bến Thử: 2 of 2 move" in said.stdout
    told = json.loads(
        pinward("wards", "reform", "plan", "--to", "survey", "--json", url=url).stdout
    )
    assert told["reused_codes"] == told["committees"] == told["accounts"] == []
    assert ask(url, STATE) == before

    applied = pinward("wards", "reform", "apply", "--to", "survey", "--json", url=url)
    assert applied.returncode == 0, applied.stderr
    done = json.loads(applied.stdout)
    assert (done["state"], done["moved"], done["renewed"]) == ("applied", 2, 5)
    assert ask(url, HELD) == [("90001", 5), ("90002", 2), ("90003", 1), ("90004", 1)]
    # Only who is in another ward now is told; nobody is told of a new version of his own.
    events = "SELECT text_en, count(*) FROM report_events WHERE kind = 'moved' GROUP BY 1"
    assert ask(url, events) == [("Chợ Nhỏ Ward → Bến Thử Ward, reform 2026-03-01", 2)]
    answering = (
        "SELECT DISTINCT o.code FROM reports r JOIN organisations o ON o.id = organisation_id"
    )
    assert {code for (code,) in ask(url, answering)} == {f"ward-9000{n}" for n in range(1, 5)}
    # The neighbour followed: no ground is in both wards, none in neither.
    double = """
        SELECT ST_Area(ST_Intersection(a.geom, b.geom)) FROM wards a, wards b
        WHERE a.code = '90001' AND b.code = '90002' AND upper(a.valid) IS NULL
            AND upper(b.valid) IS NULL"""
    assert ask(url, double) == [(0.0,)]
    together = "SELECT ST_Area(ST_Union(geom)) FROM wards WHERE upper(valid) IS NULL"
    assert ask(url, together)[0][0] == pytest.approx(6 * SIDE**2, rel=1e-9)
    with serving(url, tmp_path) as service:
        found = {code: found_by(service, ward=code) for code in builders.CODES[:4]}
        assert found == {"90001": 5, "90002": 2, "90003": 1, "90004": 1}
        then = {code: found_by(service, ward=code, wards="then") for code in builders.CODES[:4]}
        assert then == {"90001": 3, "90002": 4, "90003": 1, "90004": 1}
        # The day before the fix its code meant the ward as it was, which is the same one.
        assert found_by(service, ward="90001", on="2026-02-28") == 5

    undone = pinward("wards", "reform", "undo", "--to", "survey", "--json", url=url)
    assert undone.returncode == 0, undone.stderr
    assert json.loads(undone.stdout)["touched"] == 0
    assert ask(url, STATE) == before


def found_by(service, **filters):
    answer = service.http.get("/api/v1/reports", params={"limit": 100, **filters})
    assert answer.status_code == 200, answer.text
    return len(answer.json()["features"])


def test_the_same_wards_without_the_word_correction_are_half_a_city(city_url, pinward, tmp_path):
    named = a_survey(tmp_path)
    words = ("wards", "import", named, "--set", "survey", "--valid-from", DAY, "--correction")
    assert pinward(*words, url=city_url).returncode == 0
    with psycopg.connect(city_url) as db:
        db.execute("UPDATE ward_sets SET correction = false WHERE name = 'survey'")
    refused = pinward("wards", "reform", "plan", "--to", "survey", url=city_url)
    assert refused.returncode == 1
    assert "of its 6 wards 4 would go on beside it" in refused.stderr
    assert "--correction" in refused.stderr
