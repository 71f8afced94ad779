"""Bring a database to the newest migration, and say where it stands."""

from functools import cache
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from geo.settings import CHECKOUT
from geo.store import service_role
from geo.store.database import unreachable

MIGRATIONS = CHECKOUT / "migrations"


def config(url: str, folder: Path = MIGRATIONS) -> Config:
    """alembic's configuration for the database at a libpq URL."""
    made = Config()
    made.set_main_option("script_location", str(folder))
    made.set_main_option("path_separator", "os")
    made.attributes["url"] = url
    return made


def upgrade(url: str, revision: str = "head") -> str | None:
    """Migrate up, and give the service's role its rights; raises `NotReady` without a database.

    Two processes at once are safe: the second waits and finds nothing to do. Returns what somebody
    who may make roles has still to do (see `service_role.ensure`); None: nothing.
    """
    try:
        psycopg.connect(url).close()
    except psycopg.Error as error:
        raise unreachable(error) from error
    command.upgrade(config(url), revision)
    return service_role.ensure(url)


@cache
def newest() -> str:
    """The newest revision this checkout knows."""
    head = ScriptDirectory.from_config(config("")).get_current_head()
    assert head is not None
    return head


def knows(revision: str | None) -> bool:
    """Whether a database at this revision can be migrated by this checkout."""
    known = ScriptDirectory.from_config(config("")).walk_revisions()
    return revision in {each.revision for each in known}


def current(url: str) -> str | None:
    """The revision the database stands at; None before the first migration."""
    with psycopg.connect(url) as conn:
        row = conn.execute("SELECT to_regclass('alembic_version')").fetchone()
        if row is None or row[0] is None:
            return None
        found = conn.execute("SELECT version_num FROM alembic_version").fetchone()
        return found[0] if found else None
