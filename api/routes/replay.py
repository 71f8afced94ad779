"""HTTP of what crews did without a signal: sent later, all at once, done once."""

import json
import logging
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy.exc import DBAPIError

from api.bodies import BoundedRoute
from api.caching import packed
from api.errors import documented, of_subject
from api.parameters import PlainText
from api.routes.tasks import MoveBody, StaffMove
from api.session import Read, Rules
from api.tasks import WholeTask
from api.working import Mover
from geo.errors import ChangedMeanwhile, Conflict, PinwardError
from geo.reports.held import held
from geo.reports.tasks import replay
from geo.reports.tasks.whole import whole
from geo.reports.workflow.acting import LONGEST_NOTE
from geo.scope import Scope
from geo.store.database import AnyRow, AsyncConnection

log = logging.getLogger("pinward.replay")
MOST = 200


class ReplayRoute(BoundedRoute):
    """Two hundred notes of full length in UTF-8, with what is around them."""

    largest = 2_000_000


router = APIRouter(prefix="/api/v1/tasks", tags=["tasks"], route_class=ReplayRoute)

OfflineMove = StrEnum(  # type: ignore[misc]
    "OfflineMove", {**{each.name: each.value for each in StaffMove}, "NOTE": "note"}
)


_LENGTH = f"with more than {LONGEST_NOTE} characters it alone is refused"


class OfflineAction(MoveBody):
    """What was done to a report; the same `id` again does nothing more."""

    id: UUID
    code: Annotated[str, Field(max_length=40)]
    move: OfflineMove
    # Of any length: what somebody wrote too much of refuses their one action, not all the others.
    text: Annotated[str, Field(description=f"as of a move; {_LENGTH}")] = ""
    inner: Annotated[str, Field(description=f"as of a move; {_LENGTH}")] = ""
    version: Annotated[
        str | None, Field(max_length=20, description="of the report as it was seen")
    ] = None
    after: Annotated[
        UUID | None,
        Field(description="instead of `version`: as one's own action of this id left the report"),
    ] = None
    at: Annotated[
        AwareDatetime | None,
        Field(description="when it was done; what cannot be counts as near to it as can be"),
    ] = None

    def action(self) -> replay.Action:
        """As the rules take it."""
        return replay.Action(
            **self.model_dump(exclude={"move", "photos"}), move=self.move.value, photos=self.photos
        )


class OfflineActions(BaseModel):
    """In the order in which they were done."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    actions: Annotated[list[OfflineAction], Field(max_length=MOST)]
    account: Annotated[
        PlainText | None,
        Field(
            max_length=254,
            description="e-mail address of who did them: 409 where somebody else is signed in, as "
            "on a phone that went from hand to hand",
        ),
    ] = None


class ActionResult(BaseModel):
    """What became of an action.

    `done`; `again`: it was done before; `conflict`: somebody else was first, `task` is the report
    as it is now; `refused`: it cannot be done as it is, `problem` says why; `skipped`: one before
    it, of the same report, was not done; `failed`: try again.
    """

    id: UUID
    status: Literal["done", "again", "conflict", "refused", "skipped", "failed"]
    version: str | None
    problem: dict[str, Any] | None
    task: WholeTask | None


class ActionResults(BaseModel):
    """One for each action, in their order."""

    results: list[ActionResult]


@router.post(
    "/actions",
    responses={**documented(400, 401, 403, 409, 413, 415), 200: {"model": ActionResults}},
)
async def replay_actions(
    body: OfflineActions, conn: Read, account: Mover, rules: Rules
) -> Response:
    """Do what was done without a signal, each in a transaction of its own; send all of it again
    where no answer came. What is not done keeps nothing else from being done but later actions of
    the same report."""
    if body.account is not None and body.account.strip().lower() != account.email.lower():
        raise Conflict(
            "these were done by another account than the one that is signed in now; nothing of "
            "them was done",
            detail_vi="Các thao tác này là của tài khoản khác với tài khoản đang đăng nhập; chưa "
            "có gì được thực hiện",
        )
    scope = Scope.of(account)
    await conn.rollback()
    results: list[dict[str, Any]] = []
    stopped: set[str] = set()
    for each in body.actions:
        action = each.action()
        code = action.code.upper().replace("-", "").replace(" ", "")
        if code in stopped:
            results.append(_result(action, "skipped"))
            continue
        result = await _one(conn, account, scope, action, rules.deadlines)
        if result["status"] not in ("done", "again"):
            stopped.add(code)
        results.append(result)
    return Response(
        packed({"results": results}),
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


async def _one(
    conn: AsyncConnection,
    account: AnyRow,
    scope: Scope,
    action: replay.Action,
    deadlines: Any,
) -> dict[str, Any]:
    now = datetime.now(UTC)
    try:
        async with conn.begin():
            done = await replay.act(conn, account, action, deadlines, now)
        return _result(action, "again" if done.again else "done", version=done.version)
    except (Conflict, ChangedMeanwhile) as error:
        task = await _task(conn, account, scope, action.code, now)
        return _result(action, "conflict", problem=_problem(error), task=task)
    except PinwardError as error:
        return _result(action, "refused", problem=_problem(error))
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        log.error("an action failed: SQLSTATE %s", getattr(error.orig, "sqlstate", None))
        return _result(action, "failed")


async def _task(
    conn: AsyncConnection, account: AnyRow, scope: Scope, code: str, now: datetime
) -> dict[str, Any] | None:
    """The report as it is now, for who may see it."""
    async with conn.begin():
        row = await held(conn, code)
        seen = scope.covers(row.ward, row.organisation_id)
        return await whole(conn, row.id, account, now) if seen else None


def _result(
    action: replay.Action,
    status: str,
    version: str | None = None,
    problem: dict[str, Any] | None = None,
    task: dict[str, Any] | None = None,
) -> dict[str, Any]:
    told = {"version": version, "problem": problem, "task": task}
    return {"id": str(action.id), "status": status, **told}


def _problem(error: PinwardError) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(bytes(of_subject(error).body))
    return told
