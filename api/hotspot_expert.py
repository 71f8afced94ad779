"""Experts' plain methods as they are answered: what each field means, and the whole body."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field

from api.hotspots import Polygon, Words
from api.schemas import Time
from geo.hotspots.expert.question import Method, Question
from geo.hotspots.expert.words import warning
from geo.reports.times import rfc3339


class ShapeProperties(BaseModel):
    """A cluster, drawn by its hull; or a cell of gi_star, and only that with `z` and p, q."""

    n: Annotated[int, Field(description="reports of the category in it")]
    z: Annotated[float | None, Field(description="local G*, as a normal deviate")] = None
    p_value: Annotated[
        float | None, Field(description="one-sided, of this cell alone, by the normal distribution")
    ] = None
    q_value: Annotated[
        float | None, Field(description="by Benjamini and Hochberg over all cells")
    ] = None


class ShapeFeature(BaseModel):
    """A shape as GeoJSON."""

    type: Literal["Feature"]
    geometry: Polygon
    properties: ShapeProperties


class Parameters(BaseModel):
    """The method's parameters as used, given or not, and the box."""

    eps_m: float | None = None
    min_points: int | None = None
    min_cluster_size: int | None = None
    cell_m: float | None = None
    alpha: float | None = None
    bbox: Annotated[
        list[float] | None, Field(description="west, south, east, north; null: the whole city")
    ]


class ExpertCollection(BaseModel):
    """Shapes of a plain method, the fullest or the most significant first. Read `warning`."""

    type: Literal["FeatureCollection"]
    features: list[ShapeFeature]
    method: Method
    parameters: Parameters
    category: str
    as_of: Annotated[date, Field(description="last day looked at")]
    since: Annotated[Time, Field(description="begin of the window looked at")]
    until: Annotated[Time, Field(description="its end, not included")]
    n_reports: Annotated[int, Field(description="reports of the category looked at")]
    n_cells: Annotated[
        int | None,
        Field(description="gi_star: hexagons with a report of any category; these are its city"),
    ]
    warning: Annotated[Words, Field(description="what the method gets wrong; show it")]


def body(
    question: Question,
    zone: ZoneInfo,
    features: Sequence[dict[str, Any]],
    n_reports: int,
    n_cells: int | None,
) -> dict[str, Any]:
    """The whole answer as it is told."""
    period, area = question.period(zone), question.area
    return {
        "type": "FeatureCollection",
        "features": features,
        "method": question.method,
        "parameters": {
            **question.parameters,
            "bbox": [area.west, area.south, area.east, area.north] if area else None,
        },
        "category": question.category,
        "as_of": question.as_of.isoformat(),
        "since": rfc3339(period.since),
        "until": rfc3339(period.until),
        "n_reports": n_reports,
        "n_cells": n_cells,
        "warning": warning(question.method),
    }
