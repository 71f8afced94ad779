"""What happens to reports because time passes: told that it runs out, closed after silence."""

from datetime import datetime
from typing import Final

from geo.reports.deadlines.rules import FIRST_REPLY, RESOLVE, Deadlines
from geo.reports.events import Words, words
from geo.reports.workflow.acting import Actor, Said, Work
from geo.reports.workflow.graph import REOPENABLE_FOR, TIMER
from geo.store import work as store
from geo.store.database import AsyncConnection

BATCH: Final = 500
"""Reports in a transaction: whoever works on one of them waits for no more than that."""

_RUNS_OUT: Final[dict[str, tuple[Words, Words]]] = {
    FIRST_REPLY: (
        words(
            "Đã qua 80 % thời hạn trả lời lần đầu.",
            "Four fifths of the time for a first reply are over.",
        ),
        words(
            "Đã quá hạn trả lời lần đầu, chưa ai trả lời.",
            "The time for a first reply is over, and nobody has answered.",
        ),
    ),
    RESOLVE: (
        words("Đã qua 80 % thời hạn xử lý.", "Four fifths of its time are over."),
        words("Đã quá hạn xử lý.", "Its time is over."),
    ),
}


async def escalate(conn: AsyncConnection, now: datetime) -> int:
    """Tell the staff of up to `BATCH` reports whose time runs out, and of as many whose time is
    over, of the first reply and of the result; how many lines. What waits is not asked; each is
    told once, again only where its moment moves."""
    told = 0
    for promise, lines in _RUNS_OUT.items():
        for level, said in enumerate(lines):
            told += await store.escalate(conn, promise, level, said, now, BATCH)
    return told


async def close(conn: AsyncConnection, deadlines: Deadlines, now: datetime) -> int:
    """Close up to `BATCH` reports that were resolved 14 days ago, to which nobody said a word."""
    work = Work(conn, Actor((TIMER,)), deadlines, now)
    codes = await store.silent(conn, now - REOPENABLE_FOR, BATCH)
    for code in codes:
        await work.move(await work.opened(code), "close", Said())
    return len(codes)
