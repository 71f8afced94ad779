"""HTTP of hotspot runs: asking for one, and how far it is."""

from datetime import date, datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api import jobs
from api.auth.rights import Action, may
from api.bodies import BoundedRoute
from api.errors import documented
from api.parameters import PlainText
from api.session import Read, ServiceSettings, Write, today
from geo.errors import NotFound
from geo.hotspots import find
from geo.hotspots.days import not_ahead
from geo.store import hotspot_runs as store
from geo.store.database import AnyRow

router = APIRouter(prefix="/api/v1/hotspots/runs", tags=["hotspots"], route_class=BoundedRoute)


class AskedRun(BaseModel):
    """Which run is wanted."""

    model_config = ConfigDict(extra="forbid")

    category: Annotated[
        PlainText | None, Field(max_length=100, description="one, or a family's; nothing: all")
    ] = None
    as_of: Annotated[
        date | None, Field(description="last day looked at; nothing: the city's day today")
    ] = None


class RunView(BaseModel):
    """A run and how far it is: `done` of `total` steps."""

    id: int
    category: str | None
    as_of: date
    state: Literal["waiting", "running", "done", "failed"]
    done: int
    total: int
    unchanged: Annotated[bool, Field(description="all of it had been said before")]
    n_reports: int
    n_hotspots: int
    error: str | None
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, row: AnyRow) -> "RunView":
        """From a row of `hotspot_runs`."""
        named = {name: getattr(row, name) for name in cls.model_fields if name != "category"}
        return cls(category=row.category_code, **named)


class RunList(BaseModel):
    """The newest runs, the last asked for first."""

    runs: list[RunView]


@router.get("", responses=documented(401))
async def list_runs(
    conn: Read,
    staff: Annotated[AnyRow, may(Action.SEE_RUNS)],
    limit: Annotated[int, Query(ge=1, le=100, description="how many at most")] = 20,
) -> RunList:
    """The newest runs, for any of the staff."""
    return RunList(runs=[RunView.of(row) for row in await store.newest(conn, limit)])


@router.post("", status_code=202, responses=documented(400, 401, 403, 413, 415))
async def ask(
    wanted: AskedRun,
    response: Response,
    conn: Write,
    staff: Annotated[AnyRow, may(Action.ASK_FOR_RUN)],
    settings: ServiceSettings,
) -> RunView:
    """Ask for a run; planners and administrators may. `Location` is where to see how far it is.

    The worker makes it, one after the other. Of two alike that wait there is only one.
    """
    day = wanted.as_of or today(settings)
    not_ahead(day, ZoneInfo(settings.timezone))
    if wanted.category is not None:
        await find.known(conn, wanted.category)
    run_id = await jobs.ask(conn, wanted.category, day, settings, staff.id)
    row = await store.one(conn, run_id)
    assert row is not None
    response.headers["Location"] = f"/api/v1/hotspots/runs/{run_id}"
    return RunView.of(row)


@router.get("/{id}", responses=documented(401, 404))
async def one_run(
    conn: Read,
    staff: Annotated[AnyRow, may(Action.SEE_RUNS)],
    id: Annotated[int, Path(ge=1, lt=2**63)],
) -> RunView:
    """How far a run is, for any of the staff."""
    row = await store.one(conn, id)
    if row is None:
        raise NotFound(f"there is no run {id}")
    return RunView.of(row)
