"""Manners of tus 1.0 (resumable uploads; tus.io), as far as they are not those of HTTP."""

from collections.abc import Callable, Coroutine
from email.utils import format_datetime
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from api.errors import of_subject, problem
from geo.errors import Invalid, PinwardError
from geo.photos.inbox import Part

VERSION = "1.0.0"
EXTENSIONS = "creation,termination,expiration"
CHUNK = "application/offset+octet-stream"
# Headers of requests and of answers that a page of another site may send and read.
ASKED = ("Tus-Resumable", "Upload-Length", "Upload-Offset", "Upload-Metadata")
TOLD = (
    *("Tus-Resumable", "Tus-Version", "Tus-Extension", "Tus-Max-Size"),
    *("Upload-Length", "Upload-Offset", "Upload-Expires"),
)


class TusRoute(APIRoute):
    """A route whose answers, refusals too, say which version of tus they are."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, its answers marked."""
        handler = super().get_route_handler()

        async def marked(request: Request) -> Response:
            try:
                answer = await handler(request)
            except PinwardError as error:
                answer = of_subject(error)
            answer.headers["Tus-Resumable"] = VERSION
            return answer

        return marked


def other_version(request: Request) -> Response | None:
    """412 for a request of another version, or of none."""
    if request.headers.get("tus-resumable") == VERSION:
        return None
    said = f"send the header Tus-Resumable: {VERSION}, the only version spoken here"
    headers = {"Tus-Version": VERSION}
    return problem(412, "tus-version", "Another version of tus", said, None, headers)


def number(request: Request, name: str) -> int:
    """A header that counts bytes; raises `Invalid`."""
    said = request.headers.get(name, "")
    if not (said.isascii() and said.isdigit() and len(said) < 16):
        raise Invalid.of(name, "must be a number of bytes")
    return int(said)


def expires(part: Part) -> str:
    """`Upload-Expires` as HTTP writes a time."""
    return format_datetime(part.ends_at, usegmt=True)
