"""HTTP of reports that are the same: what is like them, "me too", merging on the desk."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api import admission
from api.admission import Sender
from api.auth.rights import Action, may
from api.auth.scope import require_within
from api.auth.staff import Token
from api.bodies import BoundedRoute
from api.caching import packed
from api.errors import documented
from api.parameters import LatParam, LonParam, PlainText, Said
from api.routes.reports import Code, Secret
from api.schemas import (
    GEOJSON,
    CategoryBrief,
    GeoJson,
    Point,
    ReportFeature,
    ReportProperties,
    Time,
)
from api.session import Read
from api.tasks import WholeTask
from api.working import Working
from geo.reports.duplicates import merging, similar, supporting
from geo.reports.text import LONGEST_TEXT
from geo.reports.workflow import acting
from geo.reports.workflow.acting import LONGEST_NOTE
from geo.scope import Scope
from geo.store.database import AnyRow

router = APIRouter(prefix="/api/v1", tags=["duplicates"], route_class=BoundedRoute)

Desk = Annotated[AnyRow, may(Action.MERGE)]


class Asked(BaseModel):
    """What somebody is about to send."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lon: LonParam
    lat: LatParam
    category: Annotated[PlainText, Field(min_length=1, max_length=100)]
    text: Annotated[
        Said, Field(max_length=LONGEST_TEXT, description="as far as it is written; may be empty")
    ] = ""
    limit: Annotated[int, Field(ge=1, le=20, description="how many at most")] = 5


class Likeness(BaseModel):
    """How like a report is to the one asked about."""

    distance_m: Annotated[float, Field(description="to where it is shown; geodesic metres")]
    likeness: Annotated[
        float | None, Field(ge=0, le=1, description="of the texts; null: there is none to compare")
    ]
    score: Annotated[float, Field(ge=0, le=1, description="of distance, age and text")]
    offered: Annotated[bool, Field(description='whether to ask: "the same? me too"')]


class AlikeProperties(Likeness, ReportProperties):
    """A report as lists have it, and how like it is."""

    distance_m: float


class AlikeFeature(ReportFeature):
    """A report that may be the same."""

    properties: AlikeProperties


class AlikeCollection(BaseModel):
    """Reports that may be the same, the likeliest first."""

    type: Literal["FeatureCollection"]
    features: list[AlikeFeature]


class DeskProperties(Likeness):
    """A report as the staff see it, and how like it is."""

    code: str
    category: CategoryBrief
    text: str
    status: str
    channel: str
    created_at: Time
    due_at: Time | None
    visibility: Literal["public", "blurred", "hidden"]
    ward: str | None
    organisation: str | None
    supports: int


class DeskFeature(BaseModel):
    """A report that may be the same, at its exact place."""

    type: Literal["Feature"]
    id: str
    geometry: Point
    properties: DeskProperties


class DeskCollection(BaseModel):
    """Reports that may be the same, the likeliest first."""

    type: Literal["FeatureCollection"]
    features: list[DeskFeature]


class Supported(BaseModel):
    """How many said "me too"."""

    code: str
    supports: Annotated[int, Field(ge=0)]


class _Words(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    inner: Annotated[
        str, Field(max_length=LONGEST_NOTE, description="a note that the staff alone read")
    ] = ""


class Merge(_Words):
    """Into which report."""

    parent: Annotated[str, Field(max_length=40, description="code of the report that stays")]
    text: Annotated[
        str, Field(max_length=LONGEST_NOTE, description="its sender and the public read it")
    ] = ""


class Unmerge(_Words):
    """Why it is not the same."""

    text: Annotated[
        str, Field(max_length=LONGEST_NOTE, description="why: its sender and the public read it")
    ]


_MOVED: dict[int | str, dict[str, Any]] = {
    **documented(400, 401, 403, 404, 409, 412, 413, 415),
    200: {"model": WholeTask},
}


@router.get("/reports/similar", response_class=GeoJson, responses={200: {"model": AlikeCollection}})
async def similar_reports(asked: Annotated[Asked, Query()], conn: Read) -> Response:
    """Open reports that may be the same as what one is about to send, the likeliest first.

    Of the same family, within the category's radius and age. One whose place is shown only roughly
    is as far away as its place is shown.
    """
    found = await similar.before_sending(
        conn, asked.lon, asked.lat, asked.category, asked.text, datetime.now(UTC), asked.limit
    )
    return _private(found)


@router.get(
    "/tasks/{code}/similar",
    response_class=GeoJson,
    responses={**documented(401, 403, 404), 200: {"model": DeskCollection}},
)
async def similar_tasks(
    code: Code,
    conn: Read,
    account: Desk,
    limit: Annotated[int, Query(ge=1, le=100, description="how many at most")] = 20,
) -> Response:
    """Open reports of one's own ward or organisation that may be the same as this one."""
    report = await similar.opened(conn, code)
    require_within(account, report.ward_code, report.organisation_id, ward=report.ward)
    return _private(await similar.on_the_desk(conn, report, Scope.of(account), limit))


@router.post(
    "/reports/{code}/support",
    responses={
        **documented(400, 401, 403, 404, 409, 413, 415, 429),
        200: {"model": Supported},
    },
)
async def support_report(
    code: Code,
    request: Request,
    conn: Read,
    sender: Sender,
    secret: Secret,
    body: supporting.Support | None = None,
    token: Token = None,
) -> Response:
    """Say "me too" of an open report: once by device, or by a report of one's own.

    The device says which it is in `Pinward-Device`; with `report` in the body it is whoever has
    that report's secret. Once more is no harm, and changes nothing.
    """
    own = body.report if body else None
    voice = supporting.Voice(sender.device, secret, own)
    key, now = request.app.state.keys.secret, datetime.now(UTC)
    async with conn.begin():
        mark, counted = await supporting.check(conn, code, voice, key)
    if not counted:
        await admission.support(request, conn, sender, token, now=now)
    async with conn.begin():
        told = await supporting.support(conn, code, mark, now)
    return Response(
        packed(told), media_type="application/json", headers={"Cache-Control": "no-store"}
    )


@router.post("/tasks/{code}/merge", response_class=GeoJson, responses=_MOVED)
async def merge_report(body: Merge, at: Working) -> Response:
    """Merge a report into another that is open and of its family: it is a `duplicate` from then on,
    ends with that one, and is opened again with it.

    What was merged into it goes along. Both have to be of your ward or organisation.
    """
    said = acting.Said(body.text, body.inner)
    row = await merging.merge(at.work, at.code, body.parent, said, at.check, at.within)
    return await at.told(row)


@router.post("/tasks/{code}/unmerge", response_class=GeoJson, responses=_MOVED)
async def unmerge_report(body: Unmerge, at: Working) -> Response:
    """Let a duplicate stand on its own again, as it was before; no deadline of it ran meanwhile."""
    said = acting.Said(body.text, body.inner)
    row = await merging.unmerge(at.work, at.code, said, at.check)
    return await at.told(row)


def _private(features: list[dict[str, Any]]) -> Response:
    body = packed({"type": "FeatureCollection", "features": features})
    return Response(body, media_type=GEOJSON, headers={"Cache-Control": "no-store"})
