"""HTTP of uploads: a photo or video is sent, at once or in pieces, cleaned, named in a report."""

import os
from asyncio import to_thread
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path as File
from typing import IO, Annotated, Any

from fastapi import APIRouter, Header, Path, Request, Response
from starlette.exceptions import HTTPException

from api import admission, tus
from api.admission import Sender
from api.auth.staff import Token
from api.caching import packed
from api.errors import documented, problem
from api.multipart import body, receive, too_large
from api.schemas import Upload
from geo.errors import Conflict, NotFound, RefusedPhoto, TooLarge
from geo.photos import keeping, media
from geo.photos.inbox import Part
from geo.photos.refusals import refused
from geo.reports.times import rfc3339
from geo.store import photos as rows

router = APIRouter(prefix="/api/v1/uploads", tags=["uploads"], route_class=tus.TusRoute)

_LOOKED_EACH = 4 << 20
_MULTIPART = {
    "requestBody": {
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
_CHUNK = {
    "requestBody": {
        "content": {tus.CHUNK: {"schema": {"type": "string", "format": "binary"}}},
    }
}
Id = Annotated[str, Path(max_length=100, description="the last part of the Location")]


@router.options("", include_in_schema=False)
async def abilities() -> Response:
    """What of tus is spoken here."""
    said = {
        "Tus-Version": tus.VERSION,
        "Tus-Extension": tus.EXTENSIONS,
        "Tus-Max-Size": str(media.MOST_BYTES_OF_ANY),
    }
    return Response(status_code=204, headers=said)


@router.post(
    "",
    status_code=201,
    openapi_extra=_MULTIPART,
    responses={**documented(403, 412, 413, 415, 429, 503), 201: {"model": Upload}},
)
async def send(
    request: Request,
    sender: Sender,
    upload_length: Annotated[
        str | None, Header(description="instead of a body: bytes that come in pieces (tus 1.0)")
    ] = None,
    token: Token = None,
) -> Response:
    """Send a photo (JPEG, PNG, WebP or HEIC; 20 MB at most) or a video as the part `file`.

    All it says beside its picture is taken away; what cannot be cleaned is refused and deleted.
    With `Upload-Length` and no body it comes in pieces instead: PATCH them to the `Location`. So
    send a video (MP4 or MOV; 50 MB and 60 s at most): cleaning it may take longer than a connection
    lasts, and only what comes in pieces can be asked for again. Its sound is taken away, too.
    """
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "multipart/form-data":
        if upload_length is not None:
            if wrong := tus.other_version(request):
                return wrong
            await _admit(request, sender, token)
            return await to_thread(_begin, request)
        raise HTTPException(
            415,
            "send the photo or video as the part `file` of multipart/form-data, or the header "
            "Upload-Length to send it in pieces (tus 1.0)",
        )
    inbox = request.app.state.inbox
    await to_thread(inbox.check_room, media.MOST_BYTES_OF_ANY)
    await _admit(request, sender, token)
    with ExitStack() as held:
        # Others may be asked for room just now, and waited for.
        once = inbox.once(media.MOST_BYTES_OF_ANY)
        file, path = await to_thread(held.enter_context, once)
        # Where its line is full now, the rest of it need not be sent.
        sent = await receive(request, file, request.app.state.cleaning.check)
        file.flush()
        told = await _taken(request, path, keeping.new_id(), sent)
    return _answer(told, 201)


@router.get(
    "/{upload_id}",
    responses={
        **documented(404),
        200: {"model": Upload, "description": "It was cleaned and may be used."},
        204: {"description": "Not all of it is here: `Upload-Offset` says how much (HEAD, too)."},
    },
)
async def look(upload_id: Id, request: Request) -> Response:
    """How much of an upload is here."""
    kept = await _kept(request, upload_id)
    if kept:
        return _answer(_told(upload_id, kept._asdict()), 200, kept.sent)
    part = await to_thread(_part, request, upload_id)
    return Response(status_code=204, headers={**_how_far(part), "Cache-Control": "no-store"})


@router.patch(
    "/{upload_id}",
    openapi_extra=_CHUNK,
    responses={
        **documented(404, 409, 412, 413, 415, 423, 503),
        200: {"model": Upload, "description": "That was the last piece; it is cleaned."},
        204: {"description": "The piece is kept: `Upload-Offset` says where the next begins."},
    },
)
async def resume(
    upload_id: Id,
    request: Request,
    upload_offset: Annotated[str | None, Header(description="where this piece begins")] = None,
) -> Response:
    """Send the next piece of an upload; with the last one it is cleaned.

    Whoever loses the connection meanwhile sends the last byte again: 423 while it is being cleaned,
    then the answer.
    """
    if wrong := tus.other_version(request):
        return wrong
    if request.headers.get("content-type", "").strip().lower() != tus.CHUNK:
        said = f"send the piece as Content-Type: {tus.CHUNK}"
        return problem(415, "unsupported-media-type", "Another type is needed", said)
    offset = tus.number(request, "Upload-Offset")
    kept = await _kept(request, upload_id)
    if kept:
        _at(offset, kept.sent)
        return _answer(_told(upload_id, kept._asdict()), 200, kept.sent)
    part = await to_thread(_part, request, upload_id)
    with request.app.state.inbox.held(part) as file:
        _at(offset, part.offset)
        await to_thread(request.app.state.inbox.check_room, part.length - offset, part)
        try:
            there = await _append(request, part, file, offset)
            if there < part.length:
                return Response(status_code=204, headers=_how_far(part))
            told = await _taken(request, part.path, upload_id, part.length)
        except RefusedPhoto:
            part.path.unlink(missing_ok=True)
            raise
        part.path.unlink(missing_ok=True)
    return _answer(told, 200, part.length)


@router.delete(
    "/{upload_id}",
    status_code=204,
    responses={**documented(404, 412, 423), 204: {"description": "Nothing of it is left."}},
)
async def withdraw(upload_id: Id, request: Request) -> Response:
    """Take back an upload that is in no report."""
    if wrong := tus.other_version(request):
        return wrong
    state = request.app.state
    async with state.engine.begin() as conn:
        gone = await rows.drop_upload(conn, keeping.id_hash(upload_id))
    for sha256 in gone:
        async with state.engine.begin() as conn:
            await keeping.forget(conn, state.media, sha256)
    if not gone:
        part = await to_thread(_part, request, upload_id)
        with state.inbox.held(part):
            part.path.unlink(missing_ok=True)
    return Response(status_code=204)


async def _admit(request: Request, sender: Sender, token: str | None) -> None:
    # Not for longer than it takes to ask: a body may come for minutes.
    async with request.app.state.engine.connect() as conn:
        await admission.upload(request, conn, sender, token, now=datetime.now(UTC))


def _begin(request: Request) -> Response:
    length = tus.number(request, "Upload-Length")
    if not length:
        raise refused("empty")
    if length > media.MOST_BYTES_OF_ANY:
        raise too_large(media.MOST_BYTES_OF_ANY)
    upload_id = keeping.new_id()
    until = datetime.now(UTC) + keeping.USABLE_FOR
    part = request.app.state.inbox.begin(keeping.id_hash(upload_id), length, until)
    headers = {"Location": f"{router.prefix}/{upload_id}", "Upload-Expires": tus.expires(part)}
    return Response(status_code=201, headers={**headers, "Cache-Control": "no-store"})


def _part(request: Request, upload_id: str) -> Part:
    part: Part | None = request.app.state.inbox.find(keeping.id_hash(upload_id), datetime.now(UTC))
    if part is None:
        raise NotFound("there is no such upload: it ended, was refused or never was; begin again")
    return part


async def _append(request: Request, part: Part, file: IO[bytes], offset: int) -> int:
    """Write the body at `offset`; how much of the upload is here then, and on the disk."""
    # Bytes behind it are of a piece that was never acknowledged.
    file.truncate(offset)
    file.seek(offset)
    there = offset
    checked = offset >= media.HEAD_BYTES
    try:
        async for piece in body(request):
            if there + len(piece) > part.length:
                raise TooLarge(
                    f"the whole upload was to have {part.length} bytes, and this is more"
                )
            # Others write, too, who were promised less than they bring.
            if there // _LOOKED_EACH != (there + len(piece)) // _LOOKED_EACH:
                request.app.state.inbox.check_free()
            there += len(piece)
            file.write(piece)
            if not checked and (there >= media.HEAD_BYTES or there == part.length):
                file.flush()
                await to_thread(_check_kind, part)
                checked = True
    finally:
        # Also what came of a piece that was broken off need not be sent again.
        file.flush()
        await to_thread(os.fsync, file.fileno())
    return there


def _check_kind(part: Part) -> None:
    with part.path.open("rb") as file:
        most = media.kind_of(file.read(media.HEAD_BYTES)).most_bytes
    if part.length > most:
        part.path.unlink()
        raise too_large(most)


def _at(offset: int, there: int) -> None:
    if offset != there:
        raise Conflict(f"the next piece begins at Upload-Offset {there}, not at {offset}")


def _how_far(part: Part) -> dict[str, str]:
    return {
        "Upload-Offset": str(part.offset),
        "Upload-Length": str(part.length),
        "Upload-Expires": tus.expires(part),
    }


async def _taken(request: Request, path: File, upload_id: str, sent: int) -> dict[str, Any]:
    """Clean the file and keep it by this id; what is answered."""
    state = request.app.state
    clean = await state.cleaning.cleaned(path)
    async with state.engine.begin() as conn:
        kept = await keeping.keep(conn, state.media, clean, upload_id, sent, datetime.now(UTC))
    return _told(upload_id, kept)


async def _kept(request: Request, upload_id: str) -> Any:
    async with request.app.state.engine.connect() as conn:
        return await rows.upload(conn, keeping.id_hash(upload_id), datetime.now(UTC))


def _told(upload_id: str, kept: dict[str, Any]) -> dict[str, Any]:
    shown = {name: kept[name] for name in ("media_type", "width", "height")}
    return {"id": upload_id, **shown, "expires_at": rfc3339(kept["expires_at"])}


def _answer(told: dict[str, Any], status: int, sent: int | None = None) -> Response:
    headers = {"Cache-Control": "no-store"}
    if sent is not None:
        headers |= {"Upload-Offset": str(sent), "Upload-Length": str(sent)}
    return Response(packed(told), status, headers, "application/json")
