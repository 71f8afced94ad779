"""A reader of live streams: the real service over a real socket, read in a thread."""

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psycopg


@dataclass(frozen=True)
class Told:
    """One event as it came; `at` is when (time.monotonic)."""

    name: str
    id: int
    data: dict[str, Any]
    at: float


class Listening:
    """Hears `/api/v1/live` from the `ready` on, which it waits for, until the block ends."""

    def __init__(self, base: str, query: str = "", last: int | None = None) -> None:
        self.events: list[Told] = []
        self.comments: list[str] = []
        self.ended = False
        self.last: int | None = last
        where = urlsplit(base)
        self._http = http.client.HTTPConnection(str(where.hostname), where.port, timeout=60)
        headers = {} if last is None else {"Last-Event-ID": str(last)}
        self._http.request("GET", f"/api/v1/live{query}", headers=headers)
        # Kept: the answer takes it over.
        self._socket = self._http.sock
        self._answer = self._http.getresponse()
        assert self._answer.status == 200, self._answer.read()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        self.until(lambda: bool(self.events), 10)
        assert self.events[0].name == "ready"

    def __enter__(self) -> "Listening":
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up, whatever is still to come."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._http.close()

    @property
    def news(self) -> list[Told]:
        """All events but the `ready`."""
        return self.events[1:]

    @property
    def heard(self) -> list[tuple[str, Any]]:
        """(name, code of the report) of all events but the `ready`."""
        return [(one.name, one.data.get("code")) for one in self.news]

    def until(self, done: Callable[[], bool], seconds: float = 15) -> None:
        """Wait for something to be heard; fails when it is not."""
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, f"not heard: {self.events[-20:]} ended={self.ended}"
            time.sleep(0.02)

    def _read(self) -> None:
        block: dict[str, str] = {}
        try:
            for raw in self._answer:
                line = raw.decode().rstrip("\n")
                if not line:
                    self._take(block)
                    block = {}
                elif line.startswith(":"):
                    self.comments.append(line)
                else:
                    name, _, value = line.partition(": ")
                    assert name not in block, f"twice in one event: {line}"
                    block[name] = value
        except (OSError, http.client.HTTPException, AttributeError, ValueError):
            pass
        self.ended = True

    def _take(self, block: dict[str, str]) -> None:
        if "id" in block:
            self.last = int(block["id"])
        if "data" in block:
            told = Told(
                block["event"], int(block["id"]), json.loads(block["data"]), time.monotonic()
            )
            self.events.append(told)


def change(url: str, statement: str, *values: Any) -> None:
    """Run one statement in a transaction of its own."""
    with psycopg.connect(url) as db:
        db.execute(statement, values)


def wait_until(done: Callable[[], Any], seconds: float = 15) -> None:
    """Wait for something to become true; fails when it does not."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.05)


def numbered(url: str) -> bool:
    """Whether every committed change has its number."""
    with psycopg.connect(url) as db:
        row = db.execute("SELECT count(*) FROM changes WHERE seq IS NULL").fetchone()
    return row is not None and row[0] == 0
