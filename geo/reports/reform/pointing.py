"""Who and what points to wards that end: accounts, alerts, committees with open reports.

A reform changes none of them by itself: whose work goes where is for the city to say.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from geo.store import pointing as store
from geo.store.database import AnyRow, AsyncConnection
from geo.wards.directory import Ward, WardDirectory
from geo.wards.reform.scope import Scope


@dataclass(frozen=True)
class Account:
    """An account whose ward ends, or whose committee; `code_now` is the ward that its ward's code
    names after the reform, None where it names none."""

    email: str
    name: str
    role: str
    ward: Ward | None
    organisation: str | None
    code_now: Ward | None

    def sentence(self) -> str:
        """For people."""
        who = f"{self.email} ({self.role})"
        if self.ward is None:
            return f"{who} acts for {self.organisation}, whose ward ends"
        said = f"{who} acts for {self.ward.code} {self.ward.name}, which ends"
        if self.code_now is not None:
            said += f"; its code goes to {self.code_now.name}, the account does not"
        return said


@dataclass(frozen=True)
class Pointing:
    """All that points to wards that end with the reform."""

    accounts: tuple[Account, ...]
    alerts: tuple[AnyRow, ...]
    committees: tuple[AnyRow, ...]

    def as_json(self) -> dict[str, Any]:
        """For `--json`; lists are plurals."""
        return {
            "accounts": [
                {
                    "email": one.email,
                    "name": one.name,
                    "role": one.role,
                    "ward": one.ward and {"code": one.ward.code, "name": one.ward.name},
                    "organisation": one.organisation,
                    "code_would_mean": one.code_now and one.code_now.name,
                }
                for one in self.accounts
            ],
            "alerts": [dict(row._mapping) for row in self.alerts],
            "committees": [dict(row._mapping) for row in self.committees],
        }


async def pointing(conn: AsyncConnection, wards: WardDirectory, scope: Scope) -> Pointing:
    """What points to the wards that end with a reform and are no ward of the new under any name."""
    eve = scope.day - timedelta(days=1)
    new = [wards.wards[i] for i in (*scope.new, *scope.going_on)]
    goes_on = {ward.same_as or ward.id for ward in new}
    now = {ward.code: ward for ward in new}
    ending = [
        ward
        for ward in (wards.wards[i] for i in scope.ended)
        if ward.in_force(eve) and (ward.same_as or ward.id) not in goes_on
    ]
    by_code = {ward.code: ward for ward in ending}
    kept = {ward.organisation_id for ward in new}
    committees = [
        ward.organisation_id
        for ward in (wards.wards[i] for i in scope.ended)
        if ward.organisation_id is not None and ward.organisation_id not in kept
    ]
    found = await store.accounts(conn, list(by_code), committees)
    return Pointing(
        accounts=tuple(
            one for row in found if (one := _account(row, by_code, now)).ward or one.organisation
        ),
        alerts=tuple(await store.alerts_of(conn, list(by_code))),
        committees=tuple(await store.committees_with_reports(conn, committees)),
    )


def _account(row: AnyRow, ending: dict[str, Ward], now: dict[str, Ward]) -> Account:
    ward = ending.get(row.ward_code or "")
    # An account made since may mean another ward by the same code.
    if ward is not None and row.ward_id != (ward.same_as or ward.id):
        ward = None
    return Account(
        email=row.email,
        name=row.name,
        role=row.role,
        ward=ward,
        organisation=None if ward else row.organisation_vi,
        code_now=now.get(ward.code) if ward else None,
    )
