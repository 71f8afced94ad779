"""Erasing: nothing of what was told is left in any table, and every count is as before."""

import re
from datetime import UTC, datetime, timedelta

import numpy as np
import psycopg
import pytest
from holding import until
from leftovers import tables_that_hold
from staffed import signed_in

import builders
from geo.period import Period
from geo.store import hotspot_inputs
from geo.store.database import create_engine
from geo.store.locks import Lock
from tiles.address import cell_of, tile_of

LIST = "/api/v1/reports"
NAME, PHONE, EMAIL = "Vũ Thị Xóasạch", "0977 123 987", "xoasach@example.vn"
TEXT = "Hẻm nhà tôi số mườibảy ngập, gọi Xóasạch nhé."
ANSWER = "51B-mườibảy"
TOLD = (NAME, PHONE, "0977123987", EMAIL, TEXT, "Xóasạch", "mườibảy", ANSWER)


def send(service, headers=None, **changes):
    body = builders.a_report(
        category="bus.skipped_stop",
        text=TEXT,
        accuracy_m=7.25,
        reporter={"name": NAME, "phone": PHONE, "email": EMAIL},
        answers={"route": "19", "vehicle": ANSWER},
    )
    answer = service.http.post(LIST, json={**body, **changes}, headers=headers)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


def erase(service, said, secret=None, **body):
    header = {"Authorization": f"Report {secret or said['secret']}"}
    return service.http.post(f"{LIST}/{said['code']}/erasure", json=body, headers=header)


def written_by_the_reporter(service, code):
    """A line of the history in the reporter's words, as if they had added to it."""
    with psycopg.connect(service.url) as db:
        db.execute(
            "INSERT INTO report_events (report_id, at, kind, text_vi, text_en, data) SELECT id,"
            " now(), 'added', %s, %s, jsonb_build_object('text', %s::text) FROM reports"
            " WHERE code = %s",
            (TEXT, TEXT, TEXT, code),
        )


def lines_of(service, code):
    """How many lines the audit log and the history have of its erasing."""
    with psycopg.connect(service.url) as db:
        return db.execute(
            "SELECT (SELECT count(*) FROM audit_log WHERE subject = %(code)s), (SELECT count(*)"
            " FROM report_events e JOIN reports r ON r.id = e.report_id"
            " WHERE code = %(code)s AND e.kind = 'erased')",
            {"code": code},
        ).fetchone()


def counts(service):
    """What is counted of all reports: statistics, the map's cells, the pyramid's sum."""
    statistics = service.http.get("/api/v1/statistics", params={"by": "category"}).json()
    for told in ("made_at", "as_of", "until"):
        statistics.pop(told, None)
    tile = service.http.get("/tiles/reports/0/0/0.mvt")
    with psycopg.connect(service.url) as db:
        rows = db.execute(
            "SELECT category_code, status, ward_id, cell, created_at, closed_at FROM reports"
            " ORDER BY id"
        ).fetchall()
    return statistics, tile.content, rows


@pytest.fixture
def quiet(service):
    """The service once all that was written so far is counted."""

    def folded():
        with psycopg.connect(service.url) as db:
            waiting = "SELECT count(*) FROM changes WHERE seq IS NULL"
            return db.execute(waiting).fetchone()[0] == 0

    def settled():
        until(folded, service=service)
        return service

    return settled


def test_with_the_text_no_table_holds_anything_of_what_was_told(service, quiet):
    key = builders.a_key()
    said = send(service, key)
    written_by_the_reporter(service, said["code"])
    assert tables_that_hold(service.url, *TOLD) == {"public.reports", "public.report_events"}
    before = counts(quiet())
    answer = erase(service, said, text=True)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["contact"], told["text"], told["photos"]) == (True, True, 0)
    assert set(told["message"]) == {"vi", "en"}
    assert tables_that_hold(service.url, *TOLD) == set()
    assert counts(quiet()) == before
    with psycopg.connect(service.url) as db:
        [kept] = db.execute(
            "SELECT (SELECT count(*) FROM report_contacts c WHERE c.report_id = r.id),"
            " accuracy_m, answers, (SELECT array_agg(octet_length(body_hash)) FROM idempotency_keys"
            " WHERE answer ->> 'code' = r.code) FROM reports r WHERE code = %s",
            (said["code"],),
        ).fetchall()
    assert kept == (0, None, {}, [0])
    # A phone that sends it once more is told that it was taken in; nothing comes back.
    again = send(service, key)
    assert (again["code"], again["secret"]) == (said["code"], said["secret"])
    assert tables_that_hold(service.url, *TOLD) == set()


def test_the_secret_goes_on_showing_the_tombstone(service):
    said = send(service)
    erase(service, said, text=True)
    path = f"{LIST}/{said['code']}"
    mine = {"Authorization": f"Report {said['secret']}"}
    seen = service.http.get(path, headers=mine).json()["properties"]
    assert seen["mine"] is True
    assert seen["erased"] is True
    assert seen["erased_at"]
    assert seen["reporter"] == {}
    assert re.search("xóa theo yêu cầu.+reporter's wish", seen["text"])
    public = service.http.get(path).json()["properties"]
    assert public["erased"] is True
    assert public["text"] == seen["text"]
    assert "erased_at" not in public
    events = service.http.get(f"{path}/events").json()["events"]
    assert events[-1]["kind"] == "erased"
    assert events[-1]["text"]["en"] == "Erased at the reporter's wish."
    found = service.http.get(LIST, params={"q": "mườibảy"}).json()["features"]
    assert said["code"] not in [feature["id"] for feature in found]


def test_without_the_text_it_stays_and_all_else_goes(service):
    said = send(service)
    written_by_the_reporter(service, said["code"])
    assert erase(service, said).json()["text"] is False
    mine = {"Authorization": f"Report {said['secret']}"}
    seen = service.http.get(f"{LIST}/{said['code']}", headers=mine).json()["properties"]
    assert (seen["text"], seen["erased"], seen["reporter"]) == (TEXT, False, {})
    history = service.http.get(f"{LIST}/{said['code']}/events").text
    assert TEXT not in history
    # Asked for later the text goes as well.
    assert erase(service, said, text=True).json()["text"] is True
    before = lines_of(service, said["code"])
    again = erase(service, said, text=True)
    assert (again.status_code, again.json()["text"]) == (200, False)
    # Neither log grows by asking once more.
    assert lines_of(service, said["code"]) == before == (2, 2)


@pytest.mark.anyio
async def test_reports_that_say_the_same_since_they_were_erased_are_not_one_senders(service):
    period = Period(datetime.now(UTC) - timedelta(days=1), datetime.now(UTC) + timedelta(days=1))
    sent = [send(service, category="order.theft", answers={}) for _ in range(3)]
    number = {said["code"]: None for said in sent}
    with psycopg.connect(service.url) as db:
        for code in number:
            query = "SELECT id FROM reports WHERE code = %s"
            inner = db.execute(query, (code,)).fetchone()[0].bytes[8:]
            number[code] = int.from_bytes(inner, "big", signed=True)

    async def senders():
        engine = create_engine(service.url)
        async with engine.connect() as conn:
            rows = await hotspot_inputs.rows(conn, period)
        await engine.dispose()
        mine = np.isin(rows["number"], list(number.values()))
        return sorted(rows["sender"][mine].tolist())

    first, *others = await senders()
    assert (first > 0, set(others)) == (True, {first})
    for said in sent:
        erase(service, said, text=True)
    assert await senders() == [-1, -1, -1]


def test_no_tile_ever_held_any_of_it(service, quiet):
    lon, lat = builders.middle(0)
    send(service, lon=lon, lat=lat)
    quiet()
    points = 0
    for z in (0, 8, 14, 18):
        x, y = tile_of(int(cell_of([lon], [lat])[0]), z)
        tile = service.http.get(f"/tiles/reports/{z}/{x}/{y}.mvt")
        assert tile.status_code == 200
        points += b"bus.skipped_stop" in tile.content
        assert not [told for told in TOLD if told.encode() in tile.content]
    assert points
    live = service.http.get("/tiles/reports.json").json()["vector_layers"]
    assert not {"text", "reporter", "contact"} & {f for layer in live for f in layer["fields"]}


def test_nobody_else_erases_it(service):
    said, other = send(service), send(service)
    hidden = send(service, category="order.drugs", answers={})
    assert erase(service, said, secret=other["secret"]).status_code == 401
    assert erase(service, hidden, secret=other["secret"]).status_code == 404
    path = f"{LIST}/{said['code']}/erasure"
    assert service.http.post(path, json={"reason": "tôi muốn"}).status_code == 401
    for role, ward in (
        ("crew", None),
        ("planner", None),
        ("ward_officer", builders.CODES[0]),
        ("hotline_agent", builders.CODES[1]),
    ):
        with signed_in(service, role, ward=ward, name=f"{role}-{said['code']}") as staff:
            answer = staff.post(path, json={"reason": "người gửi gọi đến"})
            assert answer.status_code == 403, role
    with signed_in(service, "hotline_agent", name=f"agent-{said['code']}") as agent:
        assert agent.post(path, json={"text": True}).status_code == 422
        assert "mườibảy" in service.http.get(f"{LIST}/{said['code']}").text
        done = agent.post(path, json={"text": True, "reason": "người gửi gọi đến"})
        assert done.status_code == 200, done.text
    assert "mườibảy" not in service.http.get(f"{LIST}/{said['code']}").text


def test_each_erasure_is_in_the_audit_log_without_what_was_erased(service, pinward, tmp_path):
    said, other = send(service), send(service)
    erase(service, said)
    done = pinward(
        "reports", "erase", other["code"], "--text", "--why", "đơn số 12", url=service.url
    )
    assert done.returncode == 0, done.stderr
    with psycopg.connect(service.url) as db:
        lines = db.execute(
            "SELECT actor, action, subject, reason FROM audit_log WHERE subject = ANY(%s)"
            " ORDER BY n",
            ([said["code"], other["code"]],),
        ).fetchall()
    first, second = lines
    asked = "asked for with the report's secret"
    assert first == ("reporter", "report.erase", said["code"], asked)
    assert (second[0][:8], *second[1:]) == (
        "command:",
        "report.erase.text",
        other["code"],
        "đơn số 12",
    )
    assert pinward("audit", "verify", url=service.url).returncode == 0
    missing = pinward("reports", "erase", "2222-2222", "--why", "đơn", url=service.url)
    assert (missing.returncode, "no report with this code" in missing.stderr) == (1, True)


def test_what_cannot_be_written_to_the_audit_log_is_not_erased(service):
    said = send(service)
    with psycopg.connect(service.url) as db:
        db.execute("SELECT pg_advisory_xact_lock(%s)", (int(Lock.AUDIT),))
        assert erase(service, said, text=True).status_code == 503
        db.execute("ROLLBACK")
    assert "mườibảy" in service.http.get(f"{LIST}/{said['code']}").text
    assert erase(service, said, text=True).status_code == 200
