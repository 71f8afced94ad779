"""Five hundred open streams of `/api/v1/live`: how soon each hears of a report.

Counted from the moment the report is sent, so the commit itself is in it. Every stream must hear
of every report once: a loss or a repeat is an error, not a slow answer.
"""

import re
import selectors
import socket
import threading
import time
from collections import defaultdict
from typing import Any
from uuid import uuid4

import httpx
import serving
from city import City
from city_places import HERE
from cold_tile import p
from load import get

STREAMS = 500
REPORTS = 60
EVERY_S = 0.25
_PATIENCE_S = 15
_CODE = re.compile(rb"\b[2-9A-Z]{4}-[2-9A-Z]{4}\b")


def measure(place: City, streams: int = STREAMS, reports: int = REPORTS) -> dict[str, Any]:
    with serving.pinward(place.url) as port:
        serving.at_work(place.url)
        ears = _Ears(port, streams)
        sent = _send(port, reports)
        ears.wait(len(sent))
        heard = ears.close()
    times = []
    for code, began in sent.items():
        at = heard.get(code.encode(), {})
        if len(at) != streams:
            raise RuntimeError(f"{len(at)} of {streams} streams heard of {code}")
        times += [each - began for each in at.values()]
    return {
        "what": f"sent → heard by {streams} open streams, {serving.WORKERS} processes",
        "against": "-",
        "ours_s": p(times, 95),
        "theirs_s": None,
        "ratio": None,
        "aim": "p95 ≤ 1 s",
        "note": f"p95 of {len(times):,}: {reports} reports, one each {EVERY_S} s; p50 "
        f"{p(times, 50) * 1e3:.0f} ms, longest {max(times) * 1e3:.0f} ms; none lost, none twice",
    }


def _send(port: int, reports: int) -> dict[str, float]:
    """When each report was sent, by its code."""
    sent = {}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
        for n in range(reports):
            body = {
                "category": "drainage.flooding",
                "lon": HERE[0] + n * 1e-5,
                "lat": HERE[1],
                "text": "Nước ngập ngang bánh xe trước chợ.",
            }
            began = time.perf_counter()
            answer = http.post(
                "/api/v1/reports", json=body, headers={"Idempotency-Key": str(uuid4())}
            )
            answer.raise_for_status()
            sent[answer.json()["code"]] = began
            time.sleep(EVERY_S)
    return sent


class _Ears:
    """The streams' other ends, read by one thread."""

    def __init__(self, port: int, streams: int) -> None:
        self._heard: dict[bytes, dict[int, float]] = defaultdict(dict)
        self._tails: dict[int, bytes] = {}
        self._twice: list[bytes] = []
        self._failed = ""
        self._over = False
        self._selector = selectors.DefaultSelector()
        for n in range(streams):
            line = socket.create_connection(("127.0.0.1", port))
            line.sendall(get("/api/v1/live", "Accept: text/event-stream\r\n"))
            self._selector.register(line, selectors.EVENT_READ, n)
        self._open: set[int] = set()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        self._until(lambda: len(self._open) == streams, "not all streams opened")

    def wait(self, reports: int) -> None:
        """Until every stream has heard of so many reports, or patience ends."""
        streams = len(self._open)
        ends = time.perf_counter() + _PATIENCE_S
        while time.perf_counter() < ends:
            if sum(len(at) == streams for at in list(self._heard.values())) >= reports:
                break
            time.sleep(0.05)
        self._check()

    def close(self) -> dict[bytes, dict[int, float]]:
        self._over = True
        self._thread.join(5)
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        if self._twice:
            raise RuntimeError(f"{len(self._twice)} reports were told twice: {self._twice[:3]}")
        return self._heard

    def _listen(self) -> None:
        while not self._over:
            for key, _ in self._selector.select(0.2):
                received = key.fileobj.recv(1 << 16)  # type: ignore[union-attr]
                now = time.perf_counter()
                n = key.data
                if not received:
                    self._failed = f"stream {n} was closed"
                    self._selector.unregister(key.fileobj)
                    continue
                text = self._tails.get(n, b"") + received
                if n not in self._open:
                    if not text.startswith(b"HTTP/1.1 200"):
                        self._failed = text[:200].decode(errors="replace")
                    self._open.add(n)
                # whole events only; what is not ended yet waits for the rest
                whole, _, self._tails[n] = text.rpartition(b"\n\n")
                for event in whole.split(b"\n\n"):
                    self._note(event, n, now)

    def _note(self, event: bytes, n: int, now: float) -> None:
        for code in set(_CODE.findall(event)):
            if n in self._heard[code]:
                self._twice.append(code)
            self._heard[code][n] = now

    def _until(self, done: Any, otherwise: str) -> None:
        ends = time.perf_counter() + _PATIENCE_S
        while not done():
            self._check()
            if time.perf_counter() > ends:
                raise RuntimeError(f"{otherwise}: {len(self._open)}")
            time.sleep(0.05)

    def _check(self) -> None:
        if self._failed:
            raise RuntimeError(self._failed)
