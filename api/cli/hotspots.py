"""`pinward hotspots`."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from api.cli.console import print_json, progress, say, with_database
from geo.hotspots import run as hotspot_run
from geo.period import Period
from geo.settings import Settings
from geo.store.database import AsyncEngine

app = typer.Typer(help="Places with many reports near each other.", no_args_is_help=True)

_TIME = "Day (2026-01-31, in the city's time) or time with its zone (2026-01-31T00:00:00Z)."


@app.callback()
def group() -> None:
    """Places with many reports near each other."""


@app.command()
def run(
    category: Annotated[
        str | None, typer.Option(help="One category, or a family for all of its; else all.")
    ] = None,
    since: Annotated[str | None, typer.Option(help=f"{_TIME} Else 90 days before.")] = None,
    until: Annotated[str | None, typer.Option(help=f"{_TIME} Not included. Else now.")] = None,
    eps_m: Annotated[
        float | None, typer.Option(help="Metres that join reports; else the category's own.")
    ] = None,
    min_points: Annotated[
        int | None, typer.Option(help="Reports that make a place dense; else the category's own.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Find the hotspots of each category in a period, and store them for the map."""
    now = datetime.now(UTC)
    end = _time("--until", until) if until else now
    start = _time("--since", since) if since else end - timedelta(days=hotspot_run.DEFAULT_DAYS)
    period = Period(start, end)

    async def work(engine: AsyncEngine) -> list[hotspot_run.Run]:
        with progress("categories", None) as done:
            async with engine.begin() as conn:
                return await hotspot_run.run(
                    conn,
                    period,
                    category,
                    eps_m=eps_m,
                    min_points=min_points,
                    done=lambda n, of: done(n),
                )

    made = with_database(work)
    if as_json:
        print_json(
            {
                "since": period.since.isoformat(),
                "until": period.until.isoformat(),
                "runs": [_view(one) for one in made],
            }
        )
        return
    for one in made:
        say(
            f"{one.category}: {len(one.hotspots)} hotspots in {one.n_reports} reports "
            f"({one.scale.min_points} within {one.scale.eps_m:g} m)"
        )
    if not made:
        say("no reports in this period, so no runs")


def _view(one: hotspot_run.Run) -> dict[str, object]:
    return {
        "id": one.id,
        "category": one.category,
        "eps_m": one.scale.eps_m,
        "min_points": one.scale.min_points,
        "n_reports": one.n_reports,
        "hotspots": [{"n": h.n, "area_m2": h.area_m2} for h in one.hotspots],
    }


def _time(option: str, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{option} {text!r} is no time; e.g. 2026-01-31") from None
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(Settings().timezone))
