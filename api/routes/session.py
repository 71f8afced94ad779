"""Staff signing in and out, and looking after their own sign-ins."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field

from api.auth import cookies, passwords, totp
from api.auth.guessing import DEVICE_LASTS, Guard, Try
from api.auth.staff import ApiKey, Manager, Person, Staff, Token, token_hash
from api.bodies import BoundedRoute
from api.errors import documented
from api.network import network_of
from api.parameters import PlainText
from api.session import Read, ServiceSettings, Wards, Write
from geo.errors import CodeNeeded, NotFound, NotSignedIn
from geo.reports.times import rfc3339
from geo.settings import Settings
from geo.store import identities, sessions, users
from geo.store.database import AnyRow
from geo.wards.directory import WardDirectory

router = APIRouter(prefix="/api/v1", tags=["session"], route_class=BoundedRoute)

_WRONG = "this e-mail address and password do not belong together"
Password = Annotated[PlainText, Field(max_length=1000)]


class SignIn(BaseModel):
    """An account's address and password."""

    model_config = {"extra": "forbid"}

    email: Annotated[PlainText, Field(max_length=254)]
    password: Password


class NewPassword(BaseModel):
    """The password until now, and the one from now on."""

    model_config = {"extra": "forbid"}

    old: Password
    new: Password


@router.post("/session", responses=documented(400, 401, 403, 413, 415, 429))
async def sign_in(
    body: SignIn, request: Request, response: Response, wards: Wards, settings: ServiceSettings
) -> dict[str, Any]:
    """Sign in: sets an HttpOnly cookie that lasts 12 hours, 2 without use.

    An account with a second step gets 401 `code-needed` with a `ticket` for /api/v1/session/code.
    """
    # No connection is held while the password is checked.
    guard, one = tried(request, settings, body.email)
    await guard.admit(one)
    account = await checked(request, body.email, body.password)
    await guard.right(one)
    if account.totp_since is not None:
        raise CodeNeeded(ticket=totp.ticket(request.app.state.keys, account))
    await open_session(request, response, settings, guard, account)
    return view(account, wards)


@router.get("/session", responses=documented(401))
async def who(account: Staff, wards: Wards, response: Response) -> dict[str, Any]:
    """Who is signed in; 401 when nobody is."""
    response.headers["Cache-Control"] = "no-store"
    return view(account, wards)


@router.delete("/session", status_code=204, responses=documented(403))
async def sign_out(
    request: Request, conn: Write, settings: ServiceSettings, token: Token = None
) -> Response:
    """Sign out; also fine when nobody was signed in."""
    if token and not isinstance(token, ApiKey):
        await sessions.end(conn, token_hash(token))
    gone = Response(status_code=204)
    cookies.drop(gone, request, settings)
    return gone


@router.put(
    "/session/password", status_code=204, responses=documented(400, 401, 403, 413, 415, 429)
)
async def change_password(
    body: NewPassword, request: Request, person: Manager, settings: ServiceSettings, token: Token
) -> Response:
    """Change the own password: signs out everywhere else, and replaces the token of this one."""
    passwords.long_enough(body.new)
    guard, one = tried(request, settings, person.email)
    await guard.admit(one)
    account = await checked(request, person.email, body.old)
    await guard.right(one)
    made = await passwords.hashed_aside(body.new)
    now, fresh = datetime.now(UTC), secrets.token_urlsafe(32)
    async with request.app.state.engine.begin() as conn:
        if not await users.rehash(conn, person.id, account.password_hash, made):
            raise NotSignedIn("the password was changed meanwhile; sign in again")
        await sessions.end_all(conn, person.id, but=person.session_id)
        ends = await sessions.replace(conn, person.session_id, token_hash(fresh), now)
    changed = Response(status_code=204)
    if ends is not None:
        cookies.keep(changed, request, settings, "session", fresh, ends - now)
    return changed


@router.get("/sessions", responses=documented(401, 403))
async def own_sessions(conn: Read, person: Person, response: Response) -> dict[str, Any]:
    """The own sign-ins: when made and last used (to a minute), and on what sort of device."""
    found = await sessions.of_user(conn, person.id, datetime.now(UTC))
    response.headers["Cache-Control"] = "no-store"
    return {
        "sessions": [
            {
                "id": one.id,
                "made_at": rfc3339(one.made_at),
                "seen_at": rfc3339(one.seen_at),
                "expires_at": rfc3339(one.expires_at),
                "device": one.device,
                "this": one.id == person.session_id,
            }
            for one in found
        ]
    }


@router.delete("/sessions/{id}", status_code=204, responses=documented(401, 403, 404))
async def end_session(
    id: Annotated[int, Path(ge=1, lt=2**63)], conn: Write, person: Person
) -> Response:
    """End one of the own sign-ins."""
    if not await sessions.end_one(conn, person.id, id):
        raise NotFound("you have no such sign-in; GET /api/v1/sessions lists them")
    return Response(status_code=204)


@router.delete("/sessions", status_code=204, responses=documented(401, 403))
async def end_sessions(
    request: Request, conn: Write, person: Person, settings: ServiceSettings
) -> Response:
    """Sign out everywhere, here too."""
    await sessions.end_all(conn, person.id)
    gone = Response(status_code=204)
    cookies.drop(gone, request, settings)
    return gone


def tried(
    request: Request, settings: Settings, email: str, step: str = "password"
) -> tuple[Guard, Try]:
    """The guard against guessing, and this request as one try."""
    guard = Guard(request.app.state.engine, request.app.state.keys.secret)
    email = email.strip().lower()
    device = guard.known_device(email, cookies.read(request, settings, "device"))
    return guard, Try(email, network_of(request, settings), device, step)


async def checked(request: Request, email: str, password: str) -> AnyRow:
    """The account whose password this is; raises `NotSignedIn`. Old hashes are made anew."""
    engine = request.app.state.engine
    async with engine.connect() as conn:
        account = await users.by_email(conn, email)
    right = await passwords.matches(account.password_hash if account else None, password)
    if account is None or not right:
        raise NotSignedIn(_WRONG)
    if passwords.outdated(account.password_hash):
        made = await passwords.hashed_aside(password)
        async with engine.begin() as conn:
            await users.rehash(conn, account.id, account.password_hash, made)
            account = await users.by_email(conn, email)
        if account is None:
            raise NotSignedIn(_WRONG)
    return account


@dataclass(frozen=True, slots=True)
class ByService:
    """That another service vouched for a person.

    `second_step`: also in a way that counts as ours; `before`: hash of the sign-in that the browser
    had when it went there.
    """

    issuer: str
    sub: str
    before: bytes
    second_step: bool = False


async def open_session(
    request: Request,
    response: Response,
    settings: Settings,
    guard: Guard,
    account: AnyRow,
    by: ByService | None = None,
) -> None:
    """Make a sign-in with a token of its own; the one that the browser had before ends.

    `by`: who vouched, where it was no password. Raises `NotSignedIn` when the account, its
    password or its link with that service was changed meanwhile.
    """
    token, now = secrets.token_urlsafe(32), datetime.now(UTC)
    limited = account.totp_since is None and totp.obligatory(settings, account.role)
    old = cookies.read(request, settings, "session")
    before = token_hash(old) if old else b""
    if by is not None:
        limited, before = limited and not by.second_step, before or by.before
    async with request.app.state.engine.begin() as conn:
        # Locked, and looked at again: the account may have been closed, or its password changed,
        # while the old one was checked.
        still = await sessions.lock_user(conn, account.id)
        if still is None or still.password_hash != account.password_hash:
            raise NotSignedIn(_WRONG)
        if by is not None and not await identities.reaches(conn, by.issuer, by.sub, account.id):
            raise NotSignedIn("this account was unlinked from the sign-in service meanwhile")
        if before:
            await sessions.end(conn, before)
        new = sessions.NewSession(account.id, token_hash(token), _device(request), limited)
        await sessions.start(conn, new, now)
    cookies.keep(response, request, settings, "session", token, sessions.LASTS)
    known = guard.new_device(account.email)
    cookies.keep(response, request, settings, "device", known, DEVICE_LASTS)
    response.headers["Cache-Control"] = "no-store"


def _device(request: Request) -> str:
    said = request.headers.get("user-agent", "").lower()
    if "mobi" in said or "android" in said:
        return "phone"
    return "computer" if any(word in said for word in ("windows", "macintosh", "x11")) else "other"


def view(account: AnyRow, wards: WardDirectory) -> dict[str, Any]:
    """What the signed-in are told of themselves."""
    organisation = None
    if account.organisation_code:
        name = {"vi": account.organisation_vi, "en": account.organisation_en}
        organisation = {"code": account.organisation_code, "name": name}
    ward = wards.newest(account.ward_id) if account.ward_id else None
    return {
        "email": account.email,
        "name": account.name,
        "role": account.role,
        "ward": {"code": ward.code, "name": ward.name, "kind": ward.kind} if ward else None,
        "organisation": organisation,
    }
