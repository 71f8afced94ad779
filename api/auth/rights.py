"""Who of the staff may do what: one table of roles and actions, and how a route declares its own.

Whether it is of the account's ward or organisation, `api.auth.scope` says. A test walks all routes:
one that knows who is signed in, or changes anything, must declare its action here, or stand in
`BY_ANYBODY`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Final

from fastapi import Depends

from api.auth.staff import Token, require, signed_in
from api.session import Read
from geo.reports import contacts
from geo.store.asking import as_account
from geo.store.database import AnyRow, AsyncConnection
from geo.store.tables.users import ROLES


class Action(StrEnum):
    """What the staff do by HTTP."""

    SEE_TASKS = "task.see"
    MERGE = "report.merge"
    READ_TASKS = "task.read"
    MOVE_TASKS = "task.move"
    READ_CONTACT = "contact.read"
    ERASE_REPORT = "report.erase"
    SEND_ALERT = "alert.send"
    CANCEL_ALERT = "alert.cancel"
    ASK_FOR_RUN = "hotspots.run"
    SEE_RUNS = "hotspots.runs"
    ASK_EXPERT = "hotspots.expert"
    MANAGE_KEYS = "keys.manage"
    SEE_PHOTOS = "photo.see"
    MODERATE = "report.moderate"
    BAR_DEVICES = "device.bar"
    ANSWER = "template.use"


@dataclass(frozen=True, slots=True)
class Right:
    """Which roles have it, and whether only for what is of the account's ward or organisation."""

    roles: tuple[str, ...]
    within: bool


RIGHTS: Final[dict[Action, Right]] = {
    Action.SEE_TASKS: Right(ROLES, within=True),
    Action.MERGE: Right(("hotline_agent", "ward_officer", "admin"), within=True),
    # Text and photos, also of what the public does not see: those who work on it.
    Action.READ_TASKS: Right(("hotline_agent", "crew", "ward_officer", "admin"), within=True),
    # Which moves a role may make, the table of moves says (geo.reports.workflow.graph).
    Action.MOVE_TASKS: Right(("hotline_agent", "crew", "ward_officer", "admin"), within=True),
    Action.READ_CONTACT: Right(contacts.READERS, within=True),
    Action.ERASE_REPORT: Right(contacts.ERASERS, within=True),
    Action.SEND_ALERT: Right(("ward_officer", "planner", "admin"), within=True),
    Action.CANCEL_ALERT: Right(("ward_officer", "planner", "admin"), within=True),
    # Hotspots are public; asking for them costs the city's machine, not a ward's.
    Action.ASK_FOR_RUN: Right(("planner", "admin"), within=False),
    Action.SEE_RUNS: Right(ROLES, within=False),
    Action.ASK_EXPERT: Right(("planner", "admin"), within=False),
    Action.MANAGE_KEYS: Right(("admin",), within=True),
    # A crew sees what it is to mend, also of a report that the public does not see.
    Action.SEE_PHOTOS: Right(("hotline_agent", "crew", "ward_officer", "admin"), within=True),
    Action.MODERATE: Right(("hotline_agent", "ward_officer", "admin"), within=True),
    # A device is of no ward: who acts for the city.
    Action.BAR_DEVICES: Right(("hotline_agent", "admin"), within=True),
    # Of no ward: whoever answers citizens may use them and mend them for all.
    Action.ANSWER: Right(("hotline_agent", "ward_officer", "admin"), within=False),
}

BY_ANYBODY: Final = (
    "POST /api/v1/reports",
    # Of whoever knows the upload's id.
    "POST /api/v1/uploads",
    "PATCH /api/v1/uploads/{upload_id}",
    "DELETE /api/v1/uploads/{upload_id}",
    # One's own sign-in, whatever the role.
    "POST /api/v1/session",
    "GET /api/v1/session",
    "DELETE /api/v1/session",
    "GET /api/v1/sessions",
    "DELETE /api/v1/sessions",
    "DELETE /api/v1/sessions/{id}",
    "PUT /api/v1/session/password",
    "POST /api/v1/session/code",
    "POST /api/v1/session/totp",
    "PUT /api/v1/session/totp",
    "DELETE /api/v1/session/totp",
    "GET /api/v1/session/oidc",
    "GET /api/v1/session/oidc/{kind}",
    "GET /api/v1/session/oidc/{kind}/callback",
    "POST /api/v1/session/oidc/staff/code",
    # A citizen's own.
    "GET /api/v1/me",
    "GET /api/v1/me/reports",
    "DELETE /api/v1/me/reports/{code}",
    "DELETE /api/v1/me/session",
    "DELETE /api/v1/me",
    "POST /api/v1/reports/{code}/support",
    # Of whoever knows the report's secret.
    "PATCH /api/v1/reports/{code}",
    "POST /api/v1/reports/{code}/position",
    "POST /api/v1/reports/{code}/additions",
    "POST /api/v1/reports/{code}/withdraw",
    "POST /api/v1/reports/{code}/confirm",
    "POST /api/v1/reports/{code}/rating",
    "POST /api/v1/reports/{code}/reopen",
    "PUT /api/v1/reports/{code}/contact",
    "DELETE /api/v1/reports/{code}/contact",
)
"""Routes that change something, or know who is signed in, and are not for certain roles."""


def allow(account: AnyRow, action: Action) -> None:
    """Raise `NotAllowed` when the account's role may not do this."""
    require(account, *RIGHTS[action].roles)


class May:
    """A route's declaration of its action; gives it the account that is signed in."""

    def __init__(self, action: Action) -> None:
        self.action = action

    async def __call__(self, conn: Read, token: Token = None) -> AnyRow:
        """The account; raises `NotSignedIn` and `NotAllowed`."""
        account = await signed_in(conn, token)
        allow(account, self.action)
        return account


Who = Callable[[AsyncConnection], Awaitable[AnyRow]]
"""Asks for the account only when called; the route's connection asks as it from then on."""


class MayAlso:
    """As `May`, of a route that others may use by other means, such as a report's secret."""

    def __init__(self, action: Action) -> None:
        self.action = action

    async def __call__(self, token: Token = None) -> Who:
        """What asks for the account, if the route does."""

        async def who(conn: AsyncConnection) -> AnyRow:
            account = await signed_in(conn, token)
            allow(account, self.action)
            await as_account(conn, account.id)
            return account

        return who


@cache
def may(action: Action) -> Any:
    """`account: Annotated[AnyRow, may(Action.…)]` of a route: 401 and 403 to all others."""
    return Depends(May(action), scope="function")


@cache
def may_also(action: Action) -> Any:
    """`who: Annotated[Who, may_also(Action.…)]`: `await who(conn)` answers 401 and 403."""
    return Depends(MayAlso(action), scope="function")
