"""HTTP of facilities: a list, and the nearest to a point."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.addresses import next_page
from api.caching import cached, packed
from api.parameters import (
    BboxParam,
    CodesParam,
    LatParam,
    LonParam,
    Page,
    PlainText,
    decode_key,
    encode_cursor,
)
from api.schemas import GEOJSON, Point
from api.session import Read, ServiceSettings
from geo.facilities import find
from geo.facilities.kinds import KINDS
from geo.store.database import AnyRow

router = APIRouter(prefix="/api/v1/facilities", tags=["facilities"])

_KEEP = "public, max-age=300"
KindsParam = Annotated[
    CodesParam,
    Field(
        description=f"one or several with commas, matched exactly: {', '.join(KINDS)}",
    ),
]


class FacilityProperties(BaseModel):
    """What is known of a facility; `name` is null where it has none."""

    id: int
    kind: str
    name: str | None
    address: str | None
    source: str
    distance_m: Annotated[float | None, Field(description="geodesic metres; on /nearby only")] = (
        None
    )


class FacilityFeature(BaseModel):
    """A facility as GeoJSON."""

    type: Literal["Feature"]
    id: int
    geometry: Point
    properties: FacilityProperties


class FacilityCollection(BaseModel):
    """Facilities as GeoJSON; `next` is the following page's address, or null."""

    type: Literal["FeatureCollection"]
    features: list[FacilityFeature]
    next: str | None = None


class Wanted(Page):
    """Which facilities to list."""

    kind: KindsParam = None
    bbox: BboxParam = None
    q: Annotated[
        PlainText | None,
        Field(max_length=100, description="part of the name; marks may be left out"),
    ] = None


class Spot(BaseModel):
    """A point, and how much to find around it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lon: LonParam
    lat: LatParam
    kind: KindsParam = None
    limit: Annotated[int, Field(ge=1, le=100, description="how many at most")] = 10
    radius_m: Annotated[
        float | None,
        Field(gt=0, le=100_000, allow_inf_nan=False, description="leave out farther ones"),
    ] = None


@router.get("", responses={200: {"model": FacilityCollection, "content": {GEOJSON: {}}}})
async def list_facilities(
    wanted: Annotated[Wanted, Query()], request: Request, conn: Read, settings: ServiceSettings
) -> Response:
    """Schools, clinics, hospitals and other places, the latest imported first.

    A kind matches exactly: `kind=school` has no kindergartens; ask for
    `kind=school,kindergarten,university`.
    """
    before = decode_key(wanted.cursor, bits=31) if wanted.cursor else None
    # One more than asked tells whether there is a next page.
    rows = await find.page(
        conn,
        kinds=wanted.kind or (),
        bbox=wanted.bbox,
        q=wanted.q,
        limit=wanted.limit + 1,
        before_id=before,
    )
    page = rows[: wanted.limit]
    cursor = encode_cursor(page[-1].id) if len(rows) > wanted.limit else None
    following, headers = next_page(request, settings, cursor)
    return _answer(request, page, _KEEP, headers, {"next": following})


@router.get("/nearby", responses={200: {"model": FacilityCollection, "content": {GEOJSON: {}}}})
async def nearby(spot: Annotated[Spot, Query()], request: Request, conn: Read) -> Response:
    """The facilities nearest to a point, nearest first, with `distance_m` in geodesic metres."""
    rows = await find.nearest(
        conn,
        spot.lon,
        spot.lat,
        kinds=spot.kind or (),
        limit=spot.limit,
        radius_m=spot.radius_m,
    )
    return _answer(request, rows, _KEEP, {}, {})


def _answer(
    request: Request,
    rows: Sequence[AnyRow],
    cache_control: str,
    headers: dict[str, str],
    more: dict[str, Any],
) -> Response:
    body = {"type": "FeatureCollection", "features": [_feature(row) for row in rows], **more}
    return cached(request, packed(body), GEOJSON, cache_control, headers)


def _feature(row: AnyRow) -> dict[str, Any]:
    properties = {
        "id": row.id,
        "kind": row.kind,
        "name": row.name,
        "address": row.address,
        "source": row.source,
    }
    if "distance_m" in row._fields:
        properties["distance_m"] = round(row.distance_m, 2)
    return {
        "type": "Feature",
        "id": row.id,
        "geometry": {"type": "Point", "coordinates": [row.lon, row.lat]},
        "properties": properties,
    }
