"""What the staff do with photos of a report: looking, and boxing out faces and plates.

The change is a line in the report's history (what) and in the audit log (who, and why).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from geo import audit
from geo.errors import Conflict, NotFound
from geo.photos import apart
from geo.photos.boxes import Box, checked
from geo.photos.cleaned import MEDIA_TYPE
from geo.photos.store import Store
from geo.reports.events import words
from geo.store import erasure, photos
from geo.store.database import AsyncConnection, AsyncEngine


async def one(conn: AsyncConnection, report_id: UUID, n: int, *, hidden: bool) -> Row[Any]:
    """The row of `photos`; `hidden`: also of a hidden one. Raises `NotFound`."""
    found = await photos.one(conn, report_id, n, own=hidden)
    if found is None:
        raise NotFound("this report has no such photo")
    return found


async def box_out(
    engine: AsyncEngine,
    store: Store,
    report: Row[Any],
    photo: Row[Any],
    boxes: Sequence[Box],
    *,
    actor: str,
    reason: str,
    now: datetime,
) -> Row[Any]:
    """Fill `boxes` in a photo of `report` (`id, code`) for good; its new row.

    The new picture takes the place of the old one, which is no row's any more unless another report
    shows it, too: whoever calls this lets it go (`geo.photos.keeping.forget`). Raises `Invalid` for
    boxes that cannot be, `Conflict` for a video, and where the photo changed or went meanwhile.
    """
    wanted = checked(boxes)
    if photo.media_type != MEDIA_TYPE:
        raise Conflict("things move in a video, so it cannot be boxed out; hide it instead")
    # It takes a while: neither a connection nor a lock is held meanwhile.
    clean = await apart.boxed_out(await store.get(photo.sha256), wanted)
    async with engine.begin() as conn:
        await photos.lock(conn, clean.sha256)
        row = await photos.replace(conn, report.id, photo.n, photo.sha256, clean.sha256)
        if row is None:
            raise Conflict("this photo was changed or erased meanwhile; look at it again")
        await store.put(clean.data, clean.media_type)
        told = words(
            f"Đã che một phần của ảnh {photo.n} (khuôn mặt, biển số xe …).",
            f"Parts of photo {photo.n} were covered (faces, number plates …).",
        )
        await erasure.tell(conn, [report.id], "photo_boxed", told, now)
        await audit.write(
            conn, actor=actor, action="photo.box", subject=report.code, reason=reason, now=now
        )
    return row
