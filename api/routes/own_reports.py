"""HTTP of what reporters do with their own reports, by the secret each was given.

What changes what the public reads is let in first, as a report is, once nothing else refuses it:
what is refused counts for nobody. Then all in one transaction: the report's row is locked,
`If-Match` and the rules are asked of it again under the lock, and what is refused changes nothing.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel, Field

from api import admission
from api.admission import Sender, Told
from api.auth.staff import Token
from api.bodies import BoundedRoute
from api.caching import matches, packed, weak_etag
from api.errors import documented
from api.routes.reports import Code, Secret
from api.schemas import GEOJSON, GeoJson, ReportFeature, Time
from api.session import Read, Rules, ServiceSettings, Wards, in_place
from geo.errors import ChangedMeanwhile
from geo.reports import reading
from geo.reports.assigning import Intake
from geo.reports.codes import read_key
from geo.reports.contacts import Reporter
from geo.reports.events import Words
from geo.reports.intake import key_hash
from geo.reports.own import adding, contacting, correcting, moving, withdrawing
from geo.reports.own.opening import opened
from geo.store.database import AnyRow

router = APIRouter(prefix="/api/v1", tags=["reports"], route_class=BoundedRoute)

OF_A_CHANGE: dict[int | str, dict[str, Any]] = {
    **documented(401, 404, 409, 412),
    200: {"model": ReportFeature},
}
WITH_A_BODY = {**OF_A_CHANGE, **documented(400, 413, 415)}
LET_IN = {**WITH_A_BODY, **documented(403, 429)}


class Own:
    """One's own report. Opened, in a transaction of `conn`, its row is locked until that ends."""

    def __init__(
        self,
        code: Code,
        request: Request,
        conn: Read,
        secret: Secret,
        sender: Sender,
        token: Token = None,
        if_match: Annotated[
            str | None,
            Header(description="`ETag` of the reporter's own view; another one by now is 412"),
        ] = None,
    ) -> None:
        self.code, self.secret = code, secret or ""
        self.request, self.conn, self.if_match = request, conn, if_match
        self.sender, self.token = sender, token
        self.keys = request.app.state.keys
        self.now = datetime.now(UTC)

    async def let_in(self, told: Told, key: UUID | None = None) -> Sequence[Words]:
        """Let in what changes the report, before the transaction (`api.admission.change`): why the
        staff are to look at it.

        `told` is what is new of it. Ask first for the secret and for all else that may refuse it:
        of a text or a spot everything counts for everybody."""
        return await admission.change(
            self.request,
            self.conn,
            self.sender,
            self.token,
            told,
            key_hash=key_hash(key),
            now=self.now,
        )

    async def open(self, *, locked: bool = True) -> AnyRow:
        """Lock it and read it; raises `ChangedMeanwhile` where `If-Match` names another version."""
        row = await self.open_to_add(locked=locked)
        # Weak ETags too: compression changes the bytes, and the content is what is asked about.
        if self.if_match is not None and not matches(self.if_match, weak_etag(await self._view())):
            raise ChangedMeanwhile("the report was changed since you read it; read it again")
        return row

    async def open_to_add(self, *, locked: bool = True) -> AnyRow:
        """As `open`, whatever `If-Match` says: what is added does away with nothing."""
        return await opened(self.conn, self.code, self.secret or None, locked=locked)

    async def view(self) -> Response:
        """The reporter's own view as it is now, with its ETag."""
        body = await self._view()
        headers = {"ETag": weak_etag(body), "Cache-Control": "no-store"}
        return Response(body, media_type=GEOJSON, headers=headers)

    async def _view(self) -> bytes:
        found = await reading.one(self.conn, self.code, self.secret, self.keys, self.now)
        return packed(found)


Mine = Annotated[Own, in_place(Own)]


class AdditionReceipt(BaseModel):
    """That it was added, and how many more may be."""

    code: str
    at: Time
    left: Annotated[int, Field(ge=0)]


@router.patch("/reports/{code}", response_class=GeoJson, responses=LET_IN)
async def correct_report(
    body: correcting.Correction,
    mine: Mine,
    wards: Wards,
    rules: Rules,
    settings: ServiceSettings,
) -> Response:
    """Correct text, category or answers: in the first 30 minutes, while nobody works on it.

    Another category goes to whoever answers for it, as if the report had come so.
    """
    async with mine.conn.begin():
        will = await correcting.check(mine.conn, await mine.open(locked=False), body, mine.now)
    reasons = await mine.let_in(Told(will.new("text"), will.new("answers")))
    intake = Intake(wards, mine.keys, settings.timezone, settings.snap_m, rules)
    async with mine.conn.begin():
        report = await mine.open()
        await correcting.correct(mine.conn, report, body, intake, mine.now, reasons)
        return await mine.view()


@router.post("/reports/{code}/position", response_class=GeoJson, responses=LET_IN)
async def move_pin(
    body: moving.Position, mine: Mine, wards: Wards, rules: Rules, settings: ServiceSettings
) -> Response:
    """Move the pin, by up to 500 m in all: in the first 30 minutes, while nobody works on it."""
    intake = Intake(wards, mine.keys, settings.timezone, settings.snap_m, rules)
    async with mine.conn.begin():
        moved = moving.check(await mine.open(locked=False), body, intake, mine.now)
    reasons = await mine.let_in(Told(place=(body.lon, body.lat) if moved else None))
    async with mine.conn.begin():
        report = await mine.open()
        await moving.move(mine.conn, report, body, intake, mine.now, reasons)
        return await mine.view()


@router.post(
    "/reports/{code}/additions",
    status_code=201,
    responses={
        **LET_IN,
        201: {"model": AdditionReceipt},
        200: {"model": AdditionReceipt, "description": "The first answer to this Idempotency-Key."},
    },
)
async def add_to_report(
    body: adding.Addition,
    mine: Mine,
    idempotency_key: Annotated[
        str | None,
        Header(max_length=100, description="a random uuid; the same sent again is added once"),
    ] = None,
) -> Response:
    """Add to a report, while it is open or resolved; at most 20 times."""
    key = read_key(idempotency_key) if idempotency_key is not None else None
    async with mine.conn.begin():
        await adding.check(mine.conn, await mine.open_to_add(locked=False), mine.now, key)
    reasons = await mine.let_in(Told(body.text), key)
    async with mine.conn.begin():
        report = await mine.open_to_add()
        added = await adding.add(mine.conn, report, body, mine.keys, mine.now, key, reasons)
    return Response(
        packed(added.answer),
        status_code=200 if added.replayed else 201,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


@router.post("/reports/{code}/withdraw", response_class=GeoJson, responses=OF_A_CHANGE)
async def withdraw_report(mine: Mine, rules: Rules) -> Response:
    """Withdraw a report that is still open; it stays in the counts, as withdrawn."""
    async with mine.conn.begin():
        await withdrawing.withdraw(mine.conn, await mine.open(), rules.deadlines, mine.now)
        return await mine.view()


@router.put("/reports/{code}/contact", response_class=GeoJson, responses=WITH_A_BODY)
async def leave_contact(body: Reporter, mine: Mine) -> Response:
    """Leave how to be reached, instead of any contact of before; an empty one takes it back."""
    async with mine.conn.begin():
        await contacting.leave(mine.conn, await mine.open(), body, mine.keys, mine.now)
        return await mine.view()


@router.delete("/reports/{code}/contact", response_class=GeoJson, responses=OF_A_CHANGE)
async def take_contact_back(mine: Mine) -> Response:
    """Take one's contact back: the report is anonymous then."""
    async with mine.conn.begin():
        await contacting.take_back(mine.conn, await mine.open(), mine.now)
        return await mine.view()
