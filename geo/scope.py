"""For which ward or organisation an account acts: the one rule that all of the service asks.

Its twin in the database is `pinward_within` (migration 0024), which row-level security asks.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select

from geo.errors import NotAllowed
from geo.store.database import AnyRow
from geo.store.tables import reports, wards

CITYWIDE = ("hotline_agent", "planner", "admin")
"""Roles that act for the whole city unless their account names a ward or an organisation.

The others act for nobody then: a forgotten `--ward` must not open a city.
"""

# No ward has it: the ward of an account whose code names none.
_NO_WARD = 0


@dataclass(frozen=True, slots=True)
class Scope:
    """A ward, an organisation, both at once (what is of both), or, where both are None, the city.

    `ward` is the id of the first version of the ward that the account's code meant on the day it
    was given to the account. So it stays that ward when a reform ends it, and when its code is
    given to other ground.
    """

    ward: int | None = None
    organisation_id: int | None = None

    @classmethod
    def of(cls, account: AnyRow) -> "Scope":
        """The scope of an account (see `geo.store.users`); raises `NotAllowed` when it has none."""
        if not account.ward_code and account.organisation_id is None:
            if account.role in CITYWIDE:
                return cls()
            raise NotAllowed(
                f"this account ({account.role}) acts for no ward and no organisation, so it has no "
                "tasks and no reports; an administrator gives it a ward with `pinward users move`"
            )
        ward = (account.ward_id or _NO_WARD) if account.ward_code else None
        return cls(ward, account.organisation_id)

    @property
    def everywhere(self) -> bool:
        """Whether it is the whole city."""
        return self.ward is None and self.organisation_id is None

    def covers(self, ward: int | None, organisation_id: int | None) -> bool:
        """Whether what is of this ward (the id of its first version) and organisation is in it."""
        return self.ward in (None, ward) and self.organisation_id in (None, organisation_id)

    def conditions(self) -> list[ColumnElement[bool]]:
        """What a row of `reports` must meet to be in it."""
        found: list[ColumnElement[bool]] = []
        if self.organisation_id is not None:
            found.append(reports.c.organisation_id == self.organisation_id)
        if self.ward is not None:
            versions = select(wards.c.id).where(
                func.coalesce(wards.c.same_as, wards.c.id) == self.ward
            )
            found.append(reports.c.ward_id.in_(versions))
        return found
