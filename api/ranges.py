"""A part of an answer, as players of video ask for it (RFC 9110: one range of bytes)."""

import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from api.errors import problem

_ONE = re.compile(r"bytes=[ \t]*(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))[ \t]*", re.ASCII)


def ranged(request: Request, data: bytes, media_type: str, headers: Mapping[str, str]) -> Response:
    """200 with all of `data`, 206 with the one range that was asked for, 416 where it has none.

    `headers` hold the ETag. Several ranges at once, and what is no range of bytes, are passed over,
    as is any range of another state than the one there is (`If-Range`).
    """
    sent = {**headers, "Accept-Ranges": "bytes"}
    wanted = _ONE.fullmatch(request.headers.get("range", "").lower())
    if wanted is None or request.headers.get("if-range", sent["ETag"]) != sent["ETag"]:
        return Response(data, media_type=media_type, headers=sent)
    first, last, suffix = wanted.groups()
    end = len(data)
    begin = int(first) if first else max(0, end - int(suffix))
    if last:
        end = min(end, int(last) + 1)
        if int(last) < begin:
            # No range at all: the last byte lies before the first.
            return Response(data, media_type=media_type, headers=sent)
    if begin >= end:
        sent["Content-Range"] = f"bytes */{len(data)}"
        said = f"there are {len(data)} bytes, from 0 on"
        return problem(416, "range", "There is nothing in this range", said, None, sent)
    sent["Content-Range"] = f"bytes {begin}-{end - 1}/{len(data)}"
    return Response(data[begin:end], 206, sent, media_type)
