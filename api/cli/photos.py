"""`pinward photos`: the store of photos."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from api import entrance
from api.cli.console import print_json, say, several, with_database
from geo.photos import sweeping
from geo.settings import Settings
from geo.store.database import AsyncEngine

app = typer.Typer(help="The store of photos.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """The store of photos."""


@app.command()
def sweep(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    even_most: Annotated[
        bool, typer.Option("--even-most", help="Also when most photos of the store have no row.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Delete uploads whose time is over, and photos that no row refers to (after a day)."""
    settings = Settings()
    store, inbox = entrance.media(settings), entrance.inbox(settings)

    async def work(engine: AsyncEngine) -> sweeping.Swept:
        now = datetime.now(UTC)
        return await sweeping.sweep(engine, store, inbox, now, dry_run=dry_run, even_most=even_most)

    swept = with_database(work)
    if as_json:
        print_json({**asdict(swept), "dry_run": dry_run})
        return
    say(
        f"{'would delete' if dry_run else 'deleted'} "
        f"{several(swept.uploads, 'upload', 'uploads')} past their time, "
        f"{several(swept.objects, 'photo', 'photos')} without a row ({swept.bytes / 1e6:.1f} MB), "
        f"{several(swept.unfinished, 'half-written file', 'half-written files')}, and what "
        f"{several(swept.leftovers, 'broken-off request', 'broken-off requests')} left"
    )
