"""`pinward db`: the private cluster and the migrations."""

import asyncio

import typer

from api import entrance
from api.cli.console import refuse, say
from geo.reports import categories
from geo.settings import Settings
from geo.store import migrate
from geo.store.cluster import Cluster
from geo.store.database import create_engine

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
