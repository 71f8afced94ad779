"""`pinward contacts`: the keys that contact data are sealed under."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Annotated

import typer

from api import entrance
from api.cli.console import print_json, progress, refuse, say, several, with_database
from geo import audit
from geo.reports import contacts
from geo.settings import Settings
from geo.store.database import AsyncEngine

app = typer.Typer(help="Contact data that reporters gave.", no_args_is_help=True)


@app.command()
def rotate(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Seal contacts anew that are not under the first key of PINWARD_CONTACT_KEYS.

    Beside the running service, as often as wanted; broken off, it goes on where it was.
    """
    keys = entrance.keys(Settings())

    async def work(engine: AsyncEngine) -> contacts.Rotated:
        with ExitStack() as shown:

            def started(total: int) -> Callable[[int], None]:
                return shown.enter_context(progress("sealing contacts", total))

            done = await contacts.rotate(engine, keys, started)
        async with engine.begin() as conn:
            await audit.write(
                conn,
                actor=entrance.operator(),
                action="contacts.rotate",
                subject="all reports",
                reason=f"{done.sealed} sealed anew, {done.unopened} not opened",
                now=datetime.now(UTC),
            )
        return done

    done = with_database(work)
    if as_json:
        print_json({"sealed": done.sealed, "unopened": done.unopened})
    else:
        say(f"{several(done.sealed, 'contact', 'contacts')} sealed under today's key")
    if done.unopened:
        refuse(
            f"{several(done.unopened, 'contact', 'contacts')} cannot be opened: the key they were "
            "sealed with is in none of PINWARD_CONTACT_KEYS, PINWARD_SECRET_KEY and "
            "PINWARD_OLD_SECRET_KEYS; put it back there and run this again"
        )
        raise typer.Exit(1)
