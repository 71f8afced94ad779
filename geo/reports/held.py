"""Finding a report by its code, for whoever may see more of it than the public."""

from geo.errors import NotFound
from geo.reports import codes
from geo.store import held as store
from geo.store.database import AnyRow, AsyncConnection


async def held(conn: AsyncConnection, typed_code: str, *, locked: bool = False) -> AnyRow:
    """The report's row (`geo.store.held.by_code`), however its code was typed; `NotFound`."""
    code = codes.read_code(typed_code)
    row = await store.by_code(conn, code, locked=locked) if code else None
    if row is None:
        raise NotFound("there is no report with this code; check it letter by letter")
    return row
