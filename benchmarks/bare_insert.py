"""The yardsticks of `ruled_intake`: one bare INSERT a request, durable.

By the service itself, its parsing, its pool and all that stands around a route (`ours`); and by
nothing but a router and a pool (`nothing`), the least that a server can do.
"""

import contextlib
import json
import os
from collections.abc import AsyncIterator
from typing import Any

from psycopg_pool import AsyncConnectionPool
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from api.app import create_app
from api.bodies import BoundedRoute
from api.session import Write
from geo.reports.new import NewReport
from geo.settings import Settings

INSERT = (
    "INSERT INTO bare_reports (category, text, geom) VALUES (%(category)s, %(text)s,"
    " ST_SetSRID(ST_MakePoint(%(lon)s, %(lat)s), 4326)) RETURNING id"
)
_NAMED = text(INSERT.replace("%(", ":").replace(")s", ""))


def ours() -> Any:
    """The service, where a report is one INSERT."""
    app = create_app(Settings())

    async def insert(new: NewReport, conn: Write) -> JSONResponse:
        values = {"category": new.category, "text": new.text, "lon": new.lon, "lat": new.lat}
        made = (await conn.execute(_NAMED, values)).scalar_one()
        return JSONResponse({"id": made}, status_code=201)

    app.router.routes.insert(0, BoundedRoute("/api/v1/reports", insert, methods=["POST"]))
    return app


@contextlib.asynccontextmanager
async def _pool(app: Starlette) -> AsyncIterator[None]:
    url = os.environ["PINWARD_DATABASE_URL"]
    async with AsyncConnectionPool(url, min_size=10, max_size=10) as pool:
        app.state.pool = pool
        yield


async def _insert(request: Request) -> JSONResponse:
    said = json.loads(await request.body())
    async with request.app.state.pool.connection() as db:
        (made,) = await (await db.execute(INSERT, said)).fetchone()
    return JSONResponse({"id": made}, status_code=201)


def nothing() -> Any:
    """Nothing but the INSERT."""
    route = Route("/api/v1/reports", _insert, methods=["POST"])
    return Starlette(routes=[route], lifespan=_pool)
