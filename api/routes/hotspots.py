"""HTTP of hotspots: those of the newest runs or of a day, and one through its days."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from api import hotspot_beginnings
from api.addresses import next_page
from api.caching import cached, packed
from api.errors import documented
from api.hotspots import (
    NOTE,
    ArtefactCollection,
    HotspotCollection,
    HotspotHistory,
    answer,
    artefact,
    feature,
)
from api.parameters import (
    BboxParam,
    CodesParam,
    DayParam,
    Page,
    TimeParam,
    decode_key,
    encode_cursor,
)
from api.schemas import GEOJSON
from api.session import Read, ServiceSettings
from geo.errors import Invalid
from geo.hotspots import find
from geo.period import Period
from geo.store import hotspots as store

router = APIRouter(prefix="/api/v1/hotspots", tags=["hotspots"])


class Wanted(Page):
    """Which hotspots to list."""

    limit: Annotated[int, Field(ge=1, le=1000, description="how many at most")] = 500
    category: CodesParam = None
    on: Annotated[DayParam, Field(description="what was said as of this day")] = None
    period: Annotated[
        str | None,
        Field(
            max_length=100,
            description="`since/until` (RFC 3339): the newest answer that looked at some of that "
            "time; without it the newest answer of each category",
            examples=["2026-01-01T00:00:00Z/2026-04-01T00:00:00Z"],
        ),
    ] = None
    significant: Annotated[
        bool | None,
        Field(
            description="true: only those with p_value up to 0.05; false or nothing: also those "
            "that were there before and are uncertain now (up to 0.20)"
        ),
    ] = None
    bbox: BboxParam = None


@router.get("", responses={200: {"model": HotspotCollection, "content": {GEOJSON: {}}}})
async def list_hotspots(
    wanted: Annotated[Wanted, Query()], request: Request, conn: Read, settings: ServiceSettings
) -> Response:
    """Hulls of each category's hotspots in its newest answer, or in that of a day.

    A family stands for its categories. Hidden categories are not listed, blurred ones are found
    where the public sees their reports.
    """
    period = _period(wanted.period)
    answers, rows = await find.page(
        conn,
        categories=wanted.category,
        since=period.since if period else None,
        until=period.until if period else None,
        on=wanted.on,
        bbox=wanted.bbox,
        significant=bool(wanted.significant),
        limit=wanted.limit + 1,
        before_key=decode_key(wanted.cursor) if wanted.cursor else None,
    )
    page = rows[: wanted.limit]
    cursor = encode_cursor(page[-1].key) if len(rows) > wanted.limit else None
    following, headers = next_page(request, settings, cursor)
    body = {
        "type": "FeatureCollection",
        "features": [feature(row) for row in page],
        "answers": [answer(row) for row in answers],
        "note": NOTE,
        "next": following,
    }
    return cached(request, packed(body), GEOJSON, "public, max-age=60", headers)


class Began(BaseModel):
    """Which beginnings to list."""

    model_config = ConfigDict(extra="forbid")

    category: CodesParam = None
    on: Annotated[DayParam, Field(description="what was said as of this day")] = None
    bbox: BboxParam = None


@router.get(
    "/beginnings",
    responses={200: {"model": hotspot_beginnings.BeginningCollection, "content": {GEOJSON: {}}}},
)
async def beginnings(wanted: Annotated[Began, Query()], request: Request, conn: Read) -> Response:
    """What began somewhere in the last 14 days, by the space-time permutation scan.

    Looked for by night in squares of 500 m and in wards. Hidden categories are not told.
    """
    answers, rows = await find.beginnings(
        conn, categories=wanted.category, on=wanted.on, bbox=wanted.bbox
    )
    body = {
        "type": "FeatureCollection",
        "features": [hotspot_beginnings.feature(row) for row in rows],
        "answers": [answer(row) for row in answers],
        "note": hotspot_beginnings.NOTE,
    }
    return cached(request, packed(body), GEOJSON, "public, max-age=60")


class Day(BaseModel):
    """Which day is meant."""

    model_config = ConfigDict(extra="forbid")

    on: Annotated[DayParam, Field(description="what was said as of this day")] = None


@router.get("/artefacts", responses={200: {"model": ArtefactCollection, "content": {GEOJSON: {}}}})
async def artefacts(wanted: Annotated[Day, Query()], request: Request, conn: Read) -> Response:
    """What looks like a hotspot and is a habit of recording: named, and why."""
    day, rows = await store.artefacts(conn, wanted.on)
    body = {
        "type": "FeatureCollection",
        "features": [artefact(row) for row in rows],
        "as_of": day.isoformat() if day else None,
    }
    return cached(request, packed(body), GEOJSON, "public, max-age=60")


one = APIRouter(prefix="/api/v1/hotspots", tags=["hotspots"])


@one.get(
    "/{id}",
    responses={200: {"model": HotspotHistory, "content": {GEOJSON: {}}}, **documented(404)},
)
async def through_time(
    request: Request,
    conn: Read,
    id: Annotated[str, Path(pattern=r"^H-[0-9A-Z]{4}-[0-9A-Z]{4}$", examples=["H-7K3M-9QXV"])],
) -> Response:
    """One hotspot as of each day that had it, the newest first."""
    rows, end = await find.through_time(conn, id)
    body = {
        "type": "FeatureCollection",
        "features": [feature(row) for row in rows if row.seen != "dormant"],
        "ended_on": end.as_of.isoformat() if end else None,
        "into": end.into_id if end else None,
    }
    return cached(request, packed(body), GEOJSON, "public, max-age=60")


_time: TypeAdapter[datetime | None] = TypeAdapter(TimeParam)


def _period(text: str | None) -> Period | None:
    if not text:
        return None
    message = "must be since/until, both with a zone: 2026-01-01T00:00:00Z/2026-04-01T00:00:00Z"
    since, mark, until = text.partition("/")
    try:
        ends = _time.validate_python(since), _time.validate_python(until)
        if not mark or ends[0] is None or ends[1] is None:
            raise ValueError(message)
        return Period(ends[0], ends[1])
    except (ValidationError, ValueError) as error:
        raise Invalid.of("period", message) from error
    except Invalid as error:
        raise Invalid(
            error.detail, errors=[{"field": "period", "message": error.detail}]
        ) from error
