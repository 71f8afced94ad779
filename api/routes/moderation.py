"""HTTP of moderation: what waits for a look, and what the staff do about it."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.auth.rights import Action, may
from api.auth.scope import require_within
from api.bodies import BoundedRoute
from api.caching import packed
from api.errors import documented
from api.moderated import BarredDevices, ModeratedReport, ModerationQueue, barred, moderated, whole
from api.parameters import Page, Said, decode_moment, encode_moment
from api.routes.reports import Code
from api.session import Read, Write
from geo.reports import moderation
from geo.reports.text import LONGEST_TEXT
from geo.scope import Scope
from geo.store import moderation as store
from geo.store.database import AnyRow, AsyncConnection

router = APIRouter(prefix="/api/v1/moderation", tags=["moderation"], route_class=BoundedRoute)

Moderator = Annotated[AnyRow, may(Action.MODERATE)]
Guard = Annotated[AnyRow, may(Action.BAR_DEVICES)]


class Queue(Page):
    """Which withheld reports."""

    state: Annotated[
        Literal["review", "hidden"],
        Field(description="`review`: nobody has looked yet; `hidden`: by the staff"),
    ] = "review"
    counts: Annotated[
        bool, Field(description="also how many there are in each state, up to 1,000")
    ] = False


class Reason(BaseModel):
    """Why, as it will stand in the audit log."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[
        Said,
        Field(min_length=3, max_length=200, description="hidden: its reporter reads it, too"),
    ]


class OfAReport(Reason):
    """Also of which version of the report."""

    version: Annotated[
        str | None,
        Field(max_length=40, description="of what was looked at; it is another by now: 412"),
    ] = None


class Release(Reason):
    """The public is to see what was looked at, and nothing else."""

    version: Annotated[
        str, Field(max_length=40, description="of what was looked at; it is another by now: 412")
    ]


class Edit(OfAReport):
    """A new text."""

    text: Annotated[str, Field(min_length=1, max_length=4 * LONGEST_TEXT)]


class Undo(OfAReport):
    """Which version; left out: the one before the last edit."""

    n: Annotated[int | None, Field(ge=1, le=32_767)] = None


class Bar(OfAReport):
    """For how long."""

    days: Annotated[int, Field(ge=1, le=moderation.LONGEST_BAR.days)] = 7


_ASKED = documented(401, 403, 404)
_DONE: dict[int | str, dict[str, Any]] = {
    **documented(400, 401, 403, 404, 409, 412, 413, 415),
    200: {"model": ModeratedReport},
}
Nth = Annotated[int, Path(ge=1, le=32_767)]


@router.get("/reports", responses={**documented(401, 403), 200: {"model": ModerationQueue}})
async def list_withheld(
    asked: Annotated[Queue, Query()], conn: Read, account: Moderator
) -> Response:
    """What the public does not see, newest first, with why; of one's own ward or organisation."""
    after = decode_moment(asked.cursor) if asked.cursor else None
    scope = Scope.of(account).conditions()
    rows = await store.queue(conn, asked.state, asked.limit + 1, after, scope)
    shown = rows[: asked.limit]
    following = None
    if len(rows) > len(shown):
        last = shown[-1]
        following = encode_moment(last.created_at, last.id)
    body: dict[str, Any] = {"reports": [moderated(row) for row in shown], "next": following}
    if asked.counts:
        body["counts"] = await store.counts(conn, scope)
    return _private(body)


@router.get("/reports/{code}", responses={**_ASKED, 200: {"model": ModeratedReport}})
async def read_moderated(code: Code, conn: Read, account: Moderator) -> Response:
    """One report with its old texts and its whole history."""
    return await _told(conn, account, code)


@router.post("/reports/{code}/release", responses=_DONE)
async def release(code: Code, body: Release, conn: Write, account: Moderator) -> Response:
    """Let the public see it, after a look or after it was hidden: this version of it alone."""
    act, report = await _act(conn, account, code, body)
    await act.release(report)
    return await _told(conn, account, code)


@router.post("/reports/{code}/hide", responses=_DONE)
async def hide(code: Code, body: OfAReport, conn: Write, account: Moderator) -> Response:
    """Take it out of the public's sight, counts and all; `release` undoes it."""
    act, report = await _act(conn, account, code, body)
    await act.hide(report)
    return await _told(conn, account, code)


@router.post("/reports/{code}/text", responses=_DONE)
async def edit_text(code: Code, body: Edit, conn: Write, account: Moderator) -> Response:
    """Replace the text; the public is told that the city edited it, the staff keep the old one."""
    act, report = await _act(conn, account, code, body)
    await act.edit(report, body.text)
    return await _told(conn, account, code)


@router.post("/reports/{code}/text/undo", responses=_DONE)
async def undo_edit(code: Code, body: Undo, conn: Write, account: Moderator) -> Response:
    """Put the text back as it was before the last edit, or as one of its versions."""
    act, report = await _act(conn, account, code, body)
    await act.undo_edit(report, body.n)
    return await _told(conn, account, code)


@router.post("/reports/{code}/photos/{n}/hide", responses=_DONE)
async def hide_photo(
    code: Code, n: Nth, body: OfAReport, conn: Write, account: Moderator
) -> Response:
    """Hide one photo from the public; `show` undoes it."""
    act, report = await _act(conn, account, code, body)
    await act.hide_photo(report, n, hidden=True)
    return await _told(conn, account, code)


@router.post("/reports/{code}/photos/{n}/show", responses=_DONE)
async def show_photo(
    code: Code, n: Nth, body: OfAReport, conn: Write, account: Moderator
) -> Response:
    """Show a hidden photo again."""
    act, report = await _act(conn, account, code, body)
    await act.hide_photo(report, n, hidden=False)
    return await _told(conn, account, code)


@router.post("/reports/{code}/additions/{n}/hide", responses=_DONE)
async def hide_addition(
    code: Code, n: Nth, body: OfAReport, conn: Write, account: Moderator
) -> Response:
    """Hide one line that the reporter added; they read why, and `show` undoes it."""
    act, report = await _act(conn, account, code, body)
    await act.hide_addition(report, n, hidden=True)
    return await _told(conn, account, code)


@router.post("/reports/{code}/additions/{n}/show", responses=_DONE)
async def show_addition(
    code: Code, n: Nth, body: OfAReport, conn: Write, account: Moderator
) -> Response:
    """Show a hidden addition again."""
    act, report = await _act(conn, account, code, body)
    await act.hide_addition(report, n, hidden=False)
    return await _told(conn, account, code)


@router.post("/reports/{code}/device/bar", responses=_DONE)
async def bar_device(
    code: Code, body: Bar, request: Request, conn: Write, account: Guard
) -> Response:
    """Bar the device that sent it, in the whole city; known for 7 days after that."""
    require_within(account, None, None)
    act, report = await _act(conn, account, code, body)
    await act.bar(report, timedelta(days=body.days), request.app.state.keys)
    return await _told(conn, account, code)


@router.post("/reports/{code}/device/unbar", responses=_DONE)
async def unbar_device_of(
    code: Code, body: OfAReport, request: Request, conn: Write, account: Guard
) -> Response:
    """Let the device that sent it send again."""
    require_within(account, None, None)
    act, report = await _act(conn, account, code, body)
    await act.unbar(report, request.app.state.keys)
    return await _told(conn, account, code)


@router.get("/devices", responses={**documented(401, 403), 200: {"model": BarredDevices}})
async def list_barred(conn: Read, account: Guard) -> Response:
    """The devices that may not send, also those whose reports do not name them any more."""
    require_within(account, None, None)
    return _private({"devices": await barred(conn)})


@router.post(
    "/devices/{device}/unbar",
    responses={
        **documented(400, 401, 403, 404, 413, 415),
        200: {"model": BarredDevices},
    },
)
async def unbar_device(
    device: Annotated[str, Path(max_length=64)], body: Reason, conn: Write, account: Guard
) -> Response:
    """Let a device send again; answers with those that are left."""
    require_within(account, None, None)
    await moderation.Act(conn, account.email, body.reason, datetime.now(UTC)).unbar_device(device)
    return _private({"devices": await barred(conn)})


async def _act(
    conn: AsyncConnection, account: AnyRow, code: str, body: OfAReport | Release
) -> tuple[moderation.Act, AnyRow]:
    """Who does it and to what, once it is known that they may."""
    report = await moderation.found(conn, code, locked=True)
    require_within(account, report.ward_code, report.organisation_id, ward=report.ward)
    moderation.check_version(report, body.version)
    return moderation.Act(conn, account.email, body.reason, datetime.now(UTC)), report


async def _told(conn: AsyncConnection, account: AnyRow, code: str) -> Response:
    report = await moderation.found(conn, code)
    require_within(account, report.ward_code, report.organisation_id, ward=report.ward)
    return _private(await whole(conn, report))


def _private(found: dict[str, Any]) -> Response:
    return Response(
        packed(found), media_type="application/json", headers={"Cache-Control": "no-store"}
    )
