"""A look of the staff at what was changed or added, before the public sees the report again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from geo.reports import events
from geo.reports.events import Words, words
from geo.reports.own import taken_out
from geo.store import own as store
from geo.store.database import AnyRow, AsyncConnection

TAKEN_OUT: Final = {
    "code": "taken-out",
    **words("nhắc lại điều thành phố đã sửa hoặc ẩn", "it says again what the city edited or hid"),
}


async def withhold(
    conn: AsyncConnection,
    report: AnyRow,
    reasons: Sequence[Words],
    now: datetime,
    said: str | None = None,
) -> None:
    """Withhold an opened report until the staff have looked, as if it had come so; no `reasons`:
    nothing, unless `said`, which is new, brings back what the staff took out.

    Also one that they released before: that was of what it said then. Its reporter sees no
    difference, and one that the staff have hidden stays so.
    """
    if said and await _brings_back(conn, report, said):
        reasons = [*reasons, TAKEN_OUT]
    if not reasons:
        return
    if report.withheld is None:
        await store.put(conn, report.id, {"withheld": "review"}, now)
    if report.withheld != "hidden":
        await store.tell(conn, report.id, [events.withheld(reasons)], now, public=False)


async def _brings_back(conn: AsyncConnection, report: AnyRow, said: str) -> bool:
    gone = [
        line.removeprefix(events.ADDED["vi"])
        for line in await store.hidden_additions(conn, report.id)
    ]
    if report.edited_at is not None:
        gone += await store.replaced_texts(conn, report.id)
    # What the city left of it may be said again.
    stands = (report.text, report.category_vi, report.category_en)
    return taken_out.comes_back(said, gone, stands)
