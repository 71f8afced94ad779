"""The log of changes: numbers in the order of commits, and an end that is forgotten in order."""

import asyncio
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from drawn import put_reports
from sqlalchemy import text

from builders import middle
from geo.store import changes

pytestmark = pytest.mark.anyio

PLACE = middle(0)
LATER = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
async def quiet(engine):
    """A city whose own changes (its wards, imported) have their numbers."""
    async with engine.begin() as conn:
        await changes.number(conn)
    return engine


async def numbered(engine, **how):
    async with engine.begin() as conn:
        return await changes.number(conn, **how)


async def subjects(engine, after=0):
    async with engine.connect() as conn:
        return [one.subject for one in await changes.after(conn, after, 1000)]


async def newest(engine):
    async with engine.connect() as conn:
        return await changes.newest(conn)


async def reaches_back(engine, seq):
    async with engine.connect() as conn:
        return await changes.reaches_back(conn, seq)


async def say(conn, subject, at=None):
    await conn.execute(
        text(
            "INSERT INTO changes (topic, subject, at) VALUES ('x', :s, coalesce(:at, now()))"
        ).bindparams(s=subject, at=at)
    )


async def fold_all(engine):
    async with engine.begin() as conn:
        await conn.execute(
            text("UPDATE pyramid_state SET folded_seq = (SELECT max(seq) FROM changes)")
        )


async def test_numbers_follow_the_commits_not_the_writes(quiet):
    start = await newest(quiet)
    async with quiet.connect() as slow:
        await say(slow, "written first, committed last")
        async with quiet.begin() as quick:
            await say(quick, "committed first")
        seen = await numbered(quiet)
        assert await subjects(quiet, start) == ["committed first"]
        await slow.commit()
    assert await numbered(quiet) > seen
    assert await subjects(quiet, seen) == ["written first, committed last"]


async def test_a_reports_own_changes_keep_their_order_in_one_batch_and_over_many(quiet):
    start = await newest(quiet)
    async with quiet.begin() as conn:
        for n in range(25):
            await say(conn, f"{n:02}")
    given = []
    while (last := await numbered(quiet, most=10)) is not None:
        given.append(last)
    assert len(given) == 3
    assert given == sorted(given)
    assert await subjects(quiet, start) == [f"{n:02}" for n in range(25)]


async def test_a_second_numbering_waits_for_the_first_ones_commit(quiet):
    async with quiet.begin() as conn:
        await say(conn, "a")
    async with quiet.connect() as first:
        low = await changes.number(first)
        async with quiet.begin() as conn:
            await say(conn, "b")
        second = asyncio.create_task(numbered(quiet))
        await asyncio.sleep(0.3)
        # Committed now, it would show a number above one that is still to come.
        assert not second.done()
        await first.commit()
    assert await asyncio.wait_for(second, 5) > low
    assert await subjects(quiet, low - 1) == ["a", "b"]


async def test_a_numbering_that_is_rolled_back_numbers_nothing_and_tells_nobody(city_url, quiet):
    async with quiet.begin() as conn:
        await say(conn, "a")
    async with await psycopg.AsyncConnection.connect(city_url, autocommit=True) as listener:
        await listener.execute(f"LISTEN {changes.CHANNEL}")
        async with quiet.connect() as conn:
            assert await changes.number(conn) is not None
            await conn.rollback()
        last = await numbered(quiet)
        assert await numbered(quiet) is None
        told = [notice.payload async for notice in listener.notifies(timeout=0.5)]
    assert told == [str(last)]
    assert await subjects(quiet, last - 1) == ["a"]


async def test_forgetting_never_takes_one_out_of_the_middle(quiet):
    start = await newest(quiet)
    long_ago = datetime.now(UTC) - timedelta(days=2)
    async with quiet.begin() as conn:
        for subject, at in (("old", long_ago), ("young", None), ("old, committed late", long_ago)):
            await say(conn, subject, at)
    await numbered(quiet)
    await fold_all(quiet)
    async with quiet.begin() as conn:
        await conn.execute(
            text("UPDATE changes SET at = :at WHERE seq <= :seq").bindparams(at=long_ago, seq=start)
        )
    async with quiet.begin() as conn:
        yesterday = datetime.now(UTC) - timedelta(days=1)
        while await changes.purge(conn, yesterday, most=2):
            pass
    assert await subjects(quiet) == ["young", "old, committed late"]
    assert not await reaches_back(quiet, start)
    assert await reaches_back(quiet, start + 1)


async def test_what_is_not_folded_yet_is_not_forgotten(quiet):
    await fold_all(quiet)
    folded = await newest(quiet)
    async with quiet.begin() as conn:
        await say(conn, "a")
    await numbered(quiet)
    async with quiet.begin() as conn:
        while await changes.purge(conn, LATER):
            pass
    assert await subjects(quiet) == ["a"]
    assert await reaches_back(quiet, folded)
    assert not await reaches_back(quiet, folded - 1)


async def test_the_last_number_is_known_when_all_changes_are_forgotten(quiet):
    await fold_all(quiet)
    last = await newest(quiet)
    async with quiet.begin() as conn:
        while await changes.purge(conn, LATER):
            pass
        assert await changes.oldest(conn) is None
    assert await newest(quiet) == last > 0
    assert await reaches_back(quiet, last)
    assert not await reaches_back(quiet, last - 1)


async def test_a_number_of_another_database_does_not_reach_back(quiet):
    assert await reaches_back(quiet, await newest(quiet))
    assert not await reaches_back(quiet, await newest(quiet) + 1_000)


async def test_a_change_says_what_was_and_is_and_what_may_still_be_told(city_url, quiet):
    start = await newest(quiet)
    shown, hidden, gone = put_reports(city_url, [PLACE] * 3)
    (blurred,) = put_reports(city_url, [PLACE], category_code="noise.neighbours")
    with psycopg.connect(city_url) as db:
        db.execute("UPDATE reports SET status = 'closed' WHERE code = %s", (shown,))
        db.execute("UPDATE reports SET category_code = 'order.drugs' WHERE code = %s", (hidden,))
        db.execute("DELETE FROM reports WHERE code = %s", (gone,))
    await numbered(quiet)
    async with quiet.connect() as conn:
        told = await changes.after(conn, start, 100)
    by_code = {}
    for one in told:
        by_code.setdefault(one.subject, []).append(one)
    made, closed = by_code[shown]
    assert (made.old, made.new.category, made.new.family) == (
        None,
        "drainage.flooding",
        "drainage",
    )
    assert (closed.old.status, closed.new.status) == ("received", "closed")
    assert (made.today.lon, made.today.lat) == pytest.approx(PLACE)
    assert [(one.new is None, one.today) for one in by_code[hidden]] == [
        (False, None),
        (True, None),
    ]
    assert [(one.new is None, one.today) for one in by_code[gone]] == [(False, None), (True, None)]
    (seen,) = by_code[blurred]
    assert seen.today.blurred
    assert seen.new.cell != made.new.cell


async def test_a_category_never_takes_the_number_of_one_that_is_gone(quiet):
    # The log would tell what was public of the one as if it were of the other, which may be hidden.
    async def made(code):
        async with quiet.begin() as conn:
            found = await conn.execute(
                text(
                    "INSERT INTO categories (code, name_vi, name_en, icon) "
                    "VALUES (:code, 'x', 'x', 'x') "
                    "ON CONFLICT (code) DO UPDATE SET icon = 'y' RETURNING number"
                ).bindparams(code=code)
            )
            return found.scalar_one()

    first = await made("gone")
    assert await made("gone") == first
    async with quiet.begin() as conn:
        await conn.execute(text("DELETE FROM categories WHERE code = 'gone'"))
    # an upsert of what is there uses none up
    assert await made("next") == first + 1
