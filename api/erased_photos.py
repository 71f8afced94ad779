"""Files of photos that an erasure left without a report: deleted after its commit."""

import logging
from collections.abc import Sequence

from geo.photos import keeping
from geo.photos.store import Store
from geo.store.database import AsyncEngine

log = logging.getLogger("pinward.erasure")


async def drop_photos(engine: AsyncEngine, store: Store, files: Sequence[str]) -> int:
    """Delete these files (hex sha256) from the store of photos, where no row needs them.

    What cannot be deleted now stays behind without a row that shows it, and the sweep of orphans
    takes it later; returns how many those are, so that nobody is told that they are gone.
    """
    left = 0
    for sha256 in files:
        try:
            async with engine.begin() as conn:
                await keeping.forget(conn, store, sha256)
        except Exception as error:
            left += 1
            log.warning("an erased photo stays until the next sweep (%s)", type(error).__name__)
    return left
