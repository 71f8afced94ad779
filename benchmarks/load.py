"""A client that costs little beside the servers it loads: sockets kept open, one loop, no library.

Requests are bytes; of an answer only the status and the length are read.
"""

import re
import selectors
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_BLOCK = 1 << 18
# How often who goes on asking is asked again, at the least.
_LOOK_S = 0.05


@dataclass
class Done:
    """What came back: answers by status, seconds each took, and the whole time."""

    took_s: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    answers_s: list[float] = field(default_factory=list)

    @property
    def each_second(self) -> float:
        return len(self.answers_s) / self.took_s

    def only(self, *wanted: int) -> "Done":
        """Itself, when nothing but these statuses came back: a fast error is no measure."""
        if not self.statuses or set(self.statuses) - set(wanted):
            raise RuntimeError(f"wanted {wanted} only; answers were {dict(self.statuses)}")
        return self


@dataclass
class _Line:
    """One connection and the answer it waits for."""

    socket: socket.socket
    began: float = 0.0
    head: bytes = b""
    left: int = -1
    """bytes of the body still to come; below zero while the head is not whole"""


def get(path: str, headers: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\n{headers}\r\n".encode()


def post(path: str, body: bytes, headers: str = "") -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n{headers}\r\n"
    )
    return head.encode() + body


def drive(port: int, connections: int, requests: Iterator[bytes], seconds: float) -> Done:
    """Ask without a pause on every connection; a request begun in time is waited for."""
    done = Done()
    selector = selectors.DefaultSelector()
    began = time.perf_counter()
    ends = began + seconds
    asking = 0
    for _ in range(connections):
        asking += _ask(_connected(port, selector), requests)
    while asking:
        for key, _ in selector.select(30):
            line = key.data
            received = line.socket.recv(_BLOCK)
            if not received:
                raise RuntimeError("the server closed a connection that was to be kept open")
            if not _whole(line, received, done):
                continue
            done.answers_s.append(time.perf_counter() - line.began)
            asking -= 1
            if time.perf_counter() < ends:
                asking += _ask(line, requests)
    done.took_s = time.perf_counter() - began
    _close(selector)
    return done


def pace(
    port: int, each_second: float, requests: Iterator[bytes], going: Callable[[], bool]
) -> Done:
    """Ask at a steady rate while `going()`, however long answers take: as people do, who do not
    wait for each other. An answer's time counts from when its request was due."""
    done = Done()
    selector = selectors.DefaultSelector()
    free: list[_Line] = []
    asking = 0
    began = time.perf_counter()
    due = began
    while going() or asking:
        wait = due - time.perf_counter()
        if wait <= 0 and going():
            line = free.pop() if free else _connected(port, selector)
            asking += _ask(line, requests)
            line.began, due = due, due + 1 / each_second
            continue
        for key, _ in selector.select(max(min(wait, _LOOK_S), 0.001)):
            line = key.data
            received = line.socket.recv(_BLOCK)
            if not received:
                # One too many for a while may be closed; none that waits for its answer.
                selector.unregister(line.socket)
                line.socket.close()
                free.remove(line)
                continue
            if _whole(line, received, done):
                done.answers_s.append(time.perf_counter() - line.began)
                free.append(line)
                asking -= 1
    done.took_s = time.perf_counter() - began
    _close(selector)
    return done


def _connected(port: int, selector: selectors.BaseSelector) -> _Line:
    line = _Line(socket.create_connection(("127.0.0.1", port)))
    line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    selector.register(line.socket, selectors.EVENT_READ, line)
    return line


def _close(selector: selectors.BaseSelector) -> None:
    for key in list(selector.get_map().values()):
        key.data.socket.close()
    selector.close()


def _ask(line: _Line, requests: Iterator[bytes]) -> int:
    line.head, line.left = b"", -1
    line.began = time.perf_counter()
    line.socket.sendall(next(requests))
    return 1


def _whole(line: _Line, received: bytes, done: Done) -> bool:
    """Take in what was received; whether the answer is complete."""
    if line.left < 0:
        line.head += received
        end = line.head.find(b"\r\n\r\n")
        if end < 0:
            return False
        status = int(line.head[9:12])
        done.statuses[status] += 1
        found = _LENGTH.search(line.head, 0, end)
        if found is None and status not in (204, 304):
            raise RuntimeError(f"an answer without a length: {line.head[:200]!r}")
        length = int(found[1]) if found and status != 304 else 0
        line.left = length - (len(line.head) - end - 4)
    else:
        line.left -= len(received)
    return line.left == 0
