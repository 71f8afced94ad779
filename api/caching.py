"""Answers that a client may keep: an ETag of what is in them, and 304 when it has them already."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response


def packed(body: dict[str, Any]) -> bytes:
    """A JSON answer in as few bytes as UTF-8 takes."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def weak_etag(body: bytes) -> str:
    """`W/"…"` of the content: weak, because compression on the way changes the bytes."""
    return f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


def matches(if_none_match: str | None, etag: str) -> bool:
    """Whether an `If-None-Match` (one, a list, weak forms, `*`) names this ETag (RFC 9110)."""
    if if_none_match is None:
        return False
    if if_none_match.strip() == "*":
        return True
    # ETags hold no commas here, so a plain split reads every list a client built from ours.
    named = {part.strip().removeprefix("W/") for part in if_none_match.split(",")}
    return etag.removeprefix("W/") in named


def cached(
    request: Request,
    body: bytes,
    media_type: str,
    cache_control: str = "no-cache",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """200 with the body, or 304 when the client has it; both carry ETag and Cache-Control."""
    etag = weak_etag(body)
    sent = {**(headers or {}), "ETag": etag, "Cache-Control": cache_control}
    if matches(request.headers.get("if-none-match"), etag):
        # The middleware that compresses adds Vary to full answers only; a 304 has to repeat it.
        vary = [sent["Vary"]] if "Vary" in sent else []
        sent["Vary"] = ", ".join([*vary, "Accept-Encoding"])
        return Response(status_code=304, headers=sent)
    return Response(body, media_type=media_type, headers=sent)
