"""HTTP of crews: what is to be done near by, and in which order to go round."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.auth.rights import Action, may
from api.bodies import BoundedRoute
from api.caching import packed
from api.errors import documented
from api.parameters import CodesParam, LatParam, LonParam, PlainText
from api.schemas import GEOJSON, GeoJson
from api.session import Read
from api.tasks import NearTasks, Trip
from geo.reports.tasks.nearby import FARTHEST_M, Order, nearby
from geo.reports.tasks.told import feature
from geo.reports.tasks.trip import MOST, trip
from geo.reports.tasks.wanted import Wanted
from geo.scope import Scope
from geo.store.database import AnyRow

router = APIRouter(prefix="/api/v1/tasks", tags=["tasks"], route_class=BoundedRoute)

Worker = Annotated[AnyRow, may(Action.READ_TASKS)]
HolderParam = Annotated[
    Literal["me", "none"] | None,
    Field(description="`me`: what you have in hand; `none`: what nobody has"),
]


class Spot(BaseModel):
    """Where somebody is, and what they look for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lon: LonParam
    lat: LatParam
    radius_m: Annotated[
        float,
        Field(gt=0, le=FARTHEST_M, allow_inf_nan=False, description="leave out farther ones"),
    ] = FARTHEST_M
    limit: Annotated[int, Field(ge=1, le=100, description="how many at most")] = 30
    order: Annotated[
        Order,
        Field(
            description="`deadline` and `priority` (then by deadline): of all within the radius, "
            "which is 2,000 m then unless one is given"
        ),
    ] = "distance"
    category: CodesParam = None
    holder: HolderParam = None

    @property
    def within_m(self) -> float:
        """The radius."""
        far = self.order == "distance" or "radius_m" in self.model_fields_set
        return self.radius_m if far else 2_000.0


@router.get(
    "/nearby",
    response_class=GeoJson,
    responses={**documented(401, 403), 200: {"model": NearTasks}},
)
async def tasks_nearby(spot: Annotated[Spot, Query()], conn: Read, account: Worker) -> Response:
    """The open tasks of one's ward or organisation around a place, with geodesic `distance_m`.

    Also reports that the public does not see (`public`), with all that the crew needs to mend it.
    """
    now = datetime.now(UTC)
    wanted = Wanted(Scope.of(account), account.id, now, category=spot.category, holder=spot.holder)
    found = await nearby(
        conn,
        wanted,
        (spot.lon, spot.lat),
        radius_m=spot.within_m,
        order=spot.order,
        limit=spot.limit,
    )
    features = [feature(row, account.id, now, distance_m=round(metres, 2)) for row, metres in found]
    body = packed({"type": "FeatureCollection", "features": features})
    return Response(body, media_type=GEOJSON, headers={"Cache-Control": "no-store"})


class Stops(BaseModel):
    """Where the trip begins and ends, and what lies on it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lon: LonParam
    lat: LatParam
    codes: Annotated[
        list[Annotated[PlainText, Field(max_length=40)]], Field(min_length=1, max_length=MOST)
    ]


@router.post(
    "/tour",
    response_class=GeoJson,
    responses={**documented(400, 401, 403, 413, 415), 200: {"model": Trip}},
)
async def plan_tour(stops: Stops, conn: Read, account: Worker) -> Response:
    """A short round trip over up to 30 of one's own tasks: its line, and the stops in their order.

    As the crow flies: streets are not known here. Nothing is changed by it.
    """
    now, start = datetime.now(UTC), (stops.lon, stops.lat)
    rows, found = await trip(conn, Scope.of(account), start, stops.codes)
    line = [start, *((row.lon, row.lat) for row in rows), start]
    legs = [round(leg, 2) for leg in found.legs_m]
    way = {
        "type": "Feature",
        "geometry": {"type": "LineString", "coordinates": line},
        "properties": {"length_m": round(found.length_m, 2), "back_m": legs[-1]},
    }
    points = [
        feature(row, account.id, now, stop=n, leg_m=legs[n - 1]) for n, row in enumerate(rows, 1)
    ]
    body = packed({"type": "FeatureCollection", "features": [way, *points]})
    return Response(body, media_type=GEOJSON, headers={"Cache-Control": "no-store"})
