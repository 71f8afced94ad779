"""Deleting what nobody can reach any more: ended uploads, objects without a row, leftovers."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from geo.errors import RefusedSweep
from geo.photos import keeping
from geo.photos.inbox import Inbox
from geo.photos.store import Found, Store
from geo.store import photos as rows
from geo.store.database import AsyncEngine

# A younger object may be of a transaction that has not come to its row yet.
_OLD = timedelta(days=1)
_AT_ONCE = 1000
# So many may always go, however few there are.
_ALWAYS = 100


@dataclass(frozen=True, slots=True)
class Swept:
    """What was deleted, or would be: rows, objects (and their bytes), half-written, sent."""

    uploads: int
    objects: int
    bytes: int
    unfinished: int
    leftovers: int


async def sweep(
    engine: AsyncEngine,
    store: Store,
    inbox: Inbox,
    now: datetime,
    *,
    dry_run: bool = False,
    even_most: bool = False,
) -> Swept:
    """Delete what is over as of `now`; `dry_run`: only count it.

    Raises `RefusedSweep`, with nothing of the store deleted, when most of what lies there has no
    row and `even_most` is not said. A pass that fails, or whose store is away, forgets nothing: the
    rows of ended uploads, which tell what they left from what is strange, go last.
    """
    async with engine.connect() as conn:
        expired = await rows.expired(conn, now)
        done = await rows.kept_among(conn, inbox.resumable(now))
    leftovers = len(inbox.clear(now, done, dry_run=dry_run))
    total, waste, unfinished = 0, [], []
    async for some in _batches(store):
        named = {each.sha256 for each in some if each.sha256}
        total += len(named)
        async with engine.connect() as conn:
            needed = await rows.referred(conn, named, now)
        for each in some:
            if each.changed_at > now - _OLD:
                continue
            if each.unfinished:
                unfinished.append(each)
            elif each.sha256 and each.sha256 not in needed:
                waste.append(each)
    # Uploads that nobody used are no sign of the wrong database, however many they are.
    ended = {sha256 for row in expired for sha256 in row}
    strange = [each for each in waste if each.sha256 not in ended]
    if len(strange) > max(_ALWAYS, total / 2) and not even_most:
        raise RefusedSweep(
            f"{len(strange)} of {total} photos in {store.where} have no row in this database, "
            "which looks like the wrong database or the wrong store (PINWARD_DATABASE_URL, "
            "PINWARD_MEDIA); if both are right, run `pinward photos sweep --even-most`"
        )
    gone = waste if dry_run else [each for each in waste if await _forget(engine, store, each, now)]
    if not dry_run:
        for each in unfinished:
            await store.delete_path(each.path)
        async with engine.begin() as conn:
            await rows.drop_expired(conn, now)
    size = sum(each.size for each in gone)
    return Swept(len(expired), len(gone), size, len(unfinished), leftovers)


async def _forget(engine: AsyncEngine, store: Store, found: Found, now: datetime) -> bool:
    assert found.sha256
    async with engine.begin() as conn:
        return await keeping.forget(conn, store, found.sha256, but_ended=now)


async def _batches(store: Store) -> AsyncIterator[list[Found]]:
    some: list[Found] = []
    async for each in store.found():
        some.append(each)
        if len(some) == _AT_ONCE:
            yield some
            some = []
    yield some
