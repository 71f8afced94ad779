"""Looking up hotspots: what is said now, what was said on a day, and one through its days."""

from collections.abc import Sequence
from datetime import date, datetime

from geo.errors import Invalid, NotFound
from geo.hotspots.identity import ENTER
from geo.store import hotspots as store
from geo.store.area import Bbox
from geo.store.database import AnyRow, AsyncConnection


async def page(
    conn: AsyncConnection,
    *,
    categories: Sequence[str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    on: date | None = None,
    bbox: Bbox | None = None,
    significant: bool = False,
    limit: int = 100,
    before_key: int | None = None,
) -> tuple[Sequence[AnyRow], Sequence[AnyRow]]:
    """(answers, hotspots): the newest answer of each category, and up to `limit` of their hotspots.

    `categories` may name families. `on` takes what was said on that day; `since` and `until` the
    newest answer that looked at some of that time. `significant` leaves out those that are only
    kept because they were there before (p above 0.05). Raises `Invalid` on a category that does
    not exist.
    """
    for code in categories or ():
        await known(conn, code)
    chosen = store.latest_answers(categories, since, until, on)
    answers = await store.answers(conn, chosen)
    at_most_p = ENTER if significant else None
    return answers, await store.page(conn, chosen, bbox, at_most_p, limit, before_key)


async def beginnings(
    conn: AsyncConnection,
    *,
    categories: Sequence[str] | None = None,
    on: date | None = None,
    bbox: Bbox | None = None,
) -> tuple[Sequence[AnyRow], Sequence[AnyRow]]:
    """(answers, beginnings): what had begun as of a category's newest answer, or of that of a day.

    Raises `Invalid` on a category that does not exist.
    """
    for code in categories or ():
        await known(conn, code)
    chosen = store.latest_answers(categories, on=on)
    return await store.answers(conn, chosen), await store.beginnings(conn, chosen, bbox)


async def hexagons(
    conn: AsyncConnection,
    *,
    categories: Sequence[str] | None = None,
    on: date | None = None,
    bbox: Bbox | None = None,
    limit: int = 100,
    after_key: int | None = None,
) -> tuple[Sequence[AnyRow], Sequence[AnyRow]]:
    """(answers, hexagons): of each category's newest answer, or of that of a day, up to `limit`.

    Raises `Invalid` on a category that does not exist.
    """
    for code in categories or ():
        await known(conn, code)
    chosen = store.latest_answers(categories, on=on)
    answers = await store.answers(conn, chosen)
    return answers, await store.hexagons(conn, chosen, bbox, limit, after_key)


async def known(conn: AsyncConnection, category: str) -> None:
    """Raise `Invalid` on a category that does not exist."""
    if not await store.categories(conn, category):
        message = f"there is no category {category!r}"
        raise Invalid(message, errors=[{"field": "category", "message": message}])


async def shown(conn: AsyncConnection, category: str) -> None:
    """Raise `Invalid` on a category that does not exist, or whose hotspots nobody is told."""
    await known(conn, category)
    (own,) = (one for one in await store.categories(conn, category) if one.code == category)
    if own.visibility == "hidden":
        message = f"{category!r} is hidden: where it is reported is told to nobody yet"
        raise Invalid(message, errors=[{"field": "category", "message": message}])


async def through_time(
    conn: AsyncConnection, hotspot_id: str
) -> tuple[Sequence[AnyRow], AnyRow | None]:
    """(days, end): every day's row of one hotspot, the newest first, and how it ended if it did.

    Raises `NotFound`.
    """
    rows = await store.through_time(conn, hotspot_id)
    if not rows:
        raise NotFound(f"there is no hotspot {hotspot_id!r}")
    return rows, await store.end_of(conn, hotspot_id)
