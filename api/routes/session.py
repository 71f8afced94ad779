"""Staff signing in and out."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from api.addresses import public_base
from api.auth import passwords
from api.auth.staff import COOKIE, Token, signed_in, token_hash
from api.bodies import BoundedRoute
from api.errors import documented
from api.parameters import PlainText
from api.session import Read, ServiceSettings, Wards, Write
from geo.errors import NotSignedIn
from geo.store import users
from geo.store.database import AnyRow
from geo.wards.directory import WardDirectory

router = APIRouter(prefix="/api/v1", tags=["session"], route_class=BoundedRoute)

LASTS = timedelta(hours=12)


class SignIn(BaseModel):
    """An account's address and password."""

    model_config = {"extra": "forbid"}

    email: Annotated[PlainText, Field(max_length=254)]
    password: Annotated[PlainText, Field(max_length=1000)]


@router.post("/session", responses=documented(400, 401, 413, 415))
async def sign_in(
    body: SignIn,
    request: Request,
    response: Response,
    conn: Write,
    wards: Wards,
    settings: ServiceSettings,
) -> dict[str, Any]:
    """Sign in: sets an HttpOnly cookie that lasts 12 hours."""
    account = await users.by_email(conn, body.email)
    right = await passwords.matches(account.password_hash if account else None, body.password)
    if account is None or not right:
        raise NotSignedIn("this e-mail address and password do not belong together")
    token = secrets.token_urlsafe(32)
    now = datetime.now(UTC)
    await users.sign_in(conn, account.id, token_hash(token), now, now + LASTS)
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(LASTS.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=public_base(request, settings).startswith("https:"),
    )
    response.headers["Cache-Control"] = "no-store"
    return _view(account, wards)


@router.get("/session", responses=documented(401))
async def who(conn: Read, wards: Wards, response: Response, token: Token = None) -> dict[str, Any]:
    """Who is signed in; 401 when nobody is."""
    account = await signed_in(conn, token)
    response.headers["Cache-Control"] = "no-store"
    return _view(account, wards)


@router.delete("/session", status_code=204)
async def sign_out(conn: Write, token: Token = None) -> Response:
    """Sign out; also fine when nobody was signed in."""
    if token:
        await users.sign_out(conn, token_hash(token))
    gone = Response(status_code=204)
    gone.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return gone


def _view(account: AnyRow, wards: WardDirectory) -> dict[str, Any]:
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
