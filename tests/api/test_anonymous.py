"""Anonymous means: no row about a person anywhere, and the secret is kept and told nowhere."""

import socket
import uuid

import httpx
import psycopg
import pytest
from conftest import serving
from leftovers import forms, tables_that_hold
from own import LIST

import builders

# All that a phone says of itself without its owner knowing.
ADDRESS, PROXIED = "127.77.66.55", "203.0.113.177"
AGENT = "Mozilla/5.0 (Linux; Android 16; Khongai-X9) Pinward-Thu/7.7"
LANGUAGE = "vi-VN,tlh-Latn-x-khongai;q=0.7"
DEVICE = "device-7f1d2c3b4a5968778695a4b3c2d1e0ff"
REFERRED = "https://khongai.example/from-here"
COOKIE = "of-somebody-else=khongai-9f8e7d6c"
KEY = str(uuid.uuid4())
SAID = {
    "User-Agent": AGENT,
    "Accept-Language": LANGUAGE,
    "Pinward-Device": DEVICE,
    "Referer": REFERRED,
    "Cookie": COOKIE,
    "X-Forwarded-For": PROXIED,
    "X-Real-IP": PROXIED,
    "Forwarded": f"for={PROXIED}",
}
TELLING = (ADDRESS, PROXIED, AGENT, "Khongai-X9", LANGUAGE, "x-khongai", DEVICE, REFERRED, COOKIE)
NUMBERS = [str(int.from_bytes(socket.inet_aton(address), "big")) for address in (ADDRESS, PROXIED)]

# Every logger of every process of the service, from the first line on.
AT_DEBUG = """
import logging
logging.basicConfig(level=logging.DEBUG, force=True)
# Which else decides for itself that warnings are enough.
logging.getLogger("sqlalchemy").setLevel(logging.DEBUG)
"""


@pytest.fixture(scope="module")
def chatty(clone, city_template, tmp_path_factory):
    """A service that writes down all it can, and what it wrote."""
    folder = tmp_path_factory.mktemp("chatty")
    (folder / "sitecustomize.py").write_text(AT_DEBUG)
    # With the limits that a city has, which keep something of the phone for some days.
    limits = {"PINWARD_LIMITS": "yes", "PINWARD_LIMIT_DEVICE_H": "20000"}
    with serving(clone(city_template), folder, PYTHONPATH=str(folder), **limits) as made:
        yield made


@pytest.fixture(scope="module")
def phone(chatty):
    """A phone with an address and habits of its own."""
    transport = httpx.HTTPTransport(local_address=ADDRESS)
    with httpx.Client(base_url=chatty.base, transport=transport, headers=SAID, timeout=30) as made:
        yield made


@pytest.fixture(scope="module")
def sent(phone):
    """(the first answer, all later ones) of an anonymous report and all that one does with it."""
    first = phone.post(LIST, json=builders.a_report(), headers={"Idempotency-Key": KEY})
    assert first.status_code == 201
    path = f"{LIST}/{first.json()['code']}"
    mine = {"Authorization": f"Report {first.json()['secret']}"}
    lon, lat = builders.middle(0)
    answers = [
        phone.get("/"),
        phone.get(f"{path}", headers=mine),
        phone.get(f"{path}/events", headers=mine),
        phone.get("/api/v1/wards/at", params={"lon": lon, "lat": lat}),
        phone.patch(path, json={"text": "Sửa lại."}, headers=mine),
        phone.post(f"{path}/position", json={"lon": lon, "lat": lat + 1e-4}, headers=mine),
        phone.post(f"{path}/additions", json={"text": "Thêm."}, headers=mine),
        phone.request("DELETE", f"{path}/contact", headers=mine),
        phone.get(f"{path}/export", headers=mine),
        phone.get(f"{path}/photos/1", headers=mine),
        phone.post(f"{path}/withdraw", headers=mine),
        phone.post(f"{path}/erasure", json={}, headers=mine),
        # Refused, in all the ways there are.
        phone.post(f"{path}/withdraw", headers={"Authorization": "Report wrong"}),
        phone.patch(path, json={"text": "spät"}, headers=mine),
        phone.patch(path, json={"text": 7}, headers=mine),
        phone.patch(path, content=b"{", headers={**mine, "Content-Type": "application/json"}),
        phone.put(path, headers=mine),
        phone.get(path, params={"secret": "x"}, headers=mine),
        phone.get(LIST, params={"q": "Sửa lại", "limit": 5}, headers=mine),
        phone.post("/api/v1/session", json={"email": "a@b.example", "password": "wrong"}),
    ]
    assert {200, 201, 401, 405, 409, 422} <= {answer.status_code for answer in answers}
    return first, answers


def test_an_anonymous_report_leaves_no_trace_of_a_phone_in_any_table(chatty, sent):
    assert tables_that_hold(chatty.url, builders.a_report()["text"][:9], "Sửa lại.")
    wanted = [form for text in TELLING for form in forms(text)]
    assert tables_that_hold(chatty.url, *wanted, *NUMBERS) == set()


def test_two_reports_of_one_phone_have_nothing_in_common_that_would_name_it(chatty, sent, phone):
    for text in ("Hố ga mất nắp ở đầu hẻm.", "Cây đổ ngang đường, xe không qua được."):
        body = builders.a_report(text=text)
        assert phone.post(LIST, json=body).status_code == 201
    with psycopg.connect(chatty.url) as db:
        assert db.execute("SELECT count(*) >= 2 FROM report_devices").fetchone() == (True,)
        hashes = db.execute(
            "SELECT c.table_name, c.column_name FROM information_schema.columns AS c"
            " JOIN information_schema.columns AS r USING (table_schema, table_name)"
            " WHERE c.table_schema = 'public' AND c.data_type = 'bytea'"
            " AND r.column_name = 'report_id'"
        ).fetchall()
        assert ("report_devices", "device") in hashes
        for table, column in hashes:
            twice = f"SELECT {column} FROM {table} GROUP BY 1 HAVING count({column}) > 1"
            assert db.execute(twice).fetchall() == [], (table, column)


def test_whatever_of_a_phone_was_kept_would_be_found(chatty, sent, phone):
    for text in TELLING[2:4]:
        phone.post(LIST, json=builders.a_report(text=f"từ {text}"))
        assert tables_that_hold(chatty.url, *forms(text)) == {"public.reports"}
    with psycopg.connect(chatty.url) as db:
        db.execute("CREATE TABLE kept (a inet, b bytea, c text)")
        for column, value in (("a", "%s"), ("b", "sha256(%s)"), ("c", "encode(%s, 'base64')")):
            given = ADDRESS if column == "a" else ADDRESS.encode()
            db.execute(f"INSERT INTO kept ({column}) VALUES ({value})", (given,))
            db.commit()
            assert tables_that_hold(chatty.url, *forms(ADDRESS)) == {"public.kept"}, column
            db.execute("TRUNCATE kept")
        db.execute("DROP TABLE kept")


def test_the_secret_is_in_no_table_and_its_hash_in_one_row(chatty, sent):
    secret = sent[0].json()["secret"]
    plain = [*forms(secret, hashed=False), bytes.fromhex(secret)]
    assert tables_that_hold(chatty.url, *plain) == set()
    # The planner takes samples of columns.
    held = tables_that_hold(chatty.url, *forms(secret)) - {"pg_catalog.pg_statistic"}
    assert held == {"public.reports"}
    # Whoever has the key that it came with could make it, with the service's own.
    key = uuid.UUID(KEY)
    assert tables_that_hold(chatty.url, *forms(KEY, hashed=False), key.bytes) == set()


def test_no_answer_but_the_first_tells_the_secret(chatty, sent):
    first, answers = sent
    secret = first.json()["secret"]
    assert secret in first.text
    assert secret not in str(first.headers)
    for answer in (*answers, chatty.http.get("/metrics")):
        assert secret not in answer.text + str(answer.headers), answer.request.url
        # Nor does an address.
        assert secret not in str(answer.request.url)


def test_a_log_of_everything_holds_neither_phone_nor_secret(chatty, sent, phone, cluster):
    first, _ = sent
    secret, path = first.json()["secret"], f"{LIST}/{first.json()['code']}"
    mine = {"Authorization": f"Report {secret}"}
    other = phone.post(LIST, json=builders.a_report()).json()
    own = {"Authorization": f"Report {other['secret']}"}
    address = f"{LIST}/{other['code']}"
    # What nobody expected: a table that is gone, rows that make no sense, connections cut.
    with psycopg.connect(chatty.url, autocommit=True) as db:
        db.execute("ALTER TABLE report_events RENAME TO elsewhere")
        broken = [phone.get(f"{path}/events", headers=mine)]
        broken += [phone.post(f"{address}/additions", json={"text": "x"}, headers=own)]
        broken += [phone.post(LIST, json=builders.a_report(), headers=builders.a_key())]
        db.execute("ALTER TABLE elsewhere RENAME TO report_events")
        db.execute("UPDATE categories SET questions = '7' WHERE code = 'drainage.flooding'")
        broken += [phone.patch(address, json={"answers": {"depth": "knee"}}, headers=own)]
        db.execute("UPDATE categories SET questions = '[]' WHERE code = 'drainage.flooding'")
        db.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        phone.patch(address, json={"text": "y"}, headers=own)
    assert [answer.status_code for answer in broken].count(500) >= 3
    for answer in broken:
        for said in (secret, other["secret"], ADDRESS, PROXIED):
            assert said not in answer.text
    log = chatty.log.read_text() + cluster.log.read_text(errors="replace")
    # It was a log of everything, these requests too.
    assert "unexpected error in PATCH /api/v1/reports/{code}" in log
    assert "[DEBUG]" in log or "DEBUG:" in log
    assert "UPDATE reports SET" in log
    for said in (secret, other["secret"], KEY, "Report ", *TELLING, *NUMBERS):
        assert said not in log, said
