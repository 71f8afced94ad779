"""Looking up the hotspots of the newest runs."""

from collections.abc import Sequence
from datetime import datetime

from geo.errors import Invalid
from geo.store import hotspots as store
from geo.store.area import Bbox
from geo.store.database import AnyRow, AsyncConnection


async def page(
    conn: AsyncConnection,
    *,
    categories: Sequence[str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    bbox: Bbox | None = None,
    limit: int = 100,
    before_id: int | None = None,
) -> tuple[Sequence[AnyRow], Sequence[AnyRow]]:
    """(runs, hotspots): the newest run of each category, and up to `limit` of their hotspots.

    `categories` may name families. `since` and `until` take the newest run that looked at some of
    that time. Raises `Invalid` on a category that does not exist.
    """
    for code in categories or ():
        if not await store.categories(conn, code):
            message = f"there is no category {code!r}"
            raise Invalid(message, errors=[{"field": "category", "message": message}])
    chosen = store.latest_runs(categories, since, until)
    runs = await store.runs(conn, chosen)
    return runs, await store.page(conn, chosen, bbox, limit, before_id)
