"""Beginnings as they are answered: what each field means, and rows as features."""

import json
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from api.hotspots import AnswerView, MultiPolygon, Words
from geo.store.database import AnyRow

NOTE = {
    "vi": "Nơi mà gần đây một loại sự việc xảy ra nhiều hơn hẳn so với nhịp thường ngày của chính "
    "nơi đó và của cả thành phố. Nơi có nhịp tuần riêng (khu văn phòng vào thứ Hai) có thể bị nhận "
    "nhầm; loại sự việc mới có trong thành phố, hoặc quá hiếm, thì cách này chưa nhận ra.",
    "en": "A place where a category has lately brought more events than this very place and the "
    "whole city usually do. A place with a weekly rhythm of its own (offices on a Monday) may be "
    "mistaken for one; a category that is new in the city, or very rare, is not seen this way.",
}


class BeginningProperties(BaseModel):
    """What began lately: more events in some places since a day than usual."""

    category: str
    family: str
    as_of: Annotated[date, Field(description="last day looked at")]
    since: Annotated[date, Field(description="the day it began")]
    level: Annotated[
        Literal["square", "ward"],
        Field(description="what it was found in: squares of 500 m, or wards"),
    ]
    name: Words
    sentence: Annotated[Words, Field(description="what it says, ready to be read")]
    observed: Annotated[int, Field(description="events since then; repeats count once")]
    expected: Annotated[
        float, Field(description="by these places' share of 90 days and the city's number of days")
    ]
    relative_risk: Annotated[float, Field(description="observed by expected, in by out")]
    p_value: Annotated[
        float,
        Field(
            description="chance of any such alarm in a run over a city where nothing began; told "
            "down to about 0.0125, so that most are alike"
        ),
    ]
    radius_m: Annotated[float, Field(description="from the middle to its farthest place's middle")]
    wards: Annotated[list[str], Field(description="codes of the wards it is in")]


class BeginningFeature(BaseModel):
    """A beginning as GeoJSON: the squares or wards it is in."""

    type: Literal["Feature"]
    geometry: MultiPolygon
    properties: BeginningProperties


class BeginningCollection(BaseModel):
    """What had begun, the most certain first, and the answers it is of."""

    type: Literal["FeatureCollection"]
    features: list[BeginningFeature]
    answers: list[AnswerView]
    note: Words


def feature(row: AnyRow) -> dict[str, Any]:
    """A row of beginnings as a GeoJSON feature."""
    return {
        "type": "Feature",
        "geometry": json.loads(row.geojson),
        "properties": {
            "category": row.category_code,
            "family": row.family,
            "as_of": row.as_of.isoformat(),
            "since": row.since.isoformat(),
            "level": row.level,
            **{name: row.said[name] for name in ("name", "sentence")},
            "observed": row.observed,
            "expected": row.expected,
            "relative_risk": row.relative_risk,
            "p_value": row.p_value,
            "radius_m": row.radius_m,
            "wards": row.ward_codes,
        },
    }
