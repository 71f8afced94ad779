"""A look of the staff at what was changed or added, before the public sees the report again."""

from collections.abc import Sequence
from datetime import datetime

from geo.reports import events
from geo.reports.events import Words
from geo.store import own as store
from geo.store.database import AnyRow, AsyncConnection


async def withhold(
    conn: AsyncConnection, report: AnyRow, reasons: Sequence[Words], now: datetime
) -> None:
    """Withhold an opened report until the staff have looked, as if it had come so; no `reasons`:
    nothing.

    Also one that they released before: that was of what it said then. Its reporter sees no
    difference, and one that the staff have hidden stays so.
    """
    if not reasons:
        return
    if report.withheld is None:
        await store.put(conn, report.id, {"withheld": "review"}, now)
    if report.withheld != "hidden":
        await store.tell(conn, report.id, [events.withheld(reasons)], now, public=False)
