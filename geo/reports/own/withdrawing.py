"""Withdrawing one's report: it stays in the counts, and nobody works on it any more."""

from datetime import datetime

from geo.reports.deadlines.rules import Deadlines
from geo.reports.own import rules
from geo.reports.workflow.acting import Actor, Said, Work
from geo.reports.workflow.graph import CITIZEN
from geo.store.database import AnyRow, AsyncConnection


async def withdraw(
    conn: AsyncConnection, report: AnyRow, deadlines: Deadlines, now: datetime
) -> None:
    """Withdraw an opened report; once more is no harm. Raises `Conflict` when it is closed."""
    if report.status == "withdrawn":
        return
    rules.check(report, "withdraw", now)
    work = Work(conn, Actor((CITIZEN,)), deadlines, now)
    await work.move(await work.opened(report.code), "withdraw", Said())
