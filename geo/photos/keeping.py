"""From sent bytes to an upload that a report may use, and away again.

Rows say what is kept; an object in the store without a row is waste, a row without its object a
loss. So objects are written and deleted under a lock of their hash, in the transaction of the row.
"""

import hashlib
import secrets
from asyncio import Semaphore, to_thread
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from geo.errors import Invalid, NotReady
from geo.photos import media
from geo.photos.cleaned import Cleaned
from geo.photos.store import Store
from geo.photos.video.cleaned import CleanedVideo
from geo.store import photos as rows
from geo.store.database import AsyncConnection

USABLE_FOR = timedelta(hours=24)
MOST_PHOTOS = 6


class _Line:
    def __init__(self, kind: media.Kind) -> None:
        self.turn = Semaphore(kind.at_once)
        self.most = kind.at_once + kind.most_waiting
        self.inside = 0


class Cleaning:
    """The lines in front of the processes that clean. Who waits holds a file, not its bytes.

    One for each kind: a video is at work for a minute, and no photo is to wait for that.
    """

    def __init__(self) -> None:
        self._lines = {kind: _Line(kind) for kind in media.KINDS}

    def check(self, kind: media.Kind) -> None:
        """Raises `NotReady` when the line of this kind is full."""
        line = self._lines[kind]
        if line.inside >= line.most:
            raise NotReady(
                f"too many {kind.name}s are being read; send it again in a moment",
                later_s=kind.later_s,
            )

    async def cleaned(self, path: Path) -> Cleaned | CleanedVideo:
        """The file made clean in its turn; raises `RefusedPhoto` and, at once, `NotReady`."""
        kind = media.kind_of(await to_thread(_head, path))
        self.check(kind)
        line = self._lines[kind]
        line.inside += 1
        try:
            async with line.turn:
                return await kind.cleaned(path)
        finally:
            line.inside -= 1


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(media.HEAD_BYTES)


def new_id() -> str:
    """The name of an upload, which is the right to use it: 192 bits."""
    return secrets.token_urlsafe(24)


def id_hash(upload_id: str) -> bytes:
    """What is kept of an id, in the database and as the name of a file."""
    return hashlib.sha256(upload_id.encode("utf-8", "surrogatepass")).digest()


async def keep(
    conn: AsyncConnection,
    store: Store,
    clean: Cleaned | CleanedVideo,
    upload_id: str,
    sent: int,
    now: datetime,
) -> dict[str, Any]:
    """Store what was cleaned and was `sent` bytes long; what its sender is told."""
    still = clean.poster if isinstance(clean, CleanedVideo) else None
    objects = [each for each in (clean, still) if each]
    await rows.lock(conn, *(each.sha256 for each in objects))
    for each in objects:
        await store.put(each.data, each.media_type)
    values = {
        "id_hash": id_hash(upload_id),
        "sha256": clean.sha256,
        "still_sha256": still and still.sha256,
        "media_type": clean.media_type,
        "width": clean.width,
        "height": clean.height,
        "sent": sent,
        "expires_at": now + USABLE_FOR,
    }
    await rows.keep_upload(conn, values)
    return values


async def attach(
    conn: AsyncConnection, report_id: UUID, upload_ids: Sequence[str], now: datetime
) -> list[int]:
    """Give uploads to a report, after the photos it has; the numbers they get.

    Raises `Invalid`, naming each that cannot be used.
    """
    taken = await rows.attach(conn, report_id, [id_hash(each) for each in upload_ids], now)
    message = (
        "is no upload that can be used: it was used already, is older than 24 hours or was never "
        "there; send the photo again"
    )
    missing = [n for n in range(len(upload_ids)) if n + 1 not in taken]
    if missing:
        raise Invalid(
            "; ".join(f"photos.{n} {message}" for n in missing),
            errors=[{"field": f"photos.{n}", "message": message} for n in missing],
        )
    return [taken[n + 1] for n in range(len(upload_ids))]


async def forget(
    conn: AsyncConnection, store: Store, sha256: str, but_ended: datetime | None = None
) -> bool:
    """Delete an object that no row refers to any more; whether it was deleted.

    `but_ended`: rows of uploads that ended until then, which nobody can use, do not count. Call it
    in a transaction in which the other rows are gone. If that is not committed after all, the rows
    are there and their object is not: so let them go in a transaction before.
    """
    await rows.lock(conn, sha256)
    if await rows.referred(conn, [sha256], but_ended):
        return False
    await store.delete(sha256)
    return True
