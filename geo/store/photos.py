"""Rows of photos: uploaded, in reports, referred to."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, ScalarSelect, delete, func, insert, select, union, update
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import aggregate_order_by

from geo.store.database import AnyRow, AsyncConnection, load_sql
from geo.store.locks import Lock
from geo.store.tables import photos, reports, uploads

_OBJECTS = (uploads.c.sha256, uploads.c.still_sha256)


async def lock(conn: AsyncConnection, *sha256s: str) -> None:
    """Until the transaction ends nobody else adds or deletes these objects of the store."""
    # In one order, whoever asks: two that wait for each other would wait for ever.
    for number in sorted({int(each[:8], 16) - (1 << 31) for each in sha256s}):
        await conn.execute(
            sql("SELECT pg_advisory_xact_lock(:space, :number)"),
            {"space": int(Lock.PHOTO), "number": number},
        )


async def keep_upload(conn: AsyncConnection, values: dict[str, Any]) -> None:
    """Insert a row of `uploads`."""
    await conn.execute(insert(uploads), values)


async def upload(conn: AsyncConnection, id_hash: bytes, now: datetime) -> Row[Any] | None:
    """The cleaned upload that has not ended and is in no report yet."""
    wanted = select(uploads).where(uploads.c.id_hash == id_hash, uploads.c.expires_at > now)
    return (await conn.execute(wanted)).one_or_none()


async def kept_among(conn: AsyncConnection, id_hashes: Collection[bytes]) -> set[bytes]:
    """Those of the ids whose upload is clean."""
    wanted = select(uploads.c.id_hash).where(uploads.c.id_hash.in_(list(id_hashes)))
    return {bytes(each) for each in (await conn.execute(wanted)).scalars()}


async def drop_upload(conn: AsyncConnection, id_hash: bytes) -> list[str]:
    """Delete an upload that is in no report; its objects (sha256), none where there is no such."""
    gone = (
        delete(uploads)
        .where(uploads.c.id_hash == id_hash)
        .returning(uploads.c.sha256, uploads.c.still_sha256)
    )
    return [sha256 for row in await conn.execute(gone) for sha256 in row if sha256]


async def drop_expired(conn: AsyncConnection, now: datetime) -> None:
    """Delete the uploads whose time is over."""
    await conn.execute(delete(uploads).where(uploads.c.expires_at <= now))


async def expired(conn: AsyncConnection, now: datetime) -> Sequence[AnyRow]:
    """What `drop_expired` deletes: `sha256, still_sha256` of each."""
    return (await conn.execute(select(*_OBJECTS).where(uploads.c.expires_at <= now))).all()


async def attach(
    conn: AsyncConnection, report_id: UUID, id_hashes: Sequence[bytes], now: datetime
) -> dict[int, int]:
    """Move uploads to the report, as its next photos: the number of each photo by the upload's
    place among `id_hashes`, from 1; those that cannot be used are missing."""
    values = {"report_id": report_id, "id_hashes": list(id_hashes), "now": now}
    found = await conn.execute(load_sql("geo.store", "photos_attach"), values)
    return {row.place: row.n for row in found}


def of_report(*, own: bool) -> ScalarSelect[Any]:
    """For queries over `reports`: a report's photos as JSON, None: none.

    `[{n, media_type, width, height}]`.
    """
    photo = func.jsonb_build_object(
        *("n", photos.c.n, "media_type", photos.c.media_type),
        *("width", photos.c.width, "height", photos.c.height),
    )
    wanted = select(func.jsonb_agg(aggregate_order_by(photo, photos.c.n))).where(
        photos.c.report_id == reports.c.id
    )
    if not own:
        wanted = wanted.where(~photos.c.hidden)
    return wanted.correlate(reports).scalar_subquery()


async def one(conn: AsyncConnection, report_id: UUID, n: int, *, own: bool) -> Row[Any] | None:
    """The photo `n` of a report; `own`: also a hidden one."""
    wanted = select(photos).where(photos.c.report_id == report_id, photos.c.n == n)
    if not own:
        wanted = wanted.where(~photos.c.hidden)
    return (await conn.execute(wanted)).one_or_none()


async def all_of(conn: AsyncConnection, report_id: UUID) -> list[Row[Any]]:
    """All photos of a report, hidden ones too, in their order."""
    wanted = select(photos).where(photos.c.report_id == report_id).order_by(photos.c.n)
    return list((await conn.execute(wanted)).all())


async def hide(conn: AsyncConnection, report_id: UUID, n: int, hidden: bool) -> bool | None:
    """Hide or show the photo `n` of a report; whether that changed it, None: there is no such."""
    at = (photos.c.report_id == report_id) & (photos.c.n == n)
    was = select(photos.c.hidden).where(at).with_for_update()
    before: bool | None = (await conn.execute(was)).scalar_one_or_none()
    if before is not None and before is not hidden:
        await conn.execute(update(photos).where(at).values(hidden=hidden))
    return None if before is None else before is not hidden


async def replace(
    conn: AsyncConnection, report_id: UUID, n: int, before: str, after: str
) -> Row[Any] | None:
    """Put the object `after` (sha256) of the same size for `before`; the row, None: it is not
    `before` any more."""
    changed = (
        update(photos)
        .where(photos.c.report_id == report_id, photos.c.n == n, photos.c.sha256 == before)
        .values(sha256=after)
        .returning(photos)
    )
    row: Row[Any] | None = (await conn.execute(changed)).one_or_none()
    return row


async def referred(
    conn: AsyncConnection, sha256s: Collection[str], as_of: datetime | None = None
) -> set[str]:
    """Those of the hashes that a row refers to; `as_of`: but for uploads that ended until then."""
    wanted = list(sha256s)
    found = []
    for table in (uploads, photos):
        for column in (table.c.sha256, table.c.still_sha256):
            query = select(column).where(column.in_(wanted))
            if as_of and table is uploads:
                query = query.where(uploads.c.expires_at > as_of)
            found.append(query)
    return set((await conn.execute(union(*found))).scalars())
