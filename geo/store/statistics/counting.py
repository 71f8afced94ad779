"""Counting: the groups of a question, with what each of them and all together add up to."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import psycopg
from sqlalchemy import func, or_, select

from geo.store import report_wards
from geo.store.database import AsyncConnection, driver
from geo.store.reports import TookTooLong
from geo.store.statistics import facts, fold, kept, pending
from geo.store.statistics.asked import Asked
from geo.store.statistics.groups import Groups
from geo.store.statistics.vectors import COUNTS, REPLY_BINS, RESULT_BINS, SLOTS, Ints, Table
from geo.store.tables import categories, organisations, wards_today

PARTS = (0.5, 0.9)
_TRIES = 5
# So many rows are a hundred megabytes while their times are looked at.
_ROWS_AT_ONCE = 20_000


@dataclass(frozen=True)
class Sums:
    """What groups add up to, one row each: `COUNTS` in their order, and the median and p90 of both
    times as bins (-1: nothing took any)."""

    counts: Ints
    reply: Ints
    result: Ints

    @staticmethod
    def of(table: Table) -> "Sums":
        """What is told of a table."""
        bins = [table.middles(first, PARTS) for first in (REPLY_BINS, RESULT_BINS)]
        return Sums(table.counts(), *bins)


@dataclass(frozen=True)
class Counted:
    """Groups that have reports, in no order: what they are by, (groups, members), in ids and
    numbers, 0: none; what they add up to; and all of them together, one row."""

    keys: Ints
    sums: Sums
    total: Sums


async def visible(conn: AsyncConnection, families: Sequence[str] | None = None) -> list[str]:
    """Codes of the categories that the public may see, of these or their children only."""
    query = select(categories.c.code).where(categories.c.visibility != "hidden")
    if families is not None:
        query = query.where(
            or_(categories.c.code.in_(families), categories.c.parent_code.in_(families))
        )
    return list((await conn.execute(query)).scalars())


async def organisation_ids(conn: AsyncConnection, codes: Sequence[str]) -> list[int]:
    """Ids of the organisations with these codes."""
    query = select(organisations.c.id).where(organisations.c.code.in_(codes))
    return list((await conn.execute(query)).scalars())


async def count(conn: AsyncConnection, asked: Asked) -> Counted:
    """Count what was asked for, as it is in this transaction; late is what is so at its beginning.

    Raises `TookTooLong` as `geo.store.reports.bound_time` has it.
    """
    now = (await conn.execute(select(func.now()))).scalar_one()
    today = await _today(conn) if asked.in_wards else {}
    families = await _families(conn) if "family" in asked.by else {}
    raw = await driver(conn)
    words: tuple[report_wards.Word, ...] = (asked.word,) if asked.in_wards else ()
    with _told_in_time():
        if chosen := kept.plan(asked):
            wanted = await kept.wanted(raw, asked, await _held(conn, asked))
            for _ in range(_TRIES):
                before = await fold.state(raw, asked.timezone)
                late_before = before.late_before
                if not before.usable or late_before is None:
                    break
                groups = Groups(asked, today, families)
                await kept.add(raw, asked, chosen, wanted, groups)
                if await pending.anything(raw, late_before, now):
                    async for block in pending.read(raw, asked, late_before, now, words):
                        groups.add(block)
                # Of a fold in between one would have seen a half, unless in one snapshot.
                if (await fold.state(raw, asked.timezone)).folds == before.folds:
                    return told(groups)
        groups = Groups(asked, today, families)
        few = asked.wards is not None and len(asked.wards) <= facts.FEW_WARDS
        async for block in facts.read(raw, asked, now, words=words, look_up=few):
            groups.add(block)
    return told(groups)


async def _held(conn: AsyncConnection, asked: Asked) -> list[int] | None:
    if asked.wards is None:
        return None
    return list((await conn.execute(report_wards.holding(asked.wards, asked.word))).scalars())


def told(groups: Groups) -> Counted:
    """The groups that have reports, and their sum."""
    keys = groups.keys
    parts, total = [], Table(np.zeros((1, SLOTS)))
    for first in range(0, max(len(keys), 1), _ROWS_AT_ONCE):
        table = groups.summed(first, min(_ROWS_AT_ONCE, len(keys) - first))
        parts.append(Sums.of(table))
        total = Table(total.n + table.total().n)
    sums = Sums(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("counts", "reply", "result")
        )
    )
    there = np.flatnonzero(sums.counts[:, COUNTS.index("received")])
    return Counted(
        keys[there],
        Sums(sums.counts[there], sums.reply[there], sums.result[there]),
        Sums.of(total),
    )


async def _today(conn: AsyncConnection) -> dict[int, int]:
    found = await conn.execute(select(wards_today.c.ward_id, wards_today.c.today_id))
    return {row.ward_id: row.today_id for row in found}


async def _families(conn: AsyncConnection) -> dict[int, int]:
    parent = categories.alias("parent")
    query = select(categories.c.number, parent.c.number.label("family")).join_from(
        categories, parent, parent.c.code == categories.c.parent_code
    )
    return {row.number: row.family for row in await conn.execute(query)}


@contextmanager
def _told_in_time() -> Iterator[None]:
    try:
        yield
    except (psycopg.errors.QueryCanceled, psycopg.errors.ProgramLimitExceeded):
        # The latter: cells of more than a gigabyte.
        raise TookTooLong from None
