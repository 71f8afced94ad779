"""`pinward persons`: what is kept on a person who asks for it."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from api import entrance
from api.cli.console import print_json, with_database
from geo.reports import persons
from geo.settings import Settings
from geo.store.database import AsyncEngine

app = typer.Typer(help="What is kept on a person.", no_args_is_help=True)


@app.callback()
def _noun() -> None:
    """What is kept on a person."""


@app.command()
def export(
    why: Annotated[str, typer.Option(help="Who asked for it, and how; kept in the audit log.")],
    phone: Annotated[
        str | None, typer.Option(help="As the person gave it, however written.")
    ] = None,
    email: Annotated[str | None, typer.Option(help="As it was given.")] = None,
) -> None:
    """Print all that is kept on who gave this phone or e-mail address, as one JSON object.

    Make sure first that who asks is who they say. Each report that is opened is a line of the audit
    log.
    """
    keys = entrance.keys(Settings())

    async def work(engine: AsyncEngine) -> dict[str, Any]:
        async with engine.begin() as conn:
            return await persons.of_person(
                conn,
                phone=phone,
                email=email,
                keys=keys,
                actor=entrance.operator(),
                why=why,
                now=datetime.now(UTC),
            )

    print_json(with_database(work))
