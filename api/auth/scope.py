"""For which ward or organisation an account acts: asked in this one place."""

from geo.errors import NotAllowed
from geo.store.database import AnyRow


def require_within(account: AnyRow, ward_code: str | None, organisation_id: int | None) -> None:
    """Raise `NotAllowed` unless the account acts for the whole city, this ward or organisation."""
    if account.ward_code is None and account.organisation_id is None:
        return
    if account.ward_code is not None and account.ward_code == ward_code:
        return
    if account.organisation_id is not None and account.organisation_id == organisation_id:
        return
    raise NotAllowed("this report belongs to another ward or organisation than your account")
