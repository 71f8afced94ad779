"""Servers in processes of their own, on free ports of the loopback, ended with their block."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import psycopg

WORKERS = 2
BIN = Path(sys.executable).parent


@contextmanager
def pinward(url: str, *options: str, **settings: str) -> Iterator[int]:
    """`pinward serve` on a database; yields the port."""
    with tempfile.TemporaryDirectory() as state:
        words = ["pinward", "serve", "--workers", str(WORKERS), "--port", "{port}", *options]
        env = {
            "PINWARD_DATABASE_URL": url,
            "PINWARD_STATE": state,
            "PINWARD_LIMITS": "no",
        } | settings
        with _process(words, env, "/readyz") as port:
            yield port


@contextmanager
def worker(url: str) -> Iterator[None]:
    """`pinward worker` on a database, at work."""
    with (
        tempfile.TemporaryDirectory() as state,
        _running(["pinward", "worker"], {"PINWARD_DATABASE_URL": url, "PINWARD_STATE": state}),
    ):
        at_work(url)
        yield


def at_work(url: str) -> None:
    """Wait until a worker numbers what changes: its own start is no part of any measure."""
    with psycopg.connect(url, autocommit=True) as db:
        row = db.execute("INSERT INTO changes (topic) VALUES ('wards') RETURNING id").fetchone()
        for _ in range(600):
            found = db.execute("SELECT seq FROM changes WHERE id = %s", row).fetchone()
            if found is None or found[0] is not None:
                return
            time.sleep(0.05)
    raise RuntimeError("no worker numbers the changes")


@contextmanager
def tipg(url: str) -> Iterator[int]:
    """tipg on a database's reports; yields the port."""
    parts = urlsplit(url)
    asked = parse_qs(parts.query)
    host = quote(asked["host"][0], safe="")
    env = {
        "DATABASE_URL": f"postgresql://{asked['user'][0]}@{host}{parts.path}",
        "TIPG_DB_TABLES": '["public.reports"]',
        # else it reads the whole table for the first and last time in each column
        "TIPG_DB_DATETIME_EXTENT": "false",
    }
    with asgi("tipg.main:app", env, 1) as port:
        yield port


@contextmanager
def asgi(app: str, env: dict[str, str], workers: int = WORKERS, *options: str) -> Iterator[int]:
    """Any ASGI application under the server and the settings that `pinward serve` uses."""
    words = ["granian", "--interface", "asgi", "--loop", "uvloop", "--no-ws", "--workers"]
    words += [str(workers), "--host", "127.0.0.1", "--port", "{port}", *options, app]
    with _process(words, env, "/") as port:
        yield port


@contextmanager
def _process(words: list[str], env: dict[str, str], path: str) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with _running([word.format(port=port) for word in words], env) as running:
        for _ in range(600):
            try:
                httpx.get(f"http://127.0.0.1:{port}{path}", timeout=30)
                break
            except httpx.TransportError:
                if running.poll() is not None:
                    raise RuntimeError(f"{words[0]} ended with {running.returncode}") from None
                time.sleep(0.1)
        else:
            raise RuntimeError(f"{words[0]} did not come up")
        yield port


@contextmanager
def _running(words: list[str], more: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("PINWARD_")}
    here = [str(Path(__file__).parent), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    env |= more | {"PYTHONPATH": os.pathsep.join(filter(None, here))}
    with tempfile.TemporaryFile() as log:
        running = subprocess.Popen(
            [BIN / words[0], *words[1:]], env=env, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield running
        except BaseException:
            log.seek(0)
            sys.stderr.write(log.read()[-4000:].decode(errors="replace"))
            raise
        finally:
            running.send_signal(signal.SIGTERM)
            try:
                running.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(running.pid, signal.SIGKILL)
                running.wait(5)
