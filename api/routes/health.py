"""Whether the process lives, and whether it can serve."""

from fastapi import APIRouter, Response
from sqlalchemy import text

from api import metrics
from api.errors import documented
from api.session import Read, Wards
from geo.errors import NotReady
from geo.store import migrate

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers; says nothing of the database."""
    return {"status": "ok"}


@router.get("/readyz", responses=documented(503))
async def readyz(conn: Read, wards: Wards) -> dict[str, str]:
    """Database reachable, migrated as this code expects, and at least one ward known; else 503."""
    found = (await conn.execute(text("SELECT version_num FROM alembic_version"))).scalar()
    newest = migrate.newest()
    if found != newest:
        raise NotReady(
            f"the database stands at migration {found}, the code at {newest}: "
            "run `pinward db upgrade`"
        )
    if not len(wards):
        raise NotReady("no ward set is imported yet: run `pinward wards import`")
    return {"status": "ready", "migration": newest}


@router.get("/metrics", include_in_schema=False)
async def exposition() -> Response:
    """Counts and times of the service in Prometheus' text format."""
    return Response(metrics.exposition(), media_type=metrics.CONTENT_TYPE)
