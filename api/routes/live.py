"""HTTP of live: what changes on the map, as Server-Sent Events."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

from api.errors import documented
from api.live.events import Wanted
from api.live.hub import Hub
from api.live.response import HEADERS, MEDIA_TYPE, EventStream
from api.parameters import BboxParam, CodesParam
from geo.errors import UnknownCategory
from geo.store import categories

router = APIRouter(prefix="/api/v1", tags=["live"])

_LARGEST = (1 << 63) - 1


def _number(value: object) -> object:
    # int() would also take signs, blanks, 1_0 and digits of other scripts.
    if not isinstance(value, str):
        return value
    if value == "":
        return None
    if not (value.isascii() and value.isdecimal() and len(value) <= 19 and int(value) <= _LARGEST):
        raise ValueError("must be an `id` that this service sent: a whole number")
    return int(value)


EventIdParam = Annotated[
    int | None,
    BeforeValidator(_number),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^[0-9]*$",
            "maxLength": 19,
            "description": "the `id` of the last event that was received",
        }
    ),
]


class LiveQuery(BaseModel):
    """What to be told; anything else is refused by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bbox: BboxParam = None
    category: CodesParam = None
    last_event_id: EventIdParam = None


@router.get(
    "/live",
    response_class=Response,
    responses={
        200: {
            "description": "Events without end",
            "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
        },
        **documented(503),
    },
)
async def live(
    wanted: Annotated[LiveQuery, Query()],
    request: Request,
    last_event_id: Annotated[EventIdParam, Header()] = None,
) -> Response:
    """What changes on the public map, as it happens: Server-Sent Events (`EventSource`).

    - `ready` `{seq}` at the start; `id` of every event is the number the stream has reached.
    - `created`, `changed`, `closed` (it is no longer open): `{code, category, family, status,
      open, kind, lon, lat, ward, created_at, at}`. Told to those whose `bbox` and `category` the
      report was in before, or is in now.
    - `removed` `{code}`: erased, or not public any more.
    - `hotspots` `{category}`: there is a new run. `alert` `{id}`: a warning was sent or changed.
    - `reset` `{seq}`: too much was missed to be told; load what you show anew.

    Come back with the last `id` (header `Last-Event-ID`, or `last_event_id` where no header can be
    sent) to go on without loss or repeats, for 24 hours. A comment comes every 15 s when there is
    nothing to tell. Who reads too slowly is cut off, and goes on by coming back.
    """
    hub: Hub = request.app.state.live
    if wanted.category:
        await _known(request, wanted.category)
    after = wanted.last_event_id if last_event_id is None else last_event_id
    chosen = frozenset(wanted.category) if wanted.category else None
    stream = hub.stream(Wanted(wanted.bbox, chosen), after)
    if request.scope.get("pinward.head"):
        answer = Response(headers=HEADERS, media_type=MEDIA_TYPE)
        # as of the stream itself: it has no end, so no length
        del answer.headers["content-length"]
        return answer
    return EventStream(hub, stream)


async def _known(request: Request, wanted: tuple[str, ...]) -> None:
    async with request.app.state.engine.connect() as conn:
        known = {row["code"] for row in await categories.every(conn)}
    unknown = [code for code in wanted if code not in known]
    if unknown:
        raise UnknownCategory(
            f"there is no category {', '.join(map(repr, unknown))}; "
            "GET /api/v1/categories lists them",
            errors=[{"field": "category", "message": "names no category"}],
        )
