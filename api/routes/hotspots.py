"""HTTP of hotspots."""

import json
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from api.addresses import next_page
from api.caching import cached
from api.parameters import BboxParam, CodesParam, Page, TimeParam, decode_cursor, encode_cursor
from api.schemas import GEOJSON
from api.session import Read, ServiceSettings
from geo.errors import Invalid
from geo.hotspots import find
from geo.period import Period
from geo.store.database import AnyRow

router = APIRouter(prefix="/api/v1/hotspots", tags=["hotspots"])

NOTE = {
    "vi": "Các điểm nóng này chỉ cho biết nơi có nhiều phản ánh gần nhau; "
    "chưa kiểm định xem có vượt mức ngẫu nhiên hay không.",
    "en": "These hotspots say where many reports lie near each other; "
    "whether that is more than chance is not tested yet.",
}


class HotspotProperties(BaseModel):
    """One dense group of reports. What is null has not been tested."""

    id: int
    category: str
    family: str
    n: Annotated[int, Field(description="reports in it")]
    since: Annotated[datetime, Field(description="begin of the period looked at")]
    until: Annotated[datetime, Field(description="its end, not included")]
    first_seen: Annotated[datetime, Field(description="its first report in the period")]
    last_seen: Annotated[datetime, Field(description="its last report in the period")]
    area_m2: float
    expected: Annotated[float | None, Field(description="reports chance would bring")] = None
    relative_risk: Annotated[float | None, Field(description="n / expected")] = None
    p_value: Annotated[float | None, Field(description="probability of so many by chance")] = None
    trend: Annotated[str | None, Field(description="new, sporadic, intensifying, …")] = None


class Polygon(BaseModel):
    """GeoJSON polygon, WGS 84 lon before lat."""

    type: Literal["Polygon"]
    coordinates: list[list[list[float]]]


class HotspotFeature(BaseModel):
    """A hotspot as GeoJSON."""

    type: Literal["Feature"]
    id: int
    geometry: Polygon
    properties: HotspotProperties


class RunView(BaseModel):
    """A run: one category's reports of a period, looked at with fixed parameters."""

    category: str
    since: datetime
    until: datetime
    eps_m: Annotated[float, Field(description="metres that join reports")]
    min_points: Annotated[int, Field(description="reports within them that make a place dense")]
    n_reports: int
    finished_at: datetime


class HotspotCollection(BaseModel):
    """Hotspots as GeoJSON, and the runs they come from; `next` is the following page or null."""

    type: Literal["FeatureCollection"]
    features: list[HotspotFeature]
    runs: list[RunView]
    note: dict[str, str]
    next: str | None


class Wanted(Page):
    """Which hotspots to list."""

    limit: Annotated[int, Field(ge=1, le=1000, description="how many at most")] = 500
    category: CodesParam = None
    period: Annotated[
        str | None,
        Field(
            max_length=100,
            description="`since/until` (RFC 3339): the newest run that looked at some of that "
            "time; without it the newest run of each category",
            examples=["2026-01-01T00:00:00Z/2026-04-01T00:00:00Z"],
        ),
    ] = None
    significant: Annotated[
        bool | None,
        Field(
            description="true: only hotspots whose p_value says they are more than chance; none "
            "does before it is tested. false or nothing: all"
        ),
    ] = None
    bbox: BboxParam = None


@router.get("", responses={200: {"model": HotspotCollection, "content": {GEOJSON: {}}}})
async def list_hotspots(
    wanted: Annotated[Wanted, Query()], request: Request, conn: Read, settings: ServiceSettings
) -> Response:
    """Hulls of the newest run's hotspots of each category; a family stands for its categories.

    This version finds density only: `expected`, `relative_risk`, `p_value` and `trend` are null,
    and `significant=true` finds nothing.
    """
    period = _period(wanted.period)
    before = None
    if wanted.cursor:
        # whoever made up a larger number begins at the start; the column holds 63 bits
        before = max(-1, min(decode_cursor(wanted.cursor, int)[0], 2**63 - 1))
    runs, rows = await find.page(
        conn,
        categories=wanted.category,
        since=period.since if period else None,
        until=period.until if period else None,
        bbox=wanted.bbox,
        limit=wanted.limit + 1,
        before_id=before,
    )
    if wanted.significant:
        rows = []
    page = rows[: wanted.limit]
    following = None
    headers = {}
    if len(rows) > wanted.limit:
        following = next_page(request, settings, encode_cursor(page[-1].id))
        headers["Link"] = f'<{following}>; rel="next"'
    body = {
        "type": "FeatureCollection",
        "features": [_feature(row) for row in page],
        "runs": [_run(run) for run in runs],
        "note": NOTE,
        "next": following,
    }
    packed = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return cached(request, packed, GEOJSON, "public, max-age=60", headers)


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
        raise Invalid(
            f"period {message}", errors=[{"field": "period", "message": message}]
        ) from error
    except Invalid as error:
        raise Invalid(
            error.detail, errors=[{"field": "period", "message": error.detail}]
        ) from error


def _feature(row: AnyRow) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": row.id,
        "geometry": json.loads(row.geojson),
        "properties": {
            "id": row.id,
            "category": row.category_code,
            "family": row.family,
            "n": row.n,
            "since": _utc(row.since),
            "until": _utc(row.until),
            "first_seen": _utc(row.first_report_at),
            "last_seen": _utc(row.last_report_at),
            "area_m2": row.area_m2,
            "expected": None,
            "relative_risk": None,
            "p_value": None,
            "trend": None,
        },
    }


def _run(row: AnyRow) -> dict[str, Any]:
    return {
        "category": row.category_code,
        "since": _utc(row.since),
        "until": _utc(row.until),
        "eps_m": row.eps_m,
        "min_points": row.min_points,
        "n_reports": row.n_reports,
        "finished_at": _utc(row.finished_at),
    }


def _utc(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")
