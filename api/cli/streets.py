"""`pinward streets`."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.console import print_json, say, with_database
from geo.store.database import AsyncEngine
from geo.streets import load

app = typer.Typer(help="Streets by name, which hotspots are called by.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Streets by name, which hotspots are called by."""


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="GeoJSON, GeoPackage, Shapefile in a zip …")],
    name_field: Annotated[str | None, typer.Option(help="Column of the name.")] = None,
    source: Annotated[
        str | None, typer.Option(help="Where the data come from; else the file's name.")
    ] = None,
    crs: Annotated[
        str | None,
        typer.Option(help="Coordinate system, where the file says none or a wrong one."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Take in a file's named streets, whole or not at all, in place of the same source's."""
    found = load.read(file, name_field=name_field, source=source, crs=crs)

    async def work(engine: AsyncEngine) -> int:
        async with engine.begin() as conn:
            return await load.replace(conn, found)

    before = with_database(work)
    told = {
        "source": found.source,
        "streets": len(found.names),
        "before": before,
        "nameless": found.nameless,
        "no_lines": found.no_lines,
    }
    if as_json:
        print_json(told)
        return
    say(
        f"{len(found.names):,} streets of {found.source}, in place of {before:,}; left out: "
        f"{found.nameless:,} without a name, {found.no_lines:,} that are no lines"
    )
