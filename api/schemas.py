"""Shapes that several answers share, for the OpenAPI document."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

GEOJSON = "application/geo+json"


class GeoJson(JSONResponse):
    """As `response_class`: the route answers with GeoJSON."""

    media_type = GEOJSON


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


Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""RFC 3339, UTC."""


class ReportWard(WardBrief):
    """The ward a report was given to."""

    class Near(WardBrief):
        """Another ward the point may lie in, as exactly as it is known."""

        distance_m: float

    match: Literal["covers", "nearest"]
    distance_m: float
    ambiguous_with: list[Near]


class ReportReceipt(BaseModel):
    """The answer to a report; `secret` is shown here only and proves it is one's own."""

    code: str
    secret: str
    tracking_url: str
    status: str
    ward: ReportWard
    organisation: OrganisationBrief | None
    reasons: list[Name]
    due_at: Time | None
    mine: Annotated[
        bool | None,
        Field(description="asked for by `Pinward-Mine`: whether it is kept as the citizen's own"),
    ] = None


class Photo(BaseModel):
    """A photo of a report; `url` is a path here, and needs the secret if the report does."""

    n: int
    media_type: Annotated[str | None, Field(description="of what is no photo: video/mp4")] = None
    width: int
    height: int
    url: str
    still: Annotated[str | None, Field(description="of a video: a picture of it")] = None


class StaffPhoto(Photo):
    """A photo as the staff sees it."""

    hidden: Annotated[bool, Field(description="shown to the reporter and the staff alone")]


class Upload(BaseModel):
    """A photo or video, cleaned: `id` goes into `photos` of a report, once, until `expires_at`."""

    id: str
    media_type: str
    width: int
    height: int
    expires_at: Time


class ReportProperties(BaseModel):
    """What the public may know of a report; the members after `flags` are not in lists."""

    code: str
    category: CategoryBrief
    text: str
    status: str
    kind: Literal["incident", "suggestion"]
    channel: str
    created_at: Time
    updated_at: Time
    observed_at: Time | None
    due_at: Time | None
    resolved_at: Annotated[Time | None, Field(description="when it was done, or refused")]
    closed_at: Time | None
    ward: Annotated[
        WardBrief | None,
        Field(
            description="the ward that answers for it: an open report's may be changed by a "
            "reform, a closed one keeps the ward of its day"
        ),
    ]
    ward_today: Annotated[
        WardBrief | None,
        Field(description="the ward of today that its place is in, derived after each reform"),
    ]
    organisation: OrganisationBrief | None
    blurred: Annotated[bool, Field(description="the point is moved by up to some 100 m")]
    source: str | None
    flags: list[str]
    edited_at: Annotated[Time | None, Field(description="when the city last edited the text")]
    photos: list[Photo]
    supports: Annotated[int, Field(ge=0, description='how many said "me too"')]
    duplicate_of: Annotated[
        str | None,
        Field(description="code of the report that stands for this one, if it is public"),
    ]
    erased: Annotated[bool, Field(description="the text is gone; what stands there says why")]
    reasons: list[Name] | None = None
    mine: Annotated[bool, Field(description="the reporter's own view, by the secret")] | None = None
    erased_at: Time | None = None
    allowed: Annotated[
        list[str] | None,
        Field(
            description="what its reporter may do now: some of correct, position, add, withdraw, "
            "confirm, reopen, rate, contact, erase"
        ),
    ] = None
    correctable_until: Time | None = None
    accuracy_m: float | None = None
    answers: dict[str, Any] | None = None
    reporter: dict[str, str] | None = None
    rating: Annotated[int | None, Field(description="the reporter's, 1 to 5")] = None
    visibility: Literal["public", "blurred", "hidden"] | None = None
    match: Literal["covers", "nearest"] | None = None
    distance_m: float | None = None
    ambiguous_with: list[str] | None = None


class ReportFeature(BaseModel):
    """A report as a GeoJSON feature."""

    type: Literal["Feature"]
    id: str
    geometry: Point
    properties: ReportProperties


class ReportCollection(BaseModel):
    """A page of reports, newest first; `links` holds `self` and, unless it is the last, `next`."""

    type: Literal["FeatureCollection"]
    features: list[ReportFeature]
    links: list[Link]
    next: str | None


class ReportEvent(BaseModel):
    """One line of a report's history."""

    at: Time
    kind: str
    text: Name


class ReportEvents(BaseModel):
    """A report's history, oldest first."""

    events: list[ReportEvent]


class Question(BaseModel):
    """Something a category asks for besides the text."""

    class Value(BaseModel):
        """One of the answers to choose from."""

        code: str
        text: Name

    code: str
    type: Literal["text", "singlevaluelist", "number"]
    required: bool
    text: Name
    values: list[Value] | None = None


class Category(BaseModel):
    """What a report can be about; `deadlines` are `first_reply_h` and `resolve_days`."""

    code: str
    name: Name
    icon: str
    visibility: Literal["public", "blurred", "hidden"]
    questions: list[Question]
    deadlines: dict[str, int]
    children: list["Category"]


class CategoryTree(BaseModel):
    """All categories that citizens can choose."""

    categories: list[Category]
