"""Tasks: assigned, open reports as the staff see them, each account those it works on."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, bindparam

from geo.errors import NotAllowed
from geo.store import wards
from geo.store.database import AnyRow
from geo.store.tables import reports
from geo.store.tables.reports import OPEN_STATUSES

# See the tasks of the whole city; the others see those of what their account names.
_EVERYWHERE = ("hotline_agent", "planner", "admin")


@dataclass(frozen=True, slots=True)
class Scope:
    """Which tasks an account sees: of a ward (today's of this code, all its dated versions), of an
    organisation (id), of both at once, or, where both are None, all.
    """

    ward_code: str | None = None
    organisation_id: int | None = None

    @classmethod
    def of(cls, account: AnyRow) -> "Scope":
        """The scope of an account (see `geo.store.users`); raises `NotAllowed` when it has none."""
        if account.role in _EVERYWHERE:
            return cls()
        if not account.ward_code and account.organisation_id is None:
            raise NotAllowed(
                f"this account ({account.role}) acts for no ward and no organisation, so it has no "
                "tasks; an administrator can give it one with `pinward users add`"
            )
        return cls(account.ward_code or None, account.organisation_id)

    def conditions(self, today: date) -> list[ColumnElement[bool]]:
        """What a row of `reports` must meet to be a task of this scope on a day of the city."""
        table = reports.c
        found: list[ColumnElement[bool]] = [
            # written out, so that the index of just these rows is used
            table.status.in_(
                bindparam("open", OPEN_STATUSES, expanding=True, literal_execute=True)
            ),
            table.organisation_id.is_not(None),
        ]
        if self.organisation_id is not None:
            found.append(table.organisation_id == self.organisation_id)
        if self.ward_code is not None:
            found.append(table.ward_id.in_(wards.named([self.ward_code], today)))
        return found
