"""The whole database into a file and back, by PostgreSQL's own programs.

Without grants: the role of the service may not be there where it comes back; `pinward db restore`
makes it, and grants anew, as every upgrade does.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from geo.errors import RefusedBackup
from geo.store.cluster import binary
from geo.store.database import APPLICATION, unreachable

# What is in the way of a restore waits for no reader longer than this.
_ANEW = "SET lock_timeout = '15s';\nDROP SCHEMA public CASCADE;\nCREATE SCHEMA public;\n"
# Who signed out since, or was signed out, is not to be signed in again.
_SIGN_INS = ("sessions", "citizen_sessions")
_SIGNED_OUT = "".join(
    f"DO $$ BEGIN IF to_regclass('public.{table}') IS NOT NULL THEN "
    f"DELETE FROM public.{table}; END IF; END $$;\n"
    for table in _SIGN_INS
)


@contextmanager
def snapshot(url: str) -> Iterator[tuple[psycopg.Connection[Any], str]]:
    """A connection that sees the database as of now until the block ends, and what that is called
    for others that are to see the same."""
    try:
        db = psycopg.connect(url)
    except psycopg.Error as error:
        raise unreachable(error) from error
    with db:
        db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        found = db.execute("SELECT pg_export_snapshot()").fetchone()
        assert found
        yield db, found[0]


def check_idle(url: str) -> None:
    """Raises `RefusedBackup` while a service, worker or command of ours is at the database."""
    try:
        with psycopg.connect(url) as db:
            found = db.execute(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND application_name = %s",
                (APPLICATION,),
            ).fetchone()
    except psycopg.Error as error:
        raise unreachable(error) from error
    assert found
    if found[0]:
        raise RefusedBackup(
            f"{found[0]} connections of Pinward's are at the database: stop `pinward serve`, "
            "`pinward worker` and other commands first, or what they do now would be lost unseen"
        )


def dump(url: str, seen_as: str, path: Path) -> None:
    """Write the database as of a `snapshot`, compressed; raises `RefusedBackup`."""
    where, environment = _reached(url)
    _run(
        [
            *(binary("pg_dump"), "-Fc", "--no-owner", "--no-acl"),
            # Who sent what, and how much, is forgotten within days: not so in a file.
            "--no-unlogged-table-data",
            *(f"--exclude-table-data=public.{table}" for table in _SIGN_INS),
            *(f"--snapshot={seen_as}", "-f", path, "-d", where),
        ],
        environment,
    )


def replace(url: str, path: Path) -> None:
    """Put what was dumped in the place of all there is, in one transaction; nobody is signed in.

    Raises `RefusedBackup`, and the database is as it was.
    """
    where, environment = _reached(url)
    script = path.with_suffix(".sql")
    with script.open("wb") as file:
        file.write(_ANEW.encode())
        file.flush()
        _run([binary("pg_restore"), "--no-owner", "--no-acl", "-f", "-", path], environment, file)
        # It wrote at the end, wherever that was to us. Made by an earlier version, it has them.
        file.seek(0, os.SEEK_END)
        file.write(_SIGNED_OUT.encode())
    _run(
        [
            *(binary("psql"), "-X", "-q", "--single-transaction", "-v", "ON_ERROR_STOP=1"),
            *("-f", script, "-d", where),
        ],
        environment,
    )


def _reached(url: str) -> tuple[str, dict[str, str]]:
    # Everybody on the machine sees what a program was started with, but not its environment.
    parts = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    password = parts.pop("password", None)
    environment = dict(os.environ) | ({"PGPASSWORD": password} if password else {})
    return make_conninfo(**parts), environment


def _run(words: list[str | Path], environment: dict[str, str], out: Any = None) -> None:
    done = subprocess.run(
        [str(word) for word in words],
        stdin=subprocess.DEVNULL,
        stdout=out or subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["no word why"]
        first = next((line for line in said if "ERROR" in line or "error" in line), said[0])
        raise RefusedBackup(f"{Path(words[0]).name} failed: {first}")
