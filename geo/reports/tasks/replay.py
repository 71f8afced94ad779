"""What a crew did without a signal, done now: once, however often it is sent.

An action is kept by the phone's id in the transaction that does it, so a connection that broke, or
a service that fell over, costs nothing: what was done is told again, and what was not is done.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from geo.errors import ActionReused, Conflict, NotAllowed
from geo.reports.deadlines.rules import Deadlines
from geo.reports.times import rfc3339
from geo.reports.workflow.acting import NOTE, Actor, Said, Work
from geo.scope import Scope
from geo.store import tasks as store
from geo.store.database import AnyRow, AsyncConnection

OLDEST: Final = timedelta(days=7)
"""What is said to have been done earlier counts as done when it came."""


@dataclass(frozen=True, slots=True)
class Action:
    """`move` of `geo.reports.workflow.graph`, or `note` (`inner`, `photos`).

    `version` is what the report was when it was seen; `after`, instead of it: as the account's
    action of this id left it. Neither: whatever it is. `at` is when it was done by the phone.
    """

    id: UUID
    code: str
    move: str
    version: str | None = None
    after: UUID | None = None
    at: datetime | None = None
    text: str = ""
    inner: str = ""
    organisation: str | None = None
    photos: Sequence[str] = ()

    def body_hash(self) -> bytes:
        """Of all but its id."""
        said = {name: getattr(self, name) for name in self.__slots__ if name != "id"}
        told = json.dumps(said, default=str, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(told.encode()).digest()


class NotDone(Conflict):
    """The action that this one comes after was not done."""

    kind = "not-done"


@dataclass(frozen=True, slots=True)
class Done:
    """`again`: it was done before. `version`: of the report after it."""

    again: bool
    version: str


async def act(
    conn: AsyncConnection, account: AnyRow, action: Action, deadlines: Deadlines, now: datetime
) -> Done:
    """Do an action of an account, in the caller's transaction, unless it was done.

    Raises as `geo.reports.workflow.acting.Work` does; `NotAllowed` outside the account's scope,
    `ActionReused`, `NotDone`.
    """
    actor = Actor((account.role,), account.id)
    row = await Work(conn, actor, deadlines, now).opened(action.code)
    # Under the report's lock: of two that send it at once the second finds it done.
    known = await store.action(conn, account.id, action.id)
    body_hash = action.body_hash()
    if known is not None:
        if bytes(known.body_hash) != body_hash:
            raise ActionReused
        return Done(True, str(known.version))
    if not Scope.of(account).covers(row.ward, row.organisation_id):
        raise NotAllowed(
            "this report belongs to another ward or organisation than your account (now)"
        )
    newest = await store.newest_event(conn, row.id)
    when = done_at(action.at, newest.at, now)
    work = Work(conn, actor, deadlines, when, _noted(action.at, now))
    await work.opened(row.code, await _version(conn, account.id, action))
    if action.move == NOTE:
        await work.note(row, action.inner, action.photos)
    else:
        said = Said(action.text, action.inner, action.organisation, action.photos)
        await work.move(row, action.move, said)
    after = (await store.newest_event(conn, row.id)).id
    await store.keep_action(
        conn,
        {
            "account_id": account.id,
            "id": action.id,
            "body_hash": body_hash,
            "version": after,
            "sent_at": now,
        },
    )
    return Done(False, str(after))


def done_at(said: datetime | None, newest: datetime, now: datetime) -> datetime:
    """When an action counts as done that came `now`, to a report whose newest event is of `newest`.

    When the phone says, where that can be: not before what it had seen of the report happened, not
    in the future, and at most seven days ago. Phones' clocks are wrong at times, so what cannot be
    is no error: it counts as near to it as can be, and what is older as done when it came.
    """
    if said is None or said < now - OLDEST:
        return max(now, newest)
    return max(min(said, now), newest)


def _noted(said: datetime | None, now: datetime) -> dict[str, Any]:
    return {"sent_at": rfc3339(now)} | ({"done_at": rfc3339(said)} if said else {})


async def _version(conn: AsyncConnection, account: int, action: Action) -> str | None:
    if action.after is None:
        return action.version
    before = await store.action(conn, account, action.after)
    if before is None:
        raise NotDone(
            f"the action {action.after}, which this one comes after, was not done",
            detail_vi="Thao tác trước đó chưa được thực hiện nên thao tác này cũng chưa",
        )
    return str(before.version)
