"""`pinward db`: the private cluster and the migrations."""

import typer

from api import entrance
from api.cli.console import say
from geo.settings import Settings
from geo.store import migrate
from geo.store.cluster import Cluster

app = typer.Typer(help="The private PostGIS cluster and the migrations.", no_args_is_help=True)


@app.command()
def start() -> None:
    """Make the private cluster if need be, start it, and migrate it."""
    url = Cluster(Settings().state).start()
    migrate.upgrade(url)
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
    migrate.upgrade(target)
    say(f"the database stands at migration {migrate.current(target)}")
