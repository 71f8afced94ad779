"""How often signing in failed, by marks (keyed hashes); forgotten after a day."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, text

from geo.store.database import AsyncConnection
from geo.store.tables import sign_in_failures

KEPT = timedelta(days=1)
_DROPPED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Count:
    """What is counted under `mark`: `free` failures cost nothing, each further one twice the wait
    of the one before, from a second up to `longest_s`."""

    mark: bytes
    free: int
    longest_s: float


# One statement: of many tries at once each counts the others. A try that comes too early is not
# counted, so nobody is kept out for longer by being tried.
_TAKE = text(
    """
    INSERT INTO sign_in_failures AS f (mark, failures, last_at, until)
    VALUES (:mark, 1, :now, :now)
    ON CONFLICT (mark) DO UPDATE SET
        failures = CASE WHEN f.last_at <= :long_ago THEN 1 ELSE f.failures + 1 END,
        last_at = :now,
        until = CAST(:now AS timestamptz) + make_interval(secs => CASE
            WHEN f.last_at <= :long_ago OR f.failures + 1 <= :free THEN 0
            ELSE least(:longest_s, power(2.0, least(f.failures - :free, 30)))
        END)
    WHERE f.until <= :now
    RETURNING f.failures
    """
)


async def take(conn: AsyncConnection, count: Count, now: datetime) -> tuple[int, float]:
    """Count a try as failed before it is made: how many have, and 0.0.

    When none is allowed yet, nothing is counted: 0, and the seconds until then.
    """
    values = {
        "mark": count.mark,
        "free": count.free,
        "longest_s": count.longest_s,
        "now": now,
        "long_ago": now - KEPT,
    }
    failures = (await conn.execute(_TAKE, values)).scalar()
    if failures is not None:
        return int(failures), 0.0
    query = select(sign_in_failures.c.until).where(sign_in_failures.c.mark == count.mark)
    until = (await conn.execute(query)).scalar()
    # None: a right try took it away meanwhile.
    return 0, max(0.001, (until - now).total_seconds()) if until else 0.0


async def clear(conn: AsyncConnection, mark: bytes) -> None:
    """Forget what is counted under a mark: the try was right."""
    await conn.execute(delete(sign_in_failures).where(sign_in_failures.c.mark == mark))


async def give_back(conn: AsyncConnection, mark: bytes, now: datetime) -> None:
    """Uncount one try, which was right; what others failed at stays."""
    await conn.execute(
        sign_in_failures.update()
        .where(sign_in_failures.c.mark == mark)
        .values(failures=func.greatest(sign_in_failures.c.failures - 1, 0), until=now)
    )


async def forget(conn: AsyncConnection, now: datetime) -> None:
    """Drop some of what is older than a day; what another drops at the same time is left to it."""
    old = (
        select(sign_in_failures.c.mark)
        .where(sign_in_failures.c.last_at <= now - KEPT)
        .limit(_DROPPED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    await conn.execute(delete(sign_in_failures).where(sign_in_failures.c.mark.in_(old)))
