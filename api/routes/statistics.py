"""HTTP of statistics: the numbers of the service by ward, organisation, category and period."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from api.caching import cached
from api.parameters import (
    CodesParam,
    DayParam,
    KindParam,
    StatusesParam,
    TimeParam,
    WardsParam,
)
from api.schemas import CategoryBrief, Name, WardBrief
from api.session import ServiceSettings, Snapshot, today
from geo.errors import Invalid
from geo.reports import statistics
from geo.reports.reading import ReportFilter

router = APIRouter(prefix="/api/v1", tags=["statistics"])

_CSV = "text/csv"
_ONE = f"({'|'.join(statistics.MEMBERS)})"


def _members(value: tuple[str, ...] | None) -> tuple[str, ...]:
    by = value or ("ward",)
    try:
        statistics.check_members(by)
    except Invalid as error:
        raise ValueError(error.errors[0]["message"]) from None
    return by


ByParam = Annotated[
    CodesParam,
    AfterValidator(_members),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": f"^{_ONE}(,{_ONE})?$",
            "default": "ward",
            "description": "what rows are by: one, or two different ones with a comma",
        }
    ),
]


class Wanted(BaseModel):
    """Which reports are counted, and by what; what is misspelt is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    by: ByParam = ("ward",)
    wards: WardsParam = "then"
    ward: CodesParam = None
    on: Annotated[DayParam, Field(description="the day `ward` is of; default today")] = None
    category: CodesParam = None
    status: StatusesParam = None
    kind: KindParam = None
    organisation: CodesParam = None
    channel: CodesParam = None
    since: TimeParam = None
    until: TimeParam = None


class WardVersion(WardBrief):
    """A ward as it was for some days, `valid_from <= day < valid_to` (null: still in force)."""

    valid_from: str
    valid_to: str | None
    set: str


class OrganisationBrief(BaseModel):
    """Who answers for reports."""

    code: str
    name: Name


class Measures(BaseModel):
    """The numbers of a group, or of all of them; the answer's `definitions` say what each is.

    null: there was nothing to measure, or (`satisfaction`) too little.
    """

    received: int
    open: int
    closed: int
    answered: int
    reply_due: int
    reply_on_time: float | None
    reply_median_h: float | None
    reply_p90_h: float | None
    due: int
    on_time: float | None
    result_median_h: float | None
    result_p90_h: float | None
    finished: int
    reopened: float | None
    ratings: int
    satisfaction: float | None


class StatisticsRow(Measures):
    """A group that has reports; of its members those that were asked for."""

    ward: Annotated[WardVersion | None, Field(description="null: in no ward")] = None
    organisation: Annotated[OrganisationBrief | None, Field(description="null: of none")] = None
    category: CategoryBrief | None = None
    family: CategoryBrief | None = None
    channel: str | None = None
    month: Annotated[str | None, Field(description="YYYY-MM of the city's clock")] = None
    year: Annotated[str | None, Field(description="YYYY of the city's clock")] = None
    share: float


class StatisticsAnswer(BaseModel):
    """Rows in the order of their members: wards by code and first day, organisations by code,
    categories as in their tree.

    `total` is of all rows together, the same by the wards of then and of today.
    """

    by: list[Literal["ward", "organisation", "category", "family", "channel", "month", "year"]]
    wards: Literal["then", "today"]
    timezone: str
    definitions: dict[str, Name]
    total: Measures
    rows: list[StatisticsRow]


@router.get(
    "/statistics",
    response_class=Response,
    responses={
        200: {
            "model": StatisticsAnswer,
            "content": {_CSV: {"schema": {"type": "string"}}},
        }
    },
)
async def read_statistics(
    wanted: Annotated[Wanted, Query()], request: Request, conn: Snapshot, settings: ServiceSettings
) -> Response:
    """The numbers of the service; with `Accept: text/csv` as a table."""
    asked = {name: value for name, value in wanted if name != "by"}
    chosen = ReportFilter(**{**asked, "on": wanted.on or today(settings)})
    found = await statistics.count(conn, wanted.by or (), chosen, settings.timezone)
    headers = {"Vary": "Accept"}
    if _CSV in request.headers.get("accept", ""):
        body = found.as_csv().encode()
        return cached(request, body, f"{_CSV}; charset=utf-8; header=present", headers=headers)
    return cached(request, found.as_json(), "application/json", headers=headers)
