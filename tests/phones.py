"""Phones that send reports, each with its own token, behind addresses of the test's choosing."""

import secrets
from typing import Any

import httpx

import builders
from geo.abuse import proof

REPORTS = "/api/v1/reports"


def is_challenge(answer: httpx.Response) -> bool:
    return answer.status_code == 429 and answer.json()["type"].endswith("/challenge")


def of(address: str, device: str) -> dict[str, str]:
    """Headers of a device behind an address."""
    # Who comes over the loopback is believed as a proxy of ours would be.
    return {"X-Forwarded-For": address} | ({"Pinward-Device": device} if device else {})


class Phone:
    """Behind `address`; `proves`: as our page does it, unseen. No `device`: one of its own, an
    empty one: none."""

    def __init__(
        self, http: httpx.Client, address: str, device: str | None = None, proves: bool = False
    ) -> None:
        self.http, self.proves = http, proves
        self.device = secrets.token_urlsafe(16) if device is None else device
        self.headers = of(address, self.device)
        self.challenges = 0

    def send(self, key: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        """Send a report of its own; `more` are headers."""
        body = builders.a_report(text=f"Nước ngập {secrets.token_hex(8)}")
        headers = self.headers | (key or {}) | more
        answer = self.http.post(REPORTS, json=body, headers=headers)
        while self.proves and is_challenge(answer):
            self.challenges += 1
            told = answer.json()
            shown = proof.answer(told["challenge"], told["difficulty"])
            answer = self.http.post(REPORTS, json=body, headers=headers | {"Pinward-Proof": shown})
        return answer

    def statuses(self, times: int) -> list[int]:
        """Send so many, one after the other."""
        return [self.send().status_code for _ in range(times)]


async def sent_from(
    http: httpx.AsyncClient, address: str, device: str | None = None
) -> tuple[httpx.Response, int]:
    """Send a report of a phone that proves what it is asked for; the answer, and how many proofs it
    gave."""
    body = builders.a_report(text=f"Nước ngập {secrets.token_hex(8)}")
    headers = of(address, device or secrets.token_urlsafe(16))
    proofs = 0
    while is_challenge(answer := await http.post(REPORTS, json=body, headers=headers)):
        told = answer.json()
        headers["Pinward-Proof"] = proof.answer(told["challenge"], told["difficulty"])
        proofs += 1
    return answer, proofs
