"""HTTP of tiles: TileJSON, vector tiles, and the styles that draw them."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from api.addresses import public_base
from api.auth.rights import Action, Who, may_also
from api.caching import cached, packed
from api.client import ClientGone
from api.errors import documented
from api.parameters import CodesParam, DayParam, TimeParam
from api.session import Read, ServiceSettings
from api.tile_service.source import TileSource
from api.tile_service.wire import MVT
from geo.scope import Scope
from geo.settings import Settings
from geo.store.database import AsyncConnection
from tiles import layers, render, sprite, style, tilejson
from tiles.address import TileAddress
from tiles.filters import Filter
from tiles.layers import Layer

router = APIRouter(tags=["tiles"])

# What changes only with a new version of the service.
_STEADY = "public, max-age=86400"


async def _tiles(request: Request) -> TileSource:
    source: TileSource = request.app.state.tiles
    return source


Tiles = Annotated[TileSource, Depends(_tiles)]
"""Where this process takes its map tiles from."""

# Text here, so that whatever is no number is a 404 like any tile that does not exist.
Whole = Annotated[str, WithJsonSchema({"type": "integer", "minimum": 0})]


class TileQuery(BaseModel):
    """Filters of a layer; each layer takes its own, and refuses the others by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    category: CodesParam = None
    status: CodesParam = None
    kind: CodesParam = None
    ward: CodesParam = None
    since: TimeParam = None
    until: TimeParam = None
    on: Annotated[DayParam, Field(description="the day of wards and of `ward`; default today")] = (
        None
    )
    wards: Annotated[
        Literal["today"] | None,
        Field(
            description="which ward of a report `ward` means. `today`: the ward of today that its "
            "place is in, also of a report from before a reform, as in /api/v1/statistics; left "
            "out: the one that answers for it"
        ),
    ] = None
    v: Annotated[
        str | None, Field(max_length=100, description="ignored: makes an address look new")
    ] = None

    def chosen(self) -> Filter:
        """As the tiles know it."""
        return Filter(
            category=self.category or (),
            status=self.status or (),
            kind=self.kind or (),
            ward=self.ward or (),
            since=self.since,
            until=self.until,
            on=self.on,
            wards=self.wards,
        )


@router.get("/tiles/{layer}.json", responses=documented(401, 403, 404))
async def describe(
    layer: str,
    wanted: Annotated[TileQuery, Query()],
    request: Request,
    conn: Read,
    settings: ServiceSettings,
    who: Annotated[Who, may_also(Action.SEE_TASKS)],
) -> Response:
    """TileJSON 3.0 of a layer: wards, reports, hotspots, facilities, alerts; signed in: tasks.

    Filters given here are carried on in the address of its tiles.
    """
    known = layers.layer_of(layer)
    chosen = await _for_whom(conn, known, wanted.chosen(), who)
    found = await tilejson.describe(
        conn,
        known,
        chosen,
        _clock(settings),
        base=public_base(request, settings),
        city=settings.city,
    )
    return _json(request, found, settings, private=known.private)


@router.get(
    "/tiles/{layer}/{z}/{x}/{y}.mvt",
    response_class=Response,
    responses={
        200: {"description": "Mapbox Vector Tile 2.1", "content": {MVT: {}}},
        204: {"description": "nothing lies in this tile"},
        304: {"description": "the client has this tile already"},
        **documented(401, 403, 404, 503),
    },
)
async def tile(
    layer: str,
    z: Whole,
    x: Whole,
    y: Whole,
    wanted: Annotated[TileQuery, Query()],
    request: Request,
    source: Tiles,
    who: Annotated[Who, may_also(Action.SEE_TASKS)],
) -> Response:
    """One vector tile, XYZ scheme. No personal data, and every feature counted (`point_count`).

    Tiles of `tasks` are for signed-in staff, each with their own, and nobody may keep them.
    """
    known = layers.layer_of(layer)
    address = TileAddress.parse(z, x, y)
    known.check_zoom(address)
    chosen = wanted.chosen()
    scope = request.scope
    try:
        if known.private:
            async with request.app.state.engine.connect() as conn:
                chosen = await _for_whom(conn, known, chosen, who)
            made = await source.private_tile(known, address, chosen, request.receive)
        else:
            # Found by the same address the next time (api.tile_service.memory), before it comes
            # here.
            name = scope["path"], scope["query_string"]
            made = await source.tile(known, address, chosen, name, request.receive)
    except ClientGone:
        # Nobody reads it; the number is for the metrics.
        return Response(status_code=499)
    return made.response(scope["headers"])


@router.get("/styles/sprite.json")
@router.get("/styles/sprite@2x.json", include_in_schema=False)
async def sprite_index(request: Request) -> Response:
    """Where each icon of the styles lies in their picture (`sprite@2x` for fine screens)."""
    _, index = sprite.sheet(_ratio(request))
    body = json.dumps(index, separators=(",", ":")).encode()
    return cached(request, body, "application/json", _STEADY)


@router.get(
    "/styles/sprite.png",
    response_class=Response,
    responses={**documented(404), 200: {"description": "PNG", "content": {"image/png": {}}}},
)
@router.get("/styles/sprite@2x.png", include_in_schema=False)
async def sprite_picture(request: Request) -> Response:
    """The icons of the styles as one picture."""
    body, _ = sprite.sheet(_ratio(request))
    return cached(request, body, "image/png", _STEADY)


# After the sprite's own addresses, which it would take for the name of a style.
@router.get("/styles/{name}.json")
async def map_style(
    name: str,
    request: Request,
    conn: Read,
    settings: ServiceSettings,
    lang: Annotated[Literal["vi", "en"], Query(description="language of the names")] = "vi",
) -> Response:
    """A MapLibre style over our layers: `pinward` (light) or `pinward-dark`."""
    clock = _clock(settings)
    view = await tilejson.extent(conn, layers.REPORTS, Filter(), clock) or await tilejson.extent(
        conn, layers.WARDS, Filter(), clock
    )
    made = style.build(
        name,
        lang,
        base=public_base(request, settings),
        view=view,
        basemap=settings.basemap,
    )
    return _json(request, made, settings)


async def _for_whom(conn: AsyncConnection, layer: Layer, chosen: Filter, who: Who) -> Filter:
    """The filter, and for a private layer whose view of it; raises when nobody is signed in."""
    if not layer.private:
        return chosen
    return replace(chosen, scope=Scope.of(await who(conn)))


def _ratio(request: Request) -> int:
    return 2 if "@2x" in request.url.path else 1


def _clock(settings: Settings) -> render.Clock:
    return render.Clock(datetime.now(UTC), settings.timezone)


def _json(
    request: Request, body: dict[str, object], settings: Settings, *, private: bool = False
) -> Response:
    # The addresses inside are those the client used, unless the service was told its own.
    told = bool(settings.public_url)
    kept = "public, max-age=60" if told else "no-cache"
    return cached(
        request,
        packed(body),
        "application/json",
        "private, no-store" if private else kept,
        {} if told else {"Vary": "X-Forwarded-Host, X-Forwarded-Proto"},
    )
