"""`pinward streets`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.console import print_json, say, with_database
from geo.errors import NotFound
from geo.store import streets as store
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


@app.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Where the streets come from, and how many."""

    async def work(engine: AsyncEngine) -> list[dict[str, Any]]:
        async with engine.connect() as conn:
            return [{"source": row.source, "streets": row.n} for row in await store.sources(conn)]

    found = with_database(work)
    if as_json:
        print_json({"sources": found})
        return
    for one in found:
        say(f"{one['streets']:,} streets of {one['source']}")
    if not found:
        say("no streets; `pinward streets import` takes some in")


@app.command()
def remove(
    source: Annotated[str, typer.Argument(help="As `pinward streets list` says it.")],
) -> None:
    """Take away a source's streets; hotspots are called by what is left."""

    async def work(engine: AsyncEngine) -> int:
        async with engine.begin() as conn:
            gone = await store.remove(conn, source)
            if not gone:
                raise NotFound(f"there are no streets of {source!r}; `pinward streets list`")
            return gone

    say(f"{with_database(work):,} streets of {source} are gone")
