"""Errors as RFC 9457 problem+json: the one place that gives the subject's errors a status."""

import json
import logging
import traceback
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from geo import errors
from geo.reports.text import visible

log = logging.getLogger("pinward.errors")

STATUS: dict[type[errors.PinwardError], int] = {
    errors.Invalid: 422,
    errors.OutsideCoverage: 422,
    errors.KeyReused: 422,
    errors.NotFound: 404,
    errors.NotSignedIn: 401,
    errors.NotAllowed: 403,
    errors.Conflict: 409,
    errors.ChangedMeanwhile: 412,
    errors.TooMany: 429,
    errors.NotReady: 503,
    errors.OutgoingRefused: 422,
    errors.Held: 423,
    errors.TooLarge: 413,
}
TYPE = "https://pinward.example/problems/"


class Problem(BaseModel):
    """RFC 9457: `type` is stable, `detail` says what, where and how to mend it."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] | None = None


def _documented(description: str) -> dict[str, Any]:
    # Written out: a reference would point at a model that no route returns, so at nothing.
    schema = Problem.model_json_schema()
    return {
        "description": description,
        "content": {"application/problem+json": {"schema": schema}},
    }


DOCUMENTED: dict[int | str, dict[str, Any]] = {
    422: _documented("The input is not valid; `errors` names the fields."),
    "default": _documented("Whatever else went wrong, as problem+json."),
}


_WORDS = {
    400: "The body is not JSON.",
    401: "Nobody is signed in, or the secret or password is wrong.",
    403: "The one who is signed in may not do this.",
    404: "There is nothing by this name.",
    408: "The body did not come in time.",
    409: "What is asked does not go with how things stand; `detail` says how they do.",
    412: "What the request takes for granted is not so: it is not any more as `If-Match` says, "
    "or the version of the protocol is not spoken here.",
    413: "The body is too large.",
    415: "The body is not sent as JSON.",
    416: "There are no bytes in the range that was asked for; `Content-Range` says how many are.",
    429: "Too many of these in a short time; `Retry-After` says when to try again.",
    423: "Another request is at it; try again in a moment.",
    503: "The service cannot answer now; `Retry-After` says when to ask again.",
}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route adds to `DOCUMENTED` for the OpenAPI document."""
    # Whose bodies are bounded in size are so in time.
    found = (*statuses, 408) if 413 in statuses else statuses
    return {status: _documented(_WORDS[status]) for status in found}


def problem(
    status: int,
    kind: str,
    title: str,
    detail: str,
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem+json answer; `extra` adds members beside the standard ones."""
    body = {"type": TYPE + kind, "title": title, "status": status, "detail": visible(detail)}
    return Response(
        json.dumps({**body, **(extra or {})}, ensure_ascii=False, default=str),
        status_code=status,
        headers={"Cache-Control": "no-store", **(headers or {})},
        media_type="application/problem+json",
    )


def of_subject(error: errors.PinwardError) -> Response:
    """The problem that an error of the subject is."""
    status = next((STATUS[c] for c in type(error).__mro__ if c in STATUS), 500)
    extra = dict(error.facts)
    if isinstance(error, errors.Invalid) and error.errors:
        extra["errors"] = error.errors
    title = (type(error).__doc__ or error.kind).splitlines()[0].strip().rstrip(".")
    headers = {"WWW-Authenticate": "Cookie"} if status == 401 else {}
    if isinstance(error, errors.NotReady | errors.TooMany):
        headers["Retry-After"] = str(error.later_s)
    return problem(status, error.kind, title, error.detail, extra, headers)


def _of_validation(error: RequestValidationError) -> Response:
    found = []
    for item in error.errors():
        place = [str(part) for part in item["loc"] if part not in ("body", "query", "path")]
        message = str(item["msg"]).removeprefix("Value error, ")
        if isinstance(item.get("input"), str):
            # Measured after it was cleaned, a text is a thing of "items" to pydantic.
            message = message.replace("items after validation", "characters")
            message = message.replace("item after validation", "character")
        field = visible(".".join(place) or str(item["loc"][0]))
        found.append({"field": field, "message": visible(message)})
    said = "; ".join(f"{item['field']}: {item['message']}" for item in found)
    return problem(422, "invalid", "The input is not valid", said, {"errors": found})


def _of_http(error: HTTPException) -> Response:
    kinds = {404: "not-found", 405: "method-not-allowed", 400: "bad-request"}
    kinds |= {408: "too-slow", 413: "too-large", 415: "unsupported-media-type"}
    status, said = error.status_code, str(error.detail)
    if status == 404 and said == "Not Found":
        said = "there is nothing at this address; /docs lists what there is"
    elif status == 405:
        allowed = (error.headers or {}).get("Allow", "")
        said = f"this address does not answer to that method; it answers to {allowed}"
    return problem(
        status, kinds.get(status, "http"), HTTPStatus(status).phrase, said, None, error.headers
    )


def _allowed(request: Request) -> str:
    # Starlette names the methods of the first route of this path only.
    found = [
        method
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in request.app.routes
        )
    ]
    return ", ".join(["GET", "HEAD", *found[1:]] if "GET" in found else found)


def install(app: FastAPI) -> None:
    """Every error of the app leaves as problem+json."""

    @app.exception_handler(errors.PinwardError)
    async def subject(request: Request, error: errors.PinwardError) -> Response:
        return of_subject(error)

    # The database went away or had no connection left: nothing was kept, trying again may help.
    @app.exception_handler(OperationalError)
    @app.exception_handler(InterfaceError)
    @app.exception_handler(psycopg.OperationalError)
    @app.exception_handler(psycopg.InterfaceError)
    @app.exception_handler(errors.DatabaseAway)
    @app.exception_handler(PoolTimeout)
    async def away(request: Request, error: Exception) -> Response:
        # Where the database is looked for is for the log, not for whoever asks.
        why = error.detail if isinstance(error, errors.DatabaseAway) else type(error).__name__
        log.warning("no database in %s: %s", _route(request.scope), why)
        return of_subject(errors.NotReady("the database does not answer; try again in a moment"))

    @app.exception_handler(RequestValidationError)
    async def validation(request: Request, error: RequestValidationError) -> Response:
        return _of_validation(error)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        if error.status_code == 405:
            error.headers = {**(error.headers or {}), "Allow": _allowed(request)}
        return _of_http(error)


class LastResort:
    """Turns what nobody expected into a 500 problem, inside CORS so that a browser can read it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            log.error("unexpected error in %s\n%s", _route(scope), _told(error))
            if started:
                raise
            answer = problem(
                500, "unexpected", "Something went wrong here", "It was logged; try again later."
            )
            await answer(scope, receive, send)


def _route(scope: Scope) -> str:
    # The route's template, not the path: a path may hold a report's code.
    return f"{scope['method']} {getattr(scope.get('route'), 'path', 'unknown route')}"


def _told(error: Exception) -> str:
    """The error for the log; of a database's error no text that may repeat what people wrote."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(error, DBAPIError) and not isinstance(error, psycopg.Error):
        return "".join(traceback.format_exception(error))
    code = getattr(cause, "sqlstate", None)
    where = "".join(traceback.format_tb(error.__traceback__))
    return f"{where}{type(cause).__name__} (SQLSTATE {code})"
