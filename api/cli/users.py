"""`pinward users`: staff accounts."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from api.auth import passwords
from api.cli.console import print_json, say, with_database
from api.entrance import operator
from api.session import today
from geo import audit
from geo.errors import Invalid
from geo.settings import Settings
from geo.store import identities, organisations, users
from geo.store.database import AsyncConnection, AsyncEngine

app = typer.Typer(help="Staff accounts.", no_args_is_help=True)


@app.command()
def add(
    email: str,
    name: Annotated[str, typer.Option(help="The person's name.")],
    role: Annotated[str, typer.Option(help="hotline_agent, crew, ward_officer, planner or admin.")],
    ward: Annotated[str, typer.Option(help="Code of the ward acted for; empty: the city.")] = "",
    password: Annotated[
        str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)
    ] = "",
) -> None:
    """Add an account; the password is asked for, or piped in twice."""
    day = today(Settings())
    made = users.NewUser(email, name, role, passwords.hashed(password), ward or None, ward_day=day)

    async def work(engine: AsyncEngine) -> None:
        async with engine.begin() as conn:
            await users.add(conn, made)

    with_database(work)
    say(f"added {made.email} as {role}")


@app.command()
def move(
    email: str,
    ward: Annotated[str, typer.Option(help="Code of the ward acted for, as of today.")] = "",
    organisation: Annotated[str, typer.Option(help="Code of the organisation acted for.")] = "",
    city: Annotated[bool, typer.Option("--city", help="The whole city.")] = False,
) -> None:
    """Let an account act for another ward or organisation: after a reform, for the new one."""
    if city is bool(ward or organisation):
        raise Invalid("say for whom: --ward, --organisation or both, or --city")
    day = today(Settings())

    async def work(engine: AsyncEngine) -> None:
        async with engine.begin() as conn:
            of = await organisations.named(conn, organisation) if organisation else None
            await users.move(conn, email, ward or None, of, day)

    with_database(work)
    say(f"{email} acts for {' and '.join(filter(None, (ward, organisation))) or 'the city'}")


@app.command(name="list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """List the accounts."""

    async def work(engine: AsyncEngine) -> list[dict[str, object]]:
        async with engine.connect() as conn:
            return [
                {
                    "email": row.email,
                    "name": row.name,
                    "role": row.role,
                    "ward_code": row.ward_code,
                    "disabled": row.disabled,
                    "second_step": row.totp_since is not None,
                }
                for row in await users.every(conn)
            ]

    found = with_database(work)
    if as_json:
        print_json({"users": found})
        return
    for row in found:
        closed = "  (disabled)" if row["disabled"] else ""
        say(f"{row['email']}  {row['role']}  {row['ward_code'] or 'city'}  {row['name']}{closed}")


@app.command()
def disable(email: str) -> None:
    """Close an account and sign it out everywhere."""

    async def work(engine: AsyncEngine) -> None:
        async with engine.begin() as conn:
            await users.disable(conn, email)

    with_database(work)
    say(f"disabled {email}")


Issuer = Annotated[
    str,
    typer.Option(help="What the sign-in service calls itself; default PINWARD_OIDC_STAFF_ISSUER."),
]


@app.command()
def link(
    email: str,
    sub: Annotated[str, typer.Option(help="The sign-in service's own name for the person.")],
    issuer: Issuer = "",
) -> None:
    """Let a person sign in to an account by another service (OpenID Connect)."""
    service = issuer or Settings().oidc_staff_issuer

    async def work(engine: AsyncEngine) -> None:
        async with engine.begin() as conn:
            await identities.link(conn, email, service, sub, datetime.now(UTC))
            await _note(conn, "user.link", email, f"by hand, with {service[:300]}")

    with_database(work)
    say(f"linked {email} with {service}")


@app.command()
def unlink(email: str, issuer: Issuer = "") -> None:
    """Take away the link with another service, and sign the account out everywhere."""
    service = issuer or Settings().oidc_staff_issuer

    async def work(engine: AsyncEngine) -> None:
        async with engine.begin() as conn:
            await identities.unlink(conn, email, service)
            await _note(conn, "user.unlink", email, f"by hand, from {service[:300]}")

    with_database(work)
    say(f"unlinked {email} from {service}")


async def _note(conn: AsyncConnection, action: str, email: str, reason: str) -> None:
    await audit.write(
        conn,
        actor=operator(),
        action=action,
        subject=email.strip().lower(),
        reason=reason,
        now=datetime.now(UTC),
    )


@app.command()
def enable(email: str) -> None:
    """Open a closed account again."""

    async def work(engine: AsyncEngine) -> None:
        async with engine.begin() as conn:
            await users.enable(conn, email)

    with_database(work)
    say(f"enabled {email}")


@app.command()
def password(
    email: str,
    password: Annotated[
        str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)
    ] = "",
) -> None:
    """Give an account another password and sign it out everywhere."""
    made = passwords.hashed(password)

    async def work(engine: AsyncEngine) -> None:
        async with engine.begin() as conn:
            await users.set_password(conn, email, made)

    with_database(work)
    say(f"{email} has another password, and is signed out everywhere")


@app.command(name="totp-reset")
def totp_reset(email: str) -> None:
    """Take the second step of an account away (its phone was lost), and sign it out."""

    async def work(engine: AsyncEngine) -> None:
        async with engine.begin() as conn:
            await users.reset_totp(conn, email)

    with_database(work)
    say(f"{email} signs in without a second step until it sets one up again")
