"""The second step of a staff member's sign-in: given, set up, and taken away."""

import secrets
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from api.auth import cookies, totp
from api.auth.staff import Manager, Person, token_hash
from api.bodies import BoundedRoute
from api.errors import documented
from api.parameters import PlainText
from api.routes.session import Password, checked, open_session, tried, view
from api.session import ServiceSettings, Wards
from geo.errors import Conflict, NotAllowed, NotSignedIn
from geo.store import second_steps, sessions, users

router = APIRouter(prefix="/api/v1", tags=["session"], route_class=BoundedRoute)

Code = Annotated[PlainText, Field(min_length=6, max_length=40)]
_WRONG = "this code is wrong or was used before; take the one that the app shows now"


class _Body(BaseModel):
    model_config = {"extra": "forbid"}


class TicketAndCode(_Body):
    """The ticket of the first step, and the app's code or a recovery code."""

    ticket: Annotated[PlainText, Field(max_length=200)]
    code: Code


class OnlyCode(_Body):
    """A code of the app."""

    code: Code


class OnlyPassword(_Body):
    """The own password."""

    password: Password


@router.post("/session/code", responses=documented(400, 401, 403, 413, 415, 429))
async def give_code(
    body: TicketAndCode,
    request: Request,
    response: Response,
    wards: Wards,
    settings: ServiceSettings,
) -> dict[str, Any]:
    """Sign in, second step: with the ticket that POST /api/v1/session gave and a code."""
    keys, engine = request.app.state.keys, request.app.state.engine
    async with engine.connect() as conn:
        found = await second_steps.of_user(conn, totp.holder(body.ticket))
    account = totp.check_ticket(keys, body.ticket, found)
    if account.totp_since is None:
        raise NotSignedIn("the second step was taken away meanwhile; sign in again")
    guard, one = tried(request, settings, account.email, "code")
    await guard.admit(one)
    step = totp.step_of(totp.unseal(keys, account.id, account.totp_sealed), body.code.strip())
    async with engine.begin() as conn:
        if step is None:
            code = totp.recovery_hash(body.code)
            right = await second_steps.use_recovery(conn, account.id, code)
        else:
            right = await second_steps.use_step(conn, account.id, step)
    if not right:
        raise NotSignedIn(_WRONG)
    await guard.right(one)
    async with engine.connect() as conn:
        whole = await users.by_email(conn, account.email)
    if whole is None or whole.password_hash != account.password_hash:
        raise NotSignedIn("the account was changed meanwhile; sign in again")
    await open_session(request, response, settings, guard, whole)
    return view(whole, wards)


@router.post("/session/totp", responses=documented(400, 401, 403, 409, 413, 415, 429))
async def begin(
    body: OnlyPassword,
    request: Request,
    response: Response,
    person: Person,
    settings: ServiceSettings,
) -> dict[str, Any]:
    """Begin to set up the second step: a secret for the app, which counts once it is confirmed."""
    guard, one = tried(request, settings, person.email)
    await guard.admit(one)
    await checked(request, person.email, body.password)
    await guard.right(one)
    secret = totp.new_secret()
    sealed = totp.seal(request.app.state.keys, person.id, secret)
    async with request.app.state.engine.begin() as conn:
        if not await second_steps.begin(conn, person.id, sealed):
            raise Conflict("the second step is set up already; take it away first")
    response.headers["Cache-Control"] = "no-store"
    return {"secret": secret, "uri": totp.uri(secret, person.email)}


@router.put("/session/totp", responses=documented(400, 401, 403, 409, 413, 415, 429))
async def confirm(
    body: OnlyCode, request: Request, response: Response, person: Person, settings: ServiceSettings
) -> dict[str, Any]:
    """Confirm the app by a code of it; answers recovery codes, which are shown this once."""
    guard, one = tried(request, settings, person.email, "code")
    await guard.admit(one)
    codes, fresh, now = totp.recovery_codes(), secrets.token_urlsafe(32), datetime.now(UTC)
    keys = request.app.state.keys
    async with request.app.state.engine.begin() as conn:
        account = await second_steps.of_user(conn, person.id)
        if account is None or account.totp_sealed is None or account.totp_since is not None:
            raise Conflict("there is nothing to confirm; begin by POST /api/v1/session/totp")
        step = totp.step_of(totp.unseal(keys, person.id, account.totp_sealed), body.code.strip())
        if step is None or not await second_steps.use_step(conn, person.id, step):
            raise NotAllowed(_WRONG)
        hashes = [totp.recovery_hash(code) for code in codes]
        if not await second_steps.confirm(conn, person.id, account.totp_sealed, hashes, now):
            raise Conflict("the second step was begun anew meanwhile; try the newer one")
        # Whoever was signed in by the password alone is so no more.
        await sessions.end_all(conn, person.id, but=person.session_id)
        ends = await sessions.replace(conn, person.session_id, token_hash(fresh), now)
    await guard.right(one)
    if ends is not None:
        cookies.keep(response, request, settings, "session", fresh, ends - now)
    response.headers["Cache-Control"] = "no-store"
    return {"recovery_codes": codes}


@router.delete("/session/totp", status_code=204, responses=documented(400, 401, 403, 413, 415, 429))
async def take_away(
    body: OnlyPassword, request: Request, person: Manager, settings: ServiceSettings
) -> Response:
    """Take the own second step away, by the password; signs out everywhere."""
    if totp.obligatory(settings, person.role):
        raise NotAllowed("accounts of this role need a second step (PINWARD_TOTP_ROLES)")
    guard, one = tried(request, settings, person.email)
    await guard.admit(one)
    await checked(request, person.email, body.password)
    await guard.right(one)
    async with request.app.state.engine.begin() as conn:
        await users.reset_totp(conn, person.email)
    gone = Response(status_code=204)
    cookies.drop(gone, request, settings)
    return gone
