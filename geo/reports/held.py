"""Finding a report by its code, for whoever may see more of it than the public."""

from geo.errors import NotFound, NotSignedIn
from geo.reports import codes
from geo.store import asking
from geo.store import held as store
from geo.store.database import AnyRow, AsyncConnection


async def held(conn: AsyncConnection, typed_code: str, *, locked: bool = False) -> AnyRow:
    """The report's row (`geo.store.held.by_code`), however its code was typed; `NotFound`."""
    code = codes.read_code(typed_code)
    row = await store.by_code(conn, code, locked=locked) if code else None
    if row is None:
        raise _missing()
    return row


async def with_secret(
    conn: AsyncConnection, typed_code: str, secret: str, *, locked: bool = False
) -> AnyRow:
    """As `held`, for whoever has its secret; `NotSignedIn` with a wrong one, and `NotFound` where
    the report is hidden: to all others it does not exist. From here on the transaction asks as
    the reporter (`geo.store.asking`)."""
    row = await held(conn, typed_code, locked=locked)
    if codes.is_secret(secret, row.secret_hash):
        await asking.as_reporter(conn, row.id, codes.secret_hash(secret))
        return row
    if row.visibility == "hidden":
        raise _missing()
    raise NotSignedIn("this secret is not this report's")


def _missing() -> NotFound:
    return NotFound("there is no report with this code; check it letter by letter")
