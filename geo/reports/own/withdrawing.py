"""Withdrawing one's report: it stays in the counts, and nobody works on it any more."""

from datetime import datetime

from geo.reports.events import words
from geo.reports.own import rules
from geo.store import own as store
from geo.store.database import AnyRow, AsyncConnection


async def withdraw(conn: AsyncConnection, report: AnyRow, now: datetime) -> None:
    """Withdraw an opened report; once more is no harm. Raises `Conflict` when it is closed."""
    if report.status == "withdrawn":
        return
    rules.check(report, "withdraw", now)
    await store.put(conn, report.id, {"status": "withdrawn", "closed_at": now}, now)
    said = words("Người gửi đã rút phản ánh.", "The reporter withdrew the report.")
    await store.tell(conn, report.id, [{"kind": "withdrawn", **said}], now)
