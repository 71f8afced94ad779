"""A thousand phones behind one address: nobody is refused for the others, but for who floods.

`make bench BENCH_ARGS=admission` says what it costs.
"""

import asyncio
import time
from collections import Counter

import httpx
import psycopg
import pytest
from conftest import serving
from phones import Phone, is_challenge, of, sent_from

from geo.abuse import proof

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
    # A connection of its own for each request: one that was kept may be closed as it is used.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=base, limits=limits, timeout=600) as http:
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
    began = time.monotonic()
    answers, proofs, told = asyncio.run(the_crowd(service.base))
    took = time.monotonic() - began
    assert Counter(answer.status_code for answer in answers) == {201: PHONES}
    # one is free every six seconds; the one that floods may take three
    assert PHONES - FREE - 20 - took / 6 <= sum(each > 0 for each in proofs) <= PHONES - FREE + 3
    # asked for before the crowd grew to many times what it was, a proof is asked for once more
    assert max(proofs) <= 2
    # three for a new device, and one more every two minutes
    let_in = [answer.status_code for answer in told].count(201)
    assert 1 <= let_in <= 4 + took // 120
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
    few = SHIPPED | {"PINWARD_LIMIT_DEVICE_H": "10", "PINWARD_LIMIT_NETWORK_H": "10"}
    with serving(city_url, tmp_path, **few) as service:
        phone = Phone(service.http, ADDRESS)
        assert phone.statuses(4) == [201] * 3 + [429]
        in_pieces = {"Tus-Resumable": "1.0.0", "Upload-Length": "1000"}

        def begin(**headers):
            sent = of(ADDRESS, phone.device) | in_pieces | headers
            return service.http.post("/api/v1/uploads", headers=sent)

        # a new device has three at once; its network five at once for each report
        begun = [begin() for _ in range(6)]
        assert [answer.status_code for answer in begun] == [201] * 3 + [429] * 3
        assert begun[-1].json()["type"].endswith("/too-many")
        assert int(begun[-1].headers["retry-after"]) > 0
        whole = {"file": ("a.jpg", b"no photo", "image/jpeg")}
        answer = service.http.post(
            "/api/v1/uploads", files=whole, headers=of(ADDRESS, phone.device)
        )
        assert answer.status_code == 429
        others = [begin(**{"Pinward-Device": f"{phone.device}{n}"}) for n in range(4)]
        assert [answer.status_code for answer in others] == [201] * 2 + [429] * 2
        assert is_challenge(others[-1])
        told = others[-1].json()
        shown = proof.answer(told["challenge"], told["difficulty"])
        device = {"Pinward-Device": f"{phone.device}3", "Pinward-Proof": shown}
        assert begin(**device).status_code == 201


def test_two_machines_of_one_city_count_as_one(clone, city_template, tmp_path):
    url = clone(city_template)
    (first, second) = (tmp_path / name for name in ("first", "second"))
    for folder in (first, second):
        folder.mkdir()
    shared = SHIPPED | {"PINWARD_SECRET_KEY": "k" * 40}
    with serving(url, first, **shared) as one, serving(url, second, **shared) as two:
        phone, same = Phone(one.http, ADDRESS), Phone(two.http, "198.51.100.1")
        same.headers["Pinward-Device"] = phone.device
        assert phone.statuses(2) == [201] * 2
        assert same.statuses(2) == [201, 429]
        assert phone.statuses(1) == [429]
