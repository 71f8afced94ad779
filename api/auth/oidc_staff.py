"""Whose account it is that another service signed in. None is ever made: accounts and roles are
ours."""

from dataclasses import asdict, dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from api.auth import oidc_flow
from api.auth.oidc import Identity
from api.auth.oidc_words import refused, unknown_person
from geo import audit
from geo.errors import Conflict
from geo.settings import Settings
from geo.store import identities, users
from geo.store.database import AnyRow, AsyncConnection

CODE = "code"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A person whom the service vouched for, until our own second step is given."""

    issuer: str
    sub: str
    back: str
    before: str
    ends_s: int


def second_step(settings: Settings, who: Identity) -> bool:
    """Whether the service made sure in a way that counts as our second step."""
    counting = {part.strip() for part in settings.oidc_staff_second_step.split(",")} - {""}
    return bool(counting.intersection(who.methods))


def keep_waiting(response: Response, request: Request, settings: Settings, one: Waiting) -> None:
    """Have the browser keep it, sealed: it is no sign-in, and only this browser's."""
    sealed = oidc_flow.seal(request.app.state.keys.secret, CODE, asdict(one))
    oidc_flow.keep_sealed(response, request, settings, CODE, sealed, oidc_flow.LASTS)


def waiting(request: Request, settings: Settings, now: datetime) -> Waiting:
    """The one that this browser keeps; raises `SignInRefused`."""
    value = oidc_flow.sealed_of(request, settings, CODE)
    one = Waiting(**oidc_flow.unseal(request.app.state.keys.secret, CODE, value))
    if now.timestamp() >= one.ends_s:
        raise refused("took-too-long")
    return one


async def still(conn: AsyncConnection, one: Waiting) -> AnyRow:
    """The account that it reaches now; raises `UnknownPerson` when it was unlinked or closed."""
    email = await identities.email_of(conn, one.issuer, one.sub)
    found = await users.by_email(conn, email) if email else None
    if found is None:
        raise unknown_person()
    return found


async def account(
    conn: AsyncConnection, who: Identity, *, link_by_email: bool, now: datetime
) -> AnyRow:
    """The account (with its password hash) that the identity reaches; raises `UnknownPerson`.

    With `link_by_email` a verified e-mail address links it with the account of this address, the
    first time and in the caller's transaction.
    """
    email = await identities.email_of(conn, who.issuer, who.sub)
    fresh = email is None
    # In ASCII only: other letters become these by lower-casing (the sign for kelvin, a k).
    if email is None and link_by_email and who.email is not None and who.email.isascii():
        email = who.email
    found = await users.by_email(conn, email) if email else None
    if found is None:
        raise unknown_person()
    if fresh:
        try:
            await identities.link(conn, found.email, who.issuer, who.sub, now)
        except Conflict:
            # Linked with another person of that service: the address went from hand to hand.
            raise unknown_person() from None
        await audit.write(
            conn,
            actor=found.email,
            action="user.link",
            subject=found.email,
            reason=f"first sign-in by {who.issuer[:300]}, which verified the e-mail address",
            now=now,
        )
    return found
