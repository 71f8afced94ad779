"""`pinward reports`: bringing reports in from other systems, and out."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from api import entrance
from api.cli.console import print_json, progress, refuse, say, with_database
from api.erased_photos import drop_photos
from geo.reports.cleaning import REASONS
from geo.reports.contacts import Named
from geo.reports.erasure import Erased, at_wish
from geo.reports.exporting import export_reports
from geo.reports.held import held
from geo.reports.importing import Done, Job, import_reports, open_rows
from geo.reports.naming import read_map
from geo.reports.reading import ReportFilter
from geo.reports.times import named_zone
from geo.settings import Settings
from geo.store.database import AsyncEngine

app = typer.Typer(help="Reports from and for other systems.", no_args_is_help=True)


class Categories(StrEnum):
    """What happens to categories of the file that are not known here."""

    create = "create"
    map = "map"
    refuse = "refuse"


class Dates(StrEnum):
    """How the file writes dates."""

    iso = "iso"
    dmy = "dmy"
    mdy = "mdy"


Column = Annotated[str | None, typer.Option(metavar="COLUMN")]


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV or GeoJSON, also .gz.")],
    source: Annotated[
        str, typer.Option(help="Name of the system it is from; default: the file's name.")
    ] = "",
    timezone: Annotated[
        str, typer.Option(help="Zone of times written without one; default: the city's.")
    ] = "",
    dates: Annotated[
        Dates, typer.Option(help="2025-12-31 (iso), 31/12/2025 (dmy) or 12/31/2025 (mdy).")
    ] = Dates.iso,
    categories: Annotated[
        Categories,
        typer.Option(
            help="Categories not known here: create them, take those of --category-map only, "
            "or refuse their rows."
        ),
    ] = Categories.create,
    category_map: Annotated[
        Path | None, typer.Option(help="CSV of two columns: name there, code here.")
    ] = None,
    id: Annotated[str | None, typer.Option("--id", metavar="COLUMN", help="Its id there.")] = None,
    category: Column = None,
    created: Column = None,
    closed: Column = None,
    lon: Column = None,
    lat: Column = None,
    text: Column = None,
    status: Column = None,
    refused: Annotated[
        Path | None,
        typer.Option(help="Where refused rows go; default: <FILE>.refused.csv in this folder."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Bring reports in: each once, however often this is run; what is refused says why."""
    settings = Settings()
    if categories is Categories.map and category_map is None:
        raise typer.BadParameter("--categories map needs its file: --category-map FILE")
    options = {
        "id": id,
        "category": category,
        "created": created,
        "closed": closed,
        "lon": lon,
        "lat": lat,
        "text": text,
        "status": status,
    }
    job = Job(
        source=source or file.name.split(".")[0],
        timezone=timezone or settings.timezone,
        dates=dates.value,
        categories=categories.value,
        mapping=read_map(category_map) if category_map else {},
        snap_m=settings.snap_m,
    )
    rows = open_rows(file, options)
    refused_path = refused or Path(f"{file.name}.refused.csv")

    async def work(engine: AsyncEngine) -> Done:
        with ExitStack() as shown:

            def started(total: int) -> Callable[[int], None]:
                return shown.enter_context(progress(f"importing {file.name}", total))

            return await import_reports(engine, rows, job, refused_path, datetime.now(UTC), started)

    done = with_database(work)
    if as_json:
        print_json({"file": str(file), "source": job.source, **done.as_json()})
    else:
        _tell(file, job, done)
    if done.refused and not done.imported and not done.already:
        raise typer.Exit(1)


def _tell(file: Path, job: Job, done: Done) -> None:
    say(
        f"{file.name} → source {job.source}: {done.rows} rows, {done.imported} imported, "
        f"{done.already} there already, {done.refused} refused"
    )
    for name, n in done.flags.most_common():
        say(f"  flagged {name}: {n}")
    for pile in done.piles:
        say(f"  default point {pile.lon}, {pile.lat}: {pile.rows} rows")
    if done.categories:
        say(f"  {len(done.categories)} categories made, not offered to citizens")
    if not done.wards_known:
        say("  no wards are imported yet, so the reports have none: run `pinward wards import`")
    if moved := done.moved.moved + done.moved.renewed:
        say(f"  open reports of wards that a reform ended, moved to today's: {moved}")
    for set_name in done.to_apply:
        say(
            "  open reports are in wards that a reform ended, and another process is at it: run "
            f"`pinward wards reform apply --to {set_name}` afterwards"
        )
    if done.refused_file:
        for name, n in done.reasons.most_common():
            say(f"  refused, {REASONS.get(name, name)}: {n}")
        say(f"  the refused rows are in {done.refused_file}")


def _moment(value: str | None, name: str) -> datetime | None:
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise typer.BadParameter(f"{name} {value!r} is no date, e.g. 2026-01-31") from None
    return at if at.tzinfo else at.replace(tzinfo=named_zone(Settings().timezone))


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help=".csv or .geojson, also with .gz.")],
    category: Annotated[list[str] | None, typer.Option(help="Only this one or family.")] = None,
    ward: Annotated[list[str] | None, typer.Option(help="Only the ward of this code.")] = None,
    since: Annotated[str | None, typer.Option(help="Created on or after.")] = None,
    until: Annotated[str | None, typer.Option(help="Created before.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write out what the public may know of the reports, newest first."""
    wanted = ReportFilter(
        category=category,
        ward=ward,
        on=datetime.now(named_zone(Settings().timezone)).date(),
        since=_moment(since, "--since"),
        until=_moment(until, "--until"),
    )

    async def work(engine: AsyncEngine) -> int:
        with progress(f"exporting to {file.name}", None) as shown:
            async with engine.connect() as conn:
                return await export_reports(conn, file, wanted, shown)

    n = with_database(work)
    if as_json:
        print_json({"file": str(file), "reports": n})
    else:
        say(f"{n} reports in {file}")


@app.command()
def erase(
    code: Annotated[str, typer.Argument(help="The report's code.")],
    why: Annotated[str, typer.Option(help="Who asked for it, and how; kept in the audit log.")],
    text: Annotated[bool, typer.Option("--text", help="Also the text and the answers.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Erase what a report tells of its sender; its place, category and counts stay. For good."""
    now = datetime.now(UTC)
    photos = entrance.media(Settings())

    async def work(engine: AsyncEngine) -> Erased:
        async with engine.begin() as conn:
            report = await held(conn, code, locked=True)
            named = Named(report.id, report.code)
            done = await at_wish(
                conn, named, text=text, actor=entrance.operator(), why=why, now=now
            )
        if left := await drop_photos(engine, photos, done.photo_files):
            refuse(f"files of photos that are shown no more, but stay until the sweep: {left}")
        return done

    gone = with_database(work)
    if as_json:
        print_json({"code": code, **asdict(gone)})
    else:
        say(
            f"erased of {code}: contact {'yes' if gone.contacts else 'none there'}, "
            f"text {'yes' if gone.texts else 'no'}, photos {len(gone.photo_files)}, "
            f"lines of history {gone.events}"
        )
