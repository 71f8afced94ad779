"""One file out of a multipart body, written as it comes: nothing of it is kept in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import IO, TYPE_CHECKING

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.exceptions import HTTPException

from geo.errors import Invalid, TooLarge
from geo.photos.media import HEAD_BYTES, MOST_BYTES_OF_ANY, Kind, kind_of

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

# Boundaries and headers of the parts, and fields that other forms send along.
_AROUND = 16_384


async def body(request: Request) -> AsyncIterator[bytes]:
    """The body's pieces; 408 when nothing comes for the time of `PINWARD_BODY_TIMEOUT_S`."""
    within_s: float = request.app.state.settings.body_timeout_s
    pieces = request.stream()
    while True:
        try:
            async with asyncio.timeout(within_s):
                piece = await anext(pieces, None)
        except TimeoutError:
            raise HTTPException(
                408,
                f"nothing came for {within_s:g} seconds; send it again",
                headers={"Connection": "close"},
            ) from None
        if piece is None:
            return
        yield piece


def check_length(said: str | None, most: int) -> None:
    """Refuse by what the body says of its length, before any of it is read."""
    if said and said.isdigit() and int(said) > most:
        raise too_large(most)


def too_large(most: int) -> TooLarge:
    """What to raise for a file over `most` bytes."""
    return TooLarge(f"the file may have at most {most / 1e6:.0f} MB; send a smaller copy")


async def receive(request: Request, into: IO[bytes], wanted: Callable[[Kind], None]) -> int:
    """Write the part `file` of the request; how many bytes it has.

    Raises `TooLarge` as soon as it is known, `Invalid` for a body without exactly one such part,
    and what `wanted` raises, which is asked once the kind of the file is known.
    """
    check_length(request.headers.get("content-length"), MOST_BYTES_OF_ANY + _AROUND)
    _, options = parse_options_header(request.headers.get("content-type", ""))
    part = _Part(into, wanted)
    try:
        parser = MultipartParser(options.get(b"boundary", b""), part.callbacks())
        size = 0
        async for piece in body(request):
            size += len(piece)
            parser.write(piece)
            part.check(size)
        parser.finalize()
    except FormParserError as error:
        raise Invalid(f"the body is not multipart/form-data as it says: {error}") from None
    if part.files != 1 or not part.ended:
        raise Invalid.of("file", "must be there once, whole, as a part of multipart/form-data")
    return part.written


class _Part:
    """Hears the parser: keeps what belongs to the part named `file`, passes over the rest."""

    def __init__(self, into: IO[bytes], wanted: Callable[[Kind], None]) -> None:
        self.files = self.written = 0
        self.ended = False
        self._into = into
        self._wanted = wanted
        self._kind: Kind | None = None
        self._head = b""
        self._ours = False
        self._field = self._value = b""
        self._disposition = b""

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._on_field,
            "on_header_value": self._on_value,
            "on_header_end": self._on_header,
            "on_headers_finished": self._headers,
            "on_part_data": self._data,
            "on_end": self._end,
        }

    def check(self, size: int) -> None:
        if self._kind is None and len(self._head) == HEAD_BYTES:
            self._kind = kind_of(self._head)
            self._wanted(self._kind)
        most = self._kind.most_bytes if self._kind else MOST_BYTES_OF_ANY
        if self.written > most or size - self.written > _AROUND:
            raise too_large(most)

    def _begin(self) -> None:
        self._ours, self._disposition = False, b""

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value
        self._field = self._value = b""

    def _headers(self) -> None:
        _, options = parse_options_header(self._disposition)
        # What the file is called is not looked at: names tell of people and places.
        self._ours = options.get(b"name") == b"file"
        self.files += self._ours

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._ours and self.files == 1:
            if len(self._head) < HEAD_BYTES:
                self._head += data[start : min(end, start + HEAD_BYTES - len(self._head))]
            self._into.write(data[start:end])
            self.written += end - start

    def _end(self) -> None:
        self.ended = True
