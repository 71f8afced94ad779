"""`pinward tiles`: archives for static hosts, and the pyramid behind the live tiles."""

import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from api.cli.console import print_json, progress, refuse, say, with_database
from geo.settings import Settings
from geo.store.area import Bbox
from geo.store.database import AsyncEngine
from tiles.archive.export import Exported
from tiles.archive.export import export as write_archive
from tiles.archive.plan import DEFAULT_MAX_ZOOM, Plan
from tiles.filters import Filter
from tiles.pyramid import build
from tiles.render import Clock

app = typer.Typer(help="Map tiles: archives, and the counts behind them.", no_args_is_help=True)

_TIME = "Day (2026-01-31, in the city's time) or time with its zone."


@app.callback()
def group() -> None:
    """Map tiles: archives, and the counts behind them."""


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="The archive to write, ending in .pmtiles.")],
    layer: Annotated[
        list[str] | None, typer.Option(help="A layer, may be given again; else reports.")
    ] = None,
    category: Annotated[
        list[str] | None, typer.Option(help="Only this category or family; may be given again.")
    ] = None,
    status: Annotated[list[str] | None, typer.Option(help="Only this status.")] = None,
    kind: Annotated[list[str] | None, typer.Option(help="Only this kind.")] = None,
    ward: Annotated[list[str] | None, typer.Option(help="Only the ward of this code.")] = None,
    since: Annotated[str | None, typer.Option(help=f"Created on or after. {_TIME}")] = None,
    until: Annotated[str | None, typer.Option(help=f"Created before. {_TIME}")] = None,
    on: Annotated[str | None, typer.Option(help="Day of the wards, and of --ward.")] = None,
    min_zoom: Annotated[int, typer.Option(help="First zoom.")] = 0,
    max_zoom: Annotated[
        int | None,
        typer.Option(
            help=f"Last zoom, drawn larger beyond; else {DEFAULT_MAX_ZOOM} or where a layer ends."
        ),
    ] = None,
    bbox: Annotated[
        str | None, typer.Option(help="Tiles that touch west,south,east,north (degrees).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write layers as one PMTiles archive, which any static host can serve."""
    if file.suffix.lower() != ".pmtiles":
        raise typer.BadParameter(f"{file.name} must end in .pmtiles")
    settings = Settings()
    zone = ZoneInfo(settings.timezone)
    chosen = Filter(
        category=_codes(category),
        status=_codes(status),
        kind=_codes(kind),
        ward=_codes(ward),
        since=_time("--since", since, zone),
        until=_time("--until", until, zone),
        on=_day("--on", on),
    )
    area = Bbox.parse(bbox) if bbox else None
    plan = Plan.of(layer or ["reports"], chosen, min_zoom, max_zoom, area)
    clock = Clock(datetime.now(UTC), settings.timezone)

    async def work(engine: AsyncEngine) -> Exported:
        with ExitStack() as stack:

            def started(zoom: int, tiles: int) -> Callable[[int], None]:
                stack.close()
                return stack.enter_context(progress(f"zoom {zoom}", tiles))

            return await write_archive(
                engine, plan, file, clock, city=settings.city, started=started
            )

    # As Ctrl-C: what was begun is cleared away.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    made = with_database(work)
    if as_json:
        print_json(
            {
                "file": str(file),
                "bytes": made.nbytes,
                "tiles": sum(made.tiles.values()),
                "layers": [layer.id for layer, _ in plan.parts],
                "zooms": [{"zoom": zoom, "tiles": n} for zoom, n in sorted(made.tiles.items())],
                "bounds": list(made.bounds),
                "as_of": made.as_of.isoformat(timespec="seconds"),
            }
        )
    else:
        say(
            f"{sum(made.tiles.values())} tiles of zoom {min(made.tiles)} to {max(made.tiles)}, "
            f"{made.nbytes / 1e6:.1f} MB, in {file}"
        )


@app.command()
def verify(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare the counts behind the map with the reports, all of them; 1 when they differ."""
    found = with_database(build.verify)
    if as_json:
        print_json(
            {
                "equal": found.equal,
                "reports": found.reports,
                "rows": found.rows,
                "missing": found.missing,
                "unknown": found.unknown,
                "different": found.different,
                "examples": found.examples,
            }
        )
    elif found.equal:
        say(f"equal: {found.rows:,} rows of counts say what {found.reports:,} reports say")
    else:
        refuse(
            f"the counts differ from the {found.reports:,} reports: {found.missing} rows missing, "
            f"{found.unknown} of nothing, {found.different} wrong; `pinward tiles rebuild` mends it"
        )
        for example in found.examples:
            refuse(f"  {example}")
    if not found.equal:
        raise typer.Exit(1)


@app.command()
def rebuild(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make the counts behind the map anew from the reports; the service goes on meanwhile."""

    async def work(engine: AsyncEngine) -> int:
        with progress("rows of counts", None) as done:
            return await build.rebuild(engine, done)

    began = time.monotonic()
    reports = with_database(work)
    took_s = time.monotonic() - began
    if as_json:
        print_json({"reports": reports, "took_s": round(took_s, 1)})
    else:
        say(f"counted {reports:,} reports in {took_s:.1f} s")


def _codes(values: list[str] | None) -> tuple[str, ...]:
    """As in an address: given again, or several with commas."""
    return tuple(
        part for value in values or () for each in value.split(",") if (part := each.strip())
    )


def _time(option: str, text: str | None, zone: ZoneInfo) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{option} {text!r} is no time; e.g. 2026-01-31") from None
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _day(option: str, text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise typer.BadParameter(f"{option} {text!r} is no day; e.g. 2026-01-31") from None
