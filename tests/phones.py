"""Phones that send reports, each with its own token, behind addresses of the test's choosing."""

import secrets
from typing import Any

import httpx

import builders
from geo.abuse import proof

REPORTS = "/api/v1/reports"


def is_challenge(answer: httpx.Response) -> bool:
    return answer.status_code == 429 and answer.json()["type"].endswith("/challenge")


class Phone:
    """Behind `address`; `proves`: as our page does it, unseen. No `device`: one of its own, an
    empty one: none."""

    def __init__(
        self, http: httpx.Client, address: str, device: str | None = None, proves: bool = False
    ) -> None:
        self.http, self.proves = http, proves
        self.device = secrets.token_urlsafe(16) if device is None else device
        # Who comes over the loopback is believed as a proxy of ours would be.
        self.headers = {"X-Forwarded-For": address}
        if self.device:
            self.headers["Pinward-Device"] = self.device
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
