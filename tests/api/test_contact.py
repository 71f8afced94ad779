"""Contact data over HTTP: for whom, with a reason, and never without a line of the audit log."""

import base64
import json
import threading

import psycopg
import pytest
from conftest import serving
from cryptography.fernet import Fernet
from staffed import signed_in

import builders
from geo.reports.codes import derived_key
from geo.store.locks import Lock

LIST = "/api/v1/reports"
PRIVATE = {"name": "Trần Thị Kín", "phone": "0987 654 321", "email": "kin@example.vn"}
WHY = "gọi lại để hỏi thêm"


def send(service, headers=None, **changes):
    answer = service.http.post(LIST, json=builders.a_report(**changes), headers=headers)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


def audit(url, subject):
    with psycopg.connect(url) as db:
        return db.execute(
            "SELECT actor, action, reason FROM audit_log WHERE subject = %s ORDER BY n", (subject,)
        ).fetchall()


def test_staff_read_it_with_a_reason_and_leave_a_line(service):
    code = send(service, reporter=PRIVATE)["code"]
    anonymous = send(service)["code"]
    with signed_in(service, "hotline_agent") as agent:
        answer = agent.get(f"{LIST}/{code.lower()}/contact", params={"why": WHY})
        assert answer.status_code == 200, answer.text
        assert answer.json() == {"code": code, "contact": PRIVATE}
        assert answer.headers["cache-control"] == "no-store"
        nobody = agent.get(f"{LIST}/{anonymous}/contact", params={"why": WHY})
        assert nobody.json() == {"code": anonymous, "contact": None}
    line = ("hotline_agent-0-0@example.test", "contact.read", WHY)
    assert audit(service.url, code) == [line]
    assert audit(service.url, anonymous) == [line]


@pytest.mark.parametrize("why", [None, "", "ab", "x" * 201, "a\nb c", "     "])
def test_without_a_reason_nothing_is_read(service, why):
    code = send(service, reporter=PRIVATE)["code"]
    with signed_in(service, "admin", name=f"why-{code}") as admin:
        query = {} if why is None else {"why": why}
        answer = admin.get(f"{LIST}/{code}/contact", params=query)
    assert answer.status_code == 422
    assert "0987" not in answer.text
    assert audit(service.url, code) == []


def test_only_those_who_answer_for_it_may(service):
    code = send(service, reporter=PRIVATE)["code"]
    path = f"{LIST}/{code}/contact"
    assert service.http.get(path, params={"why": WHY}).status_code == 401
    own, other = builders.CODES[0], builders.CODES[1]
    for role, ward, status in (
        ("crew", None, 403),
        ("planner", None, 403),
        ("ward_officer", other, 403),
        ("hotline_agent", other, 403),
        ("ward_officer", own, 200),
        ("admin", None, 200),
    ):
        with signed_in(service, role, ward=ward, name=f"{role}-{ward}-{code}") as staff:
            answer = staff.get(path, params={"why": WHY})
            assert answer.status_code == status, (role, ward)
            assert ("0987" in answer.text) is (status == 200)
            missing = staff.get(f"{LIST}/2222-2222/contact", params={"why": WHY})
            assert missing.status_code == (404 if role not in ("crew", "planner") else 403)
    assert len(audit(service.url, code)) == 2


def test_what_cannot_be_written_down_is_not_read(service):
    code = send(service, reporter=PRIVATE)["code"]
    with (
        signed_in(service, "admin", name=f"held-{code}") as admin,
        psycopg.connect(service.url) as db,
    ):
        db.execute("SELECT pg_advisory_xact_lock(%s)", (int(Lock.AUDIT),))
        said = {}

        def read():
            said["answer"] = admin.get(f"{LIST}/{code}/contact", params={"why": WHY})

        reading = threading.Thread(target=read)
        reading.start()
        # Whoever holds the audit log, as this test does now, keeps nobody from sending a report.
        send(service, reporter=PRIVATE)
        reading.join(20)
        assert said["answer"].status_code == 503
        assert "0987" not in said["answer"].text
        db.execute("ROLLBACK")
        assert admin.get(f"{LIST}/{code}/contact", params={"why": WHY}).status_code == 200
    assert len(audit(service.url, code)) == 1


def test_the_reporter_reads_their_own_and_leaves_none(service):
    said = send(service, reporter=PRIVATE)
    mine = {"Authorization": f"Report {said['secret']}"}
    seen = service.http.get(f"{LIST}/{said['code']}", headers=mine).json()
    assert seen["properties"]["reporter"] == PRIVATE
    assert audit(service.url, said["code"]) == []
    # The secret is no sign-in.
    path = f"{LIST}/{said['code']}/contact"
    assert service.http.get(path, params={"why": WHY}, headers=mine).status_code == 401


def test_keys_are_replaced_while_the_service_runs(city_url, tmp_path, pinward):
    first, second = "a" * 40, "b" * 40
    state = {"PINWARD_STATE": str(tmp_path / "state")}
    key = builders.a_key()
    with serving(city_url, tmp_path, PINWARD_SECRET_KEY="s" * 40) as before:
        sent = [send(before, reporter=PRIVATE) for _ in range(3)]
        replayed = send(before, key, reporter=PRIVATE)
        sent.append(replayed)
    # One of them as an earlier version sealed it.
    fernet = Fernet(base64.urlsafe_b64encode(derived_key(b"s" * 40, "report contacts")))
    with psycopg.connect(city_url) as db:
        db.execute(
            "UPDATE report_contacts SET sealed = %s, phone_mark = NULL, email_mark = NULL"
            " WHERE report_id = (SELECT id FROM reports WHERE code = %s)",
            (fernet.encrypt(json.dumps(PRIVATE).encode()), sent[0]["code"]),
        )
    # The service's own key is replaced, too: secrets go on, and so do reports sent again.
    settings = {
        "PINWARD_SECRET_KEY": "t" * 40,
        "PINWARD_OLD_SECRET_KEYS": "s" * 40,
        "PINWARD_CONTACT_KEYS": f"{second}, {first}",
    }
    with serving(city_url, tmp_path, **settings) as after:
        again = send(after, key, reporter=PRIVATE)
        assert again == {**replayed, "tracking_url": again["tracking_url"]}
        other = after.http.post(LIST, json=builders.a_report(text="khác"), headers=key)
        assert other.status_code == 422
        sent.append(send(after, reporter=PRIVATE))
        done = pinward("contacts", "rotate", "--json", url=city_url, **state, **settings)
        assert json.loads(done.stdout) == {"sealed": 4, "unopened": 0}, done.stderr
        done = pinward("contacts", "rotate", "--json", url=city_url, **state, **settings)
        assert json.loads(done.stdout) == {"sealed": 0, "unopened": 0}
        for said in sent:
            mine = {"Authorization": f"Report {said['secret']}"}
            seen = after.http.get(f"{LIST}/{said['code']}", headers=mine).json()
            assert seen["properties"]["reporter"] == PRIVATE
    with psycopg.connect(city_url) as db:
        [(keys, marks)] = db.execute(
            "SELECT count(DISTINCT substring(sealed, 1, 5)), array_agg(DISTINCT phone_mark) "
            "FROM report_contacts"
        ).fetchall()
        assert (keys, len(marks), None in marks) == (1, 1, False)
    gone = {**settings, "PINWARD_CONTACT_KEYS": "c" * 40}
    done = pinward("contacts", "rotate", url=city_url, **state, **gone)
    assert done.returncode == 1
    assert "5 contacts cannot be opened" in done.stderr
    assert audit(city_url, "all reports")[0][1:] == (
        "contacts.rotate",
        "4 sealed anew, 0 not opened",
    )
