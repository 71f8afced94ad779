"""What a process is told of changes, and when it must not trust what it remembers."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from drawn import put_reports
from listening import change

from api import feed as feed_module
from api.feed import Feed
from api.listener import Listener
from api.live.events import Wanted
from api.live.hub import Hub
from builders import middle
from geo.store import changes
from geo.store.database import create_engine

pytestmark = pytest.mark.anyio

PLACE = middle(0)


class Told:
    """A subscriber that remembers."""

    def __init__(self, feed):
        self.codes, self.seqs, self.gaps = [], [], 0
        feed.subscribe(self.hear, self.gap)

    def hear(self, batch):
        self.codes += [one.subject for one in batch if one.topic == "report"]
        self.seqs += [one.seq for one in batch]

    def gap(self):
        self.gaps += 1


@contextlib.asynccontextmanager
async def following(url):
    engine = create_engine(url, 1)
    feed = Feed(engine)
    told = Told(feed)
    listener = Listener(url, {changes.CHANNEL: feed.catch_up}, feed.lost)
    async with listener.listening(), feed.watching():
        yield feed, told
    await engine.dispose()


@pytest.fixture
async def number(engine):
    async def now():
        async with engine.begin() as conn:
            return await changes.number(conn)

    await now()
    return now


async def until(done, seconds=30.0):
    async with asyncio.timeout(seconds):
        while not done():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_it_begins_with_what_is_new_and_tells_each_once(city_url, number):
    put_reports(city_url, [PLACE])
    await number()
    async with following(city_url) as (feed, told):
        assert feed.connected
        codes = []
        for n in (1, 2, 3):
            codes += put_reports(city_url, [PLACE] * n)
            await number()
        await until(lambda: len(told.codes) == 6)
        assert sorted(told.codes) == sorted(codes)
        assert told.seqs == sorted(set(told.seqs))
        assert feed.seq == told.seqs[-1]
        assert told.gaps == 0


async def test_while_nobody_numbers_it_says_so_until_all_is_told(city_url, number):
    async with following(city_url) as (feed, told):
        (code,) = put_reports(city_url, [PLACE])
        await until(lambda: not feed.connected)
        assert told.codes == []
        assert feed.pending_s > 0
        await asyncio.sleep(1)
        assert not feed.connected
        await number()
        await until(lambda: feed.connected)
        assert told.codes == [code]


async def test_a_broken_connection_is_said_at_once_and_what_came_meanwhile_told_after(
    city_url, number, monkeypatch
):
    # Long enough to look before it comes back.
    monkeypatch.setattr("api.listener.RETRY_S", 4.0)
    async with following(city_url) as (feed, told):
        with psycopg.connect(city_url, autocommit=True) as db:
            db.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND query LIKE 'LISTEN%'"
            )
        await until(lambda: not feed.connected)
        (code,) = put_reports(city_url, [PLACE])
        await number()
        await asyncio.sleep(0.1)
        assert told.codes == []
        await until(lambda: feed.connected)
        assert told.codes == [code]
        assert told.gaps == 0


async def test_what_was_forgotten_while_it_was_away_is_a_gap(city_url, engine, number):
    # Nobody listens for it: it reads when asked to, and not before all is forgotten.
    reading = create_engine(city_url, 1)
    feed = Feed(reading)
    told = Told(feed)
    await feed.catch_up()
    feed.lost()
    put_reports(city_url, [PLACE] * 3)
    last = await number()
    change(city_url, "UPDATE pyramid_state SET folded_seq = %s", last)
    async with engine.begin() as conn:
        while await changes.purge(conn, datetime.now(UTC) + timedelta(days=1)):
            pass
    assert not feed.connected
    await feed.catch_up()
    await reading.dispose()
    assert (told.gaps, told.codes, feed.seq) == (1, [], last)
    assert feed.connected


async def test_more_than_can_be_told_is_a_gap_and_then_it_goes_on(city_url, number, monkeypatch):
    monkeypatch.setattr(feed_module, "MOST_BEHIND", 50)
    monkeypatch.setattr(feed_module, "BATCH", 20)
    async with following(city_url) as (feed, told):
        put_reports(city_url, [PLACE] * 51)
        last = await number()
        await until(lambda: feed.seq == last)
        assert (told.gaps, told.codes) == (1, [])
        codes = put_reports(city_url, [PLACE] * 50)
        await number()
        await until(lambda: len(told.codes) == 50)
        assert sorted(told.codes) == sorted(codes)
        assert told.gaps == 1


async def test_one_that_fails_is_told_of_a_gap_and_keeps_no_other_from_being_told(city_url, number):
    async with following(city_url) as (feed, told):
        gaps = []

        def fail(batch):
            raise RuntimeError("not today")

        leave = feed.subscribe(fail, lambda: gaps.append(1))
        after = Told(feed)
        codes = put_reports(city_url, [PLACE])
        await number()
        await until(lambda: after.codes == codes)
        assert told.codes == codes
        assert gaps == [1]
        leave()
        put_reports(city_url, [PLACE])
        await number()
        await until(lambda: len(after.codes) == 2)
        assert gaps == [1]


async def test_a_database_restored_from_a_backup_is_a_gap(city_url, number):
    async with following(city_url) as (feed, told):
        feed.lost()
        last = await number() or feed.seq
        feed.seq = last + 10_000
        await feed.catch_up()
        assert (told.gaps, feed.seq) == (1, last)


async def test_a_stream_from_a_process_that_was_ahead_is_not_told_again(city_url, engine, number):
    own = create_engine(city_url, 1)
    feed = Feed(own)
    hub = Hub(feed, engine, most=10, heartbeat_s=15)
    await feed.catch_up()
    async with hub.running():
        put_reports(city_url, [PLACE] * 2)
        # Heard elsewhere already; this process has not read them yet.
        stream = hub.stream(Wanted(), await number())
        with hub.held(stream):
            assert not hub.join(stream)
            assert await hub.missed(stream) == b""
            assert hub.join(stream)
            (code,) = put_reports(city_url, [PLACE])
            last = await number()
            await feed.catch_up()
            told = await asyncio.wait_for(stream.next(), 5)
            assert told.count(b"event: created") == 1
            assert f"id: {last}\n".encode() in told
            assert code.encode() in told
    await own.dispose()


async def test_a_stream_that_comes_while_a_batch_is_read_is_told_it(
    city_url, engine, number, monkeypatch
):
    own = create_engine(city_url, 1)
    feed = Feed(own)
    told = Told(feed)
    hub = Hub(feed, engine, most=10, heartbeat_s=15)
    await feed.catch_up()
    read = changes.touched_after
    async with hub.running():
        stream = hub.stream(Wanted(), None)
        with hub.held(stream):

            async def meanwhile(*asked):
                found = await read(*asked)
                assert hub.join(stream)
                return found

            monkeypatch.setattr(changes, "touched_after", meanwhile)
            (code,) = put_reports(city_url, [PLACE])
            await number()
            await feed.catch_up()
            assert code.encode() in await asyncio.wait_for(stream.next(), 5)
    assert told.codes == [code]
    await own.dispose()


async def test_what_no_stream_wants_to_hear_is_not_read(city_url, engine, number, monkeypatch):
    own = create_engine(city_url, 1)
    feed = Feed(own)
    told = Told(feed)
    hub = Hub(feed, engine, most=10, heartbeat_s=15)
    await feed.catch_up()

    async def never(*asked):
        raise AssertionError("nobody listens")

    monkeypatch.setattr(changes, "after", never)
    async with hub.running():
        (code,) = put_reports(city_url, [PLACE])
        await number()
        await feed.catch_up()
    assert told.codes == [code]
    await own.dispose()
