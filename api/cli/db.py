"""`pinward db`: the private cluster and the migrations."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from api import entrance
from api.cli.console import progress, refuse, say, several, with_database
from api.erased_photos import drop_photos
from geo.errors import RefusedBackup
from geo.photos import backups
from geo.reports import again as doing_again
from geo.reports import categories
from geo.settings import Settings
from geo.store import lists, migrate, since
from geo.store.cluster import Cluster
from geo.store.database import AsyncEngine, create_engine

app = typer.Typer(help="The private PostGIS cluster and the migrations.", no_args_is_help=True)


@app.command()
def start() -> None:
    """Make the private cluster if need be, start it, and migrate it."""
    url = Cluster(Settings().state).start()
    _upgrade(url)
    say(url)


@app.command()
def stop() -> None:
    """Stop the private cluster; its data stay."""
    Cluster(Settings().state).stop()


@app.command()
def url() -> None:
    """Print the libpq URL of the database that the commands use."""
    say(entrance.database_url(Settings()))


@app.command()
def upgrade() -> None:
    """Bring the database to the newest migration and the category tree to this version's."""
    target = entrance.database_url(Settings())
    _upgrade(target)
    say(f"the database stands at migration {migrate.current(target)}")


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="A new file; it holds personal data.")],
) -> None:
    """Write the database and all its photos, as of now, to one file, and check them."""
    settings = Settings()
    target, store = entrance.database_url(settings), entrance.media(settings)
    with progress("photos", None) as done:
        made = asyncio.run(backups.backup(target, store, file, datetime.now(UTC), done))
    say(f"wrote {file}: the database and {_photos(made)}")
    say("the keys are not in it: keep PINWARD_SECRET_KEY (or the state folder's secret_key) too")
    _lost(made)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What `pinward db backup` wrote.")],
    over: Annotated[
        bool, typer.Option("--over", help="In the place of a database with reports or accounts.")
    ] = False,
    blind: Annotated[
        bool,
        typer.Option("--blind", help="Without what was erased and revoked since: it is lost."),
    ] = False,
    keep: Annotated[
        Path | None,
        typer.Option(help="A new file for what was taken away since; default: beside the backup."),
    ] = None,
) -> None:
    """Put a backup in the place of the database, its photos into the store, and check them.

    Nobody is signed in afterwards. What was erased, hidden, covered, barred and revoked since the
    backup is read from the database that is replaced, kept in a file beside the backup, and done
    again. Stop `pinward serve` and `pinward worker` before, and start them again afterwards.
    """
    settings = Settings()
    target, store = entrance.database_url(settings), entrance.media(settings)
    now = datetime.now(UTC)
    kept = keep or file.with_name(f"{file.name}.since-{now:%Y%m%dT%H%M%S}.json")
    copies = _copies(settings)
    found: dict[str, Any] | None = None
    unknown: str | None = None

    def before(made: backups.Made) -> None:
        nonlocal found, unknown
        earlier = copies.after(made.at)
        found = since.read(target, made.at, made.newest_report, now, earlier, blind)
        unknown = made.at.isoformat() if found is None else found["unknown_since"]
        if found is not None:
            lists.save(found, kept)
            copies.keep(found)
            say(f"kept what was erased, hidden and revoked since the backup in {kept}")
            say(f"should this break off, go on with: pinward db again {kept}")

    with progress("photos", None) as done:
        asyncio.run(backups.restore(target, store, file, over=over, done=done, before=before))
    _upgrade(target)
    say(f"restored the database from {file}; everybody is signed out")
    if unknown is not None:
        refuse(
            "what was erased, hidden, covered, barred or revoked since "
            f"{datetime.fromisoformat(unknown):%Y-%m-%d %H:%M} UTC is not known: no database was "
            "there to tell it that knows the newest report of the backup. Look for it where else "
            "it is noted: letters and calls that asked for erasure, the worker's log, copies of "
            "`pinward audit list`. Then `pinward reports erase`, `pinward keys list`, "
            "`pinward users list`"
        )
    if found is not None:
        _again(found, kept)
    for path in copies.left():
        say(f"the list of an earlier restore is still to be done: pinward db again {path}")
    checked = asyncio.run(backups.check(target, store))
    say(f"{_photos(checked)} of reports are in the store")
    _lost(checked)


@app.command()
def again(
    file: Annotated[Path, typer.Argument(help="The list that `pinward db restore` kept.")],
) -> None:
    """Go on with what was erased, hidden, covered and revoked since a backup, where it broke off.

    Once all of it is done, the list is named `.done`, and refused.
    """
    found = lists.load(file)
    if file.name.endswith(lists.DONE) or _copies(Settings()).is_done(found):
        raise RefusedBackup(
            f"{file} was done to its end: done once more, it would only undo what came after"
        )
    _again(found, file)


def _copies(settings: Settings) -> lists.Copies:
    return lists.Copies(settings.state / "restored")


def _again(found: dict[str, Any], path: Path) -> None:
    settings = Settings()
    store, now = entrance.media(settings), datetime.now(UTC)

    async def work(engine: AsyncEngine) -> doing_again.Again:
        told = await doing_again.apply(engine, store, found, entrance.operator(), now)
        await drop_photos(engine, store, told.photo_files)
        return told

    told = with_database(work)
    say(f"done again since the backup: {len(told.done)}")
    for sentence in told.done:
        say(f"  {sentence}")
    if told.by_hand:
        refuse("for you to look at:")
    for sentence in told.by_hand:
        refuse(f"  {sentence}")
    if told.whole:
        lists.finish(path)
        _copies(settings).done(found)
    else:
        refuse(f"not all could be done; once that is mended: pinward db again {path}")


def _photos(made: backups.Outcome) -> str:
    return f"{several(made.photos, 'photo', 'photos')} ({made.bytes / 1e6:.1f} MB)"


def _lost(made: backups.Outcome) -> None:
    """Name what is lost, and fail, if anything is."""
    for sentence in made.lost:
        refuse(sentence)
    if made.lost:
        refuse(f"{several(len(made.lost), 'photo is', 'photos are')} lost; all else is whole")
        raise typer.Exit(1)


def _upgrade(url: str) -> None:
    if todo := migrate.upgrade(url):
        refuse(todo)
    asyncio.run(_sync_categories(url))


async def _sync_categories(url: str) -> None:
    engine = create_engine(url, pool_size=1)
    try:
        async with engine.begin() as conn:
            await categories.sync(conn)
    finally:
        await engine.dispose()
