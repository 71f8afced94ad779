"""`pinward hotspots`."""

import json
import os
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from api.cli.console import print_json, progress, say, with_database
from api.orphaned import when_orphaned
from geo.errors import NotFound, PinwardError
from geo.hotspots import find
from geo.hotspots.days import not_ahead, window
from geo.settings import Settings
from geo.store import hotspot_queue, hotspot_runs
from geo.store.database import AsyncEngine

if TYPE_CHECKING:
    from geo.hotspots.run import Run

app = typer.Typer(help="Places with more reports than chance explains.", no_args_is_help=True)

AsOf = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="Last day looked at, in the city's time; else today."),
]
Category = Annotated[
    str | None, typer.Option(help="One category, or a family for all of its; else all.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

# The list is read in pages, since it is sorted by p, which no key is.
_AT_ONCE = 1000


@app.callback()
def group() -> None:
    """Places with more reports than chance explains."""


@app.command()
def run(
    category: Category = None,
    as_of: AsOf = None,
    again: Annotated[
        bool,
        typer.Option(
            "--again",
            help="Make it anew, whether or not anything has changed, and also where a later day's "
            "answer went on from this one.",
        ),
    ] = False,
    as_json: Json = False,
    asked: Annotated[int | None, typer.Option(hidden=True)] = None,
    parent: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Find the hotspots of the 90 days that end with a day, and store what is said of them.

    The same run made again says the same, byte for byte. What was said of other days stays.
    """
    settings = Settings()
    if parent:
        # Another worker makes the run again.
        when_orphaned(parent, lambda: os._exit(1))
    zone = ZoneInfo(settings.timezone)
    day = as_of.date() if as_of else datetime.now(zone).date()

    async def work(engine: AsyncEngine) -> "Run":
        return await _make(engine, asked, category, day, zone, again)

    made = with_database(work)
    if as_json:
        # In one order, whether found just now or read from the table.
        print_json(json.loads(json.dumps(_view(made), sort_keys=True, default=str)))
    else:
        _tell(made)


@app.command("list")
def list_hotspots(
    category: Category = None,
    on: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="What was said on this day; else the newest."),
    ] = None,
    as_json: Json = False,
) -> None:
    """The hotspots of the newest run, or what was said on a day, the most certain first."""

    async def work(engine: AsyncEngine) -> list[Any]:
        async with engine.connect() as conn:
            rows: list[Any] = []
            while True:
                _, page = await find.page(
                    conn,
                    categories=[category] if category else None,
                    on=on.date() if on else None,
                    limit=_AT_ONCE,
                    before_key=rows[-1].key if rows else None,
                )
                rows += page
                if len(page) < _AT_ONCE:
                    return rows

    rows = sorted(with_database(work), key=lambda row: (row.p_value, -row.n))
    if as_json:
        print_json({"hotspots": [_row(row) for row in rows]})
        return
    for row in rows:
        say(f"{row.id}  {row.said['name']['en']}: {row.said['sentence']['en']}")
    if not rows:
        say("no hotspots; `pinward hotspots run` looks for some")


async def _make(
    engine: AsyncEngine,
    asked: int | None,
    category: str | None,
    day: date,
    zone: ZoneInfo,
    again: bool,
) -> "Run":
    """A run from its row to its end; what goes wrong is told in the row too."""
    # Here, not above: it takes seconds to import, and every command would wait.
    from geo.hotspots.run import record
    from geo.hotspots.run import run as make

    # One connection for all of it: it holds the lock that says that the run is being made.
    async with engine.connect() as conn:
        async with conn.begin():
            if category is not None:
                await find.known(conn, category)
            if asked is None:
                period = window(day, zone)
                not_ahead(day, zone)
                run_id = await hotspot_runs.ask(conn, category, day, period)
            else:
                row = await hotspot_runs.one(conn, asked)
                if row is None:
                    raise NotFound(f"there is no run {asked}")
                run_id, category, day = row.id, row.category_code, row.as_of
            await hotspot_queue.hold(conn, run_id)
            await hotspot_runs.tell(conn, run_id, state="running", error=None)
        try:
            with progress("steps", None) as done:

                async def tell(n: int, of: int) -> None:
                    done(n)
                    async with engine.begin() as aside:
                        await hotspot_runs.tell(aside, run_id, done=n, total=of)

                async with conn.begin():
                    made = await make(
                        conn, day, category, zone=zone, again=again, run_id=run_id, tell=tell
                    )
                    await record(conn, run_id, made)
        except BaseException as error:
            said = error.detail if isinstance(error, PinwardError) else type(error).__name__
            async with engine.begin() as aside:
                await hotspot_runs.tell(aside, run_id, state="failed", error=said)
            raise
    return made


def _tell(made: "Run") -> None:
    for artefact in made.artefacts:
        say(artefact.why["en"])
    for answer in made.answers:
        if answer.seen:
            say(f"{answer.category}: {len(answer.seen)} hotspots in {answer.n_reports:,} reports")
        for spot in answer.seen:
            say(f"  {spot['id']}  {spot['said']['sentence']['en']}")
        for began in answer.beginnings:
            say(f"  {began['said']['sentence']['en']}")
    n = sum(len(answer.seen) for answer in made.answers)
    end = "; nothing had changed" if made.unchanged else ""
    if made.kept:
        end = f"; {made.kept} kept: a later day's answer went on from it (--again makes it anew)"
    say(
        f"{n} hotspots as of {made.as_of}, in {made.n_reports:,} reports of "
        f"{len(made.answers)} categories{end}"
    )


def _view(made: "Run") -> dict[str, Any]:
    return {
        "as_of": made.as_of.isoformat(),
        "since": made.period.since.isoformat(),
        "until": made.period.until.isoformat(),
        "n_reports": made.n_reports,
        "artefacts": [{"kind": each.kind, "n": each.n, "why": each.why} for each in made.artefacts],
        "answers": [
            {
                "category": answer.category,
                "n_reports": answer.n_reports,
                "n_left_out": answer.n_left_out,
                "hotspots": [_spot(spot) for spot in answer.seen],
                "beginnings": [_drawn(one) for one in answer.beginnings],
                "hexagons": [_drawn(one) for one in answer.hexagons],
            }
            for answer in made.answers
        ],
    }


_TOLD = (
    "id", "seen", "parents", "born_on", "n", "n_open", "events", "expected", "relative_risk",
    "risk_low", "risk_high", "p_value", "scale_m", "trend", "months", "said", "ward_code", "near",
    "area_m2", "first_report_at", "last_report_at",
)  # fmt: skip


def _spot(spot: dict[str, Any]) -> dict[str, Any]:
    # As told, not as stored: the moment and number of a row differ from run to run.
    return {name: spot[name] for name in _TOLD} | {"geometry": spot["geom"]}


def _drawn(one: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in one.items() if name != "geom"} | {
        "geometry": one["geom"]
    }


def _row(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _TOLD} | {"category": row.category_code}
