"""`pinward statistics`: the sums behind the service's own numbers."""

import time
from typing import Annotated

import typer

from api.cli.console import print_json, progress, refuse, say, with_database
from geo.settings import Settings
from geo.store.database import AsyncEngine
from geo.store.statistics import fold
from geo.store.statistics import verify as verifying

app = typer.Typer(help="The sums behind the service's own numbers.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """The sums behind the service's own numbers."""


@app.command()
def verify(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare the sums with the reports, all of them; 1 when they differ."""
    zone = Settings().timezone

    async def work(engine: AsyncEngine) -> verifying.Verdict:
        return await verifying.verify(engine, zone)

    found = with_database(work)
    if as_json:
        print_json(
            {
                "equal": found.equal,
                "usable": found.usable,
                "reports": found.reports,
                "cells": found.cells,
                "days": found.days,
                "missing": found.missing,
                "unknown": found.unknown,
                "different": found.different,
                "examples": found.examples,
            }
        )
    elif found.equal:
        say(
            f"equal: {found.cells:,} sums and {found.days:,} days say what {found.reports:,} "
            "reports say"
        )
    elif not found.usable:
        refuse(
            "there are no sums for the city's clock, wards and categories as they are now, so "
            "answers are counted from the reports; the worker makes them, or "
            "`pinward statistics rebuild`"
        )
    else:
        refuse(
            f"the sums differ from the {found.reports:,} reports: {found.missing} missing, "
            f"{found.unknown} of nothing, {found.different} wrong; `pinward statistics rebuild` "
            "mends it"
        )
        for example in found.examples:
            refuse(f"  {example}")
    if not found.equal:
        raise typer.Exit(1)


@app.command()
def rebuild(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make the sums anew from the reports; the service goes on meanwhile."""
    zone = Settings().timezone

    async def work(engine: AsyncEngine) -> int:
        with progress("reports", None) as done:
            return await fold.rebuild(engine, zone, done)

    began = time.monotonic()
    reports = with_database(work)
    took_s = time.monotonic() - began
    if as_json:
        print_json({"reports": reports, "took_s": round(took_s, 1)})
    else:
        say(f"counted {reports:,} reports in {took_s:.1f} s")
