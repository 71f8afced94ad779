"""Shapes that several answers share, for the OpenAPI document."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

GEOJSON = "application/geo+json"


class Name(BaseModel):
    """What people read, in both languages."""

    vi: str
    en: str


class Link(BaseModel):
    """A link beside an answer (RFC 8288 relation)."""

    rel: str
    href: str
    type: str


class Point(BaseModel):
    """GeoJSON point, WGS 84 lon before lat."""

    type: Literal["Point"]
    coordinates: Annotated[list[float], Field(min_length=2, max_length=2)]


class WardBrief(BaseModel):
    """A ward where it is named beside something else."""

    code: str
    name: str
    kind: str


class OrganisationBrief(BaseModel):
    """Who answers for a report."""

    code: str
    name: Name


class CategoryBrief(BaseModel):
    """What a report is about."""

    code: str
    name: Name
    icon: str
