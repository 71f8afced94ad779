"""`pinward keys`: API keys for other programs."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from api import entrance
from api.auth import keys
from api.cli.console import print_json, say, with_database
from geo.errors import NotFound
from geo.store import api_keys, users
from geo.store.database import AsyncEngine

app = typer.Typer(help="API keys for other programs.", no_args_is_help=True)


@app.command()
def add(
    name: str,
    owner: Annotated[str, typer.Option(help="Address of the account in whose name it acts.")],
    role: Annotated[str, typer.Option(help="What it may do; no more than its owner.")],
    ward: Annotated[str, typer.Option(help="Code of the ward it is for; empty: the city.")] = "",
    days: Annotated[int, typer.Option(help="Days it is good for.", min=1, max=730)] = keys.DAYS,
) -> None:
    """Make a key and print it: it is kept nowhere else."""

    async def work(engine: AsyncEngine) -> str:
        async with engine.begin() as conn:
            account = await users.by_email(conn, owner)
            if account is None:
                raise NotFound(f"there is no open account for {owner}")
            wanted = keys.Wanted(name, role, ward or account.ward_code, days=days)
            if account.organisation_id is not None:
                wanted = keys.Wanted(name, role, wanted.ward_code, account.organisation_id, days)
            now = datetime.now(UTC)
            return (await keys.make(conn, wanted, account, entrance.operator(), now))[1]

    typer.echo(with_database(work))


@app.command(name="list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """List the keys by their beginnings."""

    async def work(engine: AsyncEngine) -> list[dict[str, object]]:
        async with engine.connect() as conn:
            return [
                {
                    "id": row.id,
                    "prefix": row.prefix,
                    "name": row.name,
                    "owner": row.owner,
                    "role": row.role,
                    "ward_code": row.ward_code,
                    "expires_at": row.expires_at.isoformat(),
                    "used_at": row.used_at.isoformat() if row.used_at else None,
                    "revoked": row.revoked_at is not None,
                }
                for row in await api_keys.every(conn)
            ]

    found = with_database(work)
    if as_json:
        print_json({"keys": found})
        return
    for row in found:
        ended = "  (revoked)" if row["revoked"] else ""
        said = f"{row['id']}  {row['prefix']}…  {row['role']}  {row['ward_code'] or 'city'}"
        say(f"{said}  {row['owner']}  until {row['expires_at']}  {row['name']}{ended}")


@app.command()
def revoke(id: Annotated[int, typer.Argument(help="Its number in `pinward keys list`.")]) -> None:
    """End a key at once."""

    async def work(engine: AsyncEngine) -> None:
        async with engine.begin() as conn:
            await keys.revoke(conn, id, entrance.operator(), datetime.now(UTC))

    with_database(work)
    say(f"revoked key {id}")
