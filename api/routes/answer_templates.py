"""HTTP of answers written once: what the desk puts into its answers, of the whole city."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from api.auth.rights import Action, may
from api.bodies import BoundedRoute
from api.errors import documented
from api.schemas import Time
from api.session import Read, Write
from geo.errors import NotFound
from geo.reports import answer_templates as rules
from geo.reports.times import rfc3339
from geo.store import answer_templates as store
from geo.store.database import AnyRow, AsyncConnection

router = APIRouter(prefix="/api/v1", tags=["tasks"], route_class=BoundedRoute)

Answerer = Annotated[AnyRow, may(Action.ANSWER)]
Id = Annotated[int, Path(ge=1, lt=2**31)]
_PLACES = "; {code}, {ward} and {organisation} stand for the report's"


class NewTemplate(BaseModel):
    """What is to be answered again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(max_length=4 * rules.LONGEST_NAME)]
    text_vi: Annotated[
        str, Field(max_length=4 * rules.LONGEST, description=f"in Vietnamese{_PLACES}")
    ]
    text_en: Annotated[
        str, Field(max_length=4 * rules.LONGEST, description=f"in English, or empty{_PLACES}")
    ] = ""

    def checked(self) -> rules.Template:
        """As the rules take it."""
        return rules.Template(self.name, self.text_vi, self.text_en)


class ChangedTemplate(NewTemplate):
    """What it is to say from now on."""

    version: Annotated[
        int, Field(ge=1, lt=2**31, description="of what was changed; another by now: 412")
    ]


class Template(BaseModel):
    """An answer written once."""

    id: int
    name: str
    text_vi: str
    text_en: str
    version: int
    changed_at: Time
    changed_by: Annotated[str | None, Field(description="name of who did; null: not there now")]


class Templates(BaseModel):
    """All of them, in order of their names."""

    templates: list[Template]


@router.get("/answer-templates", responses={**documented(401, 403), 200: {"model": Templates}})
async def list_templates(conn: Read, account: Answerer, response: Response) -> dict[str, Any]:
    """The answers that are written already."""
    response.headers["Cache-Control"] = "no-store"
    return {"templates": [_view(each) for each in await store.every(conn)]}


@router.post(
    "/answer-templates",
    status_code=201,
    responses={**documented(400, 401, 403, 409, 413, 415), 201: {"model": Template}},
)
async def add_template(
    body: NewTemplate, conn: Write, account: Answerer, response: Response
) -> dict[str, Any]:
    """Write one for everybody on the city's desks."""
    id = await rules.add(conn, body.checked(), account, datetime.now(UTC))
    response.headers["Cache-Control"] = "no-store"
    return await _one(conn, id)


@router.put(
    "/answer-templates/{id}",
    responses={
        **documented(400, 401, 403, 404, 409, 412, 413, 415),
        200: {"model": Template},
    },
)
async def change_template(
    id: Id, body: ChangedTemplate, conn: Write, account: Answerer, response: Response
) -> dict[str, Any]:
    """Say something else from now on; answers that were sent stay as they are."""
    await rules.change(conn, id, body.checked(), body.version, account, datetime.now(UTC))
    response.headers["Cache-Control"] = "no-store"
    return await _one(conn, id)


@router.delete("/answer-templates/{id}", status_code=204, responses=documented(401, 403, 404))
async def drop_template(id: Id, conn: Write, account: Answerer) -> Response:
    """Take one away; answers that were sent stay as they are."""
    await rules.drop(conn, id)
    return Response(status_code=204)


async def _one(conn: AsyncConnection, id: int) -> dict[str, Any]:
    for each in await store.every(conn):
        if each.id == id:
            return _view(each)
    raise NotFound("there is no such template (any more)")


def _view(one: AnyRow) -> dict[str, Any]:
    told = {name: getattr(one, name) for name in Template.model_fields if name != "changed_at"}
    return {**told, "changed_at": rfc3339(one.changed_at)}
