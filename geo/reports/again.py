"""After a restore: what was erased, hidden, covered and revoked since the backup, done again.

By the list that was kept of the database that was replaced (`geo.store.since`), and by those of
earlier restores in it. Things are only taken away, never given, and nothing that was done since the
list was made; what cannot be told apart from harm is for people to look at.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from geo import audit
from geo.errors import MediaAway, MediaBroken, MediaMissing, PinwardError
from geo.photos.store import Store
from geo.reports import contacts, erasure, moderation
from geo.reports.events import words
from geo.store import again as store
from geo.store import erasure as erasing
from geo.store import moderation as moderating
from geo.store import photos, retention
from geo.store.database import AnyRow, AsyncConnection, AsyncEngine
from geo.store.since import BY_REPORTER

_WHY = "done again after a backup was restored"
_CONTACT = words(
    "Liên hệ đã được xóa lại sau khi khôi phục dữ liệu từ bản sao lưu.",
    "The contact was taken away again after a backup was restored.",
)
_BOXED = words(
    "Phần đã che của ảnh được che lại sau khi khôi phục dữ liệu từ bản sao lưu.",
    "What was covered in a photo is covered again after a backup was restored.",
)


_Found = dict[str, Any]


@dataclass(slots=True)
class Again:
    """Sentences: what was done again, and what is left for people to do.

    `photo_files` (hex sha256) no report may show any more: for the store of photos to delete.
    `whole`: nothing failed that could be done later.
    """

    done: list[str] = field(default_factory=list)
    by_hand: list[str] = field(default_factory=list)
    photo_files: list[str] = field(default_factory=list)
    whole: bool = True


async def apply(
    engine: AsyncEngine, store_of_photos: Store, found: _Found, actor: str, now: datetime
) -> Again:
    """Do again what `found` (of `geo.store.since`) names; once more is no harm.

    Who gets in comes first. What fails for one report keeps none of the others.
    """
    told = Again()
    lists = [*found["earlier"], found]
    async with engine.begin() as conn:
        for each in lists:
            await _access(conn, each, told)
        if known := [each for each in lists if each["same_city"]]:
            await _compare(conn, known[-1], told)
    # What the staff may do and undo is as the newest list that names a report has it.
    newest = {item["code"]: each["made_at"] for each in lists for item in each["reports"]}
    for each in lists:
        for item in each["reports"]:
            act = _Act(store_of_photos, each["made_at"], actor, now)
            try:
                async with engine.begin() as conn:
                    await act.report(conn, item, newest[item["code"]] == each["made_at"])
            except Exception as error:
                why = error.detail if isinstance(error, PinwardError) else type(error).__name__
                told.by_hand.append(f"{item['code']}: nothing was done again ({why})")
                told.whole = False
            else:
                told.done += act.told.done
                told.by_hand += act.told.by_hand
                told.photo_files += act.told.photo_files
                told.whole &= act.told.whole
    if found["reports_sent"]:
        told.by_hand.append(f"reports sent since, which are lost: {len(found['reports_sent'])}")
    async with engine.begin() as conn:
        reason = f"a backup of {found['since']}; done again: {len(told.done)}"
        await audit.write(
            conn, actor=actor, action="db.restore", subject="database", reason=reason, now=now
        )
    told.by_hand = list(dict.fromkeys(told.by_hand))
    return told


async def _access(conn: AsyncConnection, found: _Found, told: Again) -> None:
    closed = await store.close(conn, [one["email"] for one in found["accounts"] if one["disabled"]])
    told.done += [f"disabled {email}" for email in closed]
    for key in found["revoked_keys"]:
        if prefix := await store.revoke(conn, key["key"], key["revoked_at"]):
            told.done.append(f"revoked key {prefix}")
    barred = [await store.bar(conn, each) for each in found["barred_devices"]]
    if sum(barred):
        told.done.append(f"barred devices: {sum(barred)}")
    for alert in found["alerts"]:
        if (headline := await store.call_off(conn, alert)) is not None:
            told.done.append(f"called off the alert {headline}")
    if not found["same_city"]:
        # What is missing in it may never have been there.
        return
    made_at = found["made_at"]
    for one in found["accounts"]:
        email = one["email"]
        if n := await store.drop_codes(conn, email, one["recovery_codes"], made_at):
            told.done.append(f"took away {n} recovery codes of {email} that were used or replaced")
        if n := await store.unlink(conn, email, one["identities"], made_at):
            told.done.append(f"unlinked {email} from {n} identities")
    if gone := await store.let_go(conn, found["mine"], found["since"]):
        told.done.append(f'reports let go that were kept as somebody\'s "mine": {gone}')


async def _compare(conn: AsyncConnection, found: _Found, told: Again) -> None:
    """Say what was changed since, either way, and is as before."""
    now_there = {one["email"]: one for one in await store.accounts(conn)}
    for one in found["accounts"]:
        email = one["email"]
        there = now_there.get(email)
        if there is None:
            told.by_hand.append(f"{email} had an account since, which is gone: add it again")
            continue
        for name, said in _CHANGES.items():
            if there[name] != one[name]:
                told.by_hand.append(f"{email}: {said.format(now=there[name], before=one[name])}")
    rules = {row.category_code: row for row in await retention.every_rule(conn)}
    meant = {rule["category_code"]: rule for rule in found["retention"]}
    for code, rule in meant.items():
        months = [rule["contact_months"], rule["content_months"]]
        row = rules.get(code)
        if row is None or months != [row.contact_months, row.content_months]:
            contact, content = ["never" if each is None else str(each) for each in months]
            told.by_hand.append(
                f"the retention rule of {code} was another one; before the worker runs: `pinward "
                f"retention set '{code}' --contact-months {contact} --content-months {content}`"
            )
    for code in rules.keys() - meant.keys():
        told.by_hand.append(
            f"{code} had no retention rule any more: `pinward retention drop {code}`"
        )


class _Act:
    """What is done again to one report by one list."""

    def __init__(self, store_of_photos: Store, made_at: str, actor: str, now: datetime) -> None:
        self._store = store_of_photos
        self._made_at = made_at
        self._actor = actor
        self._now = now
        self.told = Again()

    async def report(self, conn: AsyncConnection, item: _Found, newest: bool) -> None:
        """In the caller's transaction; not `newest`: only what nobody may undo."""
        code = item["code"]
        row = await moderating.by_code(conn, code) if await moderating.lock(conn, code) else None
        if row is None:
            # Sent since the backup: there is nothing of it.
            return
        after = await store.kinds_after(conn, row.id, self._made_at)
        await self._erase(conn, row, item, after)
        row = await moderating.by_code(conn, code)
        assert row is not None
        if newest:
            await self._moderate(conn, row, item, after)
            await self._photos(conn, row, item, after)

    async def _erase(
        self, conn: AsyncConnection, row: AnyRow, item: _Found, after: set[str]
    ) -> None:
        code, told = row.code, self.told
        text_due = item["text_gone"] and row.content_gone_at is None
        contact = "contact" in item["kinds"] and "contact" not in after
        if item["wished"] and (text_due or not await erasing.erased_before(conn, row.id)):
            gone = await erasure.at_wish(
                conn,
                contacts.Named(row.id, code),
                text=item["text_gone"],
                actor=self._actor,
                why=_WHY,
                now=self._now,
            )
            told.photo_files += gone.photo_files
            told.done.append(f"erased {code}{' with its text' if item['text_gone'] else ''}")
        elif text_due:
            gone = await erasure.kept_long_enough(conn, [row.id], self._now)
            told.photo_files += gone.photo_files
            told.done.append(f"erased {code}, which was kept long enough")
        elif contact and item["contact"]:
            told.by_hand.append(
                f"the contact of {code} was given or replaced since, and is as before: do not call "
                "or write to it without asking"
            )
        elif contact and await contacts.forget(conn, [row.id]):
            await moderating.tell(conn, row.id, "contact", _CONTACT, self._now, public=False)
            told.done.append(f"took the contact of {code} away")

    async def _moderate(
        self, conn: AsyncConnection, row: AnyRow, item: _Found, after: set[str]
    ) -> None:
        code, told = row.code, self.told
        if item["hidden"] and row.withheld != "hidden" and not after & {"released", "shown"}:
            act = moderation.Act(conn, self._actor, item["why"] or _WHY, self._now)
            await act.hide(row)
            told.done.append(f"hid {code}")
        if changed := [kind for kind in BY_REPORTER if kind in item["kinds"]]:
            told.by_hand.append(
                f"{code} is as before its reporter changed it since ({', '.join(changed)}): look "
                "at it, and hide it where it shows what it should not"
            )
        act = moderation.Act(conn, self._actor, _WHY, self._now)
        edited = item["edited"] if row.content_gone_at is None else None
        if edited not in (None, row.text) and not after & {"edited", "corrected"}:
            await act.edit(row, edited)
            told.done.append(f"edited the text of {code}")
        for n, (_, _, public) in enumerate(row.additions or [], 1):
            hidden = n in item["additions_hidden"] and "addition_shown" not in after
            if public and hidden:
                await act.hide_addition(row, n, True)
                told.done.append(f"hid addition {n} of {code}")

    async def _photos(
        self, conn: AsyncConnection, row: AnyRow, item: _Found, after: set[str]
    ) -> None:
        told = self.told
        act = moderation.Act(conn, self._actor, _WHY, self._now)
        wanted = {photo["n"]: photo for photo in item["photos"]}
        for photo in await photos.all_of(conn, row.id):
            meant = wanted.get(photo.n)
            if meant is None:
                continue
            hide = meant["hidden"] and "photo_shown" not in after
            if photo.sha256 != meant["sha256"] and "photo_boxed" not in after:
                hide |= not await self._cover(conn, row, photo, meant["sha256"])
            if hide and not photo.hidden:
                await act.hide_photo(row, photo.n, True)
                told.done.append(f"hid photo {photo.n} of {row.code}")

    async def _cover(self, conn: AsyncConnection, row: AnyRow, photo: AnyRow, sha256: str) -> bool:
        """Show the covered picture again; whether it is there. A restore only adds to the store."""
        covered = f"photo {photo.n} of {row.code} was covered since, and "
        try:
            there = await _there(self._store, sha256)
        except MediaAway as error:
            self.told.whole = False
            self.told.by_hand.append(f"{covered}is hidden for now: {error.detail}")
            return False
        if not there:
            self.told.by_hand.append(
                f"{covered}the covered picture is lost: the photo is hidden; cover it anew, then "
                "show it"
            )
            return False
        await photos.lock(conn, sha256)
        await photos.replace(conn, row.id, photo.n, photo.sha256, sha256)
        await moderating.tell(conn, row.id, "photo_boxed", _BOXED, self._now, public=True)
        await audit.write(
            conn,
            actor=self._actor,
            action="photo.box",
            subject=row.code,
            reason=_WHY,
            now=self._now,
        )
        self.told.photo_files.append(photo.sha256)
        self.told.done.append(f"covered photo {photo.n} of {row.code}")
        return True


async def _there(store_of_photos: Store, sha256: str) -> bool:
    try:
        await store_of_photos.get(sha256)
    except (MediaMissing, MediaBroken):
        return False
    return True


_CHANGES = {
    "password": "the password was changed since, and the one before is good again; set another "
    "(`pinward users password`)",
    "second_step": "the second step was set up or taken away since: have it done again "
    "(`pinward users totp-reset`)",
    "role": "the role is {now} again and was {before}: make another account, disable this one",
    "ward_code": "acts for the ward {now} again and did for {before} (`pinward users move`)",
    "organisation": "acts for {now} again and did for {before} (`pinward users move`)",
}
