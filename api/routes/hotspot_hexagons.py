"""HTTP of the second view of hotspots: hexagons that stand out, and where few report."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from api import hotspot_hexagons as views
from api.addresses import next_page
from api.caching import cached, packed
from api.hotspots import answer
from api.parameters import BboxParam, CodesParam, DayParam, Page, decode_key, encode_cursor
from api.routes.hotspots import Day
from api.schemas import GEOJSON
from api.session import Read, ServiceSettings
from geo.hotspots import find
from geo.store import hotspots as store

router = APIRouter(prefix="/api/v1/hotspots", tags=["hotspots"])


class Wanted(Page):
    """Which hexagons to list."""

    limit: Annotated[int, Field(ge=1, le=5000, description="how many at most")] = 1000
    category: CodesParam = None
    on: Annotated[DayParam, Field(description="what was said as of this day")] = None
    bbox: BboxParam = None


@router.get(
    "/hexagons", responses={200: {"model": views.HexagonCollection, "content": {GEOJSON: {}}}}
)
async def hexagons(
    wanted: Annotated[Wanted, Query()], request: Request, conn: Read, settings: ServiceSettings
) -> Response:
    """Hexagons in which a category stands out, by its newest answer, or that of a day.

    The most certain of a category first. A family stands for its categories. Hidden categories
    are not listed, blurred ones are counted where the public sees their reports.
    """
    answers, rows = await find.hexagons(
        conn,
        categories=wanted.category,
        on=wanted.on,
        bbox=wanted.bbox,
        limit=wanted.limit + 1,
        after_key=decode_key(wanted.cursor) if wanted.cursor else None,
    )
    page = rows[: wanted.limit]
    cursor = encode_cursor(page[-1].key) if len(rows) > wanted.limit else None
    following, headers = next_page(request, settings, cursor)
    body = {
        "type": "FeatureCollection",
        "features": [views.feature(row) for row in page],
        "answers": [answer(row) for row in answers],
        "note": views.NOTE,
        "next": following,
    }
    return cached(request, packed(body), GEOJSON, "public, max-age=60", headers)


@router.get("/quiet", responses={200: {"model": views.QuietCollection, "content": {GEOJSON: {}}}})
async def quiet(wanted: Annotated[Day, Query()], request: Request, conn: Read) -> Response:
    """Where so few report that no hotspot of a usual category could show itself: no sign of safety.

    One shape for all categories, within the wards, as of the newest run or of a day.
    """
    mask = await store.quiet(conn, wanted.on)
    features = [] if mask is None else [views.quiet(mask)]
    body = {"type": "FeatureCollection", "features": features}
    return cached(request, packed(body), GEOJSON, "public, max-age=60")
