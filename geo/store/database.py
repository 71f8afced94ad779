"""Connections: one async engine per process, psycopg 3 underneath, plain libpq URLs outside.

The session that all of `geo` is handed is SQLAlchemy's `AsyncConnection`; only the edge (a route,
a command) opens and commits it.
"""

from functools import cache
from importlib import resources
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from geo.errors import DatabaseAway, NotReady
from geo.store import service_role

__all__ = [
    "APPLICATION",
    "AnyRow",
    "AsyncConnection",
    "AsyncEngine",
    "create_engine",
    "driver",
    "load_sql",
]

APPLICATION = "pinward"
"""What engines call themselves in the database, unless the URL says otherwise."""

AnyRow = Row[*tuple[Any, ...]]
"""A row whose columns are read by name."""


def unreachable(error: psycopg.Error) -> DatabaseAway:
    """Why there is no connection, in a sentence with the mend."""
    if isinstance(error, psycopg.ProgrammingError):
        # libpq says what it could not read, with the password in it.
        return DatabaseAway(
            "the database cannot be reached: its URL (PINWARD_DATABASE_URL unless another was "
            "given) is none that libpq can read, like postgresql://user@host/database"
        )
    if todo := service_role.missing(error):
        return DatabaseAway(todo)
    said = str(error).strip().splitlines() or [type(error).__name__]
    return DatabaseAway(
        f"the database cannot be reached: {said[0]}. Check its URL (PINWARD_DATABASE_URL unless "
        "another was given), or start the private one with `pinward db start`"
    )


def create_engine(
    url: str, pool_size: int = 10, *, wait_s: float = 30.0, statement_s: float | None = None
) -> AsyncEngine:
    """Engine on a libpq URL, passed to libpq untouched: several hosts and sockets work.

    Who gets no connection within `wait_s` gets SQLAlchemy's `TimeoutError`; a statement that runs
    longer than `statement_s` is cancelled by the database (default: as the database is set).

    Raises `NotReady` on an empty URL, and `DatabaseAway` whenever no connection can be made.
    """
    if not url:
        raise NotReady("no database: set PINWARD_DATABASE_URL or run `pinward db start`")

    async def connect() -> psycopg.AsyncConnection:
        try:
            return await psycopg.AsyncConnection.connect(url, **_options(url, statement_s))
        except psycopg.Error as error:
            raise unreachable(error) from error

    return create_async_engine(
        "postgresql+psycopg://",
        async_creator=connect,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=wait_s,
        pool_pre_ping=True,
        # What people wrote must not come out in an error's text, and so in a log.
        hide_parameters=True,
    )


def _options(url: str, statement_s: float | None) -> dict[str, Any]:
    named = {"fallback_application_name": APPLICATION}
    if statement_s is None:
        return named
    told = conninfo_to_dict(url).get("options") or ""
    limit = f"{told} -c statement_timeout={max(1, round(statement_s * 1000))}".strip()
    return {**named, "options": limit}


async def driver(conn: AsyncConnection) -> psycopg.AsyncConnection:
    """psycopg's own connection below `conn` (for COPY), in the same transaction."""
    raw = await conn.get_raw_connection()
    connection = raw.driver_connection
    assert isinstance(connection, psycopg.AsyncConnection)
    return connection


@cache
def load_sql(package: str, name: str) -> TextClause:
    """The statement in `<package>/<name>.sql`; parameters are written `:name` there."""
    return text(read_sql(package, name))


def read_sql(package: str, name: str) -> str:
    """What is in `<package>/<name>.sql`.

    Without its comments and indents: what is longer than 4,096 bytes, psycopg reads anew each time.
    """
    lines = resources.files(package).joinpath(f"{name}.sql").read_text(encoding="utf-8").split("\n")
    stripped = (line.strip() for line in lines)
    return "\n".join(line for line in stripped if line and not line.startswith("--"))
