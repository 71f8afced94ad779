"""HTTP of signing in by another service (OpenID Connect)."""

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Query, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from api.auth import citizens, cookies, oidc_flow, oidc_staff, oidc_words
from api.auth.guessing import Guard
from api.auth.oidc import Identity, Provider
from api.auth.oidc_flow import Flow, Kind
from api.auth.staff import token_hash
from api.bodies import FORM, FormRoute
from api.errors import documented
from api.parameters import PlainText
from api.routes.second_step import take_code
from api.routes.session import ByService, open_session
from api.session import ServiceSettings
from geo.errors import NotFound, NotSignedIn, PinwardError
from geo.settings import Settings
from geo.store import identities, second_steps

router = APIRouter(prefix="/api/v1", tags=["session"])
forms = APIRouter(prefix="/api/v1", tags=["session"], route_class=FormRoute)

_LONGEST_CODE = 40
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
        old = citizens.hash_of(request)
        if kind == "staff":
            token = cookies.read(request, settings, "session")
            old = token_hash(token) if token else b""
        now = datetime.now(UTC)
        flow = oidc_flow.begin(kind, oidc_flow.own_path(back), where, now, old.hex())
        there = RedirectResponse(await provider.address(flow), 303, _QUIET)
    except PinwardError as error:
        return oidc_words.told(request, error)
    oidc_flow.keep(there, request, settings, request.app.state.keys.secret, flow)
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
        key = request.app.state.keys.secret
        flow = oidc_flow.kept(request, settings, key, kind, state, now)
    except PinwardError as refusal:
        # Another sign-in of this browser may be under way: its cookie stays.
        return oidc_words.told(request, refusal)
    try:
        who = await _who(request, provider, flow, "" if error else code, iss, now)
        if kind == "citizen":
            answer: Response = RedirectResponse(flow.back, 303, _QUIET)
            before = bytes.fromhex(flow.before)
            await citizens.begin_session(request, answer, settings, who, before)
        else:
            answer = await _sign_in_staff(request, settings, flow, who, now)
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
    request: Request, settings: Settings, flow: Flow, who: Identity, now: datetime
) -> Response:
    """Signed in and on to the page asked for, or asked for our own second step first."""
    by_email = settings.oidc_staff_link_by_email
    engine = request.app.state.engine
    async with engine.begin() as conn:
        account = await oidc_staff.account(conn, who, link_by_email=by_email, now=now)
    counts = oidc_staff.second_step(settings, who)
    if account.totp_since is not None and not counts:
        one = oidc_staff.Waiting(who.issuer, who.sub, flow.back, flow.before, flow.ends_s)
        asked = oidc_words.asked(request)
        oidc_staff.keep_waiting(asked, request, settings, one)
        return asked
    signed_in = RedirectResponse(flow.back, 303, _QUIET)
    by = ByService(who.issuer, who.sub, bytes.fromhex(flow.before), counts)
    guard = Guard(engine, request.app.state.keys.secret)
    await open_session(request, signed_in, settings, guard, account, by)
    return signed_in


@forms.post(
    "/session/oidc/staff/code",
    status_code=303,
    response_class=RedirectResponse,
    responses=documented(400, 401, 403, 413, 415, 429),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                FORM: {
                    "schema": {
                        "type": "object",
                        "required": ["code"],
                        "properties": {"code": {"type": "string", "maxLength": _LONGEST_CODE}},
                    }
                }
            },
        }
    },
)
async def give_code(request: Request, settings: ServiceSettings) -> Response:
    """Our second step after the other service's: the app's code or a recovery code, as a form."""
    now = datetime.now(UTC)
    try:
        form = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=9)
    except ValueError:
        raise HTTPException(400, "the form has more than 9 fields; send its code alone") from None
    code = (form.get("code") or [""])[0].strip()[:_LONGEST_CODE]
    try:
        one = oidc_staff.waiting(request, settings, now)
        async with request.app.state.engine.connect() as conn:
            account = await oidc_staff.still(conn, one)
            found = await second_steps.of_user(conn, account.id)
        if found is None or found.totp_since is None:
            raise oidc_words.refused("changed")
    except PinwardError as refusal:
        return oidc_words.told(request, refusal)
    try:
        guard = await take_code(request, settings, found, code)
    except NotSignedIn:
        # Another try is at hand, as long as the guard lets it through.
        return oidc_words.asked(request, wrong=True)
    except PinwardError as refusal:
        return oidc_words.told(request, refusal)
    answer: Response = RedirectResponse(one.back, 303, _QUIET)
    try:
        by = ByService(one.issuer, one.sub, bytes.fromhex(one.before))
        await open_session(request, answer, settings, guard, account, by)
    except PinwardError as refusal:
        answer = oidc_words.told(request, refusal)
    oidc_flow.drop(answer, request, settings, oidc_staff.CODE)
    return answer


def _provider(request: Request, kind: Kind) -> Provider:
    found: Provider | None = request.app.state.oidc.get(kind)
    if found is None:
        raise NotFound(
            f"no service signs {kind} in here; PINWARD_OIDC_{kind.upper()}_ISSUER sets one up"
        )
    return found
