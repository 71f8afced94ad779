"""HTTP for citizens who signed in, which nobody has to: their own reports, and being forgotten."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.addresses import next_page
from api.auth import citizens
from api.auth.citizens import Citizen
from api.caching import packed
from api.errors import documented
from api.parameters import Page, decode_moment, encode_moment
from api.routes.reports import Code
from api.schemas import GEOJSON, GeoJson, ReportCollection
from api.session import Read, ServiceSettings, Write
from geo.errors import NotFound
from geo.reports import reading
from geo.reports.codes import read_code
from geo.store import citizens as store

router = APIRouter(prefix="/api/v1", tags=["me"])

_OWN = {"Cache-Control": "no-store", "Vary": "Cookie"}


@router.get("/me", responses=documented(401))
async def who(citizen: Citizen, response: Response) -> dict[str, bool]:
    """Whether a citizen is signed in: more is not known of anybody."""
    response.headers.update(_OWN)
    return {"signed_in": True}


@router.get(
    "/me/reports",
    response_class=GeoJson,
    responses={**documented(401), 200: {"model": ReportCollection}},
)
async def own_reports(
    citizen: Citizen,
    wanted: Annotated[Page, Query()],
    request: Request,
    conn: Read,
    settings: ServiceSettings,
) -> Response:
    """The reports that the citizen chose to have kept as theirs, newest first."""
    after = decode_moment(wanted.cursor) if wanted.cursor else None
    features, more = await reading.kept_as_mine(
        conn, citizen, wanted.limit, after, now=datetime.now(UTC)
    )
    following, headers = next_page(request, settings, encode_moment(*more) if more else None)
    links = [{"rel": "next", "href": following, "type": GEOJSON}] if following else []
    body = {"type": "FeatureCollection", "features": features, "links": links, "next": following}
    return Response(packed(body), media_type=GEOJSON, headers={**_OWN, **headers})


@router.delete("/me/reports/{code}", status_code=204, responses=documented(401, 404))
async def let_go(code: Code, citizen: Citizen, conn: Write) -> Response:
    """Keep a report as mine no longer; the report stays, anonymous."""
    kept = read_code(code)
    if kept is None or not await store.let_go(conn, citizen, kept):
        raise NotFound("no report of this code is kept as yours; GET /api/v1/me/reports lists them")
    return Response(status_code=204)


@router.delete("/me/session", status_code=204)
async def sign_out(request: Request, conn: Write, settings: ServiceSettings) -> Response:
    """Sign out; also fine when nobody was signed in."""
    gone = Response(status_code=204)
    await citizens.end_session(conn, request, gone, settings)
    return gone


@router.delete("/me", status_code=204, responses=documented(401))
async def forget(
    citizen: Citizen, request: Request, conn: Write, settings: ServiceSettings
) -> Response:
    """Forget me: all sign-ins end, and nothing tells any more which reports were mine.

    The reports stay, anonymous; their secrets still show, change and erase them.
    """
    await store.forget(conn, citizen)
    gone = Response(status_code=204)
    citizens.drop(request, gone, settings)
    return gone
