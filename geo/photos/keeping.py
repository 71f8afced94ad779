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
from geo.photos import apart, media
from geo.photos.cleaned import Cleaned
from geo.photos.store import Store
from geo.store import photos as rows
from geo.store.database import AsyncConnection

USABLE_FOR = timedelta(hours=24)
# Per process, beside those being cleaned: some 10 s of waiting, mostly.
MOST_WAITING = 8
MOST_PHOTOS = 6


class Cleaning:
    """The line in front of the processes that clean. Who waits holds a file, not its bytes."""

    def __init__(self, at_once: int = apart.AT_ONCE, most_waiting: int = MOST_WAITING) -> None:
        self._turn = Semaphore(at_once)
        self._most = at_once + most_waiting
        self._inside = 0

    def check(self) -> None:
        """Raises `NotReady` when the line is full."""
        if self._inside >= self._most:
            raise NotReady("too many photos are being read; send it again in a moment", later_s=5)

    async def cleaned(self, path: Path) -> Cleaned:
        """The file made clean in its turn; raises `RefusedPhoto` and, at once, `NotReady`."""
        self.check()
        self._inside += 1
        try:
            async with self._turn:
                head = await to_thread(_head, path)
                return await media.kind_of(head).cleaned(path)
        finally:
            self._inside -= 1


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
    conn: AsyncConnection, store: Store, clean: Cleaned, upload_id: str, sent: int, now: datetime
) -> dict[str, Any]:
    """Store a cleaned photo that was `sent` bytes long; what its sender is told."""
    await rows.lock(conn, clean.sha256)
    sha256 = await store.put(clean.data, clean.media_type)
    values = {
        "id_hash": id_hash(upload_id),
        "sha256": sha256,
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
) -> None:
    """Give uploads to a report; raises `Invalid`, naming each that cannot be used."""
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


async def forget(conn: AsyncConnection, store: Store, sha256: str) -> bool:
    """Delete an object that no row refers to any more; whether it was deleted.

    Call it in a transaction in which the rows are gone. If that is not committed after all, the
    rows are there and their object is not: so let the rows go in a transaction before.
    """
    await rows.lock(conn, sha256)
    if await rows.referred(conn, [sha256]):
        return False
    await store.delete(sha256)
    return True
