"""Tile queries of the facilities held as long as a test wants, and counted while they are."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

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


def until(true: Callable[[], Any], within_s: float = 20.0) -> float:
    """Wait until something is true; returns the seconds it took, and fails after `within_s`."""
    began = time.monotonic()
    while not true():
        took = time.monotonic() - began
        assert took < within_s, f"not true within {within_s} s"
        time.sleep(0.02)
    return time.monotonic() - began


def counted(http: Any, name: str, **labels: str) -> float:
    """A number of `/metrics`, summed over all lines that have these labels."""
    total = 0.0
    for line in http.get("/metrics").text.splitlines():
        if line.startswith(f"{name}{{") and all(
            f'{key}="{value}"' in line for key, value in labels.items()
        ):
            total += float(line.rsplit(" ", 1)[1])
    return total
