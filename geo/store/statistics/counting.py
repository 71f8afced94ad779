"""Counting: the groups of a question, with what each of them and all together add up to."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import psycopg
from sqlalchemy import func, or_, select

from geo.store import report_wards
from geo.store.database import AsyncConnection, driver
from geo.store.reports import TookTooLong
from geo.store.statistics import facts, fold, kept
from geo.store.statistics.asked import Asked
from geo.store.statistics.groups import Groups
from geo.store.statistics.vectors import (
    COUNTS,
    REPLY_BINS,
    RESULT_BINS,
    Array,
    Entries,
    counts,
    middles,
    seconds,
)
from geo.store.tables import categories, organisations, wards_today

PARTS = (0.5, 0.9)
_TRIES = 5


@dataclass(frozen=True)
class Sums:
    """What one group adds up to: `COUNTS` by name, and the median and p90 of both times in seconds
    (None: nothing took any)."""

    counts: dict[str, int]
    reply_s: Sequence[float | None]
    result_s: Sequence[float | None]


@dataclass(frozen=True)
class Counted:
    """Groups that have reports, in no order: what they are by (ids, numbers; 0: none) and add up
    to; and all of them together."""

    keys: list[tuple[int, ...]]
    sums: list[Sums]
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
    families = await _families(conn)
    raw = await driver(conn)
    with _told_in_time():
        if chosen := kept.plan(asked):
            held = await _held(conn, asked)
            for _ in range(_TRIES):
                before = await fold.state(raw, asked.timezone)
                if not before.usable:
                    break
                groups = Groups(asked, today, families)
                await _kept(raw, asked, chosen, held, before, now, groups)
                # Of a fold in between one would have seen a half, unless in one snapshot.
                if (await fold.state(raw, asked.timezone)).folds == before.folds:
                    return told(groups)
        groups = Groups(asked, today, families)
        async for block in _reports(raw, asked, now):
            groups.add(block)
    return told(groups)


async def _kept(
    raw: psycopg.AsyncConnection,
    asked: Asked,
    chosen: kept.Plan,
    held: list[int],
    before: fold.State,
    now: datetime,
    groups: Groups,
) -> None:
    """Add the cells of whole months, what is not folded into them, and the ends."""
    assert before.late_before is not None
    await kept.add(raw, asked, chosen, held, groups)
    words: tuple[report_wards.Word, ...] = (asked.word,) if asked.in_wards else ()
    async for block in facts.read(
        raw,
        chosen.whole,
        before.late_before,
        "(SELECT * FROM statistics_log WHERE sign <> 0)",
        sign="x.sign",
        words=words,
        look_up=True,
    ):
        groups.add(block)
    async for block in fold.became_late(raw, chosen.whole, before.late_before, now, words):
        groups.add(block)
    for sign, part in chosen.ends:
        async for block in _reports(raw, part, now, sign):
            groups.add(block)


def _reports(
    raw: psycopg.AsyncConnection, asked: Asked, now: datetime, sign: int = 1
) -> AsyncIterator[Array]:
    words: tuple[report_wards.Word, ...] = (asked.word,) if asked.in_wards else ()
    few = asked.wards is not None and len(asked.wards) <= facts.FEW_WARDS
    return facts.read(raw, asked, now, sign=str(sign), words=words, look_up=few)


async def _held(conn: AsyncConnection, asked: Asked) -> list[int]:
    if asked.wards is None:
        return []
    return list((await conn.execute(report_wards.holding(asked.wards, asked.word))).scalars())


def told(groups: Groups) -> Counted:
    """The groups that have reports, and their sum."""
    made = groups.summed()
    keys = groups.keys
    sums = _sums(made, len(keys))
    total = _sums(Entries(np.zeros_like(made.row), made.slot, made.n), 1)[0]
    kept = [k for k, each in enumerate(sums) if each.counts["received"]]
    return Counted([keys[k] for k in kept], [sums[k] for k in kept], total)


def _sums(made: Entries, rows: int) -> list[Sums]:
    counted = counts(made, rows).tolist()
    times = []
    for first in (REPLY_BINS, RESULT_BINS):
        bins = middles(made, rows, first, PARTS)
        took = seconds(bins).tolist()
        known = (bins >= 0).tolist()
        times.append(
            [
                tuple(s if k else None for s, k in zip(*each, strict=True))
                for each in zip(took, known, strict=True)
            ]
        )
    return [
        Sums(dict(zip(COUNTS, row, strict=True)), reply, result)
        for row, reply, result in zip(counted, *times, strict=True)
    ]


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
    except psycopg.errors.QueryCanceled:
        raise TookTooLong from None
