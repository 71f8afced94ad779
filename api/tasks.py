"""Tasks as the staff are shown them, for the OpenAPI document."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from api.schemas import CategoryBrief, Name, OrganisationBrief, Photo, Point, Time, WardBrief


class Holder(BaseModel):
    """Who of the staff has it in hand."""

    mine: bool
    name: str


class TaskProperties(BaseModel):
    """What is told of a task."""

    code: str
    version: Annotated[str, Field(description="for `If-Match`: another one after each event")]
    status: Literal["received", "assigned", "in_progress", "waiting"]
    priority: Annotated[int, Field(description="1 at once, 2 as usual, 3 when there is time")]
    category: CategoryBrief
    photo_wanted: Annotated[bool, Field(description="resolving it wants a photo")]
    text: str
    created_at: Time
    due_at: Time | None
    late: Annotated[bool, Field(description="its time is over, and it does not wait")]
    waits_since: Time | None
    holder: Holder | None
    ward: WardBrief | None
    organisation: OrganisationBrief | None
    public: Annotated[bool, Field(description="the public sees it, at its exact place")]
    photos: list[Photo]


class NearProperties(TaskProperties):
    """With how far it is from where was asked."""

    distance_m: Annotated[float, Field(description="geodesic metres, as the crow flies")]


class NearTask(BaseModel):
    """A task as a GeoJSON feature."""

    type: Literal["Feature"]
    id: str
    geometry: Point
    properties: NearProperties


class NearTasks(BaseModel):
    """Tasks in the order that was asked for."""

    type: Literal["FeatureCollection"]
    features: list[NearTask]


class TaskRow(TaskProperties):
    """A line of the desk's inbox."""

    lon: float
    lat: float
    reasons: Annotated[list[Name], Field(description="why it landed here")]


class Inbox(BaseModel):
    """A page of the inbox; `next` is the following page's address, or null."""

    tasks: list[TaskRow]
    next: str | None
    counts: "Counts | None" = None


class Counts(BaseModel):
    """Of all that was asked for, whatever the page."""

    open: int
    late: int
    status: dict[str, int]
