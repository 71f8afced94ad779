"""HTTP of reports: categories, sending one, reading them."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from pydantic import Field

from api import admission
from api.addresses import public_base
from api.admission import Sender
from api.auth.citizens import Mine, mark_of
from api.auth.staff import Token
from api.bodies import BoundedRoute
from api.caching import cached, packed
from api.errors import documented
from api.parameters import (
    BboxParam,
    CellParam,
    CodesParam,
    DayParam,
    KindParam,
    ListedWardsParam,
    Page,
    Said,
    StatusesParam,
    TimeParam,
    decode_moment,
    encode_moment,
)
from api.schemas import (
    GEOJSON,
    CategoryTree,
    GeoJson,
    ReportCollection,
    ReportEvents,
    ReportFeature,
    ReportReceipt,
)
from api.session import Read, Rules, ServiceSettings, Wards, today
from geo.errors import NotSignedIn
from geo.reports import categories, reading
from geo.reports.assigning import Intake
from geo.reports.codes import read_key
from geo.reports.intake import key_hash, submit
from geo.reports.new import NewReport
from geo.store import citizens

router = APIRouter(prefix="/api/v1", tags=["reports"], route_class=BoundedRoute)

# The reporter's own view and the public's live at one address.
BY_SECRET = {"Vary": "Authorization"}


class Wanted(Page):
    """Which reports to list; what is left out does not filter, what is misspelt is refused."""

    bbox: BboxParam = None
    cell: CellParam = None
    ward: CodesParam = None
    on: Annotated[DayParam, Field(description="the day `ward` is of; default today")] = None
    wards: ListedWardsParam = None
    category: CodesParam = None
    status: StatusesParam = None
    kind: KindParam = None
    since: TimeParam = None
    until: TimeParam = None
    q: Annotated[
        Said | None,
        Field(max_length=200, description="words that occur in the text, marks and case aside"),
    ] = None


async def _secret(
    authorization: Annotated[
        str | None, Header(description="`Report <secret>` for the reporter's own view")
    ] = None,
) -> str | None:
    scheme, _, secret = (authorization or "").strip().partition(" ")
    # Other schemes are somebody else's: a proxy's, or the staff's.
    if scheme.lower() != "report":
        return None
    if not secret.strip():
        raise NotSignedIn("the secret is missing: Authorization: Report <secret>")
    return secret.strip()


Secret = Annotated[str | None, Depends(_secret)]
Code = Annotated[
    str, Path(max_length=40, description="however it was typed: case, spaces, hyphen do not matter")
]


@router.get("/categories", responses={200: {"model": CategoryTree}})
async def list_categories(request: Request, conn: Read) -> Response:
    """The tree of what reports can be about, with questions and deadlines."""
    body = packed({"categories": await categories.tree(conn)})
    return cached(request, body, "application/json", "public, max-age=300")


@router.post(
    "/reports",
    status_code=201,
    responses={
        **documented(400, 403, 413, 415, 429),
        201: {"model": ReportReceipt},
        200: {"model": ReportReceipt, "description": "The first answer to this Idempotency-Key."},
    },
)
async def send_report(
    new: NewReport,
    request: Request,
    conn: Read,
    wards: Wards,
    rules: Rules,
    settings: ServiceSettings,
    sender: Sender,
    idempotency_key: Annotated[
        str | None,
        Header(
            max_length=100,
            description="a random uuid; the same report sent again with it is taken in once",
        ),
    ] = None,
    mine: Mine = False,
    token: Token = None,
) -> Response:
    """Send a report; the answer says whose it is, why, and by when.

    Where many send from one network, 429 of type `challenge` asks for a proof of work: the header
    `Pinward-Proof: <challenge>.<answer>`, of which the first 48 bits of the sha256 are less than
    2^48 / difficulty.
    """
    key = read_key(idempotency_key) if idempotency_key is not None else None
    state = request.app.state
    intake = Intake(
        wards, state.keys, settings.timezone, settings.snap_m, rules, state.categories_seen
    )
    now = datetime.now(UTC)
    doubts = await admission.report(
        request, conn, sender, token, new, key_hash=key_hash(key), now=now
    )
    if not (new.photos or mine):
        # One statement, and so one round trip: to begin and to commit would be two more.
        await conn.execution_options(isolation_level="AUTOCOMMIT")
    async with conn.begin():
        receipt = await submit(conn, new, intake, now, key, doubts)
        code = receipt.answer["code"]
        body = {
            "code": code,
            "secret": receipt.secret,
            "tracking_url": f"{public_base(request, settings)}/r/{code}",
            **receipt.answer,
        }
        if mine:
            # Also when the sign-in has run out meanwhile it is taken in; the answer says so.
            mark = await mark_of(conn, request)
            body["mine"] = mark is not None and await citizens.keep(conn, mark, code)
    return Response(
        packed(body),
        status_code=200 if receipt.replayed else 201,
        media_type="application/json",
        headers={"Location": f"/api/v1/reports/{code}", "Cache-Control": "no-store"},
    )


@router.get("/reports", response_class=GeoJson, responses={200: {"model": ReportCollection}})
async def list_reports(
    wanted: Annotated[Wanted, Query()], request: Request, conn: Read, settings: ServiceSettings
) -> Response:
    """Reports the public may see, newest first."""
    asked = {name: value for name, value in wanted if name not in Page.model_fields}
    chosen = reading.ReportFilter(**{**asked, "on": wanted.on or today(settings)})
    after = decode_moment(wanted.cursor) if wanted.cursor else None
    features, more = await reading.page(conn, chosen, wanted.limit, after)
    base = public_base(request, settings)
    links = [{"rel": "self", "href": _here(request, base), "type": GEOJSON}]
    headers = {}
    following = None
    if more:
        following = _here(request, base, cursor=encode_moment(*more))
        links.append({"rel": "next", "href": following, "type": GEOJSON})
        headers["Link"] = f'<{following}>; rel="next"'
    body = {"type": "FeatureCollection", "features": features, "links": links, "next": following}
    return cached(request, packed(body), GEOJSON, headers=headers)


@router.get(
    "/reports/{code}",
    response_class=GeoJson,
    responses={**documented(401, 404), 200: {"model": ReportFeature}},
)
async def read_report(code: Code, request: Request, conn: Read, secret: Secret) -> Response:
    """One report: what the public may see of it, or with its secret the reporter's own view."""
    found = await reading.one(conn, code, secret, request.app.state.keys, datetime.now(UTC))
    return _seen(request, found, GEOJSON, secret)


@router.get(
    "/reports/{code}/events", responses={**documented(401, 404), 200: {"model": ReportEvents}}
)
async def read_events(code: Code, request: Request, conn: Read, secret: Secret) -> Response:
    """What happened to a report, oldest first."""
    found = {"events": await reading.history(conn, code, secret)}
    return _seen(request, found, "application/json", secret)


def _seen(request: Request, found: dict[str, Any], media_type: str, secret: str | None) -> Response:
    kept = "no-store" if secret else "no-cache"
    return cached(request, packed(found), media_type, kept, BY_SECRET)


def _here(request: Request, base: str, **changed: str) -> str:
    url = request.url.include_query_params(**changed)
    return f"{base}{url.path}" + (f"?{url.query}" if url.query else "")
