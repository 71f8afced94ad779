"""HTTP of uploads: a photo is sent, cleaned, and then named in a report."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from api.caching import packed
from api.errors import documented
from api.multipart import receive
from api.schemas import Upload
from geo.photos import keeping
from geo.reports.times import rfc3339

router = APIRouter(prefix="/api/v1/uploads", tags=["uploads"])

_MULTIPART = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}


@router.post(
    "",
    status_code=201,
    openapi_extra=_MULTIPART,
    responses={**documented(413, 415, 503), 201: {"model": Upload}},
)
async def send(request: Request) -> Response:
    """Send a photo (JPEG, PNG, WebP or HEIC; 20 MB at most) as the part `file`.

    All it says beside its picture is taken away; what cannot be cleaned is refused and deleted.
    """
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise HTTPException(415, "send the photo as the part `file` of multipart/form-data")
    # Full now: it need not be sent at all.
    request.app.state.cleaning.check()
    with request.app.state.inbox.once() as (file, path):
        sent = await receive(request, file)
        file.flush()
        told = await _taken(request, path, keeping.new_id(), sent)
    return Response(
        packed(told),
        status_code=201,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


async def _taken(request: Request, path: Path, upload_id: str, sent: int) -> dict[str, Any]:
    """Clean the file and keep it by this id; what is answered."""
    state = request.app.state
    clean = await state.cleaning.cleaned(path)
    async with state.engine.begin() as conn:
        kept = await keeping.keep(conn, state.media, clean, upload_id, sent, datetime.now(UTC))
    return _told(upload_id, kept)


def _told(upload_id: str, kept: dict[str, Any]) -> dict[str, Any]:
    shown = {name: kept[name] for name in ("media_type", "width", "height")}
    return {"id": upload_id, **shown, "expires_at": rfc3339(kept["expires_at"])}
