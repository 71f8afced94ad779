"""Files of photos that an erasure left without a report: deleted after its commit."""

import logging
from collections.abc import Sequence
from typing import Any

log = logging.getLogger("pinward.erasure")


async def drop_photos(app: Any, files: Sequence[str]) -> None:
    """Delete these files (hex sha256) from the service's store of photos, where it has one.

    What cannot be deleted now stays behind without a row that shows it; the sweep of orphans takes
    it later.
    """
    store = getattr(app.state, "photos", None)
    if store is None:
        return
    for sha256 in files:
        try:
            await store.delete(sha256)
        except Exception as error:
            log.warning("an erased photo stays until the next sweep (%s)", type(error).__name__)
