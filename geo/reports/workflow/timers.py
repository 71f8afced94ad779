"""What happens to reports because time passes: told that it runs out, closed after silence."""

from datetime import datetime
from typing import Final

from geo.reports.deadlines.rules import Deadlines
from geo.reports.events import Words, words
from geo.reports.workflow.acting import Actor, Said, Work
from geo.reports.workflow.graph import REOPENABLE_FOR, TIMER
from geo.store import work as store
from geo.store.database import AsyncConnection

BATCH: Final = 500
"""Reports in a transaction: whoever works on one of them waits for no more than that."""

_RUNS_OUT: Final[tuple[Words, Words]] = (
    words("Đã qua 80 % thời hạn xử lý.", "Four fifths of its time are over."),
    words("Đã quá hạn xử lý.", "Its time is over."),
)


async def escalate(conn: AsyncConnection, now: datetime) -> int:
    """Tell the staff of up to `BATCH` reports whose time runs out, and of as many whose time is
    over; how many lines. What waits is not asked; each is told once, again only where its deadline
    moves."""
    told = 0
    for level, said in enumerate(_RUNS_OUT):
        told += await store.escalate(conn, level, said, now, BATCH)
    return told


async def close(conn: AsyncConnection, deadlines: Deadlines, now: datetime) -> int:
    """Close up to `BATCH` reports that were resolved 14 days ago, to which nobody said a word."""
    work = Work(conn, Actor((TIMER,)), deadlines, now)
    codes = await store.silent(conn, now - REOPENABLE_FOR, BATCH)
    for code in codes:
        await work.move(await work.opened(code), "close", Said())
    return len(codes)
