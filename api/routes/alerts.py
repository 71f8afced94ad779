"""HTTP of alerts: those in force, as GeoJSON or CAP; sending one and calling it off."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field, WithJsonSchema

from api.accepting import preferred
from api.addresses import next_page, public_base
from api.auth.rights import Action, may
from api.bodies import BoundedRoute
from api.caching import cached, packed
from api.errors import documented
from api.parameters import (
    BboxParam,
    CodesParam,
    DayParam,
    Page,
    TimeParam,
    decode_key,
    encode_cursor,
)
from api.schemas import GEOJSON, Time
from api.session import Read, ServiceSettings, Write
from geo.alerts import cap, find, sending
from geo.alerts.new import Certainty, Kind, NewAlert, Severity, Urgency
from geo.errors import Invalid
from geo.reports.times import rfc3339
from geo.store.database import AnyRow
from geo.store.tables.alerts import ALERT_KINDS

_GEOJSON_OR_CAP = {
    "content": {GEOJSON: {}, cap.MEDIA_TYPE: {"schema": {"type": "string", "format": "xml"}}}
}
_GEOJSON_OR_FEED = {
    "content": {GEOJSON: {}, cap.ATOM_TYPE: {"schema": {"type": "string", "format": "xml"}}}
}


class _Route(BoundedRoute):
    # ten thousand vertices at fifty bytes, and the texts
    largest = 1_000_000


router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"], route_class=_Route)

Id = Annotated[int, Path(ge=1, lt=2**31, description="from the list of alerts")]


class BothNames(BaseModel):
    """In Vietnamese, and in English where there is a translation."""

    vi: str
    en: str | None


class AlertProperties(BaseModel):
    """An alert. It is in force from `effective_at` until `expires_at` or `cancelled_at`."""

    id: int
    identifier: Annotated[str, Field(description="CAP's identifier of the message")]
    kind: Kind
    severity: Severity
    urgency: Urgency
    certainty: Certainty
    headline: BothNames
    description: BothNames | None
    area: Annotated[BothNames, Field(description="the area in words")]
    wards: Annotated[list[str], Field(description="codes of the wards it lies in")]
    sender: BothNames
    organisation: Annotated[str | None, Field(description="code of who sent it")]
    sent_at: Time
    effective_at: Time
    expires_at: Time
    cancelled_at: Time | None


class MultiPolygon(BaseModel):
    """GeoJSON multipolygon, WGS 84 lon before lat."""

    type: Literal["MultiPolygon"]
    coordinates: list[list[list[list[float]]]]


class AlertFeature(BaseModel):
    """An alert as a GeoJSON feature."""

    type: Literal["Feature"]
    id: int
    geometry: MultiPolygon
    properties: AlertProperties


class AlertCollection(BaseModel):
    """Alerts as GeoJSON, newest first; `next` is the following page's address, or null."""

    type: Literal["FeatureCollection"]
    features: list[AlertFeature]
    next: str | None


class Wanted(Page):
    """Which alerts to list: now in force, or at a time, or on a day of the city."""

    bbox: BboxParam = None
    at: TimeParam = None
    on: Annotated[
        DayParam, Field(description="in force at some time of this day; not together with `at`")
    ] = None
    kind: Annotated[
        CodesParam,
        WithJsonSchema(
            {
                "type": "string",
                "pattern": f"^({'|'.join(ALERT_KINDS)})(,({'|'.join(ALERT_KINDS)}))*$",
                "description": "one kind, or several with commas",
            }
        ),
    ] = None


@router.get("", responses={200: {"model": AlertCollection, **_GEOJSON_OR_FEED}})
async def list_alerts(
    wanted: Annotated[Wanted, Query()], request: Request, conn: Read, settings: ServiceSettings
) -> Response:
    """Alerts in force, newest first: GeoJSON, or by `Accept: application/cap+xml` CAP 1.2.

    A CAP document holds one alert, so the list is an Atom feed with a CAP document in each entry;
    `/api/v1/alerts/{id}` answers with the document alone.
    """
    unknown = [kind for kind in wanted.kind or () if kind not in ALERT_KINDS]
    if unknown:
        message = f"unknown: {', '.join(unknown)}; known are {', '.join(ALERT_KINDS)}"
        raise Invalid.of("kind", message)
    before = decode_key(wanted.cursor, bits=31) if wanted.cursor else None
    now = datetime.now(UTC)
    rows = await find.page(
        conn,
        now,
        at=wanted.at,
        on=wanted.on,
        timezone=settings.timezone,
        kinds=wanted.kind or (),
        bbox=wanted.bbox,
        limit=wanted.limit + 1,
        before_id=before,
    )
    page = rows[: wanted.limit]
    cursor = encode_cursor(page[-1].id) if len(rows) > wanted.limit else None
    following, headers = next_page(request, settings, cursor)
    headers |= {"Vary": "Accept"}
    offered = (GEOJSON, cap.MEDIA_TYPE, cap.ATOM_TYPE)
    if preferred(request.headers.get("accept"), offered) != GEOJSON:
        address = f"{public_base(request, settings)}{request.url.path}"
        if request.url.query:
            address += f"?{request.url.query}"
        title = f"Cảnh báo · Alerts · {settings.city}"
        body = cap.feed(page, settings.timezone, address, title, now)
        return cached(request, body, cap.ATOM_TYPE, headers=headers)
    body = packed({"type": "FeatureCollection", "features": _features(page), "next": following})
    return cached(request, body, GEOJSON, headers=headers)


@router.post(
    "",
    status_code=201,
    responses={
        **documented(400, 401, 403, 413, 415),
        201: {"model": AlertFeature, "content": {GEOJSON: {}}},
    },
)
async def send_alert(
    new: NewAlert,
    request: Request,
    account: Annotated[AnyRow, may(Action.SEND_ALERT)],
    conn: Write,
    settings: ServiceSettings,
) -> Response:
    """Warn the people in an area (officers of a ward, planners, administrators).

    An officer of a ward warns that ward only.
    """
    host = urlsplit(public_base(request, settings)).netloc
    alert_id = await sending.send(
        conn,
        new,
        account,
        datetime.now(UTC),
        timezone=settings.timezone,
        city=settings.city,
        host=host,
    )
    made = _feature(await find.one(conn, alert_id))
    return Response(
        packed(made),
        status_code=201,
        media_type=GEOJSON,
        headers={"Location": f"/api/v1/alerts/{alert_id}", "Cache-Control": "no-store"},
    )


@router.get(
    "/{alert_id}", responses={**documented(404), 200: {"model": AlertFeature, **_GEOJSON_OR_CAP}}
)
async def read_alert(
    alert_id: Id, request: Request, conn: Read, settings: ServiceSettings
) -> Response:
    """One alert, also when it is over: GeoJSON, or by `Accept: application/cap+xml` CAP 1.2.

    A cancelled one is a CAP message of type `Cancel` that refers to the first.
    """
    found = await find.one(conn, alert_id)
    headers = {"Vary": "Accept"}
    if preferred(request.headers.get("accept"), (GEOJSON, cap.MEDIA_TYPE)) == GEOJSON:
        return cached(request, packed(_feature(found)), GEOJSON, headers=headers)
    return cached(request, cap.document(found, settings.timezone), cap.MEDIA_TYPE, headers=headers)


@router.post(
    "/{alert_id}/cancel",
    responses={
        **documented(401, 403, 404, 409),
        200: {"model": AlertFeature, "content": {GEOJSON: {}}},
    },
)
async def cancel_alert(
    alert_id: Id,
    account: Annotated[AnyRow, may(Action.CANCEL_ALERT)],
    conn: Write,
    settings: ServiceSettings,
) -> Response:
    """Call an alert off; twice is fine, after its end is 409."""
    now = datetime.now(UTC)
    await sending.cancel(conn, alert_id, account, now, timezone=settings.timezone)
    made = _feature(await find.one(conn, alert_id))
    return Response(packed(made), media_type=GEOJSON, headers={"Cache-Control": "no-store"})


def _features(rows: Sequence[AnyRow]) -> list[dict[str, Any]]:
    return [_feature(row) for row in rows]


def _feature(row: AnyRow) -> dict[str, Any]:
    description = None
    if row.description_vi is not None:
        description = {"vi": row.description_vi, "en": row.description_en}
    return {
        "type": "Feature",
        "id": row.id,
        "geometry": json.loads(row.geojson),
        "properties": {
            "id": row.id,
            "identifier": str(row.identifier),
            "kind": row.kind,
            "severity": row.severity,
            "urgency": row.urgency,
            "certainty": row.certainty,
            "headline": {"vi": row.headline_vi, "en": row.headline_en},
            "description": description,
            "area": {"vi": row.area_vi, "en": row.area_en},
            "wards": row.ward_codes,
            "sender": {"vi": row.sender_vi, "en": row.sender_en},
            "organisation": row.organisation_code,
            "sent_at": _utc(row.sent_at),
            "effective_at": _utc(row.effective_at),
            "expires_at": _utc(row.expires_at),
            "cancelled_at": _utc(row.cancelled_at),
        },
    }


def _utc(value: datetime | None) -> str | None:
    return rfc3339(value) if value else None
