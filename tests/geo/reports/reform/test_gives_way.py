"""A reform keeps two batches under way, and one while citizens send reports."""

import asyncio
import threading
import time
from contextlib import contextmanager

import pytest
from drawn import put_reports
from sqlalchemy import text

from builders import middle
from geo.reports.reform.moves import AT_ONCE, BATCH, MOST, in_batches

pytestmark = pytest.mark.anyio

ROWS = range(1_500 * MOST)


class Batches:
    """Batches of 20 ms each until `over`; `seen` has how many were under way as each began."""

    def __init__(self, engine):
        self._engine = engine
        self._now = 0
        self.seen = []
        self.sizes = []
        self.rests = []
        self._ended = 0.0
        self.over = False

    @contextmanager
    def _under_way(self):
        self._now += 1
        self.seen.append(self._now)
        try:
            yield
        finally:
            self._now -= 1

    async def _one(self, conn, batch):
        if self.over:
            return
        self.sizes.append(len(batch))
        self.rests.append(time.monotonic() - self._ended)
        with self._under_way():
            await conn.execute(text("SELECT pg_sleep(0.02)"))
        self._ended = time.monotonic()

    async def run(self):
        await in_batches(self._engine, ROWS, self._one)

    async def until(self, true, within_s=30):
        """Until something is true of the last twenty batches; fails after `within_s`."""
        began = time.monotonic()
        while len(self.seen) < 20 or not true(self.seen[-20:]):
            assert time.monotonic() - began < within_s, self.seen[-20:]
            await asyncio.sleep(0.05)
        return len(self.seen)


@contextmanager
def citizens(url):
    """Send reports, some in a second, until the block ends."""
    done = threading.Event()

    def send():
        while not done.wait(0.1):
            put_reports(url, [middle(0)])

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def two(seen):
    return max(seen) == AT_ONCE == 2


def one(seen):
    return max(seen) == 1


async def test_one_batch_at_a_time_while_reports_come_in_and_two_before_and_after(engine, city_url):
    batches = Batches(engine)
    running = asyncio.create_task(batches.run())
    await batches.until(two)
    # Nobody sends anything: it goes on like that.
    await asyncio.sleep(3)
    assert two(batches.seen[-20:])
    assert set(batches.sizes) == {MOST}
    with citizens(city_url):
        alone = await batches.until(one)
        # Longer than it takes to be sure that nobody sends any more.
        await asyncio.sleep(7)
        assert one(batches.seen[alone:])
        assert set(batches.sizes[alone:]) == {BATCH}
        assert min(batches.rests[alone + 1 :]) > 0.02
        assert len(batches.seen) > alone + 20
    # Both at it, and each with many again.
    await batches.until(lambda seen: two(seen) and set(batches.sizes[-10:]) == {MOST})
    batches.over = True
    await asyncio.wait_for(running, 30)


async def test_who_gives_way_does_not_wait_for_citizens_when_all_is_done(engine, city_url):
    batches = Batches(engine)
    running = asyncio.create_task(batches.run())
    with citizens(city_url):
        await batches.until(two)
        await batches.until(one)
        batches.over = True
        done, _ = await asyncio.wait({running}, timeout=20)
    # Without citizens it ends in any case.
    await running
    assert done
