"""Who asks: what row-level security (migration 0024) lets a transaction of the service see.

Contacts of reporters are shown to nobody until a transaction has said for whom it asks; the
database then looks up itself what that account may see. Said for the transaction alone: the next
one on a pooled connection has to say it again. An API key asks as the account it belongs to.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text

from geo.errors import NotAllowed, NotReady
from geo.store.database import AsyncConnection

_DECLARE = text(
    "SELECT set_config('pinward.account', :account, true),"
    " set_config('pinward.report', :report, true),"
    " set_config('pinward.secret_hash', :secret_hash, true)"
)
_MAY = text(
    "SELECT NOT row_security_active('report_contacts') OR coalesce((SELECT bool_and("
    "pinward_asks(id, CAST(:roles AS text[]))) FROM unnest(CAST(:ids AS uuid[])) AS id), true)"
)


async def as_account(conn: AsyncConnection, account_id: int) -> None:
    """Ask as this account, until the transaction ends."""
    told = {"account": str(account_id), "report": "", "secret_hash": ""}
    await conn.execute(_DECLARE, told)


async def as_reporter(conn: AsyncConnection, report_id: UUID, secret_hash: bytes) -> None:
    """Ask as who holds the secret with this hash, which has to be the report's."""
    told = {"account": "", "report": str(report_id), "secret_hash": secret_hash.hex()}
    await conn.execute(_DECLARE, told)


async def require_asked(
    conn: AsyncConnection, report_ids: Sequence[UUID], roles: Sequence[str]
) -> None:
    """Raise `NotAllowed` unless the database shows who asks the contacts of all these reports.

    Without it what is not shown would look like what is not there: an erasure that took nothing
    away. `roles` are those whose accounts may; quiet for the owner of the tables.
    """
    values = {"ids": list(report_ids), "roles": list(roles)}
    if not (await conn.execute(_MAY, values)).scalar():
        raise NotAllowed("the database does not show these contacts to whoever asks for them here")


async def require_all(conn: AsyncConnection) -> None:
    """Raise `NotReady` unless this connection sees every contact, as the owner of the tables does.

    For what goes through all of them: the service's role would find none, and call that done.
    """
    if (await conn.execute(text("SELECT row_security_active('report_contacts')"))).scalar():
        raise NotReady(
            "this goes through all contacts, which are not shown to the role that the service "
            "works as: let PINWARD_DATABASE_URL name the owner of the tables"
        )
