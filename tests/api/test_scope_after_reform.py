"""Accounts of a ward that a reform ended: their scope ends with it and goes to no other ground."""

from datetime import date

import psycopg
import pytest
from conftest import serving
from staffed import put_user, signed_in

import builders
from geo.store import wards
from geo.store.database import create_engine

LIST = "/api/v1/reports"
CODE, FREE = builders.CODES[:2]
WHY = {"why": "gọi lại"}
REFORM = date(2026, 1, 1)


def reform(url):
    """On `REFORM` the ward `CODE` ends and its code goes to ward 3's ground, `FREE` ends too."""
    with psycopg.connect(url) as db:
        db.execute(
            "UPDATE wards SET valid = daterange(lower(valid), %s) WHERE code = ANY(%s)",
            (REFORM, [CODE, FREE]),
        )
        db.execute(
            "WITH made AS (INSERT INTO wards (set_id, code, name, kind, name_plain, valid, area_m2,"
            " geom, organisation_id, label_3857, room_m) SELECT set_id, %s, 'Khác', 'ward', 'khac',"
            " daterange(%s, NULL), area_m2, geom, organisation_id, label_3857, room_m FROM wards"
            " WHERE code = %s RETURNING id) INSERT INTO ward_shapes (ward_id, max_zoom, geom_3857)"
            " SELECT made.id, max_zoom, geom_3857 FROM made, ward_shapes JOIN wards w"
            " ON w.id = ward_id WHERE w.code = %s",
            (CODE, REFORM, builders.CODES[3], builders.CODES[3]),
        )
        db.execute("UPDATE wards SET valid = daterange(lower(valid), %s) WHERE code = %s",
                   (REFORM, builders.CODES[3]))  # fmt: skip


def made_on(url, email, day):
    with psycopg.connect(url) as db:
        db.execute("UPDATE users SET ward_day = %s WHERE email = %s", (day, email))


@pytest.fixture(scope="module")
def reformed(clone, city_template, tmp_path_factory):
    """A service after the reform; a report with a contact in the old and in the new ward."""
    url = clone(city_template)
    folder = tmp_path_factory.mktemp("service")
    with serving(url, folder) as before:
        body = builders.a_report(reporter={"phone": "0912 345 678"})
        old = before.http.post(LIST, json=body).json()["code"]
    reform(url)
    with serving(url, folder) as after:
        lon, lat = builders.middle(3)
        body = builders.a_report(lon=lon, lat=lat, reporter={"phone": "0987 654 321"})
        answer = after.http.post(LIST, json=body).json()
        assert answer["ward"]["code"] == CODE
        yield after, old, answer["code"]


def may_read(client, code):
    answer = client.get(f"{LIST}/{code}/contact", params=WHY)
    assert answer.status_code in (200, 403), answer.text
    return answer.status_code == 200


def test_a_code_given_to_other_ground_widens_no_account(reformed):
    service, old, new = reformed
    made_on(service.url, put_user(service.url, "ward_officer", ward=CODE, name="b"), "2025-12-31")
    with signed_in(service, "ward_officer", ward=CODE, name="after") as after:
        # as `pinward users add` made it, today
        assert (may_read(after, old), may_read(after, new)) == (False, True)
        assert after.get("/api/v1/session").json()["ward"]["name"] == "Khác"
        made_on(service.url, "after@example.test", "2025-12-31")
        assert (may_read(after, old), may_read(after, new)) == (True, False)
        assert after.get("/api/v1/session").json()["ward"]["name"] == builders.NAMES[0]


def test_who_acted_for_a_ward_that_ended_warns_nobody(reformed):
    service, *_ = reformed
    alert = {
        "kind": "flood",
        "severity": "severe",
        "headline": {"vi": "Ngập", "en": "Flood"},
        "wards": [CODE],
        "expires_at": "2099-01-01T00:00:00Z",
    }
    alert["expires_at"] = f"{date.today().year + 1}-01-01T00:00:00Z"
    with signed_in(service, "ward_officer", ward=CODE, name="warns") as officer:
        assert officer.post("/api/v1/alerts", json=alert).status_code == 201
        made_on(service.url, "warns@example.test", "2025-12-31")
        assert officer.post("/api/v1/alerts", json=alert).status_code == 403


def test_an_administrator_moves_the_account_to_the_new_ward(reformed, pinward):
    service, old, new = reformed
    with signed_in(service, "ward_officer", ward=CODE, name="moved") as moved:
        made_on(service.url, "moved@example.test", "2025-12-31")
        assert (may_read(moved, old), may_read(moved, new)) == (True, False)
        done = pinward("users", "move", "moved@example.test", "--ward", CODE, url=service.url)
        assert done.returncode == 0, done.stderr
        assert (may_read(moved, old), may_read(moved, new)) == (False, True)
        nothing = pinward("users", "move", "moved@example.test", url=service.url)
        assert nothing.returncode == 1
        assert "--ward" in nothing.stderr
        unknown = pinward("users", "move", "moved@example.test", "--ward", "1", url=service.url)
        assert unknown.returncode == 1


@pytest.mark.anyio
async def test_database_and_filters_mean_the_same_ward_by_a_code(reformed):
    service, *_ = reformed
    engine = create_engine(service.url, pool_size=1)
    async with engine.connect() as conn:
        for code in (*builders.CODES, "no such"):
            for day in (date(2000, 1, 1), date(2025, 12, 31), REFORM, date(2030, 1, 1)):
                ids = await wards.named_ids(conn, [code], day)
                [[meant]] = (
                    await conn.exec_driver_sql("SELECT pinward_ward_meant(%s, %s)", (code, day))
                ).all()
                assert (meant in ids) if ids else meant is None, (code, day)
    await engine.dispose()
