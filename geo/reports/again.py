"""After a restore: what was erased, hidden, covered and revoked since the backup, done again.

By the list that was kept of the database that was replaced (`geo.store.since`). Things are only
taken away by it, never given; what cannot be told apart from harm is for people to look at.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from geo import audit
from geo.errors import MediaBroken, MediaMissing
from geo.photos import keeping
from geo.photos.store import Store
from geo.reports import contacts, erasure, moderation
from geo.reports.events import words
from geo.store import again as store
from geo.store import erasure as erasing
from geo.store import moderation as moderating
from geo.store import photos
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


@dataclass(slots=True)
class Again:
    """Sentences: what was done again, and what is left for people to do."""

    done: list[str] = field(default_factory=list)
    by_hand: list[str] = field(default_factory=list)


async def apply(
    engine: AsyncEngine, store_of_photos: Store, found: dict[str, Any], actor: str, now: datetime
) -> Again:
    """Do again what `found` (of `geo.store.since`) names; once more is no harm."""
    told = Again()
    for item in found["reports"]:
        async with engine.begin() as conn:
            files = await _report(conn, store_of_photos, item, told, actor, now)
        for sha256 in files:
            async with engine.begin() as conn:
                await keeping.forget(conn, store_of_photos, sha256)
    async with engine.begin() as conn:
        await _accounts(conn, found["accounts"], told)
        for key in found["revoked_keys"]:
            if prefix := await store.revoke(conn, key["key"], key["revoked_at"]):
                told.done.append(f"revoked key {prefix}")
        barred = [await store.bar(conn, each) for each in found["barred_devices"]]
        if sum(barred):
            told.done.append(f"barred devices: {sum(barred)}")
        if found["same_city"]:
            if gone := await store.let_go(conn, found["mine"]):
                told.done.append(f'reports let go that were kept as somebody\'s "mine": {gone}')
        elif await store.has_mine(conn):
            told.by_hand.append(
                "whether the database that was replaced was a later state of this very city could "
                'not be seen; so reports that citizens let go as "mine" since may be theirs again'
            )
        if found["reports_since"]:
            told.by_hand.append(f"reports sent since, which are lost: {found['reports_since']}")
        reason = f"a backup of {found['since']}; done again: {len(told.done)}"
        await audit.write(
            conn, actor=actor, action="db.restore", subject="database", reason=reason, now=now
        )
    return told


async def _report(
    conn: AsyncConnection,
    store_of_photos: Store,
    item: dict[str, Any],
    told: Again,
    actor: str,
    now: datetime,
) -> list[str]:
    """One report; the files (sha256) that no report may show any more."""
    code = item["code"]
    row = await moderating.by_code(conn, code) if await moderating.lock(conn, code) else None
    if row is None:
        # Sent since the backup: there is nothing of it.
        return []
    files: list[str] = []
    text_due = item["text_gone"] and row.content_gone_at is None
    if item["wished"] and (text_due or not await erasing.erased_before(conn, row.id)):
        gone = await erasure.at_wish(
            conn,
            contacts.Named(row.id, code),
            text=item["text_gone"],
            actor=actor,
            why=_WHY,
            now=now,
        )
        files += gone.photo_files
        told.done.append(f"erased {code}{' with its text' if item['text_gone'] else ''}")
    elif text_due:
        files += (await erasure.kept_long_enough(conn, [row.id], now)).photo_files
        told.done.append(f"erased {code}, which was kept long enough")
    elif (
        "contact" in item["kinds"] and not item["contact"] and await contacts.forget(conn, [row.id])
    ):
        await moderating.tell(conn, row.id, "contact", _CONTACT, now, public=False)
        told.done.append(f"took the contact of {code} away")
    row = await moderating.by_code(conn, code)
    assert row is not None
    act = moderation.Act(conn, actor, item["why"] or _WHY, now)
    if item["hidden"] and row.withheld != "hidden":
        await act.hide(row)
        told.done.append(f"hid {code}")
    if changed := [kind for kind in BY_REPORTER if kind in item["kinds"]]:
        told.by_hand.append(
            f"{code} is as before its reporter changed it since ({', '.join(changed)}): look at "
            "it, and hide it where it shows what it should not"
        )
    if row.content_gone_at is None and item["edited"] not in (None, row.text):
        await moderation.Act(conn, actor, _WHY, now).edit(row, item["edited"])
        told.done.append(f"edited the text of {code}")
    for n, (_, _, public) in enumerate(row.additions or [], 1):
        if public and n in item.get("additions_hidden", ()):
            await moderation.Act(conn, actor, _WHY, now).hide_addition(row, n, True)
            told.done.append(f"hid addition {n} of {code}")
    files += await _photos(conn, store_of_photos, row, item, told, actor, now)
    return files


async def _photos(
    conn: AsyncConnection,
    store_of_photos: Store,
    row: AnyRow,
    item: dict[str, Any],
    told: Again,
    actor: str,
    now: datetime,
) -> list[str]:
    files = []
    act = moderation.Act(conn, actor, _WHY, now)
    wanted = {photo["n"]: photo for photo in item["photos"]}
    for photo in await photos.all_of(conn, row.id):
        meant = wanted.get(photo.n)
        if meant is None:
            continue
        hide = meant["hidden"]
        if photo.sha256 != meant["sha256"]:
            # The covered one lies in the store, which a restore only adds to.
            if await _there(store_of_photos, meant["sha256"]):
                await photos.lock(conn, meant["sha256"])
                await photos.replace(conn, row.id, photo.n, photo.sha256, meant["sha256"])
                await moderating.tell(conn, row.id, "photo_boxed", _BOXED, now, public=True)
                await audit.write(
                    conn, actor=actor, action="photo.box", subject=row.code, reason=_WHY, now=now
                )
                files.append(photo.sha256)
                told.done.append(f"covered photo {photo.n} of {row.code}")
            else:
                hide = True
                told.by_hand.append(
                    f"photo {photo.n} of {row.code} was covered since, and the covered picture is "
                    "lost: the photo is hidden; cover it anew, then show it"
                )
        if hide and not photo.hidden:
            await act.hide_photo(row, photo.n, True)
            told.done.append(f"hid photo {photo.n} of {row.code}")
    return files


async def _there(store_of_photos: Store, sha256: str) -> bool:
    try:
        await store_of_photos.get(sha256)
    except (MediaMissing, MediaBroken):
        return False
    return True


async def _accounts(conn: AsyncConnection, before: list[dict[str, Any]], told: Again) -> None:
    closed = await store.close(conn, [one["email"] for one in before if one["disabled"]])
    told.done += [f"disabled {email}" for email in closed]
    now_there = {one["email"]: one for one in await store.accounts(conn)}
    for one in before:
        email = one["email"]
        there = now_there.get(email)
        if there is None:
            told.by_hand.append(f"{email} had an account since, which is gone: add it again")
            continue
        if n := await store.drop_codes(conn, email, one["recovery_codes"]):
            told.done.append(f"took away {n} recovery codes of {email} that were used or replaced")
        if n := await store.unlink(conn, email, one["identities"]):
            told.done.append(f"unlinked {email} from {n} identities")
        for name, said in _CHANGES.items():
            if there[name] != one[name]:
                told.by_hand.append(f"{email}: {said.format(now=there[name], before=one[name])}")


_CHANGES = {
    "password": "the password was changed since, and the one before is good again; set another "
    "(`pinward users password`)",
    "second_step": "the second step was set up or taken away since: have it done again "
    "(`pinward users totp-reset`)",
    "role": "the role is {now} again and was {before}: make another account, disable this one",
    "ward_code": "acts for the ward {now} again and did for {before} (`pinward users move`)",
    "organisation": "acts for {now} again and did for {before} (`pinward users move`)",
}
