"""The queue of hotspot runs: which still go on, which of them died, which one waits already.

A row of `hotspot_runs` says "waiting" or "running" for as long as nobody says otherwise, and the
dead do not. So it counts only while somebody is behind it: a job that will be done, or a process
that holds the run's lock, which PostgreSQL takes from whoever dies.
"""

from datetime import date
from typing import Final

from sqlalchemy import Integer, and_, cast, func, or_, select, text, update

from geo.store.database import AnyRow, AsyncConnection
from geo.store.locks import Lock
from geo.store.tables import hotspot_runs

DIED: Final = "the process that made this run died; ask for the run again"

_HAS_JOB: Final = text(
    "EXISTS (SELECT FROM procrastinate_jobs AS job WHERE job.task_name = 'hotspots'"
    " AND job.status IN ('todo', 'doing') AND (job.args->>'run_id')::bigint = hotspot_runs.id)"
)
_HAS_PROCESS: Final = text(
    "EXISTS (SELECT FROM pg_locks AS held WHERE held.locktype = 'advisory' AND held.granted"
    " AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    f" AND held.objsubid = 2 AND held.classid = {int(Lock.HOTSPOT_RUN)}"
    " AND held.objid = hotspot_runs.id % 2147483648)"
)
_LIVES: Final = or_(_HAS_JOB, _HAS_PROCESS)


async def hold(conn: AsyncConnection, run_id: int) -> None:
    """Say that this connection's process makes the run, until the connection closes.

    Waits for another process that still makes the same one.
    """
    key = cast(run_id % 2**31, Integer)
    await conn.execute(select(func.pg_advisory_lock(cast(int(Lock.HOTSPOT_RUN), Integer), key)))


async def alone(conn: AsyncConnection) -> None:
    """Keep others from asking until the transaction's end: of two at once each would see none."""
    await conn.execute(select(func.pg_advisory_xact_lock(Lock.ASKING_HOTSPOTS)))


async def waiting(conn: AsyncConnection, category: str | None, as_of: date) -> AnyRow | None:
    """A run of the same question that has not begun yet, and that a job will make."""
    run = hotspot_runs.c
    found = await conn.execute(
        select(hotspot_runs)
        .where(run.state == "waiting", run.as_of == as_of, _HAS_JOB)
        .where(run.category_code.is_not_distinct_from(category))
        .order_by(run.id)
        .limit(1)
    )
    return found.first()


async def made_of(conn: AsyncConnection, as_of: date) -> bool:
    """Whether a run of all categories looks, or looked, at the whole of this day.

    One that began before the day was over saw a part of it; one that died or failed saw nothing.
    """
    run = hotspot_runs.c
    begins = func.coalesce(run.started_at, run.queued_at)
    found = await conn.execute(
        select(run.id)
        .where(run.as_of == as_of, run.category_code.is_(None))
        .where(
            or_(
                and_(run.state == "done", begins >= run.until),
                and_(run.state == "running", begins >= run.until, _LIVES),
                and_(run.state == "waiting", func.now() >= run.until, _LIVES),
            )
        )
        .limit(1)
    )
    return found.first() is not None


async def give_up(conn: AsyncConnection, run_id: int, why: str) -> None:
    """Write that a run failed, unless its process has said itself how it ended."""
    run = hotspot_runs.c
    await conn.execute(
        update(hotspot_runs)
        .where(run.id == run_id, run.state.in_(("waiting", "running")))
        .values(state="failed", error=why, finished_at=func.clock_timestamp())
    )


async def bury(conn: AsyncConnection) -> None:
    """Write of every run that nobody makes any more that it failed."""
    await conn.execute(
        update(hotspot_runs)
        .where(hotspot_runs.c.state.in_(("waiting", "running")), ~_LIVES)
        .values(state="failed", error=DIED, finished_at=func.clock_timestamp())
    )
