"""Which tasks somebody of the staff asks for: those of their scope, narrowed by their choice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from sqlalchemy import ColumnElement, and_, func, literal, or_, select

from geo.reports.tasks.conditions import conditions
from geo.scope import Scope
from geo.store import wards as ward_store
from geo.store.tables import categories, organisations, reports, wards
from geo.store.tasks import Heads


@dataclass(frozen=True)
class Wanted:
    """What is None does not narrow; lists match any of their members.

    `account` is the id of who asks. A family's code matches its children, too. `ward` are codes as
    of the day `on` of the city, which they need. `holder`: `me`, or `none` for what nobody holds.
    `late`: due before `now` and not waiting. `escalated`: of its first reply, which is still to
    come, or of its result it was told that time runs out. `q`: all its words occur in the text,
    marks and case aside.
    """

    scope: Scope
    account: int
    now: datetime
    category: Sequence[str] | None = None
    status: Sequence[str] | None = None
    organisation: Sequence[str] | None = None
    ward: Sequence[str] | None = None
    on: date | None = None
    holder: Literal["me", "none"] | None = None
    late: bool | None = None
    escalated: bool | None = None
    due_before: datetime | None = None
    priority: Sequence[int] | None = None
    q: str | None = None

    def heads(self) -> Heads:
        """By which index: of one's organisation, of one's ward, or of the city."""
        table = reports.c
        if self.scope.organisation_id is not None:
            return Heads(table.organisation_id, select(literal(self.scope.organisation_id)))
        if self.organisation:
            of = select(organisations.c.id).where(organisations.c.code.in_(self.organisation))
            return Heads(table.organisation_id, of)
        if self.scope.ward is not None:
            first = func.coalesce(wards.c.same_as, wards.c.id)
            return Heads(table.ward_id, select(wards.c.id).where(first == self.scope.ward))
        if self.ward:
            return Heads(table.ward_id, ward_store.named(self.ward, self.on))
        return Heads()

    def where(self) -> list[ColumnElement[bool]]:
        """What a row of `reports` must meet."""
        return [*conditions(self.scope), *self.chosen()]

    def chosen(self) -> list[ColumnElement[bool]]:
        """As `where`, without being a task of the scope."""
        table, found = reports.c, list[ColumnElement[bool]]()
        if self.organisation:
            of = select(organisations.c.id).where(organisations.c.code.in_(self.organisation))
            found.append(table.organisation_id.in_(of))
        if self.ward:
            found.append(table.ward_id.in_(ward_store.named(self.ward, self.on)))
        if self.category:
            family = or_(
                categories.c.code.in_(self.category), categories.c.parent_code.in_(self.category)
            )
            found.append(table.category_code.in_(select(categories.c.code).where(family)))
        if self.status:
            found.append(table.status.in_(self.status))
        if self.holder == "me":
            found.append(table.holder_id == self.account)
        elif self.holder == "none":
            found.append(table.holder_id.is_(None))
        if self.late is not None:
            late = and_(table.due_at < self.now, table.status != "waiting")
            found.append(late if self.late else ~func.coalesce(late, False))
        if self.escalated is not None:
            unanswered = and_(table.first_escalated > 0, table.replied_at.is_(None))
            told = or_(table.escalated > 0, unanswered)
            found.append(told if self.escalated else ~told)
        if self.due_before:
            found.append(table.due_at < self.due_before)
        if self.priority:
            found.append(table.priority.in_(self.priority))
        for word in (self.q or "").split():
            plain = func.pinward_plain(func.normalize(word))
            found.append(func.strpos(func.pinward_plain(table.text), plain) > 0)
        return found
