"""A look of the staff at what was changed or added, before the public sees the report again."""

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from geo.reports import events
from geo.reports.events import Words, words
from geo.store import own as store
from geo.store.database import AnyRow, AsyncConnection

TAKEN_OUT: Final = {
    "code": "taken-out",
    **words("nhắc lại điều thành phố đã sửa hoặc ẩn", "it says again what the city edited or hid"),
}

_TELLING: Final = 8
"""Letters and digits: fewer stand in what has nothing to do with it."""


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
    new = _letters(said)
    gone = [
        line.removeprefix(events.ADDED["vi"])
        for line in await store.hidden_additions(conn, report.id)
    ]
    if report.edited_at is not None:
        # What the city left of it may be said again.
        stands = _letters(report.text)
        gone += [
            text
            for text in await store.replaced_texts(conn, report.id)
            if _letters(text) not in stands
        ]
    return any(
        old == new or (len(old) >= _TELLING and old in new) for old in (_letters(t) for t in gone)
    )


def _letters(text: str) -> str:
    """Without case, marks, spaces and signs."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("đ", "d"))
    return "".join(one for one in plain if one.isalnum())
