"""`pinward wards reform`: what a reform of boundaries would do, doing it, undoing it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from api.cli.console import print_json, progress, say, several, with_database
from api.cli.reform_plan import SAID_AT_MOST, lines
from geo.errors import Invalid
from geo.reports.reform.apply import Applied
from geo.reports.reform.apply import apply as apply_reform
from geo.reports.reform.moves import Started
from geo.reports.reform.plan import Plan
from geo.reports.reform.plan import plan as plan_reform
from geo.reports.reform.undo import Undone
from geo.reports.reform.undo import undo as undo_reform
from geo.settings import Settings
from geo.store import reforms as store
from geo.store.database import AnyRow, AsyncEngine
from geo.wards.reform.mapping import read_mapping

app = typer.Typer(help="A reform of boundaries: plan, apply, undo.", no_args_is_help=True)

_LIE = ("lie", "stay where they are")
_WERE = "were touched since and stay as they are"
_GO_ON = "The wards of the set stay in force by their dates."

To = Annotated[str, typer.Option("--to", help="Name of the ward set, as it was imported.")]
Partial = Annotated[
    bool, typer.Option("--partial", help="Wards of the city that the set leaves out go on.")
]
Mapping = Annotated[
    Path | None,
    typer.Option(
        "--mapping",
        help="CSV of old to new wards (legacy_code, new_code, area_share_in_new) to hold against "
        "the boundaries.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.callback()
def group() -> None:
    """A reform of boundaries: plan, apply, undo."""


@app.command()
def plan(
    to: To,
    mapping: Mapping = None,
    map_file: Annotated[
        Path | None, typer.Option("--map", help="Write a page with a map here (.html).")
    ] = None,
    partial: Partial = False,
    as_json: AsJson = False,
) -> None:
    """Say what a reform would do to open reports, wards and accounts. Nothing is changed."""
    if map_file is not None and map_file.suffix.lower() not in (".html", ".htm"):
        raise typer.BadParameter(f"--map {map_file.name} must end in .html")
    mapped = read_mapping(mapping) if mapping else None
    settings = Settings()

    async def work(engine: AsyncEngine) -> Plan:
        async with engine.connect() as conn:
            return await plan_reform(
                conn, to, snap_m=settings.snap_m, mapping=mapped, partial=partial
            )

    found = with_database(work)
    whole = map_file is None or _write_map(found, map_file, settings)
    if as_json:
        print_json(found.as_json())
        return
    for line in lines(found):
        say(line)
    if map_file is not None:
        needs = (
            "" if whole else " (needs the internet to show its map; after `make pages` it does not)"
        )
        say(f"Map: {map_file}{needs}")


@app.command()
def apply(
    to: To,
    mapping: Mapping = None,
    partial: Partial = False,
    as_json: AsJson = False,
) -> None:
    """Move open reports to the wards of a set; before its first day the worker will, on that day.

    Can be broken off and run again at any time; run again when it is done, it changes nothing.
    """
    mapped = read_mapping(mapping) if mapping else None
    settings = Settings()
    today = datetime.now(ZoneInfo(settings.timezone)).date()

    async def work(engine: AsyncEngine) -> Applied:
        if mapped is not None:
            async with engine.connect() as conn:
                # Refuses a mapping of other wards before anything is done.
                await plan_reform(conn, to, snap_m=settings.snap_m, mapping=mapped, partial=partial)
        with _bars("moving reports") as started:
            return await apply_reform(
                engine,
                to,
                today=today,
                snap_m=settings.snap_m,
                partial=partial,
                started=started,
            )

    done = with_database(work)
    if as_json:
        print_json(done.as_json())
        return
    if done.state == "scheduled":
        say(
            f"{to} comes into force on {done.in_force_on}: the worker applies the reform when the "
            f"day has come (`pinward wards reform undo --to {to}` takes that back)."
        )
        return
    moved = done.moved
    say(
        f"{to}: {several(moved.moved, 'open report', 'open reports')} moved, "
        f"{several(moved.renewed, 'in the new version of its', 'in the new version of their')} "
        f"ward; {moved.ambiguous} of them may lie in another ward too"
    )
    if done.outside:
        lie, stay = ("lies", "stays where it is") if done.outside == 1 else _LIE
        say(f"  {done.outside} {lie} in no ward of {done.in_force_on} and {stay}")
    if done.left:
        say(
            f"  {done.left} changed again and again meanwhile and are not moved yet: the worker "
            "goes on within five minutes, or run the command again"
        )
    if done.state == "applying":
        # Today's wards are told when all have moved.
        return
    derived = several(done.derived, "report", "reports")
    answers = "has an answer of its own" if done.derived == 1 else "have an answer of their own"
    say(f"  {derived} of older wards {answers} in today's wards")


@app.command()
def undo(to: To, as_json: AsJson = False) -> None:
    """Give every report that nobody touched since what it had before; the rest is listed."""
    settings = Settings()

    async def work(engine: AsyncEngine) -> Undone:
        with _bars("moving reports back") as started:
            return await undo_reform(engine, to, snap_m=settings.snap_m, started=started)

    done = with_database(work)
    if as_json:
        print_json(done.as_json())
        return
    restored = done.restored
    if not done.begun:
        say(f"{to}: the schedule is taken back; no report had been moved yet")
        say(_GO_ON)
        return
    say(
        f"{to}: {several(restored.moved, 'report', 'reports')} moved back, "
        f"{several(restored.renewed, 'in the old version of its', 'in the old version of their')} "
        "ward"
    )
    if done.n_touched:
        were = "was touched since and stays as it is" if done.n_touched == 1 else _WERE
        say(f"  {done.n_touched} {were}:")
    for row in done.touched[:SAID_AT_MOST]:
        say(
            f"    {row.code}: {row.old_code or 'no'} {row.old_name or 'ward'} → {row.new_code} "
            f"{row.new_name}, "
            f"now {row.status} in {row.ward_code} {row.ward_name}"
        )
    if done.n_touched > SAID_AT_MOST:
        say(f"    … and {done.n_touched - SAID_AT_MOST} more: --json lists them")
    say(_GO_ON)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the reforms, the newest first."""

    async def work(engine: AsyncEngine) -> list[AnyRow]:
        async with engine.connect() as conn:
            return list(await store.every(conn))

    rows = with_database(work)
    if as_json:
        told = [dict(row._mapping) for row in rows]
        print_json({"reforms": told})
        return
    for row in rows:
        moved = row.summary.get("moved")
        said = f", {several(moved, 'report', 'reports')} moved" if moved is not None else ""
        say(f"{row.set_name}: {row.state}, in force on {row.in_force_on}{said}")
    if not rows:
        say("no reforms yet: `pinward wards reform plan --to SET`")


@contextmanager
def _bars(label: str) -> Iterator[Started]:
    """A progress bar for each pass."""
    with ExitStack() as stack:

        def started(n: int) -> Callable[[int], None]:
            stack.close()
            return stack.enter_context(progress(label, n))

        yield started


def _write_map(found: Plan, path: Path, settings: Settings) -> bool:
    """Write the page; says whether it needs nothing from elsewhere."""
    # Not above: folium takes half a second to load, and most commands draw no map.
    from geo.reports.reform.map import plan_map

    assets = settings.pages / "assets"
    now = datetime.now(ZoneInfo(settings.timezone))
    whole = (assets / "leaflet.js").is_file()
    page = plan_map(found, assets if whole else None, now)
    aside = path.with_name(f"{path.name}.part")
    try:
        aside.write_text(page, encoding="utf-8")
        aside.replace(path)
    except OSError as error:
        raise Invalid(f"{path} cannot be written: {error.strerror}") from None
    finally:
        with suppress(OSError):
            aside.unlink()
    return whole
