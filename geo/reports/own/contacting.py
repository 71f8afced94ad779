"""Leaving a contact later, changing it, taking it back: of no concern to the public."""

from datetime import datetime

from geo.reports import contacts
from geo.reports.contacts import Reporter
from geo.reports.events import Words, words
from geo.reports.keys import Keys
from geo.reports.own import rules
from geo.store import own as store
from geo.store.database import AnyRow, AsyncConnection


async def leave(
    conn: AsyncConnection, report: AnyRow, reporter: Reporter, keys: Keys, now: datetime
) -> None:
    """Keep this contact for an opened report instead of any other; an empty one takes it back.

    Raises `Conflict` when it was done too often.
    """
    if not reporter.given:
        await take_back(conn, report, now)
        return
    rules.check_count(report, ("contact",), rules.MOST_CONTACTS)
    await contacts.put(conn, report.id, reporter.given, keys)
    await _tell(conn, report, words("Bạn đã để lại liên hệ.", "You left a contact."), now)


async def take_back(conn: AsyncConnection, report: AnyRow, now: datetime) -> None:
    """Make an opened report anonymous; never refused."""
    if await contacts.forget(conn, [report.id]):
        said = words("Bạn đã xóa liên hệ của mình.", "You took your contact back.")
        await _tell(conn, report, said, now)


async def _tell(conn: AsyncConnection, report: AnyRow, said: Words, now: datetime) -> None:
    # Not for the public: that somebody can be reached is already something about them.
    await store.tell(conn, report.id, [{"kind": "contact", **said}], now, public=False)
