"""JSON bodies read with care: bounded before they are parsed, and strictly JSON.

Python's own parser takes `NaN`, and text that UTF-8 cannot hold; both would surface as errors of
ours far from the request.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from pydantic_core import from_json
from starlette.exceptions import HTTPException
from starlette.responses import Response

LARGEST = 65_536
FORM = "application/x-www-form-urlencoded"


class _Bounded(Request):
    largest = LARGEST
    as_form = False
    _whole: bytes | None = None

    async def body(self) -> bytes:
        if self._whole is None:
            try:
                within_s: float = self.app.state.settings.body_timeout_s
                async with asyncio.timeout(within_s):
                    self._whole = await self._read()
            except TimeoutError:
                raise HTTPException(
                    408,
                    f"the body did not come within {within_s:g} seconds; send it again",
                    headers={"Connection": "close"},
                ) from None
        return self._whole

    async def _read(self) -> bytes:
        said = self.headers.get("content-length", "")
        if said.isdigit() and int(said) > self.largest:
            raise _too_large(self.largest)
        chunks, size = [], 0
        async for chunk in self.stream():
            size += len(chunk)
            if size > self.largest:
                raise _too_large(self.largest)
            chunks.append(chunk)
        kind = self.headers.get("content-type", "").split(";")[0].strip().lower()
        if self.as_form:
            if size and kind != FORM:
                raise HTTPException(415, f"the body must be a form, sent as Content-Type: {FORM}")
        elif size and kind != "application/json" and not kind.endswith("+json"):
            raise HTTPException(
                415, "the body must be JSON, sent as Content-Type: application/json"
            )
        return b"".join(chunks)

    async def json(self) -> Any:
        try:
            return from_json(await self.body(), allow_inf_nan=False)
        except ValueError as error:
            raise HTTPException(400, f"the body is not JSON: {error}") from None


def _too_large(largest: int) -> HTTPException:
    # The rest is not read: the connection cannot be used again.
    return HTTPException(
        413, f"the body may have at most {largest} bytes", headers={"Connection": "close"}
    )


class BoundedRoute(APIRoute):
    """A route whose JSON body has at most `largest` bytes; use as a router's `route_class`."""

    largest = LARGEST
    as_form = False

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, given a careful request."""
        handler = super().get_route_handler()

        async def careful(request: Request) -> Response:
            bounded = _Bounded(request.scope, request.receive)
            bounded.largest = self.largest
            bounded.as_form = self.as_form
            return await handler(bounded)

        return careful


class FormRoute(BoundedRoute):
    """A route that a form without a script posts to, of at most 2,048 bytes; it reads
    `request.body()` itself."""

    largest = 2048
    as_form = True
