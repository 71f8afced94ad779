"""Opening one's own report to change it: by its secret, and nobody else meanwhile."""

from typing import Final

from geo.errors import NotSignedIn
from geo.reports.held import with_secret
from geo.store import own as store
from geo.store.database import AnyRow, AsyncConnection

NO_SECRET: Final = "this is the reporter's: send Authorization: Report <secret>"


async def opened(
    conn: AsyncConnection, typed_code: str, secret: str | None, *, locked: bool = True
) -> AnyRow:
    """The row (`geo.store.own.row`) of the report, `locked` until the transaction ends.

    Two who change one report at once do so one after the other, the second seeing what the first
    did. Without a secret the answer is the same whether there is such a report or not; with a wrong
    one as `geo.reports.held.with_secret` has it. Raises `NotSignedIn`, `NotFound`.
    """
    if secret is None:
        raise NotSignedIn(NO_SECRET)
    held = await with_secret(conn, typed_code, secret, locked=locked)
    return await store.row(conn, held.id)
