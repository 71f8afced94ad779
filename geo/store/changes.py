"""The log of what changed on the public map: numbering it, reading it, forgetting its end.

Triggers write a row with each change, in its transaction. Numbers are given afterwards, here, by
one process at a time: whoever sees a number sees all lower ones, so reading "after number n"
misses nothing and repeats nothing, however the writers' commits were mixed.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from geo.store.database import AnyRow, AsyncConnection, load_sql
from geo.store.locks import Lock

CHANNEL = "pinward_changes"
"""Notified, with the last number, at the commit of every batch of numbers."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A report as the public saw it before or after a change.

    `cell` is the z-order number (zoom 26) of the place, as in `changes`; `category` its code,
    `family` its parent's (or its own), `ward` its ward's code or None, `created_at` in UTC.
    """

    cell: int
    category: str
    family: str
    status: str
    kind: str
    ward: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Today:
    """How the public sees the report when the change is read: what may still be told of it."""

    cell: int
    lon: float
    lat: float
    blurred: bool


@dataclass(frozen=True, slots=True)
class Touch:
    """What a numbered change touched, and no more: for who only forgets what lay there.

    `topic` and `subject` as in `Change`; the cells (zoom 26) before and after, None: nowhere.
    """

    seq: int
    topic: str
    subject: str | None
    old_cell: int | None
    new_cell: int | None


@dataclass(frozen=True, slots=True)
class Change:
    """One numbered change of the public map.

    `topic` is `report` (`subject` is its code; `old` is None where the public did not see it
    before, `new` where it does not any more), `reports` (all of them are gone), `hotspots` (a new
    run of category `subject`, in `family`) or the id of a layer that changed as a whole (`subject`
    None). `at` is when it was written. `today` is None when the public sees the report no more.
    """

    seq: int
    at: datetime
    topic: str
    subject: str | None = None
    family: str | None = None
    old: Seen | None = None
    new: Seen | None = None
    today: Today | None = None

    @property
    def old_cell(self) -> int | None:
        """Where the report was, None: nowhere on the public map."""
        return self.old.cell if self.old else None

    @property
    def new_cell(self) -> int | None:
        """Where the report is after the change, None: nowhere on the public map."""
        return self.new.cell if self.new else None


async def lead(conn: AsyncConnection) -> bool:
    """Whether this connection is the one that numbers, now and until it ends; never waits."""
    asked = await conn.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": Lock.LEADING})
    return bool(asked.scalar())


async def number(conn: AsyncConnection, most: int = 20_000) -> int | None:
    """Number up to `most` committed changes and say so on `CHANNEL` at the commit.

    Returns the last number given, None when there was nothing to number. Safe beside another call:
    the later one waits for the earlier one's commit. `conn` must be READ COMMITTED.
    """
    if await oldest_fresh_s(conn) is None:
        return None
    # Two at once could commit a lower number after a higher one.
    await conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": Lock.NUMBERING})
    statement = load_sql("geo.store", "changes_number")
    last: int | None = (await conn.execute(statement, {"most": most})).scalar()
    if last is not None:
        said = {"channel": CHANNEL, "last": str(last)}
        await conn.execute(text("SELECT pg_notify(:channel, :last)"), said)
    return last


async def oldest_fresh_s(conn: AsyncConnection) -> float | None:
    """Seconds since the first of the committed changes without number was written; None: no such.

    It may have been written long before its commit.
    """
    found = await conn.execute(
        text(
            "SELECT extract(epoch FROM clock_timestamp() - at)::float8 FROM changes "
            "WHERE seq IS NULL ORDER BY id LIMIT 1"
        )
    )
    age: float | None = found.scalar()
    return age


async def newest(conn: AsyncConnection) -> int:
    """The last number given; 0 before the first."""
    found = await conn.execute(
        text(
            # What was forgotten had been folded.
            "SELECT greatest((SELECT max(seq) FROM changes WHERE seq IS NOT NULL), "
            "(SELECT folded_seq FROM pyramid_state), 0)"
        )
    )
    return int(found.scalar_one())


async def oldest(conn: AsyncConnection) -> int | None:
    """The lowest number that is still kept; None: there is none."""
    found = await conn.execute(text("SELECT min(seq) FROM changes WHERE seq IS NOT NULL"))
    first: int | None = found.scalar()
    return first


async def reaches_back(conn: AsyncConnection, seq: int) -> bool:
    """Whether all changes after number `seq` are still kept, and `seq` is a number of this log."""
    first = await oldest(conn)
    whole = seq >= (await newest(conn) if first is None else first - 1)
    # Not of this database, or of one that was since restored from a backup.
    given = (await conn.execute(text("SELECT last_value FROM changes_seq"))).scalar_one()
    return whole and seq <= int(given)


async def after(conn: AsyncConnection, seq: int, limit: int) -> list[Change]:
    """The first `limit` changes after number `seq`, in order."""
    statement = load_sql("geo.store", "changes_after")
    rows = await conn.execute(statement, {"seq": seq, "most": limit})
    return [_change(row) for row in rows]


async def touched_after(conn: AsyncConnection, seq: int, limit: int) -> list[Touch]:
    """As `after`, but only what was touched: a tenth of the work."""
    found = await conn.execute(
        text(
            "SELECT seq, topic, subject, old_cell, new_cell FROM changes "
            "WHERE seq > :seq ORDER BY seq LIMIT :most"
        ),
        {"seq": seq, "most": limit},
    )
    return [Touch(*row) for row in found]


async def purge(conn: AsyncConnection, before: datetime, most: int = 20_000) -> int:
    """Forget up to `most` changes that are folded and were written before; returns how many.

    Only the oldest numbers go, none out of the middle. Call again until it returns 0.
    """
    statement = load_sql("geo.store", "changes_purge")
    return (await conn.execute(statement, {"before": before, "most": most})).rowcount


def _change(row: AnyRow) -> Change:
    return Change(
        seq=row.seq,
        at=row.at,
        topic=row.topic,
        subject=row.subject,
        family=row.subject_family,
        old=_seen(row, "old"),
        new=_seen(row, "new"),
        today=None
        if row.now_cell is None
        else Today(row.now_cell, row.now_lon, row.now_lat, row.now_visibility == "blurred"),
    )


def _seen(row: AnyRow, when: str) -> Seen | None:
    values = row._mapping
    if values[f"{when}_cell"] is None:
        return None
    names = ("cell", "category", "family", "status", "kind", "ward", "created_at")
    return Seen(*(values[f"{when}_{name}"] for name in names))
