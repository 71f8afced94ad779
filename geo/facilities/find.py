"""Looking facilities up: a page of them, or the nearest to a point."""

import math
from collections.abc import Sequence

from geo.errors import Invalid
from geo.facilities.kinds import KINDS
from geo.store import facilities as store
from geo.store.area import Bbox
from geo.store.database import AnyRow, AsyncConnection


async def page(
    conn: AsyncConnection,
    *,
    kinds: Sequence[str] = (),
    bbox: Bbox | None = None,
    q: str | None = None,
    limit: int = 100,
    before_id: int | None = None,
) -> Sequence[AnyRow]:
    """Up to `limit` facilities, newest first; `before_id` continues an earlier page.

    `kinds` are matched exactly (a kindergarten is not a school); none means every kind. Raises
    `Invalid` on an unknown kind.
    """
    check_kinds(kinds)
    return await store.page(conn, kinds, bbox, q, limit, before_id)


async def nearest(
    conn: AsyncConnection,
    lon: float,
    lat: float,
    *,
    kinds: Sequence[str] = (),
    limit: int = 10,
    radius_m: float | None = None,
) -> Sequence[AnyRow]:
    """The `limit` facilities nearest to a WGS 84 point, with geodesic `distance_m`.

    `radius_m` leaves out what is farther. Raises `Invalid` on an unknown kind or bad degrees.
    """
    check_kinds(kinds)
    if not (math.isfinite(lon) and math.isfinite(lat)) or abs(lon) > 180 or abs(lat) > 90:
        raise Invalid(f"lon {lon}, lat {lat} are not WGS 84 degrees")
    return await store.nearest(conn, lon, lat, kinds, limit, radius_m)


def check_kinds(kinds: Sequence[str]) -> None:
    """Raise `Invalid`, naming them, when some are no kinds of facility."""
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        message = f"unknown: {', '.join(unknown)}; known are {', '.join(KINDS)}"
        raise Invalid(f"kind: {message}", errors=[{"field": "kind", "message": message}])
