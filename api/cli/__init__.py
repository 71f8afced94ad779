"""The command `pinward`: one module a noun."""

import atexit
import contextlib
import os
import sys
from typing import NoReturn

import psycopg
import typer
from sqlalchemy.exc import DBAPIError

from api.cli import (
    audit,
    console,
    contacts,
    db,
    demo,
    facilities,
    hotspots,
    keys,
    persons,
    photos,
    reports,
    retention,
    rules,
    serve,
    statistics,
    streets,
    tiles,
    users,
    wards,
    worker,
)
from geo.errors import Invalid, PinwardError

app = typer.Typer(
    name="pinward",
    help="Drop a pin, the right ward acts.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(db.app, name="db")
app.add_typer(wards.app, name="wards")
app.add_typer(reports.app, name="reports")
app.add_typer(photos.app, name="photos")
app.add_typer(facilities.app, name="facilities")
app.add_typer(streets.app, name="streets")
app.add_typer(hotspots.app, name="hotspots")
app.add_typer(tiles.app, name="tiles")
app.add_typer(statistics.app, name="statistics")
app.add_typer(users.app, name="users")
app.add_typer(keys.app, name="keys")
app.add_typer(contacts.app, name="contacts")
app.add_typer(persons.app, name="persons")
app.add_typer(retention.app, name="retention")
app.add_typer(rules.app, name="rules")
app.add_typer(audit.app, name="audit")
app.command(name="serve")(serve.serve)
app.command(name="worker")(worker.worker)
app.command(name="demo")(demo.demo)
app.command(name="demo-stop")(demo.stop)


def main() -> None:
    """Run the command; a refusal is said in a sentence, exit code 1 (misuse is 2)."""
    try:
        _run()
    except SystemExit as done:
        _leave(done.code)


def _leave(code: str | int | None) -> NoReturn:
    """End the process here, tidied up, with this exit code.

    Threads of native libraries may still be at work; Python, taking itself apart under them, would
    sometimes be aborted (SIGABRT), and a backup that was restored be told as a failure.
    """
    if isinstance(code, str):
        console.refuse(code)
        code = 1
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        # A reader that left, as `head` does, is none of the command's failures.
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code or 0)


def _run() -> None:
    try:
        app()
    except PinwardError as error:
        console.refuse(error.detail)
        if isinstance(error, Invalid):
            for item in error.errors:
                console.refuse(f"  {item['field']}: {item['message']}")
        sys.exit(1)
    except (DBAPIError, psycopg.Error) as error:
        said = str(error.orig if isinstance(error, DBAPIError) else error).strip().splitlines()
        console.refuse(f"the database refused: {said[0] if said else type(error).__name__}")
        sys.exit(1)
