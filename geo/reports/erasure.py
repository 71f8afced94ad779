"""Erasing what people told: at their wish, or when it has been kept long enough.

What stays is a tombstone: category, place, times, status, ward. Every statistic, count of the map
and hotspot is made of those, and so stays as it was; the report's secret goes on showing it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from geo import audit
from geo.reports import contacts
from geo.reports.events import words
from geo.store import citizens, supports
from geo.store import erasure as store
from geo.store.database import AsyncConnection

# Put for the text in the row itself, so that every page, list, export and client of another make
# shows it without knowing of erasure. In both languages, Vietnamese first.
WISHED = (
    "[Nội dung đã được xóa theo yêu cầu của người gửi. / "
    "The text was erased at the reporter's wish.]"
)
KEPT_LONG_ENOUGH = (
    "[Nội dung đã được xóa khi hết thời hạn lưu giữ. / "
    "The text was erased at the end of the time it is kept.]"
)

BY_REPORTER = (
    *("added", "corrected", "pin_moved", "contact", "followed", "supported", "rated"),
    *("reopened", "withdrawn"),
)
"""Events whose words or data may be the reporter's own."""

WITH_REASONS = ("hidden", "addition_hidden", "addition_shown")
"""Events whose words say why the staff did it: that may tell of the reporter, or quote them."""

_BLANK_REASON = words(
    "Thành phố đã ẩn hoặc cho hiện lại nội dung; lý do đã được xóa.",
    "The city hid or showed something of this; the reason was erased.",
)
_BLANK = words(
    "Người gửi đã viết thêm; nội dung đã được xóa.",
    "The reporter wrote something; it was erased.",
)
_TOLD_WISHED = words("Đã xóa dữ liệu theo yêu cầu của người gửi.", "Erased at the reporter's wish.")
_TOLD_KEPT = words(
    "Đã xóa nội dung khi hết thời hạn lưu giữ.", "Erased at the end of the time it is kept."
)


@dataclass(frozen=True, slots=True)
class Erased:
    """What was taken away; `photos` are the files (hex sha256) that no report shows any more.

    The store of photos deletes them after the commit; what is missed then its sweep finds.
    """

    contacts: int = 0
    texts: int = 0
    photo_files: tuple[str, ...] = ()
    events: int = 0


async def at_wish(
    conn: AsyncConnection,
    report: contacts.Named,
    *,
    text: bool,
    actor: str,
    why: str,
    now: datetime,
) -> Erased:
    """Erase a report at its reporter's wish, in the caller's transaction; again is no harm.

    Contact, photos, what was added to the history, the exactness of the place and
    what a phone sent along go; the text and the answers to questions where `text` asks for it.
    Whoever asks for it, a line of the audit log says who it was and why: where that cannot be
    written this raises, and nothing is erased.
    """
    again = await store.erased_before(conn, report.id)
    gone = await _erase(conn, [report.id], WISHED if text else None, wished=True, now=now)
    if again and gone == Erased():
        # Neither log grows by asking for what is done.
        return gone
    await store.tell(conn, [report.id], "erased", _TOLD_WISHED, now)
    # Last: from here to the commit all others who write to the audit log wait.
    action = "report.erase.text" if text else "report.erase"
    await audit.write(conn, actor=actor, action=action, subject=report.code, reason=why, now=now)
    return gone


async def kept_long_enough(
    conn: AsyncConnection, report_ids: Sequence[UUID], now: datetime
) -> Erased:
    """Erase what these reports tell, text and all, at the end of the time it is kept."""
    gone = await _erase(conn, report_ids, KEPT_LONG_ENOUGH, wished=False, now=now)
    await store.tell(conn, report_ids, "erased", _TOLD_KEPT, now)
    return gone


async def _erase(
    conn: AsyncConnection,
    report_ids: Sequence[UUID],
    instead: str | None,
    *,
    wished: bool,
    now: datetime,
) -> Erased:
    # The rows first: they are locked by it, against who would add to them meanwhile.
    texts = await store.blank(conn, report_ids, words=instead, wished=wished, now=now)
    events = await store.blank_events(conn, report_ids, BY_REPORTER, **_BLANK)
    events += await store.blank_reasons(conn, report_ids, WITH_REASONS, **_BLANK_REASON)
    await store.forget_bodies(conn, report_ids)
    await citizens.forget_reports(conn, report_ids)
    await store.forget_devices(conn, report_ids)
    await supports.forget(conn, report_ids)
    if instead is not None:
        await store.forget_texts(conn, report_ids)
    return Erased(
        contacts=await contacts.forget(conn, report_ids),
        texts=texts,
        photo_files=tuple(await store.forget_photos(conn, report_ids)),
        events=events,
    )
