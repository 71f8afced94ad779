"""Buckets in the database, right across all processes: one statement takes from all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
from sqlalchemy import text

from geo.store.database import AsyncConnection, driver

_TAKE = """
SELECT * FROM pinward_take(
    %s::bytea, %s::bytea, %s::bytea[], %s::text[], %s::float8[], %s::float8[], %s::float8[],
    %s::float8[], %s::interval[], %s::bytea, %s::timestamptz, %s::timestamptz
)
"""


_NUMBERS = ("burst", "rate", "start", "floor")


@dataclass(frozen=True, slots=True)
class Drawn:
    """One bucket to take a token from; `rate` is in tokens a second."""

    key: bytes
    effect: str
    burst: float
    rate: float
    start: float
    floor: float
    kept: timedelta


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of it.

    `verdict`: `admitted`; `replayed` (the key has its answer already, nothing was taken); `refused`
    (for `wait_s` seconds); `unproven` (admitted by a proof, or without one in `wait_s`;
    `depth` says how far the buckets are overdrawn, 1: just empty); `banned` (`until`). Only what is
    admitted takes tokens. `low`: the places, from 0, of the empty buckets that only note.
    """

    verdict: str
    wait_s: float
    depth: float
    low: tuple[int, ...]
    until: datetime | None


async def sweep(conn: AsyncConnection, now: datetime) -> int:
    """Forget what is to be forgotten: buckets, used proofs, devices of reports, bars that ended."""
    gone = 0
    for table, column in (
        ("abuse_buckets", "forget_at"),
        ("report_devices", "forget_at"),
        ("banned_devices", "until"),
    ):
        statement = text(f"DELETE FROM {table} WHERE {column} <= :now")
        gone += (await conn.execute(statement, {"now": now})).rowcount
    return gone


async def take(
    conn: AsyncConnection,
    drawn: Sequence[Drawn],
    *,
    key_hash: bytes | None,
    device: bytes | None,
    proof: tuple[bytes, datetime] | None,
    now: datetime,
) -> Taken:
    """Take a token from each bucket, at once and for good: in no transaction of the caller's.

    `conn` must not be in one: a bucket that many share would be locked until its end. `proof`: the
    name (16 bytes) of a challenge that was answered, and when it ends.
    """
    raw = await driver(conn)
    values = (
        key_hash,
        device,
        [one.key for one in drawn],
        [one.effect for one in drawn],
        *([float(getattr(one, name)) for one in drawn] for name in _NUMBERS),
        [one.kept for one in drawn],
        *(proof or (None, None)),
        now,
    )
    await raw.set_autocommit(True)
    try:
        row = await (await raw.execute(_TAKE, values, prepare=True)).fetchone()
    finally:
        if raw.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
            await raw.set_autocommit(False)
    assert row is not None
    verdict, wait_s, depth, low, until = row
    return Taken(verdict, wait_s, depth, tuple(n - 1 for n in low), until)
