"""Who may send how much, over real HTTP: floods are held, neighbours are not."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from conftest import serving
from phones import REPORTS, Phone, is_challenge
from staffed import signed_in

import builders
from geo.abuse import proof

# 12 at once and then one in two minutes; a network 10; the proof some 20 hashes.
SMALL = {
    "PINWARD_LIMITS": "yes",
    "PINWARD_LIMIT_DEVICE_H": "30",
    "PINWARD_LIMIT_NETWORK_H": "100",
    "PINWARD_PROOF_WORK": "20",
    "PINWARD_SECRET_KEY": "k" * 40,
}
BURST = 3


@pytest.fixture(scope="module")
def service(clone, city_template, tmp_path_factory):
    folder = tmp_path_factory.mktemp("limits")
    with serving(clone(city_template), folder, 2, **SMALL) as made:
        yield made


FRESH = (f"203.0.113.{n}" for n in range(1, 250))


def test_a_device_that_floods_is_told_when_to_come_again(service):
    phone = Phone(service.http, next(FRESH), proves=True)
    assert phone.statuses(BURST) == [201] * BURST
    refused = phone.send()
    assert refused.status_code == 429
    told = refused.json()
    assert told["type"].endswith("/too-many")
    assert refused.headers["content-type"] == "application/problem+json"
    assert 100 < int(refused.headers["retry-after"]) <= 120
    assert refused.headers["retry-after"] in told["detail"]
    # it stays so whatever it proves, and on whichever network
    elsewhere = Phone(service.http, next(FRESH), phone.device, proves=True)
    assert elsewhere.send().status_code == 429
    assert elsewhere.challenges == 0


def test_a_neighbour_of_a_flood_is_let_in(service):
    address = next(FRESH)
    flood = Phone(service.http, address, proves=True)
    assert flood.statuses(40).count(201) == BURST
    assert Phone(service.http, address).statuses(BURST) == [201] * BURST


def test_where_many_send_a_proof_lets_each_of_them_in(service):
    address = next(FRESH)
    first = [Phone(service.http, address).send() for _ in range(10)]
    assert [answer.status_code for answer in first] == [201] * 10
    asked = Phone(service.http, address).send()
    told = asked.json()
    assert asked.status_code == told["status"] == 429
    assert told["type"].endswith("/challenge")
    assert {"challenge", "difficulty", "expires"} < told.keys()
    assert int(asked.headers["retry-after"]) <= 60
    ends = datetime.fromisoformat(told["expires"]) - datetime.now(UTC)
    assert timedelta(minutes=9) < ends <= timedelta(minutes=10)
    phones = [Phone(service.http, address, proves=True) for _ in range(20)]
    assert [phone.send().status_code for phone in phones] == [201] * 20
    assert all(phone.challenges == 1 for phone in phones)
    # another network has nothing to do with it
    assert Phone(service.http, next(FRESH)).send().status_code == 201


def test_a_proof_is_one_devices_and_counts_once(service):
    address = next(FRESH)
    for _ in range(10):
        Phone(service.http, address).send()
    phone, other = Phone(service.http, address), Phone(service.http, address)
    told = phone.send().json()
    shown = {"Pinward-Proof": proof.answer(told["challenge"], told["difficulty"])}
    assert is_challenge(other.send(**shown))
    # a phone that goes over to its mobile network has its proof still
    phone.headers["X-Forwarded-For"] = next(FRESH)
    assert phone.send(**shown).status_code == 201
    phone.headers["X-Forwarded-For"] = address
    assert phone.send(**shown).status_code == 201
    assert is_challenge(phone.send(**shown))


def test_a_proof_that_was_asked_for_in_quieter_times_is_asked_anew_in_a_flood(service):
    address = next(FRESH)
    for _ in range(10):
        Phone(service.http, address).send()
    early, late = Phone(service.http, address), Phone(service.http, address)
    asked = {phone: phone.send().json() for phone in (early, late)}
    shown = {
        phone: {"Pinward-Proof": proof.answer(told["challenge"], told["difficulty"])}
        for phone, told in asked.items()
    }
    assert early.send(**shown[early]).status_code == 201
    # others flood meanwhile: the bucket of the network is overdrawn as deep as it goes
    with psycopg.connect(service.url) as db:
        db.execute("UPDATE abuse_buckets SET level = -80, at = now() WHERE level < 0")
    again = late.send(**shown[late])
    assert is_challenge(again)
    told = again.json()
    assert told["difficulty"] > 4 * asked[late]["difficulty"]
    harder = {"Pinward-Proof": proof.answer(told["challenge"], told["difficulty"])}
    assert late.send(**harder).status_code == 201


def test_who_names_no_device_has_little_and_then_proves(service):
    address = next(FRESH)
    nameless = Phone(service.http, address, device="")
    assert nameless.statuses(3) == [201] * 3
    assert is_challenge(nameless.send())
    # what is no token is as good as none
    assert is_challenge(Phone(service.http, address, device="short").send())
    assert Phone(service.http, address, device="", proves=True).statuses(5) == [201] * 5
    assert Phone(service.http, address).send().status_code == 201


def test_an_ipv6_customer_is_one_network(service):
    sent = [Phone(service.http, f"2001:db8:1:2::{n}").send().status_code for n in range(1, 12)]
    assert sent == [201] * 10 + [429]
    assert Phone(service.http, "2001:db8:1:3::1").send().status_code == 201


def test_a_customer_of_many_ipv6_networks_is_asked_for_a_proof_too(service):
    sent = [Phone(service.http, f"2001:db8:5:{n:x}::1").send() for n in range(160)]
    assert [answer.status_code for answer in sent[:80]] == [201] * 80
    assert is_challenge(sent[-1])
    assert Phone(service.http, "2001:db8:6::1").send().status_code == 201
    assert Phone(service.http, "2001:db8:5:ff::1", proves=True).send().status_code == 201


def test_a_report_sent_again_costs_nothing(service):
    phone, key = Phone(service.http, next(FRESH)), builders.a_key()
    body = builders.a_report(text="Nước ngập lần thứ nhất")
    again = [
        service.http.post(REPORTS, json=body, headers=phone.headers | key).status_code
        for _ in range(8)
    ]
    assert again == [201] + [200] * 7
    assert phone.statuses(BURST) == [201] * (BURST - 1) + [429]
    # also when the device has nothing left
    answer = service.http.post(REPORTS, json=body, headers=phone.headers | key)
    assert answer.status_code == 200


def test_staff_write_for_many_from_one_desk(service):
    with signed_in(service, "hotline_agent") as desk:
        desk.headers["X-Forwarded-For"] = "192.0.2.44"
        body = builders.a_report(text="Người dân gọi: nước ngập.")
        assert [desk.post(REPORTS, json=body).status_code for _ in range(20)] == [201] * 20
    # a cookie that is none does not open the door
    phone = Phone(service.http, next(FRESH), device="")
    phone.headers |= {"Cookie": "pinward_session=nobody", "Pinward-Request": "1"}
    assert phone.statuses(4) == [201] * 3 + [429]


def test_what_is_refused_is_not_kept(service):
    phone = Phone(service.http, next(FRESH))
    phone.statuses(BURST)
    with psycopg.connect(service.url) as db:
        before = db.execute("SELECT count(*) FROM reports").fetchone()
        phone.statuses(5)
        assert db.execute("SELECT count(*) FROM reports").fetchone() == before


def test_nothing_of_who_sent_is_to_be_read_in_the_database(service):
    phone = Phone(service.http, "203.0.113.254", device="device-token-of-a-test")
    assert phone.send().status_code == 201
    with psycopg.connect(service.url) as db:
        tables = [
            name
            for (name,) in db.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
                " AND tablename <> 'spatial_ref_sys'"
            )
        ]
        for table in tables:
            rows = db.execute(f"SELECT t::text FROM {table} AS t").fetchall()
            said = "\n".join(row for (row,) in rows)
            for known in (phone.device, "203.0.113.254", phone.device.encode().hex()):
                assert known not in said, table
        kept = db.execute("SELECT max(forget_at - at) FROM abuse_buckets").fetchone()[0]
        assert kept <= timedelta(days=1)
    assert phone.device not in service.log.read_text()
    assert "203.0.113.254" not in service.log.read_text()


def test_a_page_of_another_site_may_send_the_headers(service):
    asked = {
        "Origin": "https://elsewhere.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "pinward-device, pinward-proof, content-type",
    }
    assert service.http.options(REPORTS, headers=asked).status_code == 200
