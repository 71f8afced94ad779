"""HTTP of experts' plain methods: clusters and cells without the tests of a hotspot."""

from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from api.auth.rights import Action, may
from api.client import ClientGone, while_there
from api.errors import documented
from api.expert_desk import ExpertDesk
from api.hotspot_expert import ExpertCollection
from api.parameters import BboxParam, CodesParam, DayParam
from api.schemas import GEOJSON
from api.session import Read, ServiceSettings, today
from geo.errors import Invalid
from geo.hotspots import find
from geo.hotspots.expert.question import Method, Question
from geo.store import hotspot_inputs as inputs
from geo.store.database import AnyRow

router = APIRouter(prefix="/api/v1/hotspots", tags=["hotspots"])


class Asked(BaseModel):
    """A plain method, its own parameters, and what it looks at."""

    model_config = ConfigDict(extra="forbid")

    method: Method
    category: Annotated[
        CodesParam,
        WithJsonSchema(
            {
                "type": "string",
                "minLength": 1,
                "description": "exactly one; a family's code means reports of that code alone",
            }
        ),
    ]
    on: Annotated[
        DayParam, Field(description="last day looked at; nothing: the city's day today")
    ] = None
    bbox: BboxParam = None
    eps_m: Annotated[
        float | None,
        Field(ge=10, le=2000, description="dbscan: how far apart neighbours may be (100)"),
    ] = None
    min_points: Annotated[
        int | None,
        Field(ge=2, le=1000, description="dbscan: reports within eps_m that make a core (10)"),
    ] = None
    min_cluster_size: Annotated[
        int | None,
        Field(ge=5, le=1000, description="hdbscan: the fewest reports of a cluster (10)"),
    ] = None
    cell_m: Annotated[
        float | None,
        Field(ge=50, le=2000, description="gi_star: width of a hexagon across flats (200)"),
    ] = None
    alpha: Annotated[
        float | None,
        Field(gt=0, le=0.5, description="gi_star: the largest q_value that is answered (0.05)"),
    ] = None


async def _desk(request: Request) -> ExpertDesk:
    desk: ExpertDesk = request.app.state.experts
    return desk


@router.get(
    "/expert",
    responses={
        200: {"model": ExpertCollection, "content": {GEOJSON: {}}},
        **documented(401, 403, 503),
    },
)
async def expert(
    asked: Annotated[Asked, Query()],
    conn: Read,
    staff: Annotated[AnyRow, may(Action.ASK_EXPERT)],
    settings: ServiceSettings,
    desk: Annotated[ExpertDesk, Depends(_desk)],
    request: Request,
) -> Response:
    """Plain DBSCAN, HDBSCAN or Getis-Ord Gi* of one category in 90 days, for planners.

    Not hotspots: `warning` says what each method gets wrong, and is to be shown with the shapes.
    Reports are taken as they are: repeats are not counted once and artefacts are not left out;
    only merged duplicates, rejected and withdrawn reports are missing. Reports of blurred
    categories lie where the public sees them. Made when asked, never stored. Gi*'s city are the
    hexagons with a report of any category but hidden ones; with `bbox` it ends at its edges.
    """
    question = Question.of(
        asked.method,
        await _category(conn, asked.category),
        asked.on or today(settings),
        asked.bbox,
        eps_m=asked.eps_m,
        min_points=asked.min_points,
        min_cluster_size=asked.min_cluster_size,
        cell_m=asked.cell_m,
        alpha=asked.alpha,
    )
    if question.as_of > today(settings):
        raise Invalid.of("on", "must not lie ahead")
    try:
        period = question.period(ZoneInfo(settings.timezone))
    except Invalid as error:
        raise Invalid.of("on", error.detail) from error

    async def work() -> bytes:
        question.refuse_more(await inputs.count(conn, period, question.counted, question.area))
        # The process has a connection of its own; this one goes back, and holds no lock meanwhile.
        await conn.close()
        return await desk.ask(question)

    try:
        with desk.place():
            body = await while_there(work(), request.receive)
    except ClientGone:
        # Nobody reads it; the number is for the metrics.
        return Response(status_code=499)
    return Response(body, media_type=GEOJSON, headers={"Cache-Control": "private, no-store"})


async def _category(conn: Read, codes: tuple[str, ...] | None) -> str:
    if codes is None or len(codes) != 1:
        raise Invalid.of("category", f"must be exactly one; {len(codes or ())} were named")
    (code,) = codes
    await find.shown(conn, code)
    return code
