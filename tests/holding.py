"""Tile queries of the facilities held as long as a test wants, and counted while they are."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psycopg

_LOCK = 77


def holdable(url: str) -> None:
    """Let the facilities' tile query of this database stop, after its snapshot, at a lock."""
    with psycopg.connect(url) as db:
        # A table's own lock would be waited for before the snapshot is taken; a row's is not.
        db.execute(
            f"""
            CREATE FUNCTION hold() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
            BEGIN
                PERFORM pg_advisory_xact_lock_shared({_LOCK});
                RETURN true;
            END
            $$
            """
        )
        db.execute("ALTER TABLE facilities RENAME TO facilities_at_once")
        db.execute("CREATE VIEW facilities AS SELECT * FROM facilities_at_once WHERE hold()")


@contextmanager
def held(url: str) -> Iterator[Callable[[], None]]:
    """Hold every such query until the block ends, or until what it yields is called."""
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(f"SELECT pg_advisory_lock({_LOCK})")

        def release() -> None:
            db.execute("SELECT pg_advisory_unlock_all()")

        yield release


def waiting(url: str) -> int:
    """How many queries of this database are held at the moment."""
    with psycopg.connect(url, autocommit=True) as db:
        row = db.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND state = 'active' AND wait_event = 'advisory'"
        ).fetchone()
    return int(row[0])


def until(true: Callable[[], Any], within_s: float = 60.0, service: Any = None) -> float:
    """Wait until something is true; returns the seconds it took, and fails after `within_s`.

    Patient unless it is a time that is tested: machines stall. With the `service` that it is to be
    true of, failing says what that one was at.
    """
    began = time.monotonic()
    while not true():
        took = time.monotonic() - began
        if took >= within_s:
            said = state(service) if service else ""
            raise AssertionError(f"not true within {within_s} s{said}")
        time.sleep(0.02)
    return time.monotonic() - began


def state(service: Any, lines: int = 40) -> str:
    """What `/readyz` says, how long changes wait for a number, tiles made, and the log's end."""
    said = []
    for path in ("/readyz", "/metrics"):
        try:
            answer = service.http.get(path)
        except httpx.HTTPError as error:
            said.append(f"{path}: {error!r}")
            continue
        told = [line for line in answer.text.splitlines() if _told_of(path, line)]
        said.append("\n".join([f"{path}: {answer.status_code}", *told]))
    log = service.log.read_text(errors="replace").splitlines()[-lines:]
    return "\n".join(["", *said, f"{service.log}:", *log])


def _told_of(path: str, line: str) -> bool:
    return path != "/metrics" or line.startswith(("pinward_changes", "pinward_tile"))


def counted(http: Any, name: str, **labels: str) -> float:
    """A number of `/metrics`, summed over all lines that have these labels."""
    total = 0.0
    for line in http.get("/metrics").text.splitlines():
        if line.startswith(f"{name}{{") and all(
            f'{key}="{value}"' in line for key, value in labels.items()
        ):
            total += float(line.rsplit(" ", 1)[1])
    return total
