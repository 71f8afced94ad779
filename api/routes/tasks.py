"""HTTP of one task: seeing it whole, moving it, writing a note, giving it another category."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from api.auth.scope import require_within
from api.bodies import BoundedRoute
from api.errors import documented
from api.routes.reports import Code
from api.schemas import GeoJson
from api.session import Read, ServiceSettings, Wards
from api.tasks import WholeTask
from api.working import Worker, Working, told
from geo.photos.keeping import MOST_PHOTOS
from geo.reports.assigning import Intake
from geo.reports.held import held
from geo.reports.new import UploadId
from geo.reports.workflow import recategorising
from geo.reports.workflow.acting import LONGEST_NOTE, Said
from geo.store.database import AnyRow

router = APIRouter(prefix="/api/v1/tasks", tags=["tasks"], route_class=BoundedRoute)

_MOVED: dict[int | str, dict[str, Any]] = {
    **documented(400, 401, 403, 404, 409, 412, 413, 415),
    200: {"model": WholeTask},
}
Text = Annotated[str, Field(max_length=LONGEST_NOTE)]


class StaffMove(StrEnum):
    """What the staff do with a report (`geo.reports.workflow.graph`)."""

    ASSIGN = "assign"
    TAKE = "take"
    START = "start"
    RELEASE = "release"
    WAIT = "wait"
    RESOLVE = "resolve"
    REJECT = "reject"
    REOPEN = "reopen"


class MoveBody(BaseModel):
    """What comes with a move; which of it is wanted, the move says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: Annotated[
        Text, Field(description="what was done, or why: its sender and the public read it")
    ] = ""
    inner: Annotated[Text, Field(description="a note that the staff alone read")] = ""
    organisation: Annotated[
        str | None, Field(max_length=100, description="code of who answers from now on")
    ] = None
    photos: Annotated[
        list[UploadId],
        Field(max_length=MOST_PHOTOS, description="ids of POST /api/v1/uploads: proof of the work"),
    ] = Field(default_factory=list)

    def said(self) -> Said:
        """As the rules take it."""
        return Said(self.text, self.inner, self.organisation, self.photos)


class NoteBody(BaseModel):
    """A note that the staff alone read, photos that go with the report's, or both."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    inner: Text = ""
    photos: Annotated[
        list[UploadId],
        Field(
            max_length=MOST_PHOTOS,
            description="ids of POST /api/v1/uploads: photos of the place, before the work or "
            "during it. Whoever may see the report's photos sees them, too, the public as well",
        ),
    ] = Field(default_factory=list)


class CategoryBody(BaseModel):
    """Another category, and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    category: Annotated[str, Field(max_length=100, description="a code of GET /api/v1/categories")]
    text: Annotated[Text, Field(description="why: its sender and the public read it")]


@router.get(
    "/{code}",
    response_class=GeoJson,
    responses={**documented(401, 403, 404), 200: {"model": WholeTask}},
)
async def read_task(code: Code, conn: Read, account: Worker) -> Response:
    """A report of one's ward or organisation, whatever its status, with all of its history.

    `ETag` is for `If-Match` of what changes it; `allowed` are the moves that you may make.
    """
    row = await held(conn, code)
    _require(account, row)
    return await told(conn, row, account, datetime.now(UTC))


@router.post("/{code}/notes", response_class=GeoJson, responses=_MOVED)
async def write_note(body: NoteBody, at: Working) -> Response:
    """Write a note for the staff, or add photos to the report's; whatever `If-Match` says is asked,
    and nothing else changes."""
    row = await at.open()
    await at.work.note(row, body.inner, body.photos)
    return await at.told(row)


@router.post("/{code}/category", response_class=GeoJson, responses=_MOVED)
async def recategorise(
    body: CategoryBody, at: Working, wards: Wards, settings: ServiceSettings
) -> Response:
    """Give an open report another category: who answers and until when is worked out anew, as if
    it had been sent so; its history says what was before, and why."""
    row = await at.open()
    keys = at.request.app.state.keys
    intake = Intake(wards, keys, settings.timezone, settings.snap_m, at.rules)
    await recategorising.recategorise(at.work, row, body.category, body.text, intake)
    return await at.told(row)


@router.post("/{code}/{move}", response_class=GeoJson, responses=_MOVED)
async def move_task(move: StaffMove, body: MoveBody, at: Working) -> Response:
    """Make one of the moves that the report's status and your role allow; others are 409 (or 403)
    and name those that are."""
    row = await at.open()
    await at.work.move(row, move.value, body.said())
    return await at.told(row)


def _require(account: AnyRow, row: AnyRow) -> None:
    require_within(account, row.ward_code, row.organisation_id, ward=row.ward)
