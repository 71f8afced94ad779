"""Keeping the cells up: the log of what changed is added to them and emptied, in one transaction.

Who reads cells and log in one snapshot is always right, so nothing is urgent.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import psycopg

from geo.store import report_wards
from geo.store.database import AsyncEngine, driver
from geo.store.locks import Lock
from geo.store.statistics import cells, facts
from geo.store.statistics.asked import Asked
from geo.store.statistics.vectors import Array

# So many lines are read along in a few milliseconds; so many at once change fewer cells.
MANY = 4_000
BATCH = 100_000
# Seconds after which fewer are folded, too, and after the last of many moves all is counted anew.
OLD_S = 30.0
QUIET_S = 10.0
# So much of a large city's time is some hundred megabytes while it is counted.
_AT_A_TIME = timedelta(days=45)
WORDS: tuple[report_wards.Word, ...] = ("then", "today")

Progress = Callable[[int], None]

BASIS = """
SELECT %(zone)s || coalesce((
    SELECT string_agg(number || visibility, ',' ORDER BY number) FROM categories
    WHERE visibility <> 'public'
), '')
"""
"""What cells depend on besides the reports: the clock, and which categories are not public."""


@dataclass(frozen=True)
class State:
    """Whether cells can be read along with the log, since when they know what is late, and how
    often they were changed."""

    usable: bool
    late_before: datetime | None
    folds: int


async def state(raw: psycopg.AsyncConnection, zone: str) -> State:
    """The state of the cells for the months of a zone."""
    found = await raw.execute(
        f"SELECT basis = ({BASIS}) AND NOT EXISTS (SELECT FROM statistics_log WHERE sign = 0), "
        "late_before, folds FROM statistics_state",
        {"zone": zone},
    )
    row = await found.fetchone()
    assert row is not None
    return State(bool(row[0]), row[1], row[2])


@asynccontextmanager
async def locked(engine: AsyncEngine) -> AsyncIterator[psycopg.AsyncConnection]:
    """A connection that alone writes the cells, its snapshot taken after the lock.

    Rolled back at the end: the block commits.
    """
    async with engine.connect() as conn:
        await conn.execution_options(isolation_level="REPEATABLE READ")
        raw = await driver(conn)
        await raw.execute(f"SELECT pg_advisory_lock({Lock.STATISTICS:d})")
        await raw.rollback()
        try:
            yield raw
        finally:
            await raw.rollback()
            await raw.execute(f"SELECT pg_advisory_unlock({Lock.STATISTICS:d})")
            await raw.commit()


class Folding:
    """Folds what is worth it, call by call; `clock` gives seconds."""

    def __init__(self, engine: AsyncEngine, zone: str, clock: Callable[[], float]) -> None:
        self._engine, self._zone, self._clock = engine, zone, clock
        self._last = clock() - OLD_S
        self._anew: tuple[int | None, float] | None = None

    async def fold_if_due(self) -> int:
        """Returns how many lines of the log were folded."""
        async with self._engine.connect() as conn:
            raw = await driver(conn)
            usable = (await state(raw, self._zone)).usable
            found = await raw.execute(
                "SELECT (SELECT count(*) FROM (SELECT FROM statistics_log LIMIT %s) AS oldest), "
                "(SELECT max(id) FROM statistics_log WHERE sign = 0)",
                [MANY],
            )
            row = await found.fetchone()
            assert row is not None
            waiting, newest = row
            await raw.rollback()
        now = self._clock()
        if not usable:
            # A reform moves many, again and again: wait for its end.
            if self._anew is None or self._anew[0] != newest:
                self._anew = newest, now
            if newest is not None and now - self._anew[1] < QUIET_S:
                return 0
            self._anew = None
            await rebuild(self._engine, self._zone)
            return 0
        if waiting < MANY and now - self._last < OLD_S:
            return 0
        self._last = now
        return await fold(self._engine, self._zone)


async def fold(engine: AsyncEngine, zone: str) -> int:
    """Fold up to `BATCH` lines of the log, and what has become late; returns how many lines. What
    cannot be folded is left to `rebuild`."""
    async with locked(engine) as raw:
        before = await state(raw, zone)
        if not before.usable or before.late_before is None:
            return 0
        found = await raw.execute(
            "SELECT max(id), count(*), greatest(now(), %s) "
            "FROM (SELECT id FROM statistics_log ORDER BY id LIMIT %s) AS oldest",
            [before.late_before, BATCH],
        )
        row = await found.fetchone()
        assert row is not None
        until, n, now = row
        asked = everything(zone, await visible(raw))
        if n:
            log = f"(SELECT * FROM statistics_log WHERE id <= {until})"
            changed = facts.read(raw, asked, before.late_before, log, sign="x.sign", words=WORDS)
            await cells.add(raw, await facts.whole(changed))
            await raw.execute("DELETE FROM statistics_log WHERE id <= %s", [until])
        late = became_late(raw, asked, before.late_before, now, WORDS)
        await cells.add(raw, await facts.whole(late))
        await _count_fold(raw, zone, now)
        await raw.commit()
    return int(n)


async def rebuild(engine: AsyncEngine, zone: str, progress: Progress = lambda done: None) -> int:
    """Make the cells anew from the reports; returns the number of reports counted.

    Online: what is asked meanwhile is counted from the reports or the old cells. `progress` hears
    how many reports are done.
    """
    done = 0
    async with locked(engine) as raw:
        await raw.execute(
            "INSERT INTO statistics_channels (name) SELECT DISTINCT channel FROM reports "
            "ON CONFLICT DO NOTHING"
        )
        await raw.commit()
        (now,) = await (await raw.execute("SELECT now()")).fetchone() or (None,)
        assert now is not None
        await raw.execute("DELETE FROM statistics_cells")
        # Only what this snapshot sees: the rest is not in the reports that it sees either.
        await raw.execute("DELETE FROM statistics_log")
        asked = everything(zone, await visible(raw))
        async for read in reports(raw, asked, now):
            await cells.add(raw, read)
            done += len(read)
            progress(done)
        await _count_fold(raw, zone, now)
        await raw.commit()
    async with engine.connect() as conn:
        await conn.execution_options(isolation_level="AUTOCOMMIT")
        raw = await driver(conn)
        await raw.execute("VACUUM ANALYZE statistics_cells")
        await raw.execute("VACUUM ANALYZE statistics_log")
    return done


async def reports(
    raw: psycopg.AsyncConnection, asked: Asked, late: datetime
) -> AsyncIterator[Array]:
    """All reports, some weeks of them at a time; in between the connection is free."""
    since = datetime(1, 1, 1, tzinfo=UTC)
    while True:
        found = await raw.execute(
            "SELECT min(created_at) FROM reports WHERE created_at >= %s", [since]
        )
        (first,) = await found.fetchone() or (None,)
        if first is None:
            return
        since = first + _AT_A_TIME
        some = replace(asked, since=first, until=since)
        yield await facts.whole(facts.read(raw, some, late, words=WORDS))


def everything(zone: str, visible: list[str]) -> Asked:
    """All reports that the public may know of."""
    return Asked(by=(), word="then", timezone=zone, categories=visible)


async def became_late(
    raw: psycopg.AsyncConnection,
    asked: Asked,
    since: datetime,
    until: datetime,
    words: Sequence[report_wards.Word],
) -> AsyncIterator[Array]:
    """What open reports add that have become late in between: as they are, less as they were."""
    a, b = (f"'{at.isoformat()}'::timestamptz" for at in (since, until))
    is_open = "x.status IN ('received', 'assigned', 'in_progress', 'waiting')"
    also = (
        f"(({is_open} AND x.due_at >= {a} AND x.due_at < {b}) OR (x.replied_at IS NULL AND "
        f"{is_open} AND x.first_due_at >= {a} AND x.first_due_at < {b}))"
    )
    for late, sign in ((until, "1"), (since, "-1")):
        async for block in facts.read(
            raw, asked, late, sign=sign, words=words, look_up=True, also=also
        ):
            yield block


async def visible(raw: psycopg.AsyncConnection) -> list[str]:
    """Codes of the categories whose reports count."""
    found = await raw.execute("SELECT code FROM categories WHERE visibility <> 'hidden'")
    return [code for (code,) in await found.fetchall()]


async def _count_fold(raw: psycopg.AsyncConnection, zone: str, now: datetime) -> None:
    await raw.execute(
        f"UPDATE statistics_state SET basis = ({BASIS}), late_before = %(now)s, folds = folds + 1",
        {"zone": zone, "now": now},
    )
