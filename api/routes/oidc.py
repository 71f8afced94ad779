"""HTTP of signing in by another service (OpenID Connect)."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import RedirectResponse

from api.auth import citizens, oidc_flow, oidc_staff, oidc_words
from api.auth.oidc import Identity, Provider
from api.auth.oidc_flow import Flow, Kind
from api.errors import documented
from api.parameters import PlainText
from api.routes.session import begin_session
from api.session import ServiceSettings
from geo.errors import NotFound, PinwardError
from geo.settings import Settings
from geo.store import identities

router = APIRouter(prefix="/api/v1", tags=["session"])

# The address has the code of the sign-in in it: no page is told it, and no cache keeps it.
_QUIET = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


@router.get("/session/oidc")
async def services(request: Request) -> dict[str, bool]:
    """Which sign-in services there are, for staff and for citizens."""
    return {kind: kind in request.app.state.oidc for kind in ("staff", "citizen")}


@router.get(
    "/session/oidc/{kind}",
    status_code=303,
    response_class=RedirectResponse,
    responses=documented(404, 503),
)
async def begin(
    kind: Kind,
    request: Request,
    settings: ServiceSettings,
    back: Annotated[
        PlainText, Query(alias="return", description="the page of ours to go on to afterwards")
    ] = "/",
) -> Response:
    """Go and sign in at the other service."""
    try:
        provider = _provider(request, kind)
        where = oidc_flow.redirect_uri(request, settings, kind)
        flow = oidc_flow.begin(kind, oidc_flow.own_path(back), where, datetime.now(UTC))
        there = RedirectResponse(await provider.address(flow), 303, _QUIET)
    except PinwardError as error:
        return oidc_words.told(request, error)
    oidc_flow.keep(there, request, settings, request.app.state.secret_key, flow)
    return there


@router.get(
    "/session/oidc/{kind}/callback",
    status_code=303,
    response_class=RedirectResponse,
    responses=documented(401, 403, 404, 503),
)
async def come_back(
    kind: Kind,
    request: Request,
    settings: ServiceSettings,
    state: Annotated[PlainText, Query(max_length=200)] = "",
    code: Annotated[PlainText, Query(max_length=4000)] = "",
    error: Annotated[PlainText, Query(max_length=200)] = "",
    iss: Annotated[PlainText | None, Query(max_length=500)] = None,
) -> Response:
    """Where the other service sends people back to; signs them in here, or says why not."""
    now = datetime.now(UTC)
    try:
        provider = _provider(request, kind)
        key = request.app.state.secret_key
        flow = oidc_flow.kept(request, settings, key, kind, state, now)
    except PinwardError as refusal:
        # Another sign-in of this browser may be under way: its cookie stays.
        return oidc_words.told(request, refusal)
    try:
        who = await _who(request, provider, flow, "" if error else code, iss, now)
        answer: Response = RedirectResponse(flow.back, 303, _QUIET)
        if kind == "citizen":
            await citizens.begin_session(request, answer, settings, who)
        else:
            await _sign_in_staff(request, answer, settings, who, now)
    except PinwardError as refusal:
        answer = oidc_words.told(request, refusal)
    oidc_flow.drop(answer, request, settings, kind)
    return answer


async def _who(
    request: Request,
    provider: Provider,
    flow: Flow,
    code: str,
    said_issuer: str | None,
    now: datetime,
) -> Identity:
    # Used up before anything is asked, and no connection is held while it is.
    async with request.app.state.engine.begin() as conn:
        fresh = await identities.take_state(conn, flow.state_hash, now, flow.ends_at)
    if not fresh:
        raise oidc_words.refused("used")
    if not code:
        raise oidc_words.refused("declined")
    return await provider.identity(flow, code, said_issuer, now)


async def _sign_in_staff(
    request: Request, response: Response, settings: Settings, who: Identity, now: datetime
) -> None:
    by_email = settings.oidc_staff_link_by_email
    async with request.app.state.engine.begin() as conn:
        account = await oidc_staff.account(conn, who, link_by_email=by_email, now=now)
    await begin_session(request, response, settings, account)


def _provider(request: Request, kind: Kind) -> Provider:
    found: Provider | None = request.app.state.oidc.get(kind)
    if found is None:
        raise NotFound(
            f"no service signs {kind} in here; PINWARD_OIDC_{kind.upper()}_ISSUER sets one up"
        )
    return found
