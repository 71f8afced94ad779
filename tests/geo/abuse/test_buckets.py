"""Token buckets in the real database, at times of the test's own choosing."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import text

from api import jobs
from geo.abuse.buckets import HOUR, Bucket, Limits, Touched, in_order, key_of
from geo.store import abuse

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)
DEVICE, OTHER, NETWORK, WORDS = (key_of(b"secret", "test", name) for name in "abcd")
REFUSING = Bucket("refuse", 3, 60, 3)
PROVING = Bucket("prove", 4, 60, 4)
NOTING = Bucket("note", 2, 60, 2)


def draw(key, bucket):
    return abuse.Drawn(
        key,
        bucket.effect,
        bucket.burst,
        bucket.per_hour / 3600,
        bucket.start,
        bucket.floor,
        bucket.kept,
    )


async def take(engine, *drawn, after=timedelta(0), key_hash=None, device=None, proof=None):
    async with engine.connect() as conn:
        return await abuse.take(
            conn,
            [draw(key, bucket) for key, bucket in drawn],
            key_hash=key_hash,
            device=device,
            proof=proof,
            now=NOW + after,
        )


async def verdicts(engine, times, *drawn, **how):
    return [(await take(engine, *drawn, **how)).verdict for _ in range(times)]


async def level(engine, key):
    async with engine.connect() as conn:
        query = text("SELECT level FROM abuse_buckets WHERE key = :key")
        return (await conn.execute(query, {"key": key})).scalar()


async def test_a_device_has_its_burst_and_then_one_as_time_goes(engine):
    assert await verdicts(engine, 4, (DEVICE, REFUSING)) == ["admitted"] * 3 + ["refused"]
    refused = await take(engine, (DEVICE, REFUSING), after=timedelta(seconds=20))
    assert (refused.verdict, round(refused.wait_s)) == ("refused", 40)
    later = timedelta(seconds=61)
    assert await verdicts(engine, 2, (DEVICE, REFUSING), after=later) == ["admitted", "refused"]
    # a night long it does not save up more than its burst
    night = timedelta(hours=9)
    assert await verdicts(engine, 4, (DEVICE, REFUSING), after=night) == [
        *["admitted"] * 3,
        "refused",
    ]


async def test_a_clock_that_goes_back_gives_nothing(engine):
    await verdicts(engine, 3, (DEVICE, REFUSING), after=HOUR)
    assert (await take(engine, (DEVICE, REFUSING))).verdict == "refused"
    assert await level(engine, DEVICE) == 0


async def test_what_is_refused_takes_nothing_from_its_neighbours(engine):
    both = (DEVICE, REFUSING), (NETWORK, PROVING)
    await verdicts(engine, 30, *both)
    assert await level(engine, NETWORK) == 1
    assert (await take(engine, (OTHER, REFUSING), (NETWORK, PROVING))).verdict == "admitted"


async def test_what_lacks_its_proof_takes_nothing_from_its_own_device(engine):
    both = (DEVICE, REFUSING), (NETWORK, PROVING)
    await verdicts(engine, 1, *both)
    await verdicts(engine, 3, (NETWORK, PROVING))
    assert await verdicts(engine, 9, *both) == ["unproven"] * 9
    assert await level(engine, DEVICE) == 2
    proof = (key_of(b"secret", "proof", "1"), NOW + timedelta(minutes=10))
    assert (await take(engine, *both, proof=proof)).verdict == "admitted"
    assert (await level(engine, DEVICE), await level(engine, NETWORK)) == (1, -1)


async def test_who_is_not_let_in_leaves_nothing_behind(engine):
    await verdicts(engine, 4, (NETWORK, PROVING))
    for n in range(20):
        made_up = key_of(b"secret", "made up", str(n))
        asked = await take(engine, (made_up, REFUSING), (NETWORK, PROVING))
        assert asked.verdict == "unproven"
    async with engine.connect() as conn:
        count = await conn.execute(text("SELECT count(*) FROM abuse_buckets"))
        assert count.scalar() == 1
    assert await level(engine, NETWORK) == 0


async def test_a_proof_counts_once(engine):
    await verdicts(engine, 4, (NETWORK, PROVING))
    proof = (key_of(b"secret", "proof", "1"), NOW + timedelta(minutes=10))
    told = await verdicts(engine, 3, (NETWORK, PROVING), proof=proof)
    assert told == ["admitted", "unproven", "unproven"]


async def test_a_proof_that_was_not_needed_still_counts(engine):
    proof = (key_of(b"secret", "proof", "1"), NOW + timedelta(minutes=10))
    assert await verdicts(engine, 5, (NETWORK, PROVING), proof=proof) == ["admitted"] * 5


async def test_no_proof_helps_a_device_that_floods(engine):
    both = (DEVICE, REFUSING), (NETWORK, PROVING)
    await verdicts(engine, 4, (NETWORK, PROVING))
    told = []
    for n in range(6):
        proof = (key_of(b"secret", "proof", str(n)), NOW + timedelta(minutes=10))
        told.append((await take(engine, *both, proof=proof)).verdict)
    assert told == ["admitted"] * 3 + ["refused"] * 3


async def test_the_proof_grows_with_the_flood_up_to_a_bound_and_shrinks_again(engine):
    limits = Limits(work=1000)
    bucket = PROVING
    depths = []
    for n in range(200):
        proof = (key_of(b"secret", "proof", str(n)), NOW + timedelta(minutes=10))
        depths.append((await take(engine, (NETWORK, bucket))).depth)
        await take(engine, (NETWORK, bucket), proof=proof)
    work = [limits.difficulty(depth) for depth in depths]
    asked = [each for each in work if each > 1000]
    assert asked == sorted(asked)
    assert asked[0] == 1250
    # 60 an hour and a burst of 4: overdrawn by 56 at most, which an hour refills
    assert work[-1] == 1000 * (1 + 57 / 4)
    assert (await take(engine, (NETWORK, bucket), after=HOUR)).verdict == "admitted"
    assert limits.difficulty(1e9) == 64_000


async def test_an_empty_bucket_that_notes_is_named_and_stops_nobody(engine):
    both = (DEVICE, replace(REFUSING, burst=9, start=9)), (WORDS, NOTING)
    found = [(one.verdict, one.low) for one in [await take(engine, *both) for _ in range(4)]]
    assert found == [("admitted", ())] * 2 + [("admitted", (1,))] * 2


async def test_an_answered_key_costs_nothing(engine):
    async with engine.begin() as conn:
        await conn.execute(
            text("INSERT INTO idempotency_keys (key_hash, body_hash) VALUES ('\\x01', '\\x02')")
        )
    told = await verdicts(engine, 5, (DEVICE, REFUSING), key_hash=b"\x01")
    assert told == ["replayed"] * 5
    assert await level(engine, DEVICE) is None
    assert (await take(engine, (DEVICE, REFUSING), key_hash=b"\x03")).verdict == "admitted"


async def test_a_barred_device_takes_nothing_until_its_time_is_over(engine):
    until = NOW + timedelta(days=1)
    async with engine.begin() as conn:
        await conn.execute(
            text("INSERT INTO banned_devices VALUES (:device, :until, now(), 'a@b', 'spam')"),
            {"device": DEVICE, "until": until},
        )
    barred = await take(engine, (NETWORK, PROVING), device=DEVICE)
    assert (barred.verdict, barred.until) == ("banned", until)
    assert await level(engine, NETWORK) is None
    for who, after in ((OTHER, timedelta(0)), (DEVICE, timedelta(days=1))):
        assert (await take(engine, (NETWORK, PROVING), device=who, after=after)).verdict != "banned"


async def test_many_at_once_get_exactly_the_tokens_there_are(engine):
    limits = Limits(network_h=6000, all_h=30_000)
    # as the buckets of everyone: always in one order, so that nobody waits for whoever waits
    shared = in_order(
        [
            Touched(NETWORK, replace(limits.network(), effect="refuse", burst=40, start=40)),
            Touched(OTHER, limits.everybody()),
        ]
    )

    async def one(n):
        mine = (
            key_of(b"secret", "test", f"device {n % 25}"),
            replace(REFUSING, burst=90, start=90),
        )
        return await take(engine, mine, *((each.key, each.bucket) for each in shared))

    found = await asyncio.gather(*(one(n) for n in range(150)))
    told = [each.verdict for each in found]
    assert (told.count("admitted"), told.count("refused")) == (40, 110)
    assert await level(engine, OTHER) == 1000 - 40


async def test_taking_is_over_at_once_and_leaves_no_transaction(engine, city_url):
    async with engine.connect() as conn:
        await abuse.take(
            conn, [draw(DEVICE, REFUSING)], key_hash=None, device=None, proof=None, now=NOW
        )
        with psycopg.connect(city_url) as other:
            other.execute("SET lock_timeout = '2s'")
            other.execute("UPDATE abuse_buckets SET level = 1")
        async with conn.begin():
            await conn.execute(
                text("INSERT INTO banned_devices VALUES ('\\x01', now(), now(), '', '')")
            )
            await conn.rollback()
    async with engine.connect() as conn:
        left = await conn.execute(text("SELECT count(*) FROM banned_devices"))
        assert left.scalar() == 0


async def test_what_is_to_be_forgotten_is_swept_and_nothing_else(engine):
    await take(engine, (DEVICE, replace(REFUSING, kept=timedelta(days=1))), (NETWORK, PROVING))
    async with engine.begin() as conn:
        for device, ends in ((DEVICE, NOW + HOUR), (OTHER, NOW + 3 * HOUR)):
            values = {"device": device, "until": ends}
            await conn.execute(
                text("INSERT INTO banned_devices VALUES (:device, :until, now(), 'a', 'b')"), values
            )
            await conn.execute(
                text("INSERT INTO report_devices VALUES (gen_random_uuid(), :device, :until)"),
                values,
            )
        assert await abuse.sweep(conn, NOW + timedelta(minutes=59)) == 0
        # the network, and of each table what ended
        assert await abuse.sweep(conn, NOW + HOUR) == 3
    assert await level(engine, NETWORK) is None
    assert await level(engine, DEVICE) == 2
    async with engine.connect() as conn:
        for table in ("banned_devices", "report_devices"):
            left = await conn.execute(text(f"SELECT device FROM {table}"))
            assert [bytes(each) for each in left.scalars()] == [OTHER]


def test_the_worker_sweeps_by_itself():
    periods = {task.task.name for task in jobs.app.periodic_registry.periodic_tasks.values()}
    assert "forget" in periods
