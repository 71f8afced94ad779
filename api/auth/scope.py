"""For which ward or organisation an account acts: asked in this one place (see `geo.scope`)."""

from geo.errors import NotAllowed
from geo.scope import Scope
from geo.store.database import AnyRow


def require_within(
    account: AnyRow,
    ward_code: str | None,
    organisation_id: int | None,
    *,
    ward: int | None = None,
) -> None:
    """Raise `NotAllowed` unless the account acts for what is of this ward and organisation.

    `ward` is the id of the ward's first version (a report's is `held(...).ward`). A code may have
    been given from one ward to another; without `ward` it counts only where that never happened.
    """
    if ward is None and account.ward_code and account.ward_code == ward_code and account.ward_alone:
        ward = account.ward_id
    if not Scope.of(account).covers(ward, organisation_id):
        raise NotAllowed("this report belongs to another ward or organisation than your account")
