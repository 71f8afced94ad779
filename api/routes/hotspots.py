"""HTTP of hotspots: those of the newest runs or of a day, and one through its days."""

import json
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from api.addresses import next_page
from api.caching import cached
from api.errors import documented
from api.parameters import (
    BboxParam,
    CodesParam,
    DayParam,
    Page,
    TimeParam,
    decode_cursor,
    encode_cursor,
)
from api.schemas import GEOJSON, Time
from api.session import Read, ServiceSettings
from geo.errors import Invalid
from geo.hotspots import find
from geo.period import Period
from geo.store import hotspots as store
from geo.store.database import AnyRow

router = APIRouter(prefix="/api/v1/hotspots", tags=["hotspots"])

NOTE = {
    "vi": "Điểm nóng là nơi tỷ lệ phản ánh của một loại cao hơn hẳn so với xung quanh, sau khi gộp "
    "các phản ánh trùng và loại trừ ngẫu nhiên. Nơi ít phản ánh chưa chắc đã an toàn.",
    "en": "A hotspot is a place where a category's share of all reports stands out from the places "
    "around it, once repeats count once and chance is ruled out. Where few reports are made, "
    "silence is not safety.",
}


class Words(BaseModel):
    """In Vietnamese and in English."""

    vi: str
    en: str


class Confidence(Words):
    """How sure it is, in a word: the corrected p up to 0.0001, 0.01, 0.05, or above."""

    level: Literal["very_high", "high", "moderate", "weak"]


class NearBy(BaseModel):
    """A school or clinic near the hotspot's edge."""

    kind: str
    name: str | None
    distance_m: float


class HotspotProperties(BaseModel):
    """A hotspot as of a day."""

    id: Annotated[str, Field(description="the same from day to day", examples=["H-7K3M-9QXV"])]
    category: str
    family: str
    as_of: Annotated[date, Field(description="last day looked at")]
    since: Annotated[Time, Field(description="begin of the window looked at")]
    until: Annotated[Time, Field(description="its end, not included")]
    name: Words
    sentence: Annotated[Words, Field(description="what it says, ready to be read")]
    confidence: Confidence
    n: Annotated[int, Field(description="reports in it, of however many people")]
    events: Annotated[int, Field(description="what is left when repeats count once")]
    expected: Annotated[float, Field(description="events, from what people there report otherwise")]
    relative_risk: Annotated[float, Field(description="the category's odds here by those around")]
    risk_low: Annotated[float, Field(description="lower end of its 95 % interval")]
    risk_high: Annotated[float, Field(description="upper end")]
    p_value: Annotated[
        float,
        Field(description="chance of any such place on the whole map; corrected for all looked at"),
    ]
    scale_m: Annotated[float, Field(description="the distance at which it stood out most")]
    trend: Annotated[
        Literal["new", "sporadic", "intensifying", "diminishing", "persistent"] | None,
        Field(description="null: the history is too short to say"),
    ]
    months: Annotated[list[int], Field(description="calendar months it comes back in")]
    seen: Annotated[
        Literal["kept", "returned", "merged", "split", "new"],
        Field(description="how it comes to be here"),
    ]
    parents: Annotated[list[str], Field(description="ids it was merged or split from")]
    first_seen: Annotated[date, Field(description="the day that first had this hotspot")]
    last_seen: Annotated[Time, Field(description="end of the window it was last found in")]
    first_report_at: Time
    last_report_at: Time
    open_share: Annotated[float, Field(description="of its reports, 0 to 1")]
    ward: Annotated[str | None, Field(description="code of the ward its middle lies in")]
    near: Annotated[list[NearBy], Field(description="schools and clinics within 300 m")]
    area_m2: float


class Polygon(BaseModel):
    """GeoJSON polygon, WGS 84 lon before lat."""

    type: Literal["Polygon"]
    coordinates: list[list[list[float]]]


class HotspotFeature(BaseModel):
    """A hotspot as GeoJSON."""

    type: Literal["Feature"]
    id: str
    geometry: Polygon
    properties: HotspotProperties


class AnswerView(BaseModel):
    """What the hotspots of a category are taken from."""

    category: str
    as_of: date
    since: Time
    until: Time
    n_reports: Annotated[int, Field(description="reports looked at")]
    n_events: Annotated[int, Field(description="what is left when repeats count once")]
    n_left_out: Annotated[int, Field(description="artefacts: see /api/v1/hotspots/artefacts")]
    made_at: Time


class HotspotCollection(BaseModel):
    """Hotspots as GeoJSON, and the answers they are of; `next` is the following page or null."""

    type: Literal["FeatureCollection"]
    features: list[HotspotFeature]
    answers: list[AnswerView]
    note: Words
    next: str | None


class HotspotHistory(BaseModel):
    """One hotspot's days, the newest first."""

    type: Literal["FeatureCollection"]
    features: list[HotspotFeature]
    ended_on: Annotated[date | None, Field(description="the day that found it to be over")]
    into: Annotated[str | None, Field(description="the hotspot it went into then")]


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
            "that were there before and are fading (up to 0.20)"
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
    before = None
    if wanted.cursor:
        # whoever made up a larger number begins at the start; the column holds 63 bits
        before = max(-1, min(decode_cursor(wanted.cursor, int)[0], 2**63 - 1))
    answers, rows = await find.page(
        conn,
        categories=wanted.category,
        since=period.since if period else None,
        until=period.until if period else None,
        on=wanted.on,
        bbox=wanted.bbox,
        significant=bool(wanted.significant),
        limit=wanted.limit + 1,
        before_key=before,
    )
    page = rows[: wanted.limit]
    following = None
    headers = {}
    if len(rows) > wanted.limit:
        following = next_page(request, settings, encode_cursor(page[-1].key))
        headers["Link"] = f'<{following}>; rel="next"'
    body = {
        "type": "FeatureCollection",
        "features": [_feature(row) for row in page],
        "answers": [_answer(row) for row in answers],
        "note": NOTE,
        "next": following,
    }
    return cached(request, _packed(body), GEOJSON, "public, max-age=60", headers)


class ArtefactProperties(BaseModel):
    """Reports that say more of how they were recorded than of the city."""

    kind: Literal["default_location", "one_sender", "coarse_grid", "bulk_import"]
    n: Annotated[int, Field(description="reports")]
    left_out: Annotated[bool, Field(description="whether hotspots were looked for without them")]
    why: Words


class Point(BaseModel):
    """GeoJSON point, WGS 84 lon before lat."""

    type: Literal["Point"]
    coordinates: list[float]


class ArtefactFeature(BaseModel):
    """An artefact as GeoJSON; without a geometry where it is at no one place."""

    type: Literal["Feature"]
    geometry: Point | None
    properties: ArtefactProperties


class ArtefactCollection(BaseModel):
    """What was named as of the newest day, or of the one asked for."""

    type: Literal["FeatureCollection"]
    features: list[ArtefactFeature]
    as_of: date | None


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
        "features": [
            {
                "type": "Feature",
                "geometry": json.loads(row.geojson) if row.geojson else None,
                "properties": {
                    "kind": row.kind,
                    "n": row.n,
                    "left_out": row.left_out,
                    "why": row.why,
                },
            }
            for row in rows
        ],
        "as_of": day.isoformat() if day else None,
    }
    return cached(request, _packed(body), GEOJSON, "public, max-age=60")


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
        "features": [_feature(row) for row in rows if row.seen != "dormant"],
        "ended_on": end.as_of.isoformat() if end else None,
        "into": end.into_id if end else None,
    }
    return cached(request, _packed(body), GEOJSON, "public, max-age=60")


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
            "as_of": row.as_of.isoformat(),
            "since": _utc(row.since),
            "until": _utc(row.until),
            **{name: row.said[name] for name in ("name", "sentence", "confidence")},
            "n": row.n,
            "events": row.events,
            "expected": row.expected,
            "relative_risk": row.relative_risk,
            "risk_low": row.risk_low,
            "risk_high": row.risk_high,
            "p_value": row.p_value,
            "scale_m": row.scale_m,
            "trend": row.trend,
            "months": row.months,
            "seen": row.seen,
            "parents": row.parents,
            "first_seen": row.born_on.isoformat(),
            "last_seen": _utc(row.seen_until),
            "first_report_at": _utc(row.first_report_at),
            "last_report_at": _utc(row.last_report_at),
            "open_share": round(row.n_open / row.n, 4),
            "ward": row.ward_code,
            "near": row.near,
            "area_m2": row.area_m2,
        },
    }


def _answer(row: AnyRow) -> dict[str, Any]:
    return {
        "category": row.category_code,
        "as_of": row.as_of.isoformat(),
        "since": _utc(row.since),
        "until": _utc(row.until),
        "n_reports": row.n_reports,
        "n_events": row.n_events,
        "n_left_out": row.n_left_out,
        "made_at": _utc(row.made_at),
    }


def _packed(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _utc(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")
