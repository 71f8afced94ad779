"""The city's rules as a file: tried, put into force while the service runs, and told as reasons."""

import json
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import shapely
from conftest import command
from holding import until
from own import Sent
from staffed import signed_in
from working import At

import builders

OWN = builders.CODES[0]
LON, LAT = builders.middle(0)
COMPANY = """
[[organisation]]
code = "drainage-company"
name = { vi = "Công ty Thoát nước", en = "Drainage Company" }
"""
ZONE = """
[[zone]]
code = "inner"
name = { vi = "khu vực nội thành", en = "the inner city" }
file = "inner.geojson"
[[routing]]
code = "flood-inner"
position = 20
category = "drainage"
zone = "inner"
organisation = "drainage-company"
"""
SCHOOL = """
[[routing]]
code = "flood-school"
position = 10
category = "drainage.flooding"
near = { kind = "school", within_m = 100 }
organisation = "drainage-company"
priority = 1
first_reply = "30m"
resolve = "6h"
clock = "calendar"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("rules")
    inner = shapely.box(LON - 0.002, LAT - 0.002, LON + 0.002, LAT + 0.002)
    (made / "inner.geojson").write_text(shapely.to_geojson(inner))
    (made / "odd.geojson").write_text('{"type": "Polygon"}')
    return made


@pytest.fixture
def put(service, folder):
    """Put a rule book into force; what the command said, as JSON or as it is."""
    run = command(folder)

    def apply(text, *options, code=0):
        (folder / "book.toml").write_text(text, "utf-8")
        done = run("rules", "apply", "book.toml", *options, url=service.url)
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout) if "--json" in options else done.stderr + done.stdout

    yield apply
    (folder / "book.toml").write_text("")
    run("rules", "apply", "book.toml", url=service.url)


def answered(service, organisation, **changes):
    """A report sent once the service knows that this organisation answers for such."""
    found = []

    def sent():
        found.append(Sent(service, **changes))
        told = found[-1].mine["organisation"]
        return told is not None and told["code"] == organisation

    until(sent)
    return found[-1]


def test_a_zone_s_rule_gives_it_to_the_company_and_says_why_and_who_hears_of_it(service, put):
    put(COMPANY + ZONE)
    sent = answered(service, "drainage-company")
    reasons = sent.public.json()["properties"]["reasons"]
    assert [reason["en"] for reason in reasons[1:]] == [
        "Flooding in the inner city: Drainage Company answers for it (rule flood-inner).",
        "Bến Thử Ward is informed.",
    ]
    assert "trong khu vực nội thành: do Công ty Thoát nước phụ trách" in reasons[1]["vi"]
    assert sent.history()[1] == ("assigned", "Passed on to Drainage Company.")
    with signed_in(service, "ward_officer", ward=OWN, name="rules-desk") as officer:
        assert At(officer, sent.code).seen["reasons"] == reasons
    # Other categories, and other places, are the ward's as before.
    committee = f"ward-{OWN}"
    assert Sent(service, category="lighting.lamp_out").mine["organisation"]["code"] == committee
    away = Sent(service, lon=LON + 0.003).mine
    assert away["organisation"]["code"] == committee


def test_near_a_school_it_is_urgent_and_due_sooner_and_pauses_keep_its_own_promise(service, put):
    with psycopg.connect(service.url) as db:
        db.execute("DELETE FROM facilities")
        db.execute(
            "INSERT INTO facilities (source, source_id, kind, name, geom) VALUES ('t', '1',"
            " 'school', 'Trường Bến Mẫu', ST_SetSRID(ST_MakePoint(%s, %s), 4326))",
            (LON + 0.0005, LAT),
        )
    put(COMPANY + ZONE + SCHOOL)
    sent = answered(service, "drainage-company")
    told = sent.mine
    school = next(r["en"] for r in told["reasons"] if "Trường Bến Mẫu" in r["en"])
    assert school.startswith("Flooding 5")
    assert "Priority: at once." in [reason["en"] for reason in told["reasons"]]
    created = datetime.fromisoformat(told["created_at"])
    assert datetime.fromisoformat(told["due_at"]) - created == timedelta(hours=6)
    with signed_in(service, "hotline_agent", name="rules-school") as desk:
        at = At(desk, sent.code)
        assert at.seen["priority"] == 1
        first = datetime.fromisoformat(at.seen["first_due_at"])
        assert first - created == timedelta(minutes=30)
        # Put down that long ago, it has waited for an hour: its six hours, not the category's days.
        at.does("wait", text="Chờ nước rút")
        sent.becomes("waits_since = waits_since - interval '1 hour'")
        seen = at.does("start")
    waited = datetime.fromisoformat(seen["due_at"]) - datetime.fromisoformat(told["due_at"])
    assert timedelta(0) <= waited < timedelta(hours=1, minutes=5)


def test_a_dry_run_says_what_would_have_gone_where_and_changes_nothing(service, put):
    put("")
    until(lambda: Sent(service).mine["organisation"]["code"] == f"ward-{OWN}")
    with psycopg.connect(service.url) as db:
        db.execute("UPDATE reports SET created_at = now() - interval '100 days'")
    inside = [Sent(service).code for _ in range(3)]
    Sent(service, category="lighting.lamp_out")
    told = put(COMPANY + ZONE, "--dry-run", "--json")
    assert (told["reports"], told["changed"]) == (4, 3)
    (change,) = told["changes"]
    assert change["before"]["organisation"] == f"ward-{OWN}"
    assert change["after"]["organisation"] == "drainage-company"
    assert (change["after"]["rule"], change["reports"]) == ("flood-inner", 3)
    assert sorted(change["examples"]) == sorted(inside)
    with psycopg.connect(service.url) as db:
        assert db.execute("SELECT count(*) FROM routing_rules").fetchone() == (0,)
    longer = put(COMPANY + ZONE, "--dry-run", "--days", "120", "--json")
    assert longer["reports"] > 4
    said = put(COMPANY + ZONE + SCHOOL, "--dry-run")
    assert "of 4 reports of the last 90 days 3 would have changed" in said


def test_what_a_dry_run_says_is_what_happens_once_it_counts(service, put):
    """The same five reports, looked at by the dry run and sent once more under the new rules."""
    with psycopg.connect(service.url) as db:
        db.execute("UPDATE reports SET created_at = now() - interval '100 days'")
        db.execute("DELETE FROM facilities")
        db.execute(
            "INSERT INTO facilities (source, source_id, kind, name, geom) VALUES ('t', '1',"
            " 'school', 'Trường Bến Mẫu', ST_SetSRID(ST_MakePoint(%s, %s), 4326))",
            (LON + 0.0005, LAT),
        )
    put("")
    until(lambda: Sent(service).mine["organisation"]["code"] == f"ward-{OWN}")
    with psycopg.connect(service.url) as db:
        db.execute("UPDATE reports SET created_at = now() - interval '100 days'")
    around = "".join(
        f'[[routing]]\ncode = "noise-{name}"\nposition = 5\ncategory = "noise"\n'
        f'hours = "00:00-24:00"\npriority = {priority}\n{more}\n'
        for name, priority, more in (
            ("ended", 1, "until = 2026-01-01"),
            ("here", 3, f'wards = ["{OWN}"]'),
            ("later", 1, ""),
        )
    )
    book = COMPANY + around + ZONE + SCHOOL
    asked = [
        {},
        {"lon": LON - 0.0015},
        {"lon": LON + 0.003},
        {"category": "noise.karaoke"},
        {"category": "drainage.odour", "lon": LON + 0.0005},
    ]
    before = {Sent(service, **changes).code: changes for changes in asked}
    told = put(book, "--dry-run", "--json")
    foretold = {code: change["after"] for change in told["changes"] for code in change["examples"]}
    assert told["changed"] == len(foretold) == 4
    put(book)
    answered(service, "drainage-company")
    with signed_in(service, "hotline_agent", name="rules-foretold") as desk:
        for code, changes in before.items():
            seen = At(desk, Sent(service, **changes).code).seen
            after = foretold.get(code)
            if after is None:
                assert (seen["organisation"]["code"], seen["priority"]) == (f"ward-{OWN}", 2)
                continue
            assert seen["organisation"]["code"] == after["organisation"]
            assert seen["priority"] == after["priority"]
            assert f"(rule {after['rule']})" in str(seen["reasons"])
    assert {after["rule"] for after in foretold.values()} == {
        *("flood-school", "flood-inner", "noise-here"),
    }


@pytest.mark.parametrize(
    ("book", "said"),
    [
        ("[[routing]", "cannot be read as TOML"),
        ('[[routing]]\ncode = "a"\nposition = 1\ncolour = 1', "routing 1 (a) colour"),
        (COMPANY + ZONE.replace('"inner"\norg', '"outer"\norg'), "there is no zone 'outer'"),
        (
            COMPANY + ZONE.replace('organisation = "drainage-', 'organisation = "sewer-'),
            "flood-inner: there is no organisation 'sewer-company'",
        ),
        (COMPANY + ZONE.replace('"drainage"', '"drain"'), "there is no category 'drain'"),
        (COMPANY + ZONE.replace("inner.geojson", "none.geojson"), "none.geojson cannot be read"),
        (COMPANY + SCHOOL.replace('"school"', '"pub"'), "kind must be one of school"),
        (COMPANY + SCHOOL.replace('"6h"', '"6"'), "must be a time like 30m"),
        (
            COMPANY + ZONE + SCHOOL.replace("10", "30").replace("near =", 'zone = "inner"\nnear ='),
            "the rule flood-school can never count: flood-inner comes first",
        ),
        (
            '[[deadline]]\ncategory = "*"\npromise = "resolve"\namount = "5d"\nclock = "working"\n'
            * 2,
            "deadline 2: another one of *, resolve is in force on the same days",
        ),
        (
            COMPANY + SCHOOL.replace("near =", 'wards = ["26734", "26734x"]\nnear ='),
            "routing flood-school: there is no ward 26734, 26734x",
        ),
        (
            COMPANY + SCHOOL.replace('"6h"', '"99999d"'),
            "routing 1 (flood-school) resolve: must be a time of at most 1830d",
        ),
        (
            '[[deadline]]\ncategory = "*"\npromise = "resolve"\namount = "9e9d"\nclock ="working"',
            "deadline 1 amount: must be a time like",
        ),
        (COMPANY + ZONE.replace("inner.geojson", "odd.geojson"), "odd.geojson cannot be read"),
        ('[[day]]\nday = 2026-13-01\nworks = false\nname = { vi = "a", en = "a" }', "TOML"),
    ],
)
def test_a_book_that_is_wrong_is_refused_by_place_and_nothing_of_it_counts(
    service, put, book, said
):
    put(COMPANY + SCHOOL)
    assert said in put(book, code=1)
    with psycopg.connect(service.url) as db:
        rules = db.execute("SELECT code FROM routing_rules").fetchall()
    assert rules == [("flood-school",)]


def test_a_deadline_in_working_time_leaves_out_the_city_s_own_days(service, put):
    # Every day of the next weeks is a day off of the city's own, but one far away.
    today = datetime.now(UTC).date()
    days = "".join(
        f"[[day]]\nday = {today + timedelta(days=n)}\nworks = {'true' if n == 20 else 'false'}\n"
        'name = { vi = "Nghỉ", en = "Off" }\n'
        for n in range(-1, 30)
    )
    rule = '[[deadline]]\ncategory = "*"\npromise = "resolve"\namount = "1d"\nclock = "working"\n'
    put(days + rule)
    expected = f"{today + timedelta(days=20)}T10:00:00"

    def due():
        return Sent(service).mine["due_at"]

    until(lambda: due().startswith(expected))


def test_another_category_is_assigned_and_due_as_if_it_had_come_so(service, put):
    put(COMPANY + ZONE)
    answered(service, "drainage-company")
    sent = Sent(service, category="lighting.lamp_out")
    with signed_in(service, "hotline_agent", name="rules-category") as desk:
        at = At(desk, sent.code)
        at.does("start")
        before = at.seen
        told = at.does("category", category="drainage.flooding", text="Thực ra là ngập.")
        assert told["organisation"]["code"] == "drainage-company"
        assert (told["status"], told["holder"]) == ("assigned", None)
        assert told["due_at"] != before["due_at"]
        line = next(e for e in told["events"] if e["kind"] == "recategorised")
        assert line["text"]["vi"].endswith("Thực ra là ngập.")
        assert line["data"]["category"] == ["lighting.lamp_out", "drainage.flooding"]
        assert line["data"]["due_at"] == [before["due_at"], told["due_at"]]
        assert at.ask("category", category="drainage.flooding", text="Lại").status_code == 409
        assert at.ask("category", category="none", text="Lại").status_code == 422
        assert at.ask("category", category="noise.karaoke", text=" ").status_code == 422
        at.does("resolve", text="Xong")
        assert at.ask("category", category="noise.karaoke", text="Lại").status_code == 409
    fresh = Sent(service).mine
    created = datetime.fromisoformat(before["created_at"])
    promised = datetime.fromisoformat(fresh["due_at"]) - datetime.fromisoformat(fresh["created_at"])
    assert datetime.fromisoformat(told["due_at"]) - created == promised
