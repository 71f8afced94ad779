"""Runs of hotspots: asked for, and how far they are."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import func, insert, select, update

from geo.period import Period
from geo.store.database import AnyRow, AsyncConnection
from geo.store.locks import Lock
from geo.store.tables import (
    hotspot_runs,
)


async def alone(conn: AsyncConnection) -> None:
    """Wait until no other run writes, and keep others waiting to the transaction's end."""
    await conn.execute(select(func.pg_advisory_xact_lock(Lock.HOTSPOTS)))


async def ask(
    conn: AsyncConnection,
    category: str | None,
    as_of: date,
    period: Period,
    user_id: int | None = None,
) -> int:
    """A run that waits to be made; returns its id."""
    made = await conn.execute(
        insert(hotspot_runs)
        .values(
            category_code=category,
            as_of=as_of,
            since=period.since,
            until=period.until,
            user_id=user_id,
        )
        .returning(hotspot_runs.c.id)
    )
    return int(made.scalar_one())


async def tell(conn: AsyncConnection, run_id: int, **columns: Any) -> None:
    """Write how far a run is: columns of `hotspot_runs`."""
    if columns.get("state") == "running":
        columns["started_at"] = func.clock_timestamp()
    elif columns.get("state") in ("done", "failed"):
        columns["finished_at"] = func.clock_timestamp()
    await conn.execute(update(hotspot_runs).where(hotspot_runs.c.id == run_id).values(**columns))


async def one(conn: AsyncConnection, run_id: int) -> AnyRow | None:
    """A run, all columns."""
    return (await conn.execute(select(hotspot_runs).where(hotspot_runs.c.id == run_id))).first()


async def newest(conn: AsyncConnection, limit: int) -> Sequence[AnyRow]:
    """The newest `limit` runs, the last asked for first."""
    chosen = select(hotspot_runs).order_by(hotspot_runs.c.id.desc()).limit(limit)
    return (await conn.execute(chosen)).all()
