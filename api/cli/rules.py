"""`pinward rules`: who answers for what and until when, as one file; tried before it counts."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from api import entrance
from api.cli.console import print_json, progress, say, with_database
from geo import audit
from geo.reports.city_rules import CityRules
from geo.reports.rulebook.apply import apply as put_into_force
from geo.reports.rulebook.dry_run import Change, DryRun, compare
from geo.reports.rulebook.file import RuleBook, read
from geo.settings import Settings
from geo.store import deadlines, rulebook
from geo.store import routing as store
from geo.store.database import AsyncEngine

app = typer.Typer(
    help="The city's rules: who answers for what, and until when.", no_args_is_help=True
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
File = Annotated[Path, typer.Argument(help="A rule book (TOML); see docs/rules.md.")]


@app.command()
def apply(
    file: File,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what it would have done.")
    ] = False,
    days: Annotated[
        int, typer.Option(help="So many last days are looked at by --dry-run.", min=1, max=3660)
    ] = 90,
    as_json: Json = False,
) -> None:
    """Let the rules of this file count, instead of all of before; reports sent already stay."""
    settings, now = Settings(), datetime.now(UTC)
    city = (settings.timezone, settings.holidays, settings.working_hours)
    book = read(file)

    async def work(engine: AsyncEngine) -> DryRun | None:
        async with engine.connect() as conn, conn.begin() as whole:
            before = await CityRules.load(conn, *city)
            after = await put_into_force(conn, book, file, *city)
            if not dry_run:
                await audit.write(
                    conn,
                    actor=entrance.operator(),
                    action="rules.apply",
                    subject=file.name,
                    reason=_size(book),
                    now=now,
                )
                return None
            await whole.rollback()
        since = now - timedelta(days=days)
        async with engine.connect() as conn:
            with progress("reports", await rulebook.count_sent(conn, since, now)) as shown:
                return await compare(conn, before, after, since, now, shown)

    found = with_database(work)
    if found is None:
        if as_json:
            print_json({"dry_run": False, "routing": len(book.routing)})
        else:
            say(f"in force from now on: {_size(book)}")
        return
    if as_json:
        print_json({"dry_run": True, "days": days, **asdict(found)})
        return
    say(f"{_size(book)}; nothing was changed")
    say(f"of {found.reports} reports of the last {days} days {found.changed} would have changed")
    for change in found.changes:
        say(_sentence(change))
    if found.unused:
        say(f"no report of these days met: {', '.join(found.unused)}")


@app.command()
def show(as_json: Json = False) -> None:
    """List the rules in force, in the order they are tried."""

    async def work(engine: AsyncEngine) -> dict[str, list[dict[str, Any]]]:
        async with engine.connect() as conn:
            return {
                "routing": [dict(row._mapping) for row in await store.every(conn)],
                "deadlines": [dict(row._mapping) for row in await deadlines.every(conn)],
                "days": [dict(row._mapping) for row in await deadlines.days(conn)],
            }

    found = with_database(work)
    if as_json:
        print_json(
            {
                kind: [{name: _plain(value) for name, value in row.items()} for row in rows]
                for kind, rows in found.items()
            }
        )
        return
    for kind, rows in found.items():
        for row in rows:
            said = [f"{name}={_plain(value)}" for name, value in row.items() if value is not None]
            say(f"{kind}: {' '.join(said)}")


def _size(book: RuleBook) -> str:
    return (
        f"{len(book.routing)} rules of routing, {len(book.zone)} zones, "
        f"{len(book.deadline)} deadlines, {len(book.day)} days of the city's own"
    )


def _sentence(change: Change) -> str:
    sides = [
        f"{side['organisation'] or 'nobody'} ({side['rule'] or 'no rule'}, priority "
        f"{side['priority']})"
        for side in (change.before, change.after)
    ]
    moved = f", {change.due_moved} due at another time" if change.due_moved else ""
    return f"  {change.reports}: {' -> '.join(sides)}{moved}; e.g. {', '.join(change.examples)}"


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return f"{value.total_seconds() / 3600:g}h"
    return value if isinstance(value, str | int | float | bool | list | None) else str(value)
