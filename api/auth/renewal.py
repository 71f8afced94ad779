"""What goes on beside the requests of staff: their sign-ins are renewed, their keys noted as used.

At most once a minute for each, and before the request itself is answered, in a transaction of its
own. A token older than an hour is replaced; the answer carries the new one.
"""

import logging
import secrets
import time
from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.auth import cookies
from api.auth.staff import ApiKey, credential, token_hash
from api.errors import of_subject
from geo.errors import Invalid, PinwardError
from geo.settings import Settings
from geo.store import api_keys, sessions

log = logging.getLogger("pinward.sign_in")

EVERY_S = 60.0
_REMEMBERED = 10_000


class Renewal:
    """Renews what a request is signed in by; refuses one that comes with a cookie and a key."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.settings = settings
        # When each token or key (its hash) was last noted by this process.
        self._noted: dict[bytes, float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        try:
            by = credential(request, self.settings)
        except Invalid as error:
            await of_subject(error)(scope, receive, send)
            return
        cookie = await self._renewed(request, by) if by and self._due(token_hash(by)) else None
        if cookie is None:
            await self.app(scope, receive, send)
            return

        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                # A route that signs in or out has the last word.
                if not any(name in headers.get("set-cookie", "") for name in cookies.SESSION_NAMES):
                    headers.append("set-cookie", cookie)
                    headers["cache-control"] = "no-store"
            await send(message)

        await self.app(scope, receive, with_cookie)

    def _due(self, hashed: bytes) -> bool:
        now = time.monotonic()
        if now - self._noted.get(hashed, -EVERY_S) < EVERY_S:
            return False
        if len(self._noted) >= _REMEMBERED:
            self._noted = {k: at for k, at in self._noted.items() if now - at < EVERY_S}
            if len(self._noted) >= _REMEMBERED:
                self._noted.clear()
        self._noted[hashed] = now
        return True

    async def _renewed(self, request: Request, by: str) -> str | None:
        """The header of a new cookie, when the token was replaced."""
        now, old = datetime.now(UTC), token_hash(by)
        new = secrets.token_urlsafe(32)
        ends = None
        try:
            async with request.app.state.engine.begin() as conn:
                if isinstance(by, ApiKey):
                    await api_keys.used(conn, old, now)
                    return None
                ends = await sessions.rotate(
                    conn, old, token_hash(new), now, older_than=sessions.ROTATES
                )
                if ends is None:
                    await sessions.seen(conn, old, now)
        except (SQLAlchemyError, PinwardError, OSError) as error:
            # The route will say what is wrong with the database.
            log.warning("a sign-in was not renewed: %s", type(error).__name__)
            return None
        if ends is None:
            return None
        answer = Response()
        cookies.keep(answer, request, self.settings, "session", new, ends - now)
        return answer.headers["set-cookie"]
