"""A thousand phones behind one address: nobody is refused for the others, but for who floods.

`make bench BENCH_ARGS=admission` says what it costs.
"""

import asyncio
from collections import Counter
from datetime import UTC, datetime

import httpx
import psycopg
import pytest
from conftest import serving
from fastapi import Request
from fastapi.testclient import TestClient
from phones import Phone, sent_from

import builders
from api import admission
from api.app import create_app
from api.session import Read
from geo.settings import Settings

PHONES = 1_000
DEVICE = "a-device-of-the-tests"
ADDRESS = "203.0.113.77"
# As shipped, but for the work: the phones share this machine's cores with the service.
SHIPPED = {"PINWARD_LIMITS": "yes", "PINWARD_PROOF_WORK": "20"}
FREE = 60
"""What a network may send at once without a proof."""


@pytest.fixture
def service(city_url, tmp_path):
    with serving(city_url, tmp_path, 2, **SHIPPED) as made:
        yield made


async def the_crowd(base):
    """Answers of the phones, how many proofs each gave, and the answers of one that floods."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=base, limits=limits, timeout=120) as http:
        over, told = asyncio.Event(), []

        async def flood():
            while not over.is_set() or len(told) < 50:
                answer, _ = await sent_from(http, ADDRESS, DEVICE)
                told.append(answer)

        flooding = asyncio.create_task(flood())
        sent = await asyncio.gather(*(sent_from(http, ADDRESS) for _ in range(PHONES)))
        over.set()
        await flooding
    return [answer for answer, _ in sent], [proofs for _, proofs in sent], told


def test_a_thousand_phones_behind_one_address_are_let_in_and_one_that_floods_is_held(service):
    answers, proofs, told = asyncio.run(the_crowd(service.base))
    assert Counter(answer.status_code for answer in answers) == {201: PHONES}
    # one is free every six seconds; the one that floods may take three
    assert PHONES - FREE - 20 <= sum(each > 0 for each in proofs) <= PHONES - FREE + 3
    # a proof counts whatever the others do meanwhile: nobody is asked for a second one
    assert max(proofs) == 1
    # three for a new device, and one more every two minutes
    let_in = [answer.status_code for answer in told].count(201)
    assert 1 <= let_in <= 4
    refused = [answer for answer in told if answer.status_code != 201]
    assert {answer.status_code for answer in refused} == {429}
    assert all(answer.json()["type"].endswith("/too-many") for answer in refused)
    assert all(0 < int(answer.headers["retry-after"]) <= 120 for answer in refused)
    with psycopg.connect(service.url) as db:
        assert db.execute("SELECT count(*) FROM reports").fetchone() == (PHONES + let_in,)


def test_an_overloaded_city_asks_everybody_for_a_proof_and_refuses_nobody(city_url, tmp_path):
    few = SHIPPED | {
        "PINWARD_LIMIT_NETWORK_H": "200",
        "PINWARD_LIMIT_ALL_H": "300",
        "PINWARD_PROOF_WORK": "300",
    }
    with serving(city_url, tmp_path, **few) as service:
        phones = [Phone(service.http, f"198.51.100.{n}", proves=True) for n in range(25)]
        assert [phone.send().status_code for phone in phones] == [201] * 25
        assert [phone.challenges for phone in phones] == [0] * 10 + [1] * 15
        # from a network that was never seen: the harder the more came before
        told = Phone(service.http, "192.0.2.9").send().json()
        assert told["difficulty"] > 2 * 300


def test_uploads_have_buckets_of_their_own(city_url, tmp_path):
    limits = {"limit_device_h": 10, "limit_network_h": 10, "proof_work": 10}
    settings = Settings(database_url=city_url, state=tmp_path, **limits)
    app = create_app(settings)

    @app.post("/upload")
    async def upload(request: Request, conn: Read, sender: admission.Sender) -> str:
        await admission.upload(request, conn, sender, None, now=datetime.now(UTC))
        return "kept"

    with TestClient(app) as http:

        def send(path, n, **headers):
            body = builders.a_report(text=f"Nước ngập lần {n}")
            return http.post(path, json=body, headers={"Pinward-Device": DEVICE, **headers})

        reports = [send("/api/v1/reports", n).status_code for n in range(4)]
        assert reports == [201] * 3 + [429]
        uploads = [send("/upload", n) for n in range(6)]
        # a new device has three at once; its network five at once for each report
        assert [answer.status_code for answer in uploads] == [200] * 3 + [429] * 3
        others = [send("/upload", n, **{"Pinward-Device": f"{DEVICE}{n}"}) for n in range(4)]
        assert [answer.status_code for answer in others] == [200] * 2 + [429] * 2
        assert others[-1].json()["type"].endswith("/challenge")
