"""Moderation: the staff release, hide, edit, bar a device, and take each of it back.

Nothing is lost by it: hidden reports stay in the city's work and with their reporter, edited texts
are kept as they were. Each act is a line of the report's history and one of the audit log.
"""

from datetime import datetime, timedelta
from typing import Any

from geo import audit
from geo.errors import ChangedMeanwhile, Conflict, Invalid, NotFound
from geo.reports import codes
from geo.reports.events import Words, words
from geo.reports.keys import Keys
from geo.reports.text import clean_text
from geo.store import moderation as store
from geo.store import own, photos
from geo.store.database import AnyRow, AsyncConnection

LONGEST_BAR = timedelta(days=90)


class Act:
    """What one of the staff does to a report, in the caller's transaction.

    `actor` is the account's address; `reason` goes into the audit log, and for what is hidden into
    the report's history, where its reporter and the staff read it. The public never does.
    """

    def __init__(self, conn: AsyncConnection, actor: str, reason: str, now: datetime) -> None:
        self._conn = conn
        self._actor = actor
        self._reason = reason
        self._now = now

    async def release(self, report: AnyRow) -> None:
        """Let the public see it as its category says; raises `Conflict` where it does."""
        if report.withheld is None:
            raise Conflict("this report is not withheld from the public; there is nothing to undo")
        await store.change(self._conn, report.id, self._now, withheld=None)
        # What waited for a look never was another one to its reporter.
        reviewed = report.withheld == "review"
        told = _RELEASED if reviewed else _SHOWN
        await self._tell(report, "released" if reviewed else "shown", told, public=False)
        await self._audit("report.release", report.code)

    async def hide(self, report: AnyRow) -> None:
        """Take it out of the public's sight; its reporter sees that, and why. `Conflict`: it is."""
        if report.withheld == "hidden":
            raise Conflict("this report is hidden already; release it to show it again")
        await store.change(self._conn, report.id, self._now, withheld="hidden")
        told = words(
            f"Thành phố đã ẩn phản ánh này. Lý do: {self._reason}",
            f"The city hid this report. Reason: {self._reason}",
        )
        why = {"code": "staff", "vi": self._reason, "en": self._reason}
        # Its reporter's alone (`OWN_EVENTS`): the report may be released again, and why it was
        # hidden may name somebody.
        await self._tell(report, "hidden", told, public=False, reasons=[why])
        await self._audit("report.hide", report.code)

    async def edit(self, report: AnyRow, text: str) -> None:
        """Replace its text and keep the old one; `Conflict` where the text was erased."""
        if report.content_gone_at is not None:
            raise Conflict("the text of this report was erased; there is nothing to edit")
        try:
            said = clean_text(text)
        except Invalid as error:
            raise Invalid.of("text", error.detail) from None
        if said == report.text:
            raise Invalid.of("text", "is the same as before")
        kept = await store.texts(self._conn, report.id)
        # Since its reporter had the last word: they may have corrected it after it was put back.
        restored = await store.restored_at(self._conn, report.id)
        since = [one for one in kept if restored is None or one.replaced_at > restored]
        as_sent = since[0].text if since else report.text
        await store.keep_text(
            self._conn, report.id, report.text, self._actor, self._reason, self._now
        )
        edited_at = None if said == as_sent else self._now
        await store.change(self._conn, report.id, self._now, text=said, edited_at=edited_at)
        told = _RESTORED if edited_at is None else _EDITED
        more = {"restored": True} if edited_at is None else {}
        await self._tell(report, "edited", told, public=True, **more)
        await self._audit("report.edit", report.code)

    async def undo_edit(self, report: AnyRow, n: int | None) -> None:
        """Put the text back as it was before the last edit, or as version `n`; `Conflict`: none."""
        kept = await store.texts(self._conn, report.id)
        if not kept:
            raise Conflict("the text of this report was never edited; there is nothing to undo")
        found = kept[-1] if n is None else next((one for one in kept if one.n == n), None)
        if found is None:
            raise Invalid.of("n", f"must be one of 1 to {kept[-1].n}: the versions that are kept")
        await self.edit(report, found.text)

    async def hide_photo(self, report: AnyRow, n: int, hidden: bool) -> None:
        """Hide one photo from the public, or show it again."""
        changed = await photos.hide(self._conn, report.id, n, hidden)
        if changed is None:
            raise NotFound("this report has no such photo")
        if not changed:
            raise Conflict("this photo is hidden already" if hidden else "this photo is shown")
        await store.change(self._conn, report.id, self._now)
        verb = ("ẩn", "hid") if hidden else ("cho hiện lại", "showed")
        told = words(f"Thành phố đã {verb[0]} ảnh số {n}.", f"The city {verb[1]} photo {n}.")
        await self._tell(report, "photo_hidden" if hidden else "photo_shown", told, public=True)
        await self._audit("report.photo.hide" if hidden else "report.photo.show", report.code)

    async def hide_addition(self, report: AnyRow, n: int, hidden: bool) -> None:
        """Hide one addition from the public, or show it again; its reporter sees that, and why."""
        changed = await store.hide_addition(self._conn, report.id, n, hidden)
        if changed is None:
            raise NotFound("this report has no such addition; `additions` counts them from 1")
        if not changed:
            raise Conflict(
                "this addition is hidden already" if hidden else "this addition is shown"
            )
        # Pages that are open forget it, or get it.
        await own.touch(self._conn, report.id, self._now)
        verb = ("ẩn", "hid") if hidden else ("cho hiện lại", "showed")
        told = words(
            f"Thành phố đã {verb[0]} nội dung bổ sung số {n}. Lý do: {self._reason}",
            f"The city {verb[1]} addition {n}. Reason: {self._reason}",
        )
        kind = "hidden" if hidden else "shown"
        await self._tell(report, f"addition_{kind}", told, public=False)
        await self._audit(f"report.addition.{'hide' if hidden else 'show'}", report.code)

    async def bar(self, report: AnyRow, lasts: timedelta, keys: Keys) -> datetime:
        """Bar the device that sent it from sending; until when. `Conflict`: it is not known."""
        device = _device_of(report, keys)
        until = self._now + min(lasts, LONGEST_BAR)
        await store.bar(self._conn, device, until, self._actor, self._reason, self._now)
        told = words("Đã chặn thiết bị gửi.", "The device that sent it was barred.")
        await self._tell(report, "device_barred", told, public=False)
        await self._audit("device.bar", report.code)
        return until

    async def unbar(self, report: AnyRow, keys: Keys) -> None:
        """Let the device that sent it send again; `Conflict` where it may."""
        if not await store.unbar(self._conn, _device_of(report, keys)):
            raise Conflict("the device that sent this report is not barred")
        told = words("Đã bỏ chặn thiết bị gửi.", "The device that sent it may send again.")
        await self._tell(report, "device_unbarred", told, public=False)
        await self._audit("device.unbar", report.code)

    async def unbar_device(self, device_id: str) -> None:
        """Let a device of the list send again; `NotFound` where it is not barred."""
        try:
            device = bytes.fromhex(device_id)
        except ValueError:
            device = b""
        if not await store.unbar(self._conn, device):
            raise NotFound(
                "no device is barred by this id; GET /api/v1/moderation/devices lists all"
            )
        await self._audit("device.unbar", f"device {device_id[:8]}")

    async def _tell(
        self,
        report: AnyRow,
        kind: str,
        told: Words,
        *,
        public: bool,
        **more: Any,
    ) -> None:
        data = {"reason": self._reason, **more}
        await store.tell(self._conn, report.id, kind, told, self._now, public=public, data=data)

    async def _audit(self, action: str, subject: str) -> None:
        # Last: others who write lines wait from here to the commit.
        await audit.write(
            self._conn,
            actor=self._actor,
            action=action,
            subject=subject,
            reason=self._reason,
            now=self._now,
        )


async def found(conn: AsyncConnection, typed_code: str, *, locked: bool = False) -> AnyRow:
    """The report as the staff see it (`geo.store.moderation.by_code`); `NotFound`."""
    code = codes.read_code(typed_code)
    if code and (not locked or await store.lock(conn, code)):
        row = await store.by_code(conn, code)
        if row is not None:
            return row
    raise NotFound("there is no report with this code; check it letter by letter")


def check_version(report: AnyRow, looked_at: str | None) -> None:
    """Raises `ChangedMeanwhile` where `looked_at` is not the version of the report as it is now."""
    if looked_at is not None and looked_at != str(report.version):
        raise ChangedMeanwhile(
            "this report changed since you looked at it, by its reporter or another of the staff; "
            "look again, and send the `version` of what you see then",
            detail_vi="Phản ánh này đã thay đổi sau khi bạn xem (do người gửi hoặc đồng nghiệp); "
            "hãy xem lại rồi thực hiện với bản mới",
        )


def _device_of(report: AnyRow, keys: Keys) -> bytes:
    device = report.device and keys.unseal_device(bytes(report.device), report.id)
    if device is None:
        raise Conflict(
            "which device sent this report is not known: it named none, the 7 days are over for "
            "which that is kept, or the service's secret key was replaced since"
        )
    return device


_RELEASED = words("Đã xem lại và cho hiển thị.", "Looked at and released to the public.")
_SHOWN = words(
    "Thành phố đã cho hiện lại phản ánh này.", "The city shows this report to the public again."
)
_EDITED = words("Thành phố đã sửa nội dung.", "The city edited the text.")
_RESTORED = words(
    "Thành phố đã khôi phục nội dung ban đầu.", "The city put the text back as it was sent."
)
