"""HTTP of what a report's sender says of its end, by its secret."""

from fastapi import APIRouter, Response

from api.admission import Told
from api.bodies import BoundedRoute
from api.routes.own_reports import LET_IN, OF_A_CHANGE, WITH_A_BODY, Mine
from api.schemas import GeoJson
from api.session import Rules
from geo.reports.own import ending

router = APIRouter(prefix="/api/v1", tags=["one's own reports"], route_class=BoundedRoute)


@router.post("/reports/{code}/confirm", response_class=GeoJson, responses=OF_A_CHANGE)
async def confirm_result(mine: Mine, rules: Rules) -> Response:
    """Say that it is done: a resolved report is closed at once instead of after 14 days."""
    async with mine.conn.begin():
        await ending.confirm(mine.conn, await mine.open(), rules.deadlines, mine.now)
        return await mine.view()


@router.post("/reports/{code}/rating", response_class=GeoJson, responses=WITH_A_BODY)
async def rate_result(body: ending.Rating, mine: Mine) -> Response:
    """Rate how it ended, within 90 days; the last rating counts."""
    async with mine.conn.begin():
        await ending.rate(mine.conn, await mine.open(), body, mine.now)
        return await mine.view()


@router.post("/reports/{code}/reopen", response_class=GeoJson, responses=LET_IN)
async def reopen_report(body: ending.Reopening, mine: Mine, rules: Rules) -> Response:
    """Open a report again within 14 days after it was resolved or refused; its time starts anew."""
    async with mine.conn.begin():
        ending.check_reopening(await mine.open(locked=False), mine.now)
    reasons = await mine.let_in(Told(body.text))
    async with mine.conn.begin():
        report = await mine.open()
        await ending.reopen(mine.conn, report, body, rules.deadlines, mine.now, reasons)
        return await mine.view()
