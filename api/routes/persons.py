"""HTTP of what is kept of a person: a copy of all of it, and erasing it."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.background import BackgroundTask

from api.auth.rights import Action, Who, may_also
from api.auth.scope import require_within
from api.bodies import BoundedRoute
from api.caching import packed
from api.erased_photos import drop_photos
from api.errors import documented
from api.parameters import Said
from api.routes.reports import Code, Secret
from api.schemas import Name, Time
from api.session import Read, Write
from geo.errors import Invalid, NotSignedIn
from geo.reports import contacts, erasure, held, persons
from geo.reports.times import rfc3339

router = APIRouter(prefix="/api/v1", tags=["reports"], route_class=BoundedRoute)


class Erasure(BaseModel):
    """What shall go besides the contact, the photos and what was added later."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[bool, Field(description="also the text and the answers to questions")] = False
    reason: Annotated[
        Said | None,
        Field(max_length=200, description="of the staff: who asked for it, and how"),
    ] = None


class Tombstone(BaseModel):
    """What was taken away."""

    code: str
    erased_at: Time
    contact: bool
    text: bool
    photos: int
    message: Name


@router.post(
    "/reports/{code}/erasure",
    responses={**documented(400, 401, 403, 404, 413, 415), 200: {"model": Tombstone}},
)
async def erase(
    code: Code,
    body: Erasure,
    request: Request,
    conn: Write,
    secret: Secret,
    who: Annotated[Who, may_also(Action.ERASE_REPORT)],
) -> Response:
    """Erase what a report tells of its sender: by its secret, or by the staff at a person's wish.

    It cannot be undone. The report stays in all counts, with its place, category and history.
    """
    if secret is not None:
        report = await held.with_secret(conn, code, secret, locked=True)
        actor, reason = "reporter", "asked for with the report's secret"
    else:
        account = await who(conn)
        report = await held.held(conn, code, locked=True)
        require_within(account, report.ward_code, report.organisation_id, ward=report.ward)
        actor, reason = account.email, body.reason or ""
        if len(reason.strip()) < 3:
            raise Invalid.of("reason", "must say who asked for it, in 3 characters at least")
    now = datetime.now(UTC)
    state = request.app.state
    named = contacts.Named(report.id, report.code)
    gone = await erasure.at_wish(conn, named, text=body.text, actor=actor, why=reason, now=now)
    said = {
        "code": report.code,
        "erased_at": rfc3339(now),
        "contact": gone.contacts > 0,
        "text": gone.texts > 0,
        "photos": len(gone.photo_files),
        "message": {
            "vi": "Dữ liệu của bạn đã được xóa. Mã bí mật vẫn xem được phần còn lại của phản ánh.",
            "en": "Your data were erased. The secret still shows what is left of the report.",
        },
    }
    return Response(
        packed(said),
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
        # After the answer, so after the commit.
        background=BackgroundTask(drop_photos, state.engine, state.media, gone.photo_files),
    )


class PersonExport(BaseModel):
    """All that is kept on a report and its sender; each value with what it is called."""

    model_config = ConfigDict(extra="allow")

    class Kept(BaseModel):
        """One thing that is kept."""

        name: str
        label: Name
        value: Any

    code: str
    about: Name
    labels: Annotated[
        dict[str, Name],
        Field(description="what the members are called that have no label beside them"),
    ]
    report: list[Kept]
    contact: list[Kept]


@router.get(
    "/reports/{code}/export",
    responses={**documented(401, 404), 200: {"model": PersonExport}},
)
async def export(code: Code, request: Request, conn: Read, secret: Secret) -> Response:
    """All that is kept on a report and who sent it, by its secret: to read, and to take along."""
    if secret is None:
        raise NotSignedIn("this is for the reporter: Authorization: Report <secret>")
    report = await held.with_secret(conn, code, secret)
    keys = request.app.state.keys
    contact = await contacts.own(conn, report.id, report.secret_hash, secret, keys)
    named = contacts.Named(report.id, report.code)
    found = await persons.of_report(conn, named, contact, inner=False)
    return Response(
        packed(found),
        media_type="application/json",
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="pinward-{report.code}.json"',
        },
    )
