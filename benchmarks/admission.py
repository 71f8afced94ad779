"""What it costs that senders are counted, and a thousand phones behind one address.

Intake over HTTP, durable, all rules on, by a hundred at once from two thousand devices in five
hundred networks, with the counting on against the same with it off; in pairs that take turns in
going first. Then a thousand phones of one network report at the same moment, while one device of
that network floods: every phone must be let in, with a proof where it is asked for one, and the
flood must be held to its bucket. What is measured of them is how long a phone of 50,000 hashes a
second would work, as here all share two cores.
"""

import asyncio
import json
import secrets
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
import serving
from city import City
from city_places import HERE, sites
from cold_tile import p
from load import drive, post

from geo.abuse import proof

WRITERS = 100
PAIRS = 3
SECONDS = 30.0
PHONES = 1_000
# Rules of the city as they are shipped, but for the crowd in one place, which is what is looked at.
ADDRESS = "203.0.113.77"
PHONE_HASHES_S = 50_000
_FLOOD_EVERY_S = 0.02
_WIDE = {
    "PINWARD_LIMITS": "yes",
    "PINWARD_LIMIT_DEVICE_H": "100000",
    "PINWARD_LIMIT_NETWORK_H": "10000000",
    "PINWARD_LIMIT_ALL_H": "100000000",
}


def measure(
    place: City, pairs: int = PAIRS, seconds: float = SECONDS, phones: int = PHONES
) -> list[dict[str, Any]]:
    rates: dict[bool, list[float]] = {True: [], False: []}
    with serving.worker(place.url):
        for turn in range(pairs):
            for counted in (True, False) if turn % 2 else (False, True):
                limits = _WIDE if counted else {"PINWARD_LIMITS": "no"}
                with serving.pinward(place.url, "--no-worker", **limits) as port:
                    drive(port, WRITERS, _reports(), seconds / 5).only(201)
                    done = drive(port, WRITERS, _reports(), seconds).only(201)
                    rates[counted].append(done.each_second)
    with serving.pinward(place.url, PINWARD_LIMITS="yes") as port:
        crowd = asyncio.run(_crowd(port, phones))
    return [_cost(place, rates), _told(crowd)]


def _reports() -> Iterator[bytes]:
    rng = np.random.default_rng()
    devices = [secrets.token_hex(16) for _ in range(2_000)]
    networks = [f"198.51.{n // 250}.{n % 250}" for n in range(500)]
    while True:
        for lon, lat in sites(rng, 1000).tolist():
            who = f"Pinward-Device: {devices[rng.integers(2_000)]}\r\n"
            who += f"X-Forwarded-For: {networks[rng.integers(500)]}\r\n"
            who += f"Idempotency-Key: {_uuid()}\r\n"
            yield post("/api/v1/reports", json.dumps(_body(lon, lat)).encode(), who)


def _uuid() -> str:
    drawn = secrets.token_hex(16)
    return f"{drawn[:8]}-{drawn[8:12]}-4{drawn[13:16]}-a{drawn[17:20]}-{drawn[20:]}"


def _body(lon: float, lat: float) -> dict[str, Any]:
    text = f"Nước ngập ngang bánh xe trước số nhà {secrets.token_hex(6)}."
    return {"category": "drainage.flooding", "lon": lon, "lat": lat, "text": text}


@dataclass
class _Crowd:
    answers_s: list[float]
    hashes: list[int]
    statuses: Counter[int]
    flood: Counter[str]


async def _crowd(port: int, phones: int) -> _Crowd:
    found = _Crowd([], [], Counter(), Counter())
    # A connection of its own for each request: one that was kept may be closed as it is used.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    base = f"http://127.0.0.1:{port}"
    with ProcessPoolExecutor(1) as pool:
        async with httpx.AsyncClient(base_url=base, limits=limits, timeout=300) as http:
            over = asyncio.Event()
            flood = asyncio.create_task(_flood(http, pool, over, found))
            await asyncio.gather(*(_phone(http, pool, found) for _ in range(phones)))
            over.set()
            await flood
    if found.statuses != {201: phones}:
        raise RuntimeError(f"some of {phones} phones were not let in: {dict(found.statuses)}")
    if found.flood["let in"] > 5 or not found.flood["refused"]:
        raise RuntimeError(f"the flood was not held: {dict(found.flood)}")
    return found


async def _phone(http: httpx.AsyncClient, pool: Executor, found: _Crowd) -> None:
    answer, hashes = await _sent(http, pool, secrets.token_hex(16), found.answers_s)
    found.statuses[answer.status_code] += 1
    found.hashes.append(hashes)


async def _flood(
    http: httpx.AsyncClient, pool: Executor, over: asyncio.Event, found: _Crowd
) -> None:
    device = secrets.token_hex(16)
    while not over.is_set() or sum(found.flood.values()) < 20:
        answer, _ = await _sent(http, pool, device, [])
        found.flood["let in" if answer.status_code == 201 else "refused"] += 1
        await asyncio.sleep(_FLOOD_EVERY_S)


async def _sent(
    http: httpx.AsyncClient, pool: Executor, device: str, took_s: list[float]
) -> tuple[httpx.Response, int]:
    """The answer that is no challenge, and how many hashes it took."""
    headers = {"Pinward-Device": device, "X-Forwarded-For": ADDRESS}
    lon, lat = np.array(HERE) + np.random.default_rng().uniform(-0.01, 0.01, 2)
    body = _body(float(lon), float(lat))
    hashes = 0
    while True:
        began = time.perf_counter()
        answer = await http.post("/api/v1/reports", json=body, headers=headers)
        took_s.append(time.perf_counter() - began)
        told = answer.json()
        if answer.status_code != 429 or not told["type"].endswith("/challenge"):
            return answer, hashes
        loop = asyncio.get_running_loop()
        shown = await loop.run_in_executor(
            pool, proof.answer, told["challenge"], told["difficulty"]
        )
        hashes += int(shown.rpartition(".")[2]) + 1
        headers["Pinward-Proof"] = shown


def _cost(place: City, rates: dict[bool, list[float]]) -> dict[str, Any]:
    mine, bare = statistics.median(rates[True]), statistics.median(rates[False])
    ratios = [a / b for a, b in zip(rates[True], rates[False], strict=True)]
    return {
        "what": f"intake with senders counted, {WRITERS} at once, beside {place.rows:,} reports",
        "against": "the same without counting",
        "ours_s": 1 / mine,
        "theirs_s": 1 / bare,
        "ratio": statistics.median(ratios),
        "aim": "≥ 0.5",
        "note": f"{mine:,.0f} against {bare:,.0f} reports a second; ratios of {len(ratios)} pairs "
        f"{min(ratios):.2f} to {max(ratios):.2f}",
    }


def _told(crowd: _Crowd) -> dict[str, Any]:
    phones = crowd.statuses[201]
    proved = [each for each in crowd.hashes if each]
    work = [each / PHONE_HASHES_S for each in proved] or [0.0]
    middle = statistics.median(work)
    return {
        "what": f"{phones:,} phones behind one address at once, an answer",
        "against": "-",
        "ours_s": p(crowd.answers_s, 95),
        "theirs_s": None,
        "ratio": None,
        "aim": "all let in",
        "note": f"p95; all {phones:,} let in, {len(proved):,} by a proof, of {middle:.1f} s on a "
        f"cheap phone (p95 {p(work, 95):.1f} s, longest {max(work):.1f} s); one that floods: "
        f"{crowd.flood['let in']} let in, {crowd.flood['refused']} refused",
    }
