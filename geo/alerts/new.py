"""An alert as it is sent: a value that checks itself, before any database is asked."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal

import shapely
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from geo.errors import Invalid
from geo.reports.text import clean_text

LONGEST_HEADLINE = 160
LONGEST_DESCRIPTION = 4_000
MOST_VERTICES = 10_000
MOST_WARDS = 4_000
# Web maps end at 85.0511 degrees.
FARTHEST_LAT = 85

Kind = Literal["flood", "storm", "heat", "fire", "works", "other"]
Severity = Literal["extreme", "severe", "moderate", "minor"]
Urgency = Literal["immediate", "expected", "future", "past", "unknown"]
Certainty = Literal["observed", "likely", "possible", "unlikely", "unknown"]

# Two code points that XML cannot hold; CAP is XML.
_NOT_XML = re.compile("[\ufffe\uffff]")
# 1e-12 square degrees are 0.01 square metres.
_LEAST_AREA = 1e-12


def _cleaned(value: str, longest: int, one_line: bool) -> str:
    if _NOT_XML.search(value):
        raise ValueError("must not hold U+FFFE or U+FFFF")
    try:
        return clean_text(value, longest, one_line)
    except Invalid as error:
        raise ValueError(error.detail) from None


def _headline(value: str) -> str:
    return _cleaned(value, LONGEST_HEADLINE, one_line=True)


def _description(value: str) -> str:
    return _cleaned(value, LONGEST_DESCRIPTION, one_line=False)


def _time(value: Any) -> Any:
    # A bare number would be read as seconds since 1970; people who send one mean something else.
    if isinstance(value, datetime) or (
        isinstance(value, str) and not re.fullmatch(r"\s*[-+]?[0-9.]+\s*", value)
    ):
        return value
    raise ValueError("must be a time with its zone, e.g. 2026-10-05T18:00:00+07:00")


Time = Annotated[AwareDatetime, BeforeValidator(_time)]
Headline = Annotated[str, AfterValidator(_headline), Field(min_length=1, max_length=1_000)]
Description = Annotated[str, AfterValidator(_description), Field(min_length=1, max_length=20_000)]
Degrees = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-180, le=180)]
Position = Annotated[list[Degrees], Field(min_length=2, max_length=2)]
Ring = Annotated[list[Position], Field(min_length=4)]
Rings = Annotated[list[Ring], Field(min_length=1)]

_STRICT = ConfigDict(extra="forbid", frozen=True)


class Headlines(BaseModel):
    """The headline: Vietnamese always, English where there is one."""

    model_config = _STRICT

    vi: Headline
    en: Headline | None = None


class Descriptions(BaseModel):
    """What happens and what to do: Vietnamese always, English where there is one."""

    model_config = _STRICT

    vi: Description
    en: Description | None = None


class PolygonArea(BaseModel):
    """GeoJSON polygon, WGS 84, lon before lat: an outer ring, then its holes, each closed."""

    model_config = _STRICT

    type: Literal["Polygon"]
    coordinates: Rings

    def rings(self) -> Iterator[list[list[list[float]]]]:
        """The rings of each polygon."""
        yield self.coordinates


class MultiPolygonArea(BaseModel):
    """GeoJSON multipolygon, WGS 84, lon before lat."""

    model_config = _STRICT

    type: Literal["MultiPolygon"]
    coordinates: Annotated[list[Rings], Field(min_length=1)]

    def rings(self) -> Iterator[list[list[list[float]]]]:
        """The rings of each polygon."""
        yield from self.coordinates


Area = Annotated[PolygonArea | MultiPolygonArea, Field(discriminator="type")]


class NewAlert(BaseModel):
    """Body of `POST /api/v1/alerts`: where is told by `area` or by `wards`, not by both."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "kind": "flood",
                    "severity": "severe",
                    "headline": {"vi": "Triều cường, ngập trên 50 cm", "en": "High tide"},
                    "description": {"vi": "Không để xe dưới hầm từ 17 giờ đến 20 giờ."},
                    "wards": ["26743", "26740"],
                    "expires_at": "2026-10-05T21:00:00+07:00",
                }
            ]
        },
    )

    kind: Kind
    severity: Severity
    urgency: Urgency = "expected"
    certainty: Certainty = "likely"
    headline: Headlines
    description: Descriptions | None = None
    area: Area | None = None
    wards: (
        Annotated[
            list[Annotated[str, Field(min_length=1, max_length=20, pattern=r"^[0-9A-Za-z._-]+$")]],
            Field(min_length=1, max_length=MOST_WARDS, description="codes of GET /api/v1/wards"),
        ]
        | None
    ) = None
    effective_at: Time | None = Field(default=None, description="in force from; now when left out")
    expires_at: Time

    @field_validator("area")
    @classmethod
    def _drawn(cls, value: PolygonArea | MultiPolygonArea | None) -> Any:
        if value is not None:
            shape_of(value)
        return value

    @model_validator(mode="after")
    def _one_place(self) -> "NewAlert":
        if (self.area is None) == (self.wards is None):
            raise ValueError(
                "needs `area` (a GeoJSON polygon) or `wards` (ward codes): one of them"
            )
        return self


def shape_of(area: PolygonArea | MultiPolygonArea) -> shapely.MultiPolygon:
    """The area as a valid multipolygon, outer rings anticlockwise.

    Raises `ValueError`, saying where, on too many vertices, latitudes past 85, rings that are not
    closed, lines that cross themselves, or no area.
    """
    polygons = []
    n = sum(len(ring) for rings in area.rings() for ring in rings)
    if n > MOST_VERTICES:
        raise ValueError(
            f"has {n} vertices; at most {MOST_VERTICES} are taken: simplify it, or name the wards"
        )
    for rings in area.rings():
        for ring in rings:
            if ring[0] != ring[-1]:
                raise ValueError(
                    f"has a ring that is not closed: it begins at {_said(ring[0])} and ends at "
                    f"{_said(ring[-1])}; repeat the first position at its end"
                )
            if wrong := next((spot for spot in ring if abs(spot[1]) > FARTHEST_LAT), None):
                raise ValueError(
                    f"has a latitude past {FARTHEST_LAT} degrees, where the map ends, at "
                    f"{_said(wrong)}; the order is lon, lat"
                )
        polygons.append(shapely.Polygon(rings[0], rings[1:]))
    shape = shapely.MultiPolygon(polygons)
    if not shape.is_valid:
        raise ValueError(
            f"is no valid polygon: {shapely.is_valid_reason(shape)} (lon lat); "
            "its lines must not cross or overlap each other"
        )
    if shape.area < _LEAST_AREA:
        raise ValueError("covers nothing: its area is zero")
    return shapely.MultiPolygon([shapely.orient_polygons(part) for part in shape.geoms])


def _said(position: list[float]) -> str:
    return f"{position[0]:.6f}, {position[1]:.6f}"
