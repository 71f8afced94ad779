"""`pinward audit`: the log of what the staff did with what people told."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from api.cli.console import print_json, refuse, say, with_database
from geo import audit
from geo.reports.times import rfc3339
from geo.store.database import AnyRow, AsyncEngine

app = typer.Typer(help="Who of the staff did what to which report, and why.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def verify(
    head: Annotated[
        str,
        typer.Option(
            help="A head noted down earlier (`pinward audit head`): then also whether the end of "
            "the log was cut off, or what was before written anew."
        ),
    ] = "",
    as_json: Json = False,
) -> None:
    """Check that no line was changed, put in or taken out; exit code 1 names the first that was."""
    remembered = audit.Head.parse(head) if head else None

    async def work(engine: AsyncEngine) -> audit.Verdict:
        async with engine.connect() as conn:
            return await audit.verify(conn, remembered)

    found = with_database(work)
    if as_json:
        print_json(
            {
                "lines": found.lines,
                "head": str(found.head),
                "whole": found.broken_at is None,
                "broken_at": found.broken_at,
                "why": found.why or None,
            }
        )
    elif found.broken_at is None:
        say(f"the audit log is whole: {found.lines} lines, head {found.head}")
        if remembered is None:
            say("compare with a head noted elsewhere (--head) to know that none were cut off")
    else:
        refuse(f"the audit log is broken at line {found.broken_at}: {found.why}")
    if found.broken_at is not None:
        raise typer.Exit(1)


@app.command()
def head(as_json: Json = False) -> None:
    """Print the number and hash of the last line, to be noted where nobody here can write."""

    async def work(engine: AsyncEngine) -> audit.Head:
        async with engine.connect() as conn:
            return await audit.head(conn)

    found = with_database(work)
    if as_json:
        print_json({"n": found.n, "hash": found.hash.hex(), "head": str(found)})
    else:
        say(str(found))


@app.command(name="list")
def list_(
    actor: Annotated[str | None, typer.Option(help="Only of this account.")] = None,
    action: Annotated[str | None, typer.Option(help="Only this, e.g. contact.read.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only about this, e.g. a code.")] = None,
    since: Annotated[
        datetime | None, typer.Option(help="On or after (UTC).", formats=["%Y-%m-%d"])
    ] = None,
    limit: Annotated[int, typer.Option(help="At most so many lines.", min=1)] = 100,
    as_json: Json = False,
) -> None:
    """List the newest lines, newest first."""
    after = since.replace(tzinfo=UTC) if since else None

    async def work(engine: AsyncEngine) -> list[AnyRow]:
        async with engine.connect() as conn:
            return await audit.lines(
                conn, actor=actor, action=action, subject=subject, since=after, limit=limit
            )

    found = with_database(work)
    if as_json:
        print_json({"lines": [_line(row) for row in found]})
        return
    for row in found:
        told = f"{row.actor}  {row.action}  {row.subject}  {row.reason}"
        say(f"{row.n}  {rfc3339(row.at)}  {told}")


def _line(row: AnyRow) -> dict[str, Any]:
    named = {name: getattr(row, name) for name in ("n", "actor", "action", "subject", "reason")}
    return {**named, "at": rfc3339(row.at), "hash": bytes(row.hash).hex()}
