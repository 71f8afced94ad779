"""Codes of wards are those of the city's day, also while UTC has another one."""

import csv
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
from conftest import serving
from drawn import decoded, put_reports
from staffed import signed_in

from builders import middle
from tiles.address import cell_of, tile_of

CODE = "90001"
LON, LAT = middle(1)


@pytest.fixture(scope="module")
def city(clone, city_template, tmp_path_factory):
    """A service in a city whose day is not that of UTC: today one of them has other wards.

    Yields it, the city's settings, and how many reports the code's ward of the city's today has.
    """
    now = datetime.now(UTC)
    # Before 11 in UTC it is yesterday in the west, later it is tomorrow in the east.
    west = now.hour < 11
    zone = "Etc/GMT+12" if west else "Pacific/Kiritimati"
    begins = now.date() if west else now.astimezone(ZoneInfo(zone)).date()
    url = clone(city_template)
    with psycopg.connect(url) as db:
        (old,) = db.execute(
            "UPDATE wards SET valid = daterange(lower(valid), %s) WHERE code = %s RETURNING id",
            (begins, CODE),
        ).fetchone()
        (new,) = db.execute(
            "INSERT INTO wards (set_id, code, name, kind, name_plain, valid, area_m2, geom)"
            " SELECT set_id, %s, 'Mới', kind, 'moi', daterange(%s, NULL), area_m2, geom"
            " FROM wards WHERE code = '90002' RETURNING id",
            (CODE, begins),
        ).fetchone()
    put = {"created_at": now - timedelta(days=9), "status": "assigned"}
    put_reports(url, [(LON, LAT)], ward_id=old, **put)
    put_reports(url, [(LON, LAT)] * 2, ward_id=new, **put)
    with psycopg.connect(url) as db:
        db.execute("UPDATE reports SET organisation_id = (SELECT min(id) FROM organisations)")
    zoned = {"PINWARD_TIMEZONE": zone}
    with serving(url, tmp_path_factory.mktemp("city"), **zoned) as service:
        yield service, zoned, 1 if west else 2


def _tile(client, layer, query=""):
    x, y = tile_of(int(cell_of([LON], [LAT])[0]), 14)
    answer = client.get(f"/tiles/{layer}/14/{x}/{y}.mvt{query}")
    assert answer.status_code == 200, answer.text
    return sum(one["properties"]["point_count"] for one in decoded(answer.content)[layer])


def test_lists_and_statistics(city):
    service, _, n = city
    for cell in ("", "&cell=1"):
        found = service.http.get(f"/api/v1/reports?ward={CODE}{cell}").json()
        assert len(found["features"]) == n
    counted = service.http.get(f"/api/v1/statistics?ward={CODE}").json()
    assert counted["total"]["received"] == n


def test_tiles(city):
    service, _, n = city
    assert _tile(service.http, "reports", f"?ward={CODE}") == n


def test_tasks_of_a_ward(city):
    service, zoned, n = city
    # as `pinward users add` has it: the ward that the code names on the city's day
    day = datetime.now(ZoneInfo(zoned["PINWARD_TIMEZONE"])).date()
    with signed_in(service, "ward_officer", ward=CODE, day=day) as officer:
        assert _tile(officer, "tasks") == n
    with signed_in(service, "planner") as planner:
        assert _tile(planner, "tasks", f"?ward={CODE}") == n


def test_an_export(city, pinward, tmp_path):
    service, zoned, n = city
    file = tmp_path / "out.csv"
    done = pinward("reports", "export", file, "--ward", CODE, url=service.url, **zoned)
    assert done.returncode == 0, done.stderr
    with file.open(encoding="utf-8", newline="") as text:
        assert len(list(csv.DictReader(text))) == n
