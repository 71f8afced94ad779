"""HTTP of the desk's inbox: the open tasks of one's scope, with what is due next first."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from api.addresses import next_page
from api.bodies import BoundedRoute
from api.caching import packed
from api.errors import documented
from api.parameters import (
    CodesParam,
    Page,
    Said,
    TimeParam,
    decode_cursor,
    encode_cursor,
)
from api.routes.crews import HolderParam, Worker
from api.session import Read, ServiceSettings, today
from api.tasks import Inbox, OpenStatusesParam, PrioritiesParam
from geo.errors import Invalid
from geo.reports.tasks import inbox
from geo.reports.tasks.told import properties
from geo.reports.tasks.wanted import Wanted
from geo.scope import Scope
from geo.store.database import AnyRow

router = APIRouter(prefix="/api/v1", tags=["tasks"], route_class=BoundedRoute)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Asked(Page):
    """Which tasks; what is left out does not narrow, what is misspelt is refused."""

    limit: Annotated[int, Field(ge=1, le=200, description="how many at most")] = 50
    order: Annotated[
        inbox.Order,
        Field(description="`due`: what is due next first; `priority`: equal ones by deadline"),
    ] = "due"
    status: OpenStatusesParam = None
    category: CodesParam = None
    ward: CodesParam = None
    organisation: CodesParam = None
    holder: HolderParam = None
    late: Annotated[bool | None, Field(description="its time is over, and it does not wait")] = None
    escalated: Annotated[
        bool | None,
        Field(description="it was told that its time, or the one for a first reply, runs out"),
    ] = None
    due_before: TimeParam = None
    priority: PrioritiesParam = None
    q: Annotated[
        Said | None,
        Field(max_length=200, description="words that occur in the text, marks and case aside"),
    ] = None
    counts: Annotated[bool, Field(description="also how many there are in all")] = False


@router.get("/tasks", responses={**documented(401, 403), 200: {"model": Inbox}})
async def read_inbox(
    asked: Annotated[Asked, Query()],
    request: Request,
    conn: Read,
    settings: ServiceSettings,
    account: Worker,
) -> Response:
    """The open tasks of one's ward or organisation, a page at a time."""
    now = datetime.now(UTC)
    own = set(Page.model_fields) | {"order", "counts"}
    chosen = {name: value for name, value in asked if name not in own}
    wanted = Wanted(Scope.of(account), account.id, now, on=today(settings), **chosen)
    after = _read_place(asked.cursor, asked.order) if asked.cursor else None
    rows, place = await inbox.page(conn, wanted, asked.order, asked.limit, after)
    cursor = _place(asked.order, place) if place else None
    following, headers = next_page(request, settings, cursor)
    body: dict[str, object] = {
        "tasks": [_line(row, account.id, now) for row in rows],
        "next": following,
    }
    if asked.counts:
        body["counts"] = await inbox.counts(conn, wanted)
    return Response(
        packed(body),
        media_type="application/json",
        headers={**headers, "Cache-Control": "no-store"},
    )


def _line(row: AnyRow, account: int, now: datetime) -> dict[str, object]:
    told = properties(row, account, now)
    return {**told, "lon": row.lon, "lat": row.lat, "reasons": row.reasons}


def _place(order: str, place: inbox.Place) -> str:
    at = "" if place.at is None else str((place.at - _EPOCH) // _MICROSECOND)
    return encode_cursor(order, place.priority, at, str(place.id))


def _read_place(cursor: str, order: str) -> inbox.Place:
    of, priority, at, row_id = decode_cursor(cursor, str, int, str, str)
    try:
        when = _EPOCH + timedelta(microseconds=int(at)) if at else None
        if of != order or (when is None and order == "newest"):
            raise ValueError
        return inbox.Place(priority, when, UUID(row_id))
    except (ValueError, OverflowError):
        raise Invalid.of(
            "cursor", "is none that this service gave for this order; begin again without it"
        ) from None
