"""Looking alerts up."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from geo.errors import Invalid, NotFound
from geo.store import alerts as store
from geo.store.area import Bbox
from geo.store.database import AnyRow, AsyncConnection


async def page(
    conn: AsyncConnection,
    now: datetime,
    *,
    at: datetime | None = None,
    on: date | None = None,
    timezone: str = "UTC",
    kinds: Sequence[str] = (),
    bbox: Bbox | None = None,
    limit: int = 100,
    before_id: int | None = None,
) -> Sequence[AnyRow]:
    """Up to `limit` alerts in force `now`, `at` a time, or some time `on` a day; newest first.

    A day is the city's, of `timezone`. Raises `Invalid` when both a time and a day are asked for.
    """
    if at is not None and on is not None:
        message = "ask for a time (`at`) or for a day (`on`), not for both"
        raise Invalid(message, errors=[{"field": "on", "message": message}])
    when = store.in_force(at or now)
    if on is not None:
        zone = ZoneInfo(timezone)
        try:
            begin, end = (datetime.combine(day, time(), zone) for day in (on, on + timedelta(1)))
            # asked for its offset here, so that no driver stumbles over the year 1
            begin.timestamp(), end.timestamp()
        except (OverflowError, ValueError):
            message = f"{on} lies outside the days the calendar has"
            raise Invalid(f"on: {message}", errors=[{"field": "on", "message": message}]) from None
        when = store.in_force(begin, end)
    return await store.page(conn, when, kinds, bbox, limit, before_id)


async def one(conn: AsyncConnection, alert_id: int) -> AnyRow:
    """The alert of this id, also when it is over or cancelled; raises `NotFound`."""
    found = await store.one(conn, alert_id)
    if found is None:
        raise NotFound(f"there is no alert {alert_id}")
    return found
