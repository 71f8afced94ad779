"""A crowd behind one address: nobody is refused for the others, but for the one who floods.

`make bench BENCH_ARGS=admission` does the same with a thousand phones.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest
from conftest import serving
from phones import Phone

PHONES = 80
ADDRESS = "203.0.113.77"
# The network has 20 at once: three of four phones are asked for a proof.
CROWDED = {
    "PINWARD_LIMITS": "yes",
    "PINWARD_LIMIT_NETWORK_H": "200",
    "PINWARD_PROOF_WORK": "300",
}


@pytest.fixture
def service(city_url, tmp_path):
    with serving(city_url, tmp_path, 2, **CROWDED) as made:
        yield made


def test_a_crowd_behind_one_address_is_let_in_and_one_that_floods_is_held(service):
    ready, over = threading.Barrier(PHONES + 1), threading.Event()
    told = []

    def one(n):
        with httpx.Client(base_url=service.base, timeout=60) as http:
            phone = Phone(http, ADDRESS, proves=True)
            ready.wait(60)
            return phone.send().status_code, phone.challenges

    def flood():
        with httpx.Client(base_url=service.base, timeout=60) as http:
            phone = Phone(http, ADDRESS, proves=True)
            ready.wait(60)
            while not over.is_set() or len(told) < 50:
                told.append(phone.send())

    flooding = threading.Thread(target=flood)
    flooding.start()
    with ThreadPoolExecutor(PHONES) as pool:
        found = list(pool.map(one, range(PHONES)))
    over.set()
    flooding.join(60)
    assert [status for status, _ in found] == [201] * PHONES
    assert sum(challenges > 0 for _, challenges in found) >= PHONES - 30
    # three for a new device, and one more every two minutes
    let_in = [answer.status_code for answer in told].count(201)
    assert 1 <= let_in <= 4
    assert {answer.status_code for answer in told} == {201, 429}
    refused = [answer for answer in told if answer.status_code == 429]
    assert all(answer.json()["type"].endswith("/too-many") for answer in refused)
    assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)
    with psycopg.connect(service.url) as db:
        assert db.execute("SELECT count(*) FROM reports").fetchone() == (PHONES + let_in,)
