"""The yardstick of `ruled_intake`: an application that does one bare INSERT a request, durable."""

import contextlib
import json
import os
from collections.abc import AsyncIterator

from psycopg_pool import AsyncConnectionPool
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

URL = os.environ["BENCH_DATABASE_URL"]
INSERT = (
    "INSERT INTO bare_reports (category, text, geom) VALUES (%s, %s,"
    " ST_SetSRID(ST_MakePoint(%s, %s), 4326)) RETURNING id"
)


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    async with AsyncConnectionPool(URL, min_size=10, max_size=10) as pool:
        app.state.pool = pool
        yield


async def insert(request: Request) -> JSONResponse:
    said = json.loads(await request.body())
    values = (said["category"], said["text"], said["lon"], said["lat"])
    async with request.app.state.pool.connection() as db:
        (made,) = await (await db.execute(INSERT, values)).fetchone()
    return JSONResponse({"id": made}, status_code=201)


app = Starlette(routes=[Route("/api/v1/reports", insert, methods=["POST"])], lifespan=lifespan)
