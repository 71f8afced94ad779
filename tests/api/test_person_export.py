"""All that is kept on a person: by the report's secret, and by the staff for a phone or e-mail."""

import json
import secrets

import psycopg
import pytest
from conftest import serving
from staffed import signed_in

import builders
from geo.reports.persons import LABELS, MEMBERS
from geo.store.persons import _PHOTO, TOLD_AS
from geo.store.tables import reports

LIST = "/api/v1/reports"
PRIVATE = {"name": "Trần Thị Kín", "phone": "0987 654 321", "email": "Kin@example.vn"}
WHY = "đơn yêu cầu số 7, đã kiểm tra căn cước"


def send(service, **changes):
    body = builders.a_report(
        category="bus.skipped_stop",
        accuracy_m=7.25,
        answers={"route": "19", "vehicle": "51B-99999"},
    )
    answer = service.http.post(LIST, json={**body, **changes}, headers=builders.a_key())
    assert answer.status_code == 201, answer.text
    return answer.json()


def export(service, said, secret=None):
    header = {"Authorization": f"Report {secret or said['secret']}"}
    return service.http.get(f"{LIST}/{said['code']}/export", headers=header)


def inner_line(service, code):
    with psycopg.connect(service.url) as db:
        db.execute(
            "INSERT INTO report_events (report_id, at, kind, text_vi, text_en, public)"
            " SELECT id, now(), 'note', 'ghi chú nội bộ', 'a note of ours', false FROM reports"
            " WHERE code = %s",
            (code,),
        )


def test_everything_that_is_kept_on_a_report_has_a_name_in_both_languages():
    inner = {"id", "geom", "cell", "secret_hash", "ward_id", "organisation_id"}
    inner |= {"holder_id", "parent_id"}
    added = {"lon", "lat", "ward", "ward_code", "organisation"}
    assert set(LABELS) == {column.name for column in reports.c} - inner | added
    assert all(label["vi"] and label["en"] for label in LABELS.values())


def test_the_secret_gives_all_of_it(service):
    said = send(service, reporter=PRIVATE)
    inner_line(service, said["code"])
    with signed_in(service, "admin", name=f"reads-{said['code']}") as admin:
        admin.get(f"{LIST}/{said['code']}/contact", params={"why": "gọi lại"})
    answer = export(service, said)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert f"pinward-{said['code']}.json" in answer.headers["content-disposition"]
    told = answer.json()
    kept = {field["name"]: field["value"] for field in told["report"]}
    assert set(kept) == set(LABELS)
    assert kept["text"] == builders.a_report()["text"]
    assert (kept["lon"], kept["lat"]) == builders.middle(0)
    assert kept["accuracy_m"] == 7.25
    assert kept["answers"] == {"route": "19", "vehicle": "51B-99999"}
    assert set(kept["category_code"]["name"]) == {"vi", "en"}
    assert {field["name"]: field["value"] for field in told["contact"]} == PRIVATE
    assert told["contact"][1]["label"] == {"vi": "Điện thoại", "en": "Phone"}
    assert [line["kind"] for line in told["history"]] == ["received", "assigned"]
    assert told["inner_lines_not_shown"] == 1
    assert [(r["action"], r["reason"]) for r in told["looked_at_by_staff"]] == [
        ("contact.read", "gọi lại")
    ]
    # Who of the staff it was is the staff's own datum.
    assert "reads-" not in answer.text
    assert told["known_if_sent_again"] is True
    assert said["secret"] not in answer.text


def test_every_table_that_names_a_report_is_known_to_the_export(service):
    said = send(service, reporter=PRIVATE)
    with signed_in(service, "hotline_agent", name="names") as agent:
        agent.get(f"{LIST}/{said['code']}/contact", params={"why": "gọi lại"})
    with psycopg.connect(service.url) as db:
        named = {
            table
            for (table,) in db.execute(
                "SELECT table_name FROM information_schema.columns"
                " WHERE table_schema = 'public' AND column_name = 'report_id'"
                " UNION SELECT conrelid::regclass::text FROM pg_constraint"
                " WHERE confrelid = 'reports'::regclass"
            )
        }
        # Those that name it by its code, in whatever column.
        for (table,) in db.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall():
            query = f'SELECT count(*) FROM "{table}" AS t WHERE strpos(t::text, %s) > 0'
            if db.execute(query, (said["code"],)).fetchone() != (0,):
                named.add(table)
    assert named == set(TOLD_AS)
    told = export(service, said).json()
    assert set(TOLD_AS.values()) <= set(told)


@pytest.fixture(scope="module")
def limited(clone, city_template, tmp_path_factory):
    folder = tmp_path_factory.mktemp("limited")
    with serving(clone(city_template), folder, PINWARD_LIMITS="yes") as made:
        yield made


def of(limited, text, **headers):
    body = builders.a_report(text=text)
    answer = limited.http.post(LIST, json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_what_waits_for_a_look_is_another_one_in_nothing(limited):
    device = {"Pinward-Device": secrets.token_hex(16)}
    plain = of(limited, "Đèn đường hỏng", **device)
    said = of(limited, "Xem https://spam.example/x", **device)

    def seen(sent):
        told = export(limited, sent).json()
        kept = {field["name"]: field["value"] for field in told["report"]}
        assert "review" not in json.dumps(told)
        kinds = [line["kind"] for line in told["history"]]
        left = [told[name] for name in told if name not in ("code", "report", "history")]
        return kept["withheld"], kinds, left

    assert seen(said) == seen(plain)
    assert seen(said)[0] is None
    with signed_in(limited, "hotline_agent", name="mods") as agent:
        path = f"/api/v1/moderation/reports/{said['code']}"

        def do(act):
            version = agent.get(path).json()["version"]
            body = {"reason": "xem xét", "version": version}
            done = agent.post(f"{path}/{act}", json=body)
            assert done.status_code == 200, done.text

        for act in ("device/bar", "device/unbar", "release"):
            do(act)
        assert seen(said) == seen(plain)
        # What is hidden and shown again they are told.
        for act in ("hide", "release"):
            do(act)
            told = export(limited, said).json()
            values = {field["name"]: field["value"] for field in told["report"]}
            assert values["withheld"] == ("hidden" if act == "hide" else None)
    assert [line["action"] for line in told["looked_at_by_staff"]] == [
        "report.hide",
        "report.release",
    ]


def test_earlier_texts_a_known_device_and_that_it_is_kept_as_mine_are_told(limited):
    said = of(limited, "Nhà số 5 xả rác", **{"Pinward-Device": secrets.token_hex(16)})
    nameless = export(limited, of(limited, "Rác ở đầu hẻm")).json()
    assert (nameless["device_known"], nameless["kept_as_mine"]) == (False, False)
    assert nameless["earlier_texts"] == []
    with signed_in(limited, "hotline_agent", name="editor") as agent:
        path = f"/api/v1/moderation/reports/{said['code']}/text"
        done = agent.post(path, json={"reason": "nêu số nhà", "text": "Một nhà xả rác"})
        assert done.status_code == 200, done.text
    with psycopg.connect(limited.url) as db:
        db.execute("INSERT INTO citizens (mark) VALUES (decode(repeat('07', 32), 'hex'))")
        db.execute(
            "INSERT INTO citizen_reports (report_id, mark)"
            " SELECT id, decode(repeat('07', 32), 'hex') FROM reports WHERE code = %s",
            (said["code"],),
        )
    answer = export(limited, said)
    told = answer.json()
    assert (told["device_known"], told["kept_as_mine"]) == (True, True)
    (earlier,) = told["earlier_texts"]
    assert (earlier["text"], earlier["reason"]) == ("Nhà số 5 xả rác", "nêu số nhà")
    assert {"n", "text", "replaced_at", "reason"} == set(earlier)
    assert "editor" not in answer.text
    # Each has its words, in both languages.
    assert told["labels"] == MEMBERS
    assert all(label["vi"] and label["en"] for label in MEMBERS.values())
    lists = ("history", "looked_at_by_staff", "earlier_texts", "photos")
    inside = {name for each in lists for line in told[each] for name in line}
    inside |= set(_PHOTO)
    assert {*told, *inside} - {"about", "labels"} <= {*MEMBERS, *LABELS}


def test_nobody_else_gets_it(service):
    said, other = send(service, reporter=PRIVATE), send(service)
    hidden = send(service, category="order.drugs", answers={})
    assert service.http.get(f"{LIST}/{said['code']}/export").status_code == 401
    assert export(service, said, other["secret"]).status_code == 401
    assert export(service, hidden, other["secret"]).status_code == 404
    assert export(service, hidden).status_code == 200
    assert export(service, {**said, "code": "2222-2222"}).status_code == 404


def run(pinward, service, *words, **env):
    # The service keeps its secret key in the state folder beside its log.
    state = str(service.log.parent / "state")
    return pinward("persons", "export", *words, url=service.url, PINWARD_STATE=state, **env)


def test_the_staff_find_all_reports_of_a_phone_or_an_address(service, pinward):
    mine = [
        send(service, reporter={"phone": "0911 222 333"}),
        send(service, reporter={"phone": "+84 911-222-333", "email": "MOT@example.vn"}),
        send(service, reporter={"email": "mot@EXAMPLE.vn"}, category="order.drugs", answers={}),
    ]
    send(service, reporter={"phone": "0911 222 334"})
    inner_line(service, mine[1]["code"])

    def codes(*words):
        done = run(pinward, service, *words, "--why", WHY)
        assert done.returncode == 0, done.stderr
        return [report["code"] for report in json.loads(done.stdout)["reports"]], done.stdout

    by_phone, said = codes("--phone", "84911222333")
    assert by_phone == [mine[1]["code"], mine[0]["code"]]
    assert "ghi chú nội bộ" in said
    assert codes("--email", "mot@example.vn")[0] == [mine[2]["code"], mine[1]["code"]]
    both = codes("--phone", "0911222333", "--email", "mot@example.vn")[0]
    assert both == [said["code"] for said in reversed(mine)]
    assert codes("--phone", "0911 999 999")[0] == []
    with psycopg.connect(service.url) as db:
        lines = db.execute(
            "SELECT action, subject, reason FROM audit_log WHERE actor LIKE 'command:%' ORDER BY n"
        ).fetchall()
    assert lines[:3] == [
        ("person.export", mine[1]["code"], WHY),
        ("person.export", mine[0]["code"], WHY),
        ("person.export", "2 reports of one person", WHY),
    ]
    assert lines[-1] == ("person.export", "0 reports of one person", WHY)
    with psycopg.connect(service.url) as db:
        whole = str(db.execute("SELECT * FROM audit_log").fetchall())
    assert not any(told in whole for told in ("911222333", "911 222", "mot@"))


def test_without_a_reason_or_a_person_nothing_is_opened(service, pinward):
    said = send(service, reporter={"phone": "0911 555 666"})
    none = run(pinward, service, "--why", WHY)
    assert (none.returncode, "--phone or --email" in none.stderr) == (1, True)
    silent = run(pinward, service, "--phone", "0911555666", "--why", " ")
    assert (silent.returncode, silent.stdout) == (1, "")
    with psycopg.connect(service.url) as db:
        query = "SELECT count(*) FROM audit_log WHERE subject = %s"
        assert db.execute(query, (said["code"],)).fetchone() == (0,)


def test_while_contacts_are_under_an_older_key_nobody_is_told_that_this_is_all(service, pinward):
    send(service, reporter={"phone": "0911 777 888"})
    keys = {"PINWARD_CONTACT_KEYS": "n" * 40}
    words = ("--phone", "0911777888", "--why", WHY)
    refused = run(pinward, service, *words, **keys)
    assert (refused.returncode, "pinward contacts rotate" in refused.stderr) == (1, True)
    state = str(service.log.parent / "state")
    done = pinward("contacts", "rotate", url=service.url, PINWARD_STATE=state, **keys)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(run(pinward, service, *words, **keys).stdout)["reports"]) == 1
