"""Keeping what people told no longer than needed: rules per category, carried out in batches.

Counted from the day a report ended. What is open is needed; what was imported follows the rules of
where it came from. The report itself stays, as after an erasure (`geo.reports.erasure`).
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from geo.errors import Invalid, NotFound
from geo.reports import contacts, erasure
from geo.store import categories as category_store
from geo.store import retention as store
from geo.store.database import AnyRow, AsyncConnection, AsyncEngine
from geo.store.retention import ALL_OTHERS, Limits

KEYS_KEPT = timedelta(days=90)
"""So long a report that a phone sends again gets its first answer."""

LONGEST_MONTHS = 1_200

_BEGINNING = (datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))


@dataclass(slots=True)
class Due:
    """What is due, or was taken away, by category; `photo_files` as in `erasure.Erased`."""

    contacts: Counter[str] = field(default_factory=Counter)
    contents: Counter[str] = field(default_factory=Counter)
    keys: int = 0
    photo_files: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"contacts {self.contacts.total()}, texts {self.contents.total()}, "
            f"idempotency keys {self.keys}"
        )


async def due(conn: AsyncConnection, now: datetime) -> Due:
    """What a run at `now` would take away."""
    found = Due(keys=await store.count_keys(conn, now - KEYS_KEPT))
    contact_limits, content_limits = _limits(await store.resolved(conn, now))
    if contact_limits.codes:
        found.contacts.update(await contacts.count_due(conn, contact_limits))
    if content_limits.codes:
        found.contents.update(await store.count_content(conn, content_limits))
    return found


async def run(
    engine: AsyncEngine, now: datetime, done: Callable[[int], None], batch: int = 500
) -> Due:
    """Take away what is due at `now`, a transaction for each `batch`; `done(n)` counts them.

    Broken off, the next run goes on where this one was.
    """
    async with engine.connect() as conn:
        contact_limits, content_limits = _limits(await store.resolved(conn, now))
    gone = Due()

    def told() -> None:
        done(gone.contacts.total() + gone.contents.total() + gone.keys)

    after: UUID | None = UUID(int=0)
    while contact_limits.codes and after is not None:
        async with engine.begin() as conn:
            by_category, after = await contacts.forget_due(conn, contact_limits, after, batch)
        gone.contacts.update(by_category)
        told()
    place = _BEGINNING
    while content_limits.codes:
        async with engine.begin() as conn:
            rows = await store.due_content(conn, content_limits, place, batch)
            if not rows:
                break
            erased = await erasure.kept_long_enough(conn, [row.id for row in rows], now)
        gone.contents.update(row.category_code for row in rows)
        gone.photo_files.extend(erased.photo_files)
        place = (rows[-1].ended_at, rows[-1].id)
        told()
    while True:
        async with engine.begin() as conn:
            keys = await store.forget_keys(conn, now - KEYS_KEPT, 10 * batch)
        if not keys:
            return gone
        gone.keys += keys
        told()


def _limits(rules: list[AnyRow]) -> tuple[Limits, Limits]:
    """The limits of contacts and those of texts."""
    dated = ("contacts_before", "content_before")
    found = []
    for name in dated:
        those = [(row.code, getattr(row, name)) for row in rules if getattr(row, name) is not None]
        found.append(Limits([code for code, _ in those], [before for _, before in those]))
    return found[0], found[1]


async def set_rule(
    conn: AsyncConnection, category: str, contact_months: int | None, content_months: int | None
) -> None:
    """Set the rule of a category, of a family, or of `*`; None keeps for good. Raises `Invalid`."""
    for name, months in (("contact", contact_months), ("content", content_months)):
        if months is not None and not 1 <= months <= LONGEST_MONTHS:
            raise Invalid.of(name, f"must be 1 to {LONGEST_MONTHS} months, or never")
    if category != ALL_OTHERS:
        known = [row["code"] for row in await category_store.every(conn, offered_only=False)]
        if category not in known:
            raise NotFound(
                f"there is no category {category}; {ALL_OTHERS} is the rule of all others"
            )
    await store.set_rule(conn, category, contact_months, content_months)


async def drop_rule(conn: AsyncConnection, category: str) -> None:
    """Take a rule away: the family's, or that of `*`, holds then. Raises `Invalid`, `NotFound`."""
    if category == ALL_OTHERS:
        raise Invalid.of("category", f"must have a rule: set {ALL_OTHERS} to another one instead")
    if not await store.drop_rule(conn, category):
        raise NotFound(f"{category} has no rule of its own")
