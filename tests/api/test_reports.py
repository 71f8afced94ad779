"""Sending reports and what is answered, over real HTTP."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from psycopg.rows import dict_row

import builders


def _send(service, headers=None, **changes):
    return service.http.post("/api/v1/reports", json=builders.a_report(**changes), headers=headers)


def _rows(service, query, *values):
    with psycopg.connect(service.url, row_factory=dict_row) as conn:
        return conn.execute(query, values).fetchall()


def _stored(service, code):
    [row] = _rows(service, "SELECT * FROM reports WHERE code = %s", code)
    return row


def test_a_report_is_answered_with_its_ward_reasons_and_deadline(service):
    answer = _send(service, accuracy_m=10)
    assert answer.status_code == 201, answer.text
    said = answer.json()
    assert answer.headers["location"] == f"/api/v1/reports/{said['code']}"
    assert answer.headers["cache-control"] == "no-store"
    assert said["tracking_url"] == f"{service.base}/r/{said['code']}"
    assert said["status"] == "assigned"
    assert said["ward"] == {
        "code": "90001",
        "name": "Bến Thử",
        "kind": "ward",
        "match": "covers",
        "distance_m": 0.0,
        "ambiguous_with": [],
    }
    assert said["organisation"]["code"] == "ward-90001"
    assert [reason["vi"] for reason in said["reasons"]] == [
        "Vị trí nằm trong phường Bến Thử.",
        "UBND phường Bến Thử phụ trách địa bàn này.",
    ]
    due = datetime.fromisoformat(said["due_at"]) - datetime.now(UTC)
    assert timedelta(hours=23) < due < timedelta(hours=25)


def test_a_point_known_only_roughly_names_the_wards_it_may_lie_in(service):
    edge = builders.WEST + builders.SIDE
    said = _send(service, lon=edge - 0.0001, accuracy_m=50).json()
    assert [ward["code"] for ward in said["ward"]["ambiguous_with"]] == ["90002"]
    assert "phường Chợ Nhỏ" in said["reasons"][1]["vi"]
    assert _stored(service, said["code"])["ambiguous_with"] == ["90002"]


def test_a_point_just_outside_goes_to_the_nearest_ward_and_says_so(service):
    said = _send(service, lat=builders.SOUTH - 0.001).json()
    assert said["ward"]["match"] == "nearest"
    assert 105 < said["ward"]["distance_m"] < 115
    assert "111 m" in said["reasons"][0]["en"]


def test_a_point_far_outside_is_refused_naming_the_city(service):
    answer = _send(service, lon=105.85, lat=21.03)
    assert answer.status_code == 422
    assert answer.json()["type"].endswith("/outside-coverage")
    assert "Thành phố Thử" in answer.json()["detail"]


def test_a_replay_gets_the_first_answer_and_the_same_secret(service):
    key = builders.a_key()
    first = _send(service, key)
    again = _send(service, key)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert len(_rows(service, "SELECT 1 FROM reports WHERE code = %s", first.json()["code"])) == 1


def test_a_replay_may_be_written_differently_but_say_the_same(service):
    key = builders.a_key()
    first = _send(service, key, text="Ngập nước")
    again = _send(service, key, text="  Ngập nước\r\n", kind="incident")
    assert again.status_code == 200
    assert again.json()["code"] == first.json()["code"]


def test_a_key_used_with_another_report_is_refused(service):
    key = builders.a_key()
    _send(service, key)
    answer = _send(service, key, text="Khác hẳn")
    assert answer.status_code == 422
    assert answer.json()["type"].endswith("/idempotency-key-reused")


def test_racing_requests_with_one_key_make_one_report_and_get_one_answer(service):
    for _ in range(5):
        key, text = builders.a_key(), f"Đua {uuid4()}"
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _, k=key, t=text: _send(service, k, text=t), range(8)))
        assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
        assert all(answer.json() == answers[0].json() for answer in answers)
        assert len(_rows(service, "SELECT 1 FROM reports WHERE text = %s", text)) == 1


def test_racing_requests_with_one_key_and_two_reports_let_one_through(service):
    key, mark = builders.a_key(), str(uuid4())
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda n: _send(service, key, text=f"{mark} {n % 2}"), range(6)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 201, 422, 422, 422]
    assert len(_rows(service, "SELECT 1 FROM reports WHERE text LIKE %s", f"{mark}%")) == 1


@pytest.mark.parametrize(
    "key", ["", "1", "not-a-uuid", "00000000-0000-0000-0000-000000000000", "f" * 32, "x" * 101]
)
def test_a_key_that_is_no_random_uuid_is_refused(service, key):
    answer = _send(service, {"Idempotency-Key": key})
    assert answer.status_code == 422
    assert "idempotency-key" in answer.text.lower()


def test_without_a_key_two_equal_reports_are_two(service):
    first, second = _send(service).json(), _send(service).json()
    assert first["code"] != second["code"]
    assert first["secret"] != second["secret"]


def test_only_hashes_of_secret_and_key_are_stored(service):
    key = str(uuid4())
    said = _send(service, {"Idempotency-Key": key}).json()
    row = _stored(service, said["code"])
    assert row["secret_hash"] == hashlib.sha256(said["secret"].encode()).digest()
    dump = repr(_rows(service, "SELECT * FROM idempotency_keys"))
    assert said["code"] in dump
    assert said["secret"] not in dump
    assert key not in dump


def test_contact_data_are_sealed_and_nowhere_else(service):
    reporter = {"name": "Nguyễn Văn Thử", "phone": "0912 345 678", "email": "thu@example.vn"}
    said = _send(service, builders.a_key(), reporter=reporter).json()
    row = _stored(service, said["code"])
    [sealed] = _rows(service, "SELECT sealed FROM report_contacts WHERE report_id = %s", row["id"])
    tables = ("reports", "report_events", "report_contacts", "idempotency_keys")
    everything = " ".join(repr(_rows(service, f"SELECT * FROM {table}")) for table in tables)
    for value in reporter.values():
        assert value not in everything
    # Version, the key's name, a nonce, then AES-GCM: what was said and 16 bytes of tag.
    said = json.dumps(reporter, ensure_ascii=False).encode()
    assert sealed["sealed"][:1] == b"\x01"
    assert len(sealed["sealed"]) == 5 + 12 + len(said) + 16


def test_an_anonymous_report_has_no_contact_row_and_no_address_of_its_sender(service):
    for reporter in ({}, {"reporter": {}}, {"reporter": None}):
        said = _send(service, {"X-Forwarded-For": "203.0.113.77"}, **reporter).json()
        row = _stored(service, said["code"])
        query = "SELECT 1 FROM report_contacts WHERE report_id = %s"
        assert _rows(service, query, row["id"]) == []
        assert "203.0.113.77" not in repr(row)
        assert "127.0.0.1" not in repr(row)


def test_text_is_kept_in_nfc_whatever_form_it_came_in(service):
    import unicodedata

    said = _send(service, text=unicodedata.normalize("NFD", "  Ngập ở Thạnh Mỹ Tây\r\n")).json()
    assert _stored(service, said["code"])["text"] == "Ngập ở Thạnh Mỹ Tây"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": " \n\t "}, "text"),
        ({"text": "\u200b\u200d"}, "text"),
        ({"text": "a\u0000b"}, "text"),
        ({"text": "a\u001bb"}, "text"),
        ({"text": "a\u0086b"}, "text"),
        ({"text": "x" * 5001}, "text"),
        ({"text": 5}, "text"),
        ({"text": None}, "text"),
        ({"lon": 181}, "lon"),
        ({"lat": -90.0001}, "lat"),
        ({"lon": "106.6"}, "lon"),
        ({"lon": True}, "lon"),
        ({"lon": None}, "lon"),
        ({"accuracy_m": -1}, "accuracy_m"),
        ({"kind": "joke"}, "kind"),
        ({"channel": "We b"}, "channel"),
        ({"photos": ["abc"]}, "photos.0"),
        ({"status": "closed"}, "status"),
        ({"observed_at": "2026-01-01T00:00:00"}, "observed_at"),
        ({"observed_at": 1767225600}, "observed_at"),
        ({"observed_at": "yesterday"}, "observed_at"),
        ({"observed_at": "0001-01-01T00:00:00+14:00"}, "observed_at"),
        ({"observed_at": "9999-12-31T23:59:59-12:00"}, "observed_at"),
        ({"reporter": {"phone": "12"}}, "reporter.phone"),
        ({"reporter": {"email": "nobody"}}, "reporter.email"),
        ({"reporter": {"name": "a\nb"}}, "reporter.name"),
        ({"reporter": {"address": "x"}}, "reporter.address"),
        ({"category": "traffic.potholes"}, "category"),
        ({"category": "\u0000"}, "category"),
        ({"category": "Ổ gà"}, "category"),
        ({"answers": {"colour": "red"}}, "answers.colour"),
        ({"answers": {"depth": "bottomless"}}, "answers.depth"),
        ({"answers": {"depth": 3}}, "answers.depth"),
        ({"category": "bus.skipped_stop"}, "answers.route"),
        ({"category": "lighting.lamp_out", "answers": {"lamps": "two"}}, "answers.lamps"),
    ],
)
def test_what_is_wrong_with_a_report_is_said_by_field(service, changes, field):
    answer = _send(service, **changes)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert field in [error["field"].split(".str")[0] for error in answer.json()["errors"]]


def test_a_mistyped_category_is_answered_with_the_nearest(service):
    said = _send(service, category="trafic.pothole").json()
    assert said["type"].endswith("/unknown-category")
    assert said["nearest"][0] == "traffic.pothole"
    assert "'trafic.pothole'" in said["detail"]
    assert _send(service, category="karaoke").json()["nearest"][0] == "noise.karaoke"


def test_a_category_that_is_not_offered_takes_no_reports(service):
    with psycopg.connect(service.url) as conn:
        conn.execute("UPDATE categories SET offered = false WHERE code = 'water.hydrant'")
    try:
        assert _send(service, category="water.hydrant").status_code == 422
    finally:
        with psycopg.connect(service.url) as conn:
            conn.execute("UPDATE categories SET offered = true WHERE code = 'water.hydrant'")


def test_answers_are_kept_for_the_questions_that_were_asked(service):
    said = _send(
        service, category="bus.skipped_stop", answers={"route": " 19 ", "vehicle": "51B-123.45"}
    ).json()
    assert _stored(service, said["code"])["answers"] == {"route": "19", "vehicle": "51B-123.45"}


def test_when_it_was_seen_may_be_now_by_a_clock_that_runs_ahead_and_up_to_a_year_ago(service):
    def seen(**ago):
        return _send(service, observed_at=(datetime.now(UTC) - timedelta(**ago)).isoformat())

    assert seen(minutes=-5).status_code == 201
    assert seen(days=364).status_code == 201
    assert seen(minutes=-15).status_code == 422
    assert seen(days=366).status_code == 422
    assert _send(service, observed_at="2020-01-01T00:00:00+07:00").status_code == 422


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"", 422),
        (b'{"lon": NaN}', 400),
        (b'{"text": "\\ud800"}', 400),
        (b'{"\\ud800": 1}', 400),
        (b"\xff\xfe", 400),
        (b"[" * 20_000, 400),
        (b"[]", 422),
        (b'"text"', 422),
        (b"null", 422),
        (b'{"lon": ' + b"9" * 5000 + b"}", 400),
        (b" " * 65_537, 413),
    ],
)
def test_a_body_that_is_no_report_is_a_problem_document(service, body, status):
    answer = service.http.post(
        "/api/v1/reports", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_sent_in_chunks_is_bounded_too(service):
    def chunks():
        yield b'{"text": "'
        for _ in range(300):
            yield b"x" * 1024
        yield b'"}'

    answer = service.http.post(
        "/api/v1/reports", content=chunks(), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413


def test_a_form_is_told_to_come_as_json(service):
    answer = service.http.post("/api/v1/reports", data=builders.a_report())
    assert answer.status_code == 415
    assert "application/json" in answer.json()["detail"]


def test_the_first_events_are_received_and_assigned(service):
    code = _send(service).json()["code"]
    told = service.http.get(f"/api/v1/reports/{code}/events").json()["events"]
    assert [event["kind"] for event in told] == ["received", "assigned"]
    assert told[1]["text"] == {
        "vi": "Đã chuyển đến UBND phường Bến Thử.",
        "en": "Passed on to the People's Committee of Bến Thử Ward.",
    }
    assert all(event["at"].endswith("Z") for event in told)
