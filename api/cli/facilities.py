"""`pinward facilities`."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.console import print_json, say, with_database
from geo.facilities import files, load
from geo.facilities.kinds import KINDS
from geo.store.database import AsyncEngine

app = typer.Typer(
    help="Schools, clinics, hospitals and other places shown beside the reports.",
    no_args_is_help=True,
)

_KINDS = ", ".join(KINDS)


@app.callback()
def group() -> None:
    """Schools, clinics, hospitals and other places shown beside the reports."""


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(help="CSV with lon and lat, GeoJSON, GeoPackage, Shapefile in a zip …")
    ],
    kind: Annotated[str | None, typer.Option(help=f"Kind of every row: {_KINDS}.")] = None,
    kind_field: Annotated[str | None, typer.Option(help="Column that holds the kind.")] = None,
    unknown_as: Annotated[
        str | None, typer.Option(help="Take rows of an unknown kind in as this kind.")
    ] = None,
    lon_field: Annotated[str | None, typer.Option(help="CSV column of the longitude.")] = None,
    lat_field: Annotated[str | None, typer.Option(help="CSV column of the latitude.")] = None,
    id_field: Annotated[str | None, typer.Option(help="Column that names a row for good.")] = None,
    name_field: Annotated[str | None, typer.Option(help="Column of the name.")] = None,
    address_field: Annotated[str | None, typer.Option(help="Column of the address.")] = None,
    source: Annotated[
        str | None,
        typer.Option(help="Where the data come from; else a column `source`, else the file."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Take in a file, whole or not at all; rows imported before are updated by their id."""
    if kind and kind_field:
        raise typer.BadParameter("give --kind or --kind-field, not both")
    for option, word in (("--kind", kind), ("--unknown-as", unknown_as)):
        if word is not None and word not in KINDS:
            raise typer.BadParameter(f"{option} {word!r} is not one of {_KINDS}")
    columns = files.Columns(
        kind=kind,
        kind_field=kind_field,
        unknown_as=unknown_as,
        lon_field=lon_field,
        lat_field=lat_field,
        id_field=id_field,
        name_field=name_field,
        address_field=address_field,
        source=source,
    )
    rows = files.read(file, columns)

    async def work(engine: AsyncEngine) -> load.Outcome:
        async with engine.begin() as conn:
            return await load.insert(conn, rows)

    done = with_database(work)
    kinds = {word: sum(row.kind == word for row in rows) for word in KINDS}
    kinds = {word: n for word, n in kinds.items() if n}
    unnamed = sum(row.name is None for row in rows)
    if as_json:
        print_json(
            {
                "added": done.added,
                "changed": done.changed,
                "unchanged": done.unchanged,
                "unnamed": unnamed,
                "kinds": kinds,
            }
        )
        return
    counted = ", ".join(f"{n} {word}" for word, n in kinds.items())
    say(f"{done.total} facilities read: {counted} ({unnamed} without a name)")
    say(f"{done.added} added, {done.changed} changed, {done.unchanged} unchanged")
