"""Keeping the cells up: the log of what changed is added to them and emptied, in one transaction.

Who reads cells and log in one snapshot is always right, so nothing is urgent.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import psycopg

from geo.store import report_wards
from geo.store.database import AsyncEngine, driver
from geo.store.locks import Lock
from geo.store.statistics import cells, days, facts, pending
from geo.store.statistics.asked import Asked
from geo.store.statistics.vectors import Array

# So many lines are read along in some ten milliseconds; so many at once change fewer cells.
MANY = 1_000
BATCH = 100_000
# Seconds after which fewer are folded, too, and after the last of many moves all is counted anew.
OLD_S = 30.0
QUIET_S = 10.0
# So much of a large city's time is some hundred megabytes while it is counted.
_AT_A_TIME = timedelta(days=30)
WORDS: tuple[report_wards.Word, ...] = ("then", "today")

Progress = Callable[[int], None]

BASIS = """
SELECT '2 ' || %(zone)s || coalesce((
    SELECT string_agg(number || visibility, ',' ORDER BY number) FROM categories
    WHERE visibility <> 'public'
), '')
"""
"""What cells depend on besides the reports: how they are made (a number, to be raised where `cells`
or `days` change), the clock, and which categories are not public."""


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
        if n == BATCH:
            # What became late is told of reports as they are, so all of the log has to be known.
            now = before.late_before
        asked = everything(zone, await visible(raw))
        if n or await pending.anything(raw, before.late_before, now):
            changed = pending.read(
                raw, asked, before.late_before, now, WORDS, newest=until or 0, look_up=n < MANY
            )
            read = await facts.whole(changed)
            await cells.add(raw, read)
            await days.add(raw, read)
            await days.merge(raw)
        if n:
            await raw.execute("DELETE FROM statistics_log WHERE id <= %s", [until])
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
        await raw.execute("DELETE FROM statistics_days")
        # Only what this snapshot sees: the rest is not in the reports that it sees either.
        await raw.execute("DELETE FROM statistics_log")
        asked = everything(zone, await visible(raw))
        making = cells.Making(raw)
        async for read in reports(raw, asked, now):
            await making.add(read)
            await days.add(raw, read)
            done += len(read)
            progress(done)
        await making.finish()
        await _count_fold(raw, zone, now)
        await raw.commit()
    async with engine.connect() as conn:
        await conn.execution_options(isolation_level="AUTOCOMMIT")
        raw = await driver(conn)
        for table in ("cells", "days", "log"):
            await raw.execute(f"VACUUM ANALYZE statistics_{table}")
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
        # From a day's beginning on, so that each day is whole.
        since = first.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        some = replace(asked, since=since, until=since + _AT_A_TIME)
        since += _AT_A_TIME
        yield await facts.whole(facts.read(raw, some, late, words=WORDS))


def everything(zone: str, visible: list[str]) -> Asked:
    """All reports that the public may know of."""
    return Asked(by=(), word="then", timezone=zone, categories=visible)


async def visible(raw: psycopg.AsyncConnection) -> list[str]:
    """Codes of the categories whose reports count."""
    found = await raw.execute("SELECT code FROM categories WHERE visibility <> 'hidden'")
    return [code for (code,) in await found.fetchall()]


async def _count_fold(raw: psycopg.AsyncConnection, zone: str, now: datetime) -> None:
    await raw.execute(
        f"UPDATE statistics_state SET basis = ({BASIS}), late_before = %(now)s, folds = folds + 1",
        {"zone": zone, "now": now},
    )
