"""`pinward wards`: boundaries checked, mended, imported, listed."""

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli import reform, ward_differences, ward_imports
from api.cli.console import print_json, progress, say, with_database
from geo.settings import Settings
from geo.store import wards as store
from geo.store.database import AnyRow, AsyncEngine
from geo.wards import load
from geo.wards.check import check as check_file
from geo.wards.features import WardFile
from geo.wards.findings import Findings, counted
from geo.wards.importing import Imported, import_wards
from geo.wards.reform.corrected import Correction
from geo.wards.reform.correction import completed
from geo.wards.repair import Repairs
from geo.wards.repair import repair as repair_file

app = typer.Typer(help="Ward boundaries: check, import, list, reform.", no_args_is_help=True)
app.add_typer(reform.app, name="reform")

# Fewer are checked in a blink.
_LONG = 1000
_SAID_AT_MOST = 20

Source = Annotated[
    Path,
    typer.Argument(
        metavar="FILE|FOLDER",
        help="GeoJSON (also .gz), GeoPackage, Shapefile in a .zip, FlatGeobuf, GeoParquet; or a "
        "folder of them, with all files in it.",
    ),
]
CodeField = Annotated[str | None, typer.Option(help="Column of the ward's code; else guessed.")]
NameField = Annotated[str | None, typer.Option(help="Column of the name; else guessed.")]
NameEnField = Annotated[str | None, typer.Option(help="Column of the English name.")]
KindField = Annotated[str | None, typer.Option(help="Column of the kind (phường, xã …).")]
Crs = Annotated[
    str | None, typer.Option(help="CRS of the source where it does not say, e.g. EPSG:9210.")
]
Layer = Annotated[str | None, typer.Option(help="Layer, in a file that has several.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.callback()
def group() -> None:
    """Ward boundaries: check, import, list, reform."""


@app.command()
def check(
    source: Source,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|FOLDER|SET",
            help="Say instead what SOURCE changes against this one. Both may also be the name of "
            "an imported ward set.",
        ),
    ] = None,
    geojson: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --against: write the ground that differs here."),
    ] = None,
    code_field: CodeField = None,
    name_field: NameField = None,
    name_en_field: NameEnField = None,
    kind_field: KindField = None,
    crs: Crs = None,
    layer: Layer = None,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with ward boundaries, and where. Exit code 1 when something is.

    With --against: say what they change against others. Exit code 0, whatever it is.
    """
    read = partial(
        load.read,
        code_field=code_field,
        name_field=name_field,
        name_en_field=name_en_field,
        kind_field=kind_field,
        crs=crs,
        layer=layer,
    )
    if against is not None:
        ward_differences.tell(read, str(source), against, geojson, as_json)
        return
    if geojson is not None:
        raise typer.BadParameter("it needs --against", param_hint="--geojson")
    file = read(source, keep_duplicates=True)
    found = _checked(file)
    if as_json:
        print_json(found.as_json())
    else:
        for line in found.lines(_SAID_AT_MOST):
            say(line)
        if found.mendable:
            say("`pinward wards import … --repair` mends these; add --dry-run to see what changes.")
    if found.defects:
        raise typer.Exit(1)


@app.command("import")
def import_(
    source: Source,
    set_name: Annotated[str, typer.Option("--set", help="Name of the ward set, e.g. hcmc-2025.")],
    valid_from: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="First day the wards are in force.")
    ],
    city: Annotated[str | None, typer.Option(help="City of the wards; else PINWARD_CITY.")] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Mend what the check finds.")] = False,
    correction: Annotated[
        bool,
        typer.Option(
            "--correction",
            help="The file holds new polygons of wards in force that day (a survey's); their "
            "neighbours follow.",
        ),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do it all, then undo it.")] = False,
    code_field: CodeField = None,
    name_field: NameField = None,
    name_en_field: NameEnField = None,
    kind_field: KindField = None,
    crs: Crs = None,
    layer: Layer = None,
    as_json: AsJson = False,
) -> None:
    """Take in a ward set, whole or not at all. Boundaries with defects are refused or repaired.

    With --correction: the wards of the file as they are now drawn, and the neighbours that change.
    """
    file = load.read(
        source,
        code_field=code_field,
        name_field=name_field,
        name_en_field=name_en_field,
        kind_field=kind_field,
        crs=crs,
        layer=layer,
        keep_nameless=correction,
    )
    found = _checked(file)
    repairs: Repairs | None = None
    if repair and not found.clean:
        file, repairs = repair_file(file, found)
    elif found.defects:
        ward_imports.refuse(found)

    async def work(engine: AsyncEngine) -> tuple[str, Imported, Correction | None]:
        async with engine.connect() as conn, conn.begin() as transaction:
            wards, corrected = file, None
            if correction:
                wards, corrected = await completed(conn, file, valid_from.date(), city)
            where = corrected.city if corrected else city or Settings().city
            done = await import_wards(
                conn,
                wards,
                name=set_name,
                valid_from=valid_from.date(),
                city=where,
                source_repairs=repairs.as_json() if repairs else None,
                correction=correction,
            )
            if dry_run:
                await transaction.rollback()
            return where, done, corrected

    where, done, corrected = with_database(work)
    if as_json:
        print_json(
            {
                "set": set_name,
                "city": where,
                "source": file.source,
                "dry_run": dry_run,
                **done.as_json(),
                "notes": file.notes,
                "repairs": repairs.as_json() if repairs else None,
                "correction": corrected.as_json() if corrected else None,
            }
        )
        return
    ward_imports.tell(file, found, repairs, done, corrected)
    if dry_run:
        say(f"Dry run: all of this was undone, there is no set {set_name}.")
    else:
        say(f"{where}: set {set_name} is in force from {done.valid_from} on.")


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the ward sets, newest first."""

    async def work(engine: AsyncEngine) -> list[AnyRow]:
        async with engine.connect() as conn:
            return list(await store.sets(conn))

    sets = [_view(row) for row in with_database(work)]
    if as_json:
        print_json({"sets": sets})
        return
    for one in sets:
        mended = ", a correction" if one["correction"] else ""
        mended += ", repaired" if one["repaired"] else ""
        say(
            f"{one['name']}: {counted(one['wards'], 'ward')} of {one['city']} from "
            f"{one['valid_from']} on ({one['source']}{mended})"
        )
    if not sets:
        say("no ward sets yet: `pinward wards import FILE --set NAME --valid-from DATE`")


def _view(row: AnyRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "city": row.city,
        "source": row.source,
        "valid_from": row.valid_from.isoformat(),
        "imported_at": row.imported_at.isoformat(),
        "wards": row.n_wards,
        "repaired": bool(row.repairs),
        "correction": row.correction,
    }


def _checked(file: WardFile) -> Findings:
    if len(file) < _LONG:
        return check_file(file)
    with progress("checking wards", len(file)) as done:
        return check_file(file, done)
