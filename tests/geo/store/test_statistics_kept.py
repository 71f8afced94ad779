"""Cells and log together say what plain SQL says of the reports, whatever was written, and when."""

import asyncio
import itertools
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import anyio
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from serviced import CATEGORIES, NUMBERS, STATUSES, ZONE, Serviced, member, truth

from geo.reports.statistics import MEMBERS
from geo.store.database import create_engine
from geo.store.statistics import counting, days, fold
from geo.store.statistics.asked import Asked
from geo.store.statistics.vectors import COUNTS, seconds
from geo.store.statistics.verify import verify

pytestmark = pytest.mark.anyio

PAIRS = [*((each,) for each in MEMBERS), *itertools.permutations(MEMBERS, 2)]
FILTERS = ("categories", "wards", "organisations", "channels", "statuses", "kind", "since", "until")


async def asked_at_random(conn, world, by, word, chance):
    """A question with some filters, and the same ones in SQL."""
    chosen = {name for name in FILTERS if chance.random() < 0.25}
    codes = await counting.visible(conn)
    values = {"categories": chance.sample(codes, min(len(codes), 30)) if codes else []}
    values["wards"] = chance.sample(world.wards, 2)
    values["organisations"] = chance.sample(world.organisations, 2)
    values["channels"] = ("web", "zalo", "none")
    values["statuses"] = tuple(chance.sample(sorted(set(STATUSES)), 3))
    values["kind"] = "suggestion"
    values["since"] = datetime(2025, 1, 1, tzinfo=UTC) - timedelta(hours=chance.choice((0, 7, 99)))
    values["until"] = values["since"] + timedelta(days=chance.choice((3, 200, 500)))
    given = {name: values[name] for name in chosen} | {"categories": codes, "all_categories": True}
    if "categories" in chosen:
        given |= {"categories": values["categories"], "all_categories": False}
    conditions = {
        "categories": "r.category_code = ANY(%(categories)s)",
        "wards": f"({member('ward', word)}) = ANY(%(wards)s)",
        "organisations": "r.organisation_id = ANY(%(organisations)s)",
        "channels": "r.channel = ANY(%(channels)s)",
        "statuses": "r.status = ANY(%(statuses)s)",
        "kind": "r.kind = %(kind)s",
        "since": "r.created_at >= %(since)s",
        "until": "r.created_at < %(until)s",
    }
    used = {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}
    asked = Asked(by=by, word=word, timezone=ZONE, **given)
    return asked, [conditions[name] for name in chosen], used


async def compare(engine, world, chance, questions=12):
    for _ in range(questions):
        by, word = chance.choice(PAIRS), chance.choice(("then", "today"))
        async with engine.connect() as conn:
            asked, conditions, values = await asked_at_random(conn, world, by, word, chance)
            found = await counting.count(conn, asked)
        told = truth(world.db, by, word, conditions, values)
        keys = [tuple(key) for key in found.keys.tolist()]
        counts = [[row[COUNTS.index(name)] for name in NUMBERS] for row in found.sums.counts]
        assert dict(zip(keys, counts, strict=True)) == {
            key: list(map(int, row[:-2])) for key, row in told.items()
        }, asked
        for key, *bins in zip(keys, found.sums.reply, found.sums.result, strict=True):
            for near, exact in zip(bins, told[key][-2:], strict=True):
                for a, b in zip(near, exact or (None, None), strict=True):
                    assert (a < 0) == (b is None)
                    # the first bin is the first minute
                    assert a < 0 or abs(seconds(a) / max(b, 60) - 1) < 0.0251, (asked, key, a, b)
        received = found.total.counts[:, COUNTS.index("received")].tolist()
        assert received == [sum(row[0] for row in told.values())]


STEPS = ("insert", "change", "fold", "rebuild", "show", "reform")


@settings(
    max_examples=6,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32), steps=st.lists(st.sampled_from(STEPS), min_size=3, max_size=9))
def test_whatever_is_written_and_folded_cells_and_log_say_what_the_rows_say(
    clone, city_template, seed, steps
):
    url = clone(city_template)

    async def run():
        world, chance = Serviced(url, seed), random.Random(seed)
        engine = create_engine(url, pool_size=3)
        try:
            world.insert(40)
            await fold.rebuild(engine, ZONE)
            for step in steps:
                if step == "fold":
                    await fold.fold(engine, ZONE)
                elif step == "rebuild":
                    await fold.rebuild(engine, ZONE)
                elif step == "insert":
                    world.insert(15)
                else:
                    getattr(world, step)()
                await compare(engine, world, chance, 3)
            await fold.rebuild(engine, ZONE)
            world.change()
            await compare(engine, world, chance)
            await fold.fold(engine, ZONE)
            await compare(engine, world, chance)
            found = await verify(engine, ZONE)
            if not found.usable:
                # A report went that a reform had moved: what is kept knows that it does not know.
                await fold.rebuild(engine, ZONE)
                found = await verify(engine, ZONE)
            assert found.equal
        finally:
            await engine.dispose()
            world.db.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM statistics_cells WHERE mask = 3",
        "UPDATE statistics_cells SET packed = packed || packed WHERE mask = 3",
        "INSERT INTO statistics_cells VALUES (0, 24000, -1, -1, -1, 1, -1, 77, -1, "
        "'\\x000001000000')",
        "DELETE FROM statistics_log WHERE id = (SELECT max(id) FROM statistics_log)",
        "ALTER TABLE reports DISABLE TRIGGER USER; DELETE FROM reports WHERE id = "
        "(SELECT id FROM reports JOIN categories AS c ON c.code = category_code "
        "WHERE visibility = 'public' AND withheld IS NULL LIMIT 1); "
        "ALTER TABLE reports ENABLE TRIGGER USER",
    ],
)
async def test_any_damage_to_what_is_kept_is_found_and_made_good(engine, city_url, damage):
    world = Serviced(city_url, 5)
    world.insert(60)
    await fold.rebuild(engine, ZONE)
    world.insert(20)
    assert (await verify(engine, ZONE)).equal
    await fold.fold(engine, ZONE)
    world.insert(1)
    world.db.execute(
        "UPDATE reports SET withheld = NULL, category_code = 'drainage.flooding' "
        "WHERE id = (SELECT id FROM reports ORDER BY id LIMIT 1)"
    )
    assert (await verify(engine, ZONE)).equal
    world.db.execute(damage)
    found = await verify(engine, ZONE)
    assert found.usable
    assert not found.equal
    assert found.examples
    await fold.rebuild(engine, ZONE)
    assert (await verify(engine, ZONE)).equal
    world.db.close()


async def test_what_becomes_late_by_itself_is_late_whether_folded_or_not(engine, city_url):
    soon = datetime.now(UTC) + timedelta(seconds=8)
    long_ago = soon - timedelta(days=400)
    world = Serviced(city_url, 6)
    world.insert(1)
    world.db.execute(
        "UPDATE reports SET category_code = %s, withheld = NULL, status = 'assigned', reopened = 0,"
        " waits_since = NULL, closed_at = NULL, resolved_at = NULL, replied_at = NULL,"
        " created_at = %s, due_at = %s, first_due_at = %s",
        (CATEGORIES[0], long_ago, soon, soon),
    )
    await fold.rebuild(engine, ZONE)

    async def due():
        async with engine.connect() as conn:
            asked = Asked(("month",), "then", ZONE, await counting.visible(conn))
            [counts] = (await counting.count(conn, asked)).total.counts
            return tuple(counts[COUNTS.index(name)] for name in ("due", "reply_due", "kept"))

    assert await due() == (0, 0, 0)
    await anyio.sleep(max(0, (soon - datetime.now(UTC)).total_seconds()) + 0.1)
    assert await due() == (1, 1, 0)
    await fold.fold(engine, ZONE)
    assert await due() == (1, 1, 0)
    world.db.execute("UPDATE reports SET status = 'waiting', waits_since = now()")
    assert await due() == (1, 1, 0)
    world.db.execute(
        "UPDATE reports SET status = 'resolved', waits_since = NULL, resolved_at = %s,"
        " replied_at = %s",
        (long_ago + timedelta(hours=1),) * 2,
    )
    assert await due() == (1, 1, 1)
    await fold.fold(engine, ZONE)
    assert await due() == (1, 1, 1)
    assert (await verify(engine, ZONE)).equal
    world.db.close()


async def test_what_became_late_counts_once_where_a_fold_leaves_lines_for_the_next(
    engine, city_url, monkeypatch
):
    soon = datetime.now(UTC) + timedelta(seconds=8)
    world = Serviced(city_url, 7)
    world.insert(3)
    world.db.execute(
        "UPDATE reports SET category_code = %s, withheld = NULL, status = 'assigned', reopened = 0,"
        " waits_since = NULL, closed_at = NULL, resolved_at = NULL, replied_at = NULL,"
        " due_at = %s, first_due_at = NULL",
        (CATEGORIES[0], soon),
    )
    await fold.rebuild(engine, ZONE)
    await anyio.sleep(max(0, (soon - datetime.now(UTC)).total_seconds()) + 0.1)
    # Each leaves two lines; the first fold has room for those of one.
    for (each,) in world.db.execute("SELECT id FROM reports").fetchall():
        world.db.execute(
            "UPDATE reports SET status = 'resolved', resolved_at = now() WHERE id = %s", (each,)
        )
    monkeypatch.setattr(fold, "BATCH", 2)
    for left in (4, 2, 0, 0):
        await fold.fold(engine, ZONE)
        assert world.db.execute("SELECT count(*) FROM statistics_log").fetchone() == (left,)
        async with engine.connect() as conn:
            asked = Asked(("month",), "then", ZONE, await counting.visible(conn))
            [counts] = (await counting.count(conn, asked)).total.counts
        told = [counts[COUNTS.index(name)] for name in ("received", "open", "due", "kept")]
        assert told == [3, 0, 3, 0]
        assert (await verify(engine, ZONE)).equal
    world.db.close()


async def test_a_day_of_many_parts_is_made_one_and_says_the_same(engine, city_url, monkeypatch):
    world = Serviced(city_url, 8)
    world.insert(30)
    await fold.rebuild(engine, ZONE)
    day = datetime(2025, 3, 3, tzinfo=UTC)
    asked = Asked(("channel",), "then", ZONE, [], since=day, until=day + timedelta(hours=20))

    async def told():
        async with engine.connect() as conn:
            every = replace(asked, categories=await counting.visible(conn))
            return (await counting.count(conn, every)).total.counts.tolist()

    def parts():
        return world.db.execute(
            "SELECT count(*), sum(octet_length(packed)) FROM statistics_days WHERE day ="
            " %s - DATE '2000-01-01'",
            (day.date(),),
        ).fetchone()

    for turn in range(6):
        world.db.execute(
            "UPDATE reports SET created_at = %s, withheld = NULL, category_code = %s, status = %s,"
            " waits_since = NULL, closed_at = NULL, resolved_at = NULL",
            (day + timedelta(hours=turn), CATEGORIES[0], ("received", "assigned")[turn % 2]),
        )
        await fold.fold(engine, ZONE)
    before = await told()
    assert before[0][:2] == [30, 30]
    many, size = parts()
    assert many == 6
    monkeypatch.setattr(days, "_PARTS", 5)
    world.db.execute("UPDATE reports SET rating = 4")
    await fold.fold(engine, ZONE)
    assert parts() == (1, 30 * 40)
    assert size == 30 * 40 * 11
    [after] = await told()
    assert after[:9] == before[0][:9]
    assert after[9:] == [30, 120]
    assert (await verify(engine, ZONE)).equal
    world.db.close()
