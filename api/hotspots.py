"""Hotspots as they are answered: what each field means, and rows as features."""

import json
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from api.schemas import Time
from geo.reports.times import rfc3339
from geo.store.database import AnyRow

NOTE = {
    "vi": "Điểm nóng là nơi tỷ lệ phản ánh của một loại cao hơn hẳn so với xung quanh, sau khi gộp "
    "các phản ánh trùng và loại trừ yếu tố ngẫu nhiên. Nơi ít phản ánh chưa chắc đã an toàn.",
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


class Compared(BaseModel):
    """A place's events beside what people there report otherwise."""

    n: Annotated[int, Field(description="reports in it, of however many people")]
    events: Annotated[int, Field(description="what is left when repeats count once")]
    expected: Annotated[float, Field(description="events, from what people there report otherwise")]
    relative_risk: Annotated[float, Field(description="the category's odds here by those around")]
    risk_low: Annotated[float, Field(description="lower end of its 95 % interval")]
    risk_high: Annotated[float, Field(description="upper end")]


class HotspotProperties(Compared):
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
    p_value: Annotated[
        float,
        Field(description="chance of any such place on the whole map; corrected for all looked at"),
    ]
    scale_m: Annotated[float, Field(description="the distance at which it stood out most")]
    trend: Annotated[
        Literal["new", "sporadic", "intensifying", "diminishing", "persistent"] | None,
        Field(
            description="null: no class shows, the history is too short, or too little else is "
            "reported around to compare with"
        ),
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


class MultiPolygon(BaseModel):
    """GeoJSON multipolygon, WGS 84 lon before lat."""

    type: Literal["MultiPolygon"]
    coordinates: list[list[list[list[float]]]]


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


def feature(row: AnyRow) -> dict[str, Any]:
    """A row of `geo.hotspots.find` as a GeoJSON feature."""
    return {
        "type": "Feature",
        "id": row.id,
        "geometry": json.loads(row.geojson),
        "properties": {
            "id": row.id,
            "category": row.category_code,
            "family": row.family,
            "as_of": row.as_of.isoformat(),
            "since": rfc3339(row.since),
            "until": rfc3339(row.until),
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
            "last_seen": rfc3339(row.seen_until),
            "first_report_at": rfc3339(row.first_report_at),
            "last_report_at": rfc3339(row.last_report_at),
            "open_share": round(row.n_open / row.n, 4),
            "ward": row.ward_code,
            "near": row.near,
            "area_m2": row.area_m2,
        },
    }


def answer(row: AnyRow) -> dict[str, Any]:
    """A row of answers as it is told."""
    return {
        "category": row.category_code,
        "as_of": row.as_of.isoformat(),
        "since": rfc3339(row.since),
        "until": rfc3339(row.until),
        "n_reports": row.n_reports,
        "n_events": row.n_events,
        "n_left_out": row.n_left_out,
        "made_at": rfc3339(row.made_at),
    }


def artefact(row: AnyRow) -> dict[str, Any]:
    """A row of artefacts as a GeoJSON feature."""
    return {
        "type": "Feature",
        "geometry": json.loads(row.geojson) if row.geojson else None,
        "properties": {"kind": row.kind, "n": row.n, "left_out": row.left_out, "why": row.why},
    }
