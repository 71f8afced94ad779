"""HTTP of wards: dated boundaries, and whose ward a point is."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.addresses import next_page
from api.caching import cached, packed
from api.errors import documented
from api.parameters import (
    BboxParam,
    DayParam,
    LatParam,
    LonParam,
    Page,
    PlainText,
    decode_cursor,
    encode_cursor,
)
from api.schemas import GEOJSON, OrganisationBrief, WardBrief
from api.session import Read, ServiceSettings, Wards, today
from geo.store import wards as store
from geo.wards.directory import Ward
from geo.wards.search import ranked

router = APIRouter(prefix="/api/v1/wards", tags=["wards"])

_KEEP = "public, max-age=300"
Day = Annotated[DayParam, Field(description="the day asked about; default today")]


class Wanted(Page):
    """Which wards to list."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 200
    q: Annotated[PlainText | None, Field(max_length=100)] = None
    on: Day = None
    bbox: BboxParam = None


class NearWard(WardBrief):
    """Another ward that the circle of the given accuracy touches."""

    distance_m: float


class Responsible(WardBrief):
    """The ward responsible for a point, and who answers there."""

    match: Annotated[str, Field(description="covers, or nearest when just outside")]
    distance_m: float
    ambiguous_with: list[NearWard]
    organisation: OrganisationBrief | None


class Spot(BaseModel):
    """A point, how exactly it is known, and the day asked about."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lon: LonParam
    lat: LatParam
    on: Day = None
    accuracy_m: Annotated[float | None, Field(ge=0, le=10_000)] = None


@router.get("", responses={200: {"content": {GEOJSON: {}}}})
async def list_wards(
    wanted: Annotated[Wanted, Query()],
    request: Request,
    conn: Read,
    wards: Wards,
    settings: ServiceSettings,
) -> Response:
    """Wards in force on a day, by name, or by how well they match `q` (marks may be left out).

    With `Accept: application/geo+json` a FeatureCollection with simplified shapes.
    """
    found = ranked(wards.in_force(wanted.on or today(settings)), wanted.q)
    if wanted.bbox:
        parts = wanted.bbox.parts
        found = [item for item in found if any(_meets(item.ward.bbox, part) for part in parts)]
    if wanted.cursor:
        after = decode_cursor(wanted.cursor, int, str, str)
        found = [item for item in found if item.key > after]
    page, rest = found[: wanted.limit], found[wanted.limit :]
    following, headers = next_page(
        request, settings, encode_cursor(*page[-1].key) if rest else None
    )
    headers |= {"Vary": "Accept"}
    if GEOJSON in request.headers.get("accept", ""):
        shapes = await store.list_geometries(conn, [item.ward.id for item in page])
        features = [_feature(item.ward, shapes[item.ward.id]) for item in page]
        body = {"type": "FeatureCollection", "features": features, "next": following}
        return cached(request, packed(body), GEOJSON, _KEEP, headers)
    body = {"wards": [_listed(item.ward) for item in page], "next": following}
    return cached(request, packed(body), "application/json", _KEEP, headers)


@router.get("/at")
async def ward_at(
    spot: Annotated[Spot, Query()], wards: Wards, settings: ServiceSettings
) -> Responsible:
    """The ward responsible for a point; 422 `outside-coverage` where no ward is near."""
    day = spot.on or today(settings)
    answer = wards.at(spot.lon, spot.lat, day, spot.accuracy_m, settings.snap_m)
    ward = answer.ward
    others = [
        NearWard(code=other.code, name=other.name, kind=other.kind, distance_m=round(far, 1))
        for other, far in answer.ambiguous_with
    ]
    return Responsible(
        code=ward.code,
        name=ward.name,
        kind=ward.kind,
        match=answer.match,
        distance_m=round(answer.distance_m, 2),
        ambiguous_with=others,
        organisation=OrganisationBrief.model_validate(
            {
                "code": ward.organisation_code,
                "name": {"vi": ward.organisation_vi, "en": ward.organisation_en},
            }
        )
        if ward.organisation_code
        else None,
    )


@router.get(
    "/{code}",
    response_class=Response,
    responses={**documented(404), 200: {"content": {GEOJSON: {}}}},
)
async def one_ward(
    code: Annotated[str, Field(max_length=100)],
    request: Request,
    conn: Read,
    wards: Wards,
    settings: ServiceSettings,
    on: Annotated[DayParam, Query(description="the day asked about; default today")] = None,
) -> Response:
    """A ward with its full boundary as a GeoJSON Feature."""
    ward = wards.named(code, on or today(settings))
    geometry = await store.full_geometry(conn, ward.id)
    return cached(request, packed(_feature(ward, geometry)), GEOJSON, _KEEP)


def _listed(ward: Ward) -> dict[str, Any]:
    return {
        "code": ward.code,
        "name": ward.name,
        "name_en": ward.name_en,
        "kind": ward.kind,
        "set": ward.set_name,
        "city": ward.city,
        "valid_from": ward.valid_from.isoformat(),
        "valid_to": ward.valid_to.isoformat() if ward.valid_to else None,
        "center": ward.center,
        "bbox": [round(number, 7) for number in ward.bbox],
    }


def _feature(ward: Ward, geometry: str) -> dict[str, Any]:
    listed = _listed(ward)
    return {
        "type": "Feature",
        "id": ward.code,
        "bbox": listed.pop("bbox"),
        "geometry": json.loads(geometry),
        "properties": listed,
    }


def _meets(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] <= b[2] and a[2] >= b[0] and a[1] <= b[3] and a[3] >= b[1]
