"""Tasks as the staff are shown them, for the OpenAPI document."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, WithJsonSchema

from api.parameters import CodesParam
from api.schemas import CategoryBrief, Name, OrganisationBrief, Photo, Point, Time, WardBrief
from geo.store.tables.reports import OPEN_STATUSES


def _open(value: tuple[str, ...] | None) -> tuple[str, ...] | None:
    for status in value or ():
        if status not in OPEN_STATUSES:
            raise ValueError(f"tasks are {', '.join(OPEN_STATUSES)}; {status!r} is none of these")
    return value


def _priorities(value: tuple[str, ...] | None) -> tuple[int, ...] | None:
    for each in value or ():
        if each not in ("1", "2", "3"):
            raise ValueError(f"priorities are 1, 2 and 3; {each!r} is none of these")
    return tuple(int(each) for each in value) if value else None


OpenStatusesParam = Annotated[
    CodesParam,
    AfterValidator(_open),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": f"^({'|'.join(OPEN_STATUSES)})(,({'|'.join(OPEN_STATUSES)}))*$",
            "description": "one status of a task, or several with commas",
        }
    ),
]
PrioritiesParam = Annotated[
    CodesParam,
    AfterValidator(_priorities),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^[123](,[123])*$",
            "description": "1 at once, 2 as usual, 3 when there is time; several with commas",
        }
    ),
]


class Holder(BaseModel):
    """Who of the staff has it in hand."""

    mine: bool
    name: str


class Escalated(BaseModel):
    """What was told of two promises: 1, that four fifths of the time are over; 2, that all is."""

    first_reply: Annotated[int, Field(ge=0, le=2)]
    resolve: Annotated[int, Field(ge=0, le=2)]


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
    first_due_at: Annotated[Time | None, Field(description="until when to be answered at first")]
    replied_at: Annotated[Time | None, Field(description="when that was; null: not yet")]
    escalated: Escalated
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


class Way(BaseModel):
    """The line of a round trip, there and back."""

    class Line(BaseModel):
        """GeoJSON line, WGS 84 lon before lat."""

        type: Literal["LineString"]
        coordinates: list[list[float]]

    class Lengths(BaseModel):
        """Geodesic metres: of all of it, and from the last stop back."""

        length_m: float
        back_m: float

    type: Literal["Feature"]
    geometry: Line
    properties: Lengths


class StopProperties(TaskProperties):
    """The `stop`th of a trip, and the geodesic metres from the one before."""

    stop: int
    leg_m: float


class Stop(BaseModel):
    """A task on a trip."""

    type: Literal["Feature"]
    id: str
    geometry: Point
    properties: StopProperties


class Trip(BaseModel):
    """A round trip: its line, then its stops in their order."""

    type: Literal["FeatureCollection"]
    features: list[Way | Stop]


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


class TaskEvent(BaseModel):
    """A line of the history; not `public`: for the staff alone; `by`: whoever of the staff did."""

    at: Time
    kind: str
    text: Name
    public: bool
    by: str | None
    data: dict[str, Any]


class WholeProperties(TaskProperties):
    """All of a report, whatever its status."""

    status: str  # type: ignore[assignment]
    resolved_at: Time | None
    closed_at: Time | None
    observed_at: Time | None
    accuracy_m: float | None
    answers: dict[str, Any]
    reasons: Annotated[list[Name], Field(description="why it landed here")]
    channel: str
    supports: Annotated[int, Field(description="how many said: me too")]
    reopened: int
    rating: Annotated[int | None, Field(description="by its sender, 1 to 5")]
    duplicate_of: Annotated[str | None, Field(description="code of the report it repeats")]
    withheld: Literal["review", "hidden"] | None
    allowed: Annotated[list[str], Field(description="moves that you may make now")]
    events: list[TaskEvent]


class WholeTask(BaseModel):
    """A report as whoever works on it sees it, as a GeoJSON feature."""

    type: Literal["Feature"]
    id: str
    geometry: Point
    properties: WholeProperties
