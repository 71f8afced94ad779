"""`pinward retention`: how long what people told is kept."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from api import entrance
from api.cli.console import print_json, progress, say, with_database
from api.erased_photos import drop_photos
from geo import audit
from geo.errors import Invalid
from geo.reports import retention
from geo.settings import Settings
from geo.store import retention as store
from geo.store.database import AnyRow, AsyncConnection, AsyncEngine

app = typer.Typer(
    help="How long what people told is kept: rules per category, and what is due by them.",
    no_args_is_help=True,
)

ACTION = "retention.run"
WORKER = "worker"
"""Who runs it each night, in the audit log."""

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Months = Annotated[
    str, typer.Option(help="Months after a report ended, or `never`.", metavar="MONTHS")
]


@app.command()
def run(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is due.")] = False,
    worker: Annotated[bool, typer.Option("--worker", hidden=True)] = False,
    as_json: Json = False,
) -> None:
    """Delete contacts and erase texts and photos that were kept long enough by the rules.

    In small batches beside the service; broken off, the next run goes on. The reports stay, without
    what was told, and so do all counts.
    """
    now = datetime.now(UTC)
    photos = entrance.media(Settings())

    async def work(engine: AsyncEngine) -> retention.Due:
        async with engine.connect() as conn:
            found = await retention.due(conn, now)
        if dry_run:
            return found
        total = found.contacts.total() + found.contents.total() + found.keys
        with progress("retention", total) as shown:
            gone = await retention.run(engine, now, shown)
        async with engine.begin() as conn:
            await audit.write(
                conn,
                actor=WORKER if worker else entrance.operator(),
                action=ACTION,
                subject="all reports",
                reason=str(gone),
                now=now,
            )
        await drop_photos(engine, photos, gone.photo_files)
        return gone

    found = with_database(work)
    if as_json:
        codes = sorted({*found.contacts, *found.contents})
        print_json(
            {
                "dry_run": dry_run,
                "categories": [
                    {"code": c, "contacts": found.contacts[c], "texts": found.contents[c]}
                    for c in codes
                ],
                "idempotency_keys": found.keys,
            }
        )
        return
    for code in sorted({*found.contacts, *found.contents}):
        say(f"{code}: contacts {found.contacts[code]}, texts {found.contents[code]}")
    say(f"{'due' if dry_run else 'gone'} in all: {found}")


@app.command()
def rules(as_json: Json = False) -> None:
    """List the rules; a category without one has its family's, or that of `*`."""

    async def work(engine: AsyncEngine) -> list[AnyRow]:
        async with engine.connect() as conn:
            return list(await store.every_rule(conn))

    found = with_database(work)
    if as_json:
        print_json({"rules": [_rule(row) for row in found]})
        return
    for row in found:
        said = (_said(row.contact_months), _said(row.content_months))
        say(f"{row.category_code}: contact {said[0]}, text and photos {said[1]}")


@app.command(name="set")
def set_(
    category: Annotated[str, typer.Argument(help="A category, a family, or `*`: all others.")],
    contact_months: Months,
    content_months: Months,
) -> None:
    """Set how long contact, and text and photos, of a category are kept after the report ended."""
    contact, content = _months(contact_months), _months(content_months)
    reason = f"contact {_said(contact)}, text and photos {_said(content)}"

    async def work(conn: AsyncConnection) -> None:
        await retention.set_rule(conn, category, contact, content)

    _changed(category, "retention.set", reason, work)


@app.command()
def drop(category: str) -> None:
    """Take the rule of a category away: its family's, or that of `*`, holds then."""

    async def work(conn: AsyncConnection) -> None:
        await retention.drop_rule(conn, category)

    _changed(category, "retention.drop", "as its family, or all others", work)


def _changed(category: str, action: str, reason: str, change: Any) -> None:
    async def work(engine: AsyncEngine) -> None:
        async with engine.begin() as conn:
            await change(conn)
            await audit.write(
                conn,
                actor=entrance.operator(),
                action=action,
                subject=category,
                reason=reason,
                now=datetime.now(UTC),
            )

    with_database(work)
    say(f"{category}: {reason}; `pinward retention run --dry-run` says what is due now")


def _months(said: str) -> int | None:
    if said.strip().lower() == "never":
        return None
    try:
        return int(said)
    except ValueError:
        raise Invalid(f"{said!r} is no number of months; `never` keeps for good") from None


def _said(months: int | None) -> str:
    return "for good" if months is None else f"{months} months"


def _rule(row: AnyRow) -> dict[str, Any]:
    return {
        "category": row.category_code,
        "contact_months": row.contact_months,
        "content_months": row.content_months,
    }
