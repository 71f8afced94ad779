"""HTTP of tiles: TileJSON, vector tiles, and the styles that draw them."""

import gzip
import hashlib
import json
from datetime import UTC, date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from api.addresses import public_base
from api.caching import cached, matches
from api.errors import documented
from api.http import accepts_gzip
from api.parameters import CodesParam, TimeParam
from api.session import Read, ServiceSettings
from geo.settings import Settings
from tiles import layers, render, sprite, style, tilejson
from tiles.address import TileAddress
from tiles.filters import Filter

router = APIRouter(tags=["tiles"])

MVT = "application/vnd.mapbox-vector-tile"

# Below this compressing gains less than its header costs.
_LEAST_GZIPPED = 200

# What changes only with a new version of the service.
_STEADY = "public, max-age=86400"


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
    on: Annotated[date | None, Field(description="wards: the day they are in force")] = None
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
        )


@router.get("/tiles/{layer}.json")
async def describe(
    layer: str,
    wanted: Annotated[TileQuery, Query()],
    request: Request,
    conn: Read,
    settings: ServiceSettings,
) -> Response:
    """TileJSON 3.0 of a layer: wards, reports, hotspots or facilities.

    Filters given here are carried on in the address of its tiles.
    """
    found = await tilejson.describe(
        conn,
        layers.layer_of(layer),
        wanted.chosen(),
        _clock(settings),
        base=public_base(request, settings),
        city=settings.city,
    )
    return _json(request, found, settings)


@router.get(
    "/tiles/{layer}/{z}/{x}/{y}.mvt",
    response_class=Response,
    responses={
        200: {"description": "Mapbox Vector Tile 2.1", "content": {MVT: {}}},
        204: {"description": "nothing lies in this tile"},
        304: {"description": "the client has this tile already"},
        **documented(404),
    },
)
async def tile(
    layer: str,
    z: Whole,
    x: Whole,
    y: Whole,
    wanted: Annotated[TileQuery, Query()],
    request: Request,
    conn: Read,
    settings: ServiceSettings,
) -> Response:
    """One vector tile, XYZ scheme. No personal data, and every feature counted (`point_count`)."""
    known = layers.layer_of(layer)
    address = TileAddress.parse(z, x, y)
    body = await render.tile(conn, known, address, wanted.chosen(), _clock(settings))
    return _tile(request, body, known.max_age_s)


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


def _ratio(request: Request) -> int:
    return 2 if "@2x" in request.url.path else 1


def _clock(settings: Settings) -> render.Clock:
    return render.Clock(datetime.now(UTC), settings.timezone)


def _json(request: Request, body: dict[str, object], settings: Settings) -> Response:
    packed = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    # The addresses inside are those the client used, unless the service was told its own.
    told = bool(settings.public_url)
    return cached(
        request,
        packed,
        "application/json",
        "public, max-age=60" if told else "no-cache",
        {} if told else {"Vary": "X-Forwarded-Host, X-Forwarded-Proto"},
    )


def _tile(request: Request, body: bytes, max_age_s: int) -> Response:
    headers = {
        # browsers ask again each time unless the layer may be kept; caches in front keep 5 s
        "Cache-Control": f"public, max-age={max_age_s}"
        if max_age_s
        else "public, max-age=0, s-maxage=5, must-revalidate",
        "Vary": "Accept-Encoding",
    }
    if not body:
        return Response(status_code=204, headers=headers)
    etag = hashlib.blake2b(body, digest_size=16).hexdigest()
    if len(body) >= _LEAST_GZIPPED and accepts_gzip(request.headers.get("accept-encoding", "")):
        # Strong: other bytes, other ETag.
        etag += "-gzip"
        headers["Content-Encoding"] = "gzip"
    headers["ETag"] = f'"{etag}"'
    if matches(request.headers.get("if-none-match"), headers["ETag"]):
        headers.pop("Content-Encoding", None)
        return Response(status_code=304, headers=headers)
    if "Content-Encoding" in headers:
        body = gzip.compress(body, 6, mtime=0)
    return Response(body, media_type=MVT, headers=headers)
