"""HTTP of a report's photos and videos: seeing them, and what the staff may do with them."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Row

from api.auth.rights import RIGHTS, Action, Who, may, may_also
from api.auth.scope import require_within
from api.auth.staff import Token
from api.bodies import BoundedRoute
from api.caching import matches
from api.erased_photos import drop_photos
from api.errors import documented
from api.parameters import Said
from api.ranges import ranged
from api.routes.reports import BY_SECRET, Code, Secret
from api.schemas import Name, StaffPhoto
from api.session import Read
from geo.errors import MediaMissing, NotFound
from geo.photos.boxes import MOST_BOXES, Box
from geo.photos.cleaned import MEDIA_TYPE
from geo.reports import pictures, reading
from geo.reports.events import words
from geo.reports.held import held
from geo.store import photos as rows
from geo.store.database import AnyRow, AsyncConnection

router = APIRouter(prefix="/api/v1", tags=["reports"], route_class=BoundedRoute)

N = Annotated[int, Path(ge=1, le=32_767, description="as in `photos` of the report")]
Viewer = Annotated[Who, may_also(Action.SEE_PHOTOS)]
Why = Annotated[
    Said,
    Field(min_length=3, max_length=200, description="as it will stand in the audit log"),
]


class CoveredPhoto(StaffPhoto):
    """A photo that was covered just now."""

    note: Annotated[
        Name | None,
        Field(description="what is not done yet, for the one who covered it; null: all is done"),
    ]


_OLD_STAYS = words(
    "Ảnh đã được che và không ai còn xem được ảnh cũ, nhưng tệp ảnh cũ chưa xóa được khỏi kho. Hệ "
    "thống sẽ tự xóa trong lần dọn hằng giờ, sớm nhất là một ngày sau khi ảnh được gửi. Không cần "
    "che lại.",
    "The photo is covered, and nobody is shown the one before any more; but its file could not be "
    "deleted from the store of photos yet. The hourly sweep deletes it, at the earliest a day "
    "after it was sent. There is no need to cover it once more.",
)


class StaffPhotos(BaseModel):
    """All photos of a report."""

    photos: list[StaffPhoto]


class Covered(BaseModel):
    """An area of a photo, as fractions of its width and height from the left and the top."""

    model_config = ConfigDict(extra="forbid")

    left: float
    top: float
    right: float
    bottom: float


class Boxes(BaseModel):
    """What is to be covered, for good, and why."""

    model_config = ConfigDict(extra="forbid")

    boxes: Annotated[list[Covered], Field(min_length=1, max_length=MOST_BOXES)]
    reason: Why


_SEEN: dict[int | str, dict[str, Any]] = {
    **documented(401, 403, 404, 416, 503),
    206: {"description": "the part that `Range` asked for"},
    304: {"description": "the client has it"},
}


def _content(*media_types: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"description": "the picture", "content": {each: {} for each in media_types}}}


@router.get("/reports/{code}/photos", responses=documented(401, 403, 404))
async def list_photos(
    code: Code, response: Response, conn: Read, account: Annotated[AnyRow, may(Action.MODERATE)]
) -> StaffPhotos:
    """All photos of a report, hidden ones too, for the staff who answer for it."""
    report = await _within(conn, code, account)
    response.headers["Cache-Control"] = "no-store"
    found = await rows.all_of(conn, report.id)
    return StaffPhotos(photos=[_told(report.code, row) for row in found])


@router.get(
    "/reports/{code}/photos/{n}",
    response_class=Response,
    responses={**_SEEN, **_content(MEDIA_TYPE, "video/mp4")},
)
async def read_photo(
    code: Code, n: N, request: Request, secret: Secret, who: Viewer, token: Token = None
) -> Response:
    """A photo or video of a report; to the public where both are shown to it.

    With the report's secret also to the reporter, and to the staff who answer for it.
    """
    return await _shown(request, code, n, secret, who if token else None, still=False)


@router.get(
    "/reports/{code}/photos/{n}/still",
    response_class=Response,
    responses={**_SEEN, **_content(MEDIA_TYPE)},
)
async def read_still(
    code: Code, n: N, request: Request, secret: Secret, who: Viewer, token: Token = None
) -> Response:
    """A picture of a video (of a photo: itself), to whom the video is shown."""
    return await _shown(request, code, n, secret, who if token else None, still=True)


@router.post(
    "/reports/{code}/photos/{n}/boxes",
    responses=documented(400, 401, 403, 404, 409, 413, 415, 503),
)
async def box_out(
    code: Code,
    n: N,
    body: Boxes,
    request: Request,
    response: Response,
    who: Annotated[Who, may_also(Action.MODERATE)],
) -> CoveredPhoto:
    """Cover faces and number plates in a photo with grey. It cannot be undone.

    The new picture takes the place of the old one, which is deleted; `note` says so where that
    could not be done yet.
    """
    state = request.app.state
    async with state.engine.connect() as conn:
        account = await who(conn)
        report = await _within(conn, code, account)
        photo = await pictures.one(conn, report.id, n, hidden=True)
    row = await pictures.box_out(
        state.engine,
        state.media,
        report,
        photo,
        [Box(**box.model_dump()) for box in body.boxes],
        actor=account.email,
        reason=body.reason,
        now=datetime.now(UTC),
    )
    # Before the answer: who is told that it is done may rely on it. Covered it is in any case, so
    # no error: a program would do it once more.
    left = await drop_photos(state.engine, state.media, [photo.sha256])
    response.headers["Cache-Control"] = "no-store"
    told = _told(report.code, row).model_dump()
    return CoveredPhoto(**told, note=Name(**_OLD_STAYS) if left else None)


async def _within(conn: AsyncConnection, code: str, account: AnyRow) -> AnyRow:
    report = await held(conn, code)
    require_within(account, report.ward_code, report.organisation_id, ward=report.ward)
    return report


def _told(code: str, row: Row[Any]) -> StaffPhoto:
    photo = {name: getattr(row, name) for name in ("n", "media_type", "width", "height", "hidden")}
    return StaffPhoto(**reading.with_addresses(code, photo))


async def _shown(
    request: Request, code: str, n: int, secret: str | None, who: Who | None, *, still: bool
) -> Response:
    state = request.app.state
    again = False
    while True:
        # Not for longer than it takes to ask: a store far away is not to keep a connection.
        async with state.engine.connect() as conn:
            found, public = await _found(conn, code, n, secret, who)
        sha256, media_type = found.sha256, found.media_type
        if still and found.still_sha256:
            sha256, media_type = found.still_sha256, MEDIA_TYPE
        # The address stays when the photo is replaced or hidden, so whoever keeps it has to ask.
        headers = {
            **BY_SECRET,
            "ETag": f'"{sha256}"',
            "Cache-Control": "no-cache" if public else "no-store",
            "X-Content-Type-Options": "nosniff",
        }
        if matches(request.headers.get("if-none-match"), headers["ETag"]):
            return Response(status_code=304, headers=headers)
        try:
            return ranged(request, await state.media.get(sha256), media_type, headers)
        except MediaMissing:
            # Replaced, just now?
            if again:
                raise
            again = True


async def _found(
    conn: AsyncConnection, code: str, n: int, secret: str | None, who: Who | None
) -> tuple[Row[Any], bool]:
    """The row of the photo, and whether it is shown to the public."""
    try:
        return await reading.photo(conn, code, n, secret), secret is None
    except NotFound:
        if secret is not None or who is None:
            raise
    account = await who(conn)
    report = await _within(conn, code, account)
    # Who may hide a photo sees hidden ones.
    hidden = account.role in RIGHTS[Action.MODERATE].roles
    return await pictures.one(conn, report.id, n, hidden=hidden), False
