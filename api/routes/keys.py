"""HTTP of API keys, for administrators who are signed in with a password."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from api.auth import keys
from api.auth.rights import Action, may
from api.auth.scope import require_within
from api.auth.staff import Manager
from api.bodies import BoundedRoute
from api.errors import documented
from api.parameters import PlainText
from api.session import Read, Write
from geo.errors import NotFound
from geo.reports.times import rfc3339
from geo.store import api_keys
from geo.store.database import AnyRow

router = APIRouter(prefix="/api/v1", tags=["keys"], route_class=BoundedRoute)


MayManage = Annotated[AnyRow, may(Action.MANAGE_KEYS)]


class NewKey(BaseModel):
    """What a key is for, and what it may do: no more than its maker."""

    model_config = {"extra": "forbid"}

    name: Annotated[PlainText, Field(min_length=1, max_length=100)]
    role: Annotated[PlainText, Field(max_length=30)]
    ward_code: Annotated[PlainText | None, Field(max_length=20)] = None
    organisation_id: Annotated[int | None, Field(ge=1, lt=2**31)] = None
    days: Annotated[int, Field(ge=1, le=730)] = keys.DAYS


@router.get("/keys", responses=documented(401, 403))
async def list_keys(
    conn: Read, account: MayManage, person: Manager, response: Response
) -> dict[str, Any]:
    """The API keys of the own ward, organisation or city; never the keys themselves."""
    response.headers["Cache-Control"] = "no-store"
    return {"keys": [_view(one) for one in await api_keys.every(conn) if _within(account, one)]}


@router.post("/keys", status_code=201, responses=documented(400, 401, 403, 413, 415))
async def add_key(
    body: NewKey, conn: Write, account: MayManage, person: Manager, response: Response
) -> dict[str, Any]:
    """Make an API key. It is in this answer and nowhere else."""
    wanted = keys.Wanted(**body.model_dump())
    id, key = await keys.make(conn, wanted, account, account.email, datetime.now(UTC))
    response.headers["Cache-Control"] = "no-store"
    return {"id": id, "key": key}


@router.delete("/keys/{id}", status_code=204, responses=documented(401, 403, 404))
async def revoke_key(
    id: Annotated[int, Path(ge=1, lt=2**63)], conn: Write, account: MayManage, person: Manager
) -> Response:
    """Revoke an API key: it is worth nothing from now on."""
    found = await api_keys.find(conn, id)
    if found is None or not _within(account, found):
        raise NotFound("there is no such key; GET /api/v1/keys lists them")
    require_within(account, found.ward_code, found.organisation_id)
    await keys.revoke(conn, id, account.email, datetime.now(UTC))
    return Response(status_code=204)


def _within(account: AnyRow, key: AnyRow) -> bool:
    return account.ward_code in (None, key.ward_code) and account.organisation_id in (
        None,
        key.organisation_id,
    )


def _view(one: AnyRow) -> dict[str, Any]:
    def time(at: datetime | None) -> str | None:
        return rfc3339(at) if at else None

    return {
        "id": one.id,
        "prefix": one.prefix,
        "name": one.name,
        "owner": one.owner,
        "role": one.role,
        "ward_code": one.ward_code,
        "organisation": one.organisation,
        "made_at": time(one.made_at),
        "expires_at": time(one.expires_at),
        "used_at": time(one.used_at),
        "revoked_at": time(one.revoked_at),
    }
