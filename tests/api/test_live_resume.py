"""Coming back to a live stream: everything missed is told once and in order, or a reset is."""

import itertools
import random
import threading
import time

import psycopg
import pytest
from conftest import serving
from drawn import put_reports
from listening import Listening, change, numbered, wait_until

import builders
from builders import middle
from geo.store import migrate
from geo.store.cluster import Cluster
from tiles.address import TileAddress, cell_of, tile_of

A, B = middle(0), middle(5)


@pytest.fixture(scope="module")
def live(clone, city_template, tmp_path_factory):
    url = clone(city_template)
    with serving(url, tmp_path_factory.mktemp("live"), PINWARD_LIVE_HEARTBEAT_S="0.5") as made:
        wait_until(lambda: numbered(url))
        yield made


def last_number(url):
    with psycopg.connect(url) as db:
        return db.execute("SELECT max(seq) FROM changes").fetchone()[0]


class Writers:
    """Many at once until there is `enough`: transactions short and long, some rolled back,
    committed in any order."""

    def __init__(self, url, threads, seed):
        self.url = url
        self.committed = {}
        self.enough = threading.Event()
        self._places = threading.Semaphore(30)
        self._threads = [
            threading.Thread(target=self._write, args=(random.Random(seed * 1000 + n), n))
            for n in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def busy(self):
        return any(thread.is_alive() for thread in self._threads)

    def _write(self, rng, n):
        for turn in itertools.count():
            if turn >= 3 and self.enough.is_set():
                return
            with self._places, psycopg.connect(self.url) as db:
                code = f"W{n:03}-{turn}"
                db.execute(
                    "INSERT INTO reports (id, code, category_code, text, created_at, geom) VALUES "
                    "(gen_random_uuid(), %s, 'trees.fallen', 'x', now(), "
                    "ST_SetSRID(ST_MakePoint(%s, %s), 4326))",
                    (code, *A),
                )
                time.sleep(rng.choice((0, 0.01, 0.05, 0.3, 1.0 if n % 10 == 0 else 0)))
                names = ["created"]
                if rng.random() < 0.3:
                    # in the same transaction
                    db.execute("UPDATE reports SET status = 'closed' WHERE code = %s", (code,))
                    names.append("closed")
                if rng.random() < 0.2:
                    db.rollback()
                    continue
                db.commit()
                if rng.random() < 0.3:
                    db.execute("UPDATE reports SET status = 'waiting' WHERE code = %s", (code,))
                    names.append("changed")
                self.committed[code] = names


def test_leaving_and_coming_back_among_a_hundred_writers_loses_and_repeats_nothing(live, tmp_path):
    rng = random.Random(7)
    last = last_number(live.url)
    heard, visits = [], 0
    with serving(live.url, tmp_path, 1, "--no-worker") as other:
        writers = Writers(live.url, threads=100, seed=1)
        bases = itertools.cycle([live.base, other.base])
        try:
            while writers.busy:
                # Hung up in the middle of whatever is being told; what came whole counts.
                stream = Listening(next(bases), last=last)
                time.sleep(rng.choice((0.0, 0.1, 0.4)))
                stream.close()
                heard += stream.news
                last = stream.last
                visits += 1
                if visits > 10:
                    writers.enough.set()
        finally:
            # Else they would write for ever when a stream fails.
            writers.enough.set()
        with Listening(next(bases), last=last) as stream:
            wait_until(lambda: numbered(live.url))
            stream.until(lambda: stream.last >= last_number(live.url))
            heard += stream.news
    assert len(writers.committed) > 150
    ids = [one.id for one in heard]
    assert ids == sorted(set(ids))
    told = {}
    for one in heard:
        told.setdefault(one.data["code"], []).append(one.name)
    assert told == writers.committed


def test_what_was_missed_is_filtered_like_what_is_heard(live):
    start = last_number(live.url)
    inside, outside = put_reports(live.url, [A, B])
    change(
        live.url,
        "UPDATE reports SET geom = ST_SetSRID(ST_MakePoint(%s, %s), 4326) WHERE code = %s",
        *B,
        inside,
    )
    wait_until(lambda: numbered(live.url))
    box = f"?bbox={A[0] - 0.005},{A[1] - 0.005},{A[0] + 0.005},{A[1] + 0.005}"
    with Listening(live.base, box, last=start) as stream:
        stream.until(lambda: stream.last >= last_number(live.url))
        assert stream.events[0].data == {"seq": start}
        assert stream.heard == [("created", inside), ("changed", inside)]
    # where no header can be set
    with Listening(live.base, f"?last_event_id={start}") as stream:
        stream.until(lambda: len(stream.news) == 3)
        assert stream.heard[1] == ("created", outside)
    # the header is the newer of the two: a browser adds it when it comes back
    with Listening(live.base, f"?last_event_id={start}", last=last_number(live.url)) as stream:
        (code,) = put_reports(live.url, [A])
        stream.until(lambda: bool(stream.news))
        assert stream.heard == [("created", code)]


def test_more_than_one_reading_of_what_was_missed_is_joined_without_a_seam(live):
    start = last_number(live.url)
    codes = put_reports(live.url, [A] * 1700)
    wait_until(lambda: numbered(live.url))
    with Listening(live.base, last=start) as stream:
        more = put_reports(live.url, [A] * 300)
        stream.until(lambda: len(stream.news) >= 2000)
        ids = [one.id for one in stream.news]
        assert ids == sorted(set(ids))
        assert sorted(one.data["code"] for one in stream.news) == sorted(codes + more)


def test_a_number_that_is_no_longer_kept_or_was_never_given_is_a_reset(live):
    put_reports(live.url, [A] * 5)
    wait_until(lambda: numbered(live.url))
    newest = last_number(live.url)
    change(live.url, "UPDATE pyramid_state SET folded_seq = greatest(folded_seq, %s)", newest)
    change(live.url, "DELETE FROM changes WHERE seq <= %s", newest - 2)
    for last in (1, newest - 3, newest + 1_000_000):
        with Listening(live.base, last=last) as stream:
            stream.until(lambda stream=stream: bool(stream.news))
            assert [(one.name, one.data) for one in stream.news] == [("reset", {"seq": newest})]
            assert stream.last == newest
    with Listening(live.base, last=newest - 2) as stream:
        stream.until(lambda: len(stream.news) == 2)
        assert [one.name for one in stream.news] == ["created", "created"]


def test_who_comes_back_late_is_not_told_what_was_hidden_blurred_or_erased_since(live):
    start = last_number(live.url)
    hidden, blurred, erased, kept = put_reports(live.url, [A] * 4)
    with psycopg.connect(live.url) as db:
        for code, category in ((hidden, "order.drugs"), (blurred, "noise.neighbours")):
            db.execute("UPDATE reports SET category_code = %s WHERE code = %s", (category, code))
        db.execute("DELETE FROM reports WHERE code = %s", (erased,))
    wait_until(lambda: numbered(live.url))
    change(live.url, "UPDATE changes SET at = at - interval '1 hour' WHERE seq > %s", start)
    with Listening(live.base, last=start) as stream:
        stream.until(lambda: stream.last >= last_number(live.url))
    assert ("removed", hidden) in stream.heard
    assert ("removed", erased) in stream.heard
    assert ("created", kept) in stream.heard
    assert ("created", hidden) not in stream.heard
    assert ("created", erased) not in stream.heard
    places = {
        (one.data["lon"], one.data["lat"]) for one in stream.news if one.data["code"] == blurred
    }
    for lon, lat in places:
        assert (lon, lat) != pytest.approx(A, abs=1e-5)
    assert len(places) == 1


def test_nobody_closes_in_on_a_blurred_or_erased_report_by_ever_smaller_boxes(live):
    start = last_number(live.url)
    blurred, erased, kept = put_reports(live.url, [A] * 3)
    with psycopg.connect(live.url) as db:
        db.execute(
            "UPDATE reports SET category_code = 'noise.neighbours' WHERE code = %s", (blurred,)
        )
        db.execute("DELETE FROM reports WHERE code = %s", (erased,))
    wait_until(lambda: numbered(live.url))
    change(live.url, "UPDATE changes SET at = at - interval '1 hour' WHERE seq > %s", start)

    def heard(lon, lat, half, more=""):
        box = f"{lon - half},{lat - half},{lon + half},{lat + half}"
        with Listening(live.base, f"?bbox={box}{more}", start) as stream:
            stream.until(lambda: stream.last >= last_number(live.url))
        return {code for _, code in stream.heard}

    # Metres away, and in the same cell of 150 m as A: as much as for A itself, but for what is
    # public to the metre.
    cell = cell_of([A[0]], [A[1]])[0] >> 16 << 16
    west, south, *_ = TileAddress(18, *tile_of(int(cell), 18)).bounds
    corner = (west + 1e-5, south + 1e-5)
    assert heard(*A, 1e-5) == {blurred, erased, kept}
    assert heard(*corner, 1e-6) == {blurred, erased}
    assert heard(west - 1e-4, south, 1e-6) == set()
    # Nor what it was about.
    assert erased in heard(*A, 1e-5, "&category=lighting")


def test_streams_outlive_a_restart_of_the_database_and_hear_what_came_after(tmp_path):
    cluster = Cluster(tmp_path / "own", durable=False)
    try:
        url = cluster.start()
        migrate.upgrade(url)
        put_categories(url)
        with serving(url, tmp_path, PINWARD_LIVE_HEARTBEAT_S="0.5") as service:
            wait_until(lambda: numbered(url))
            with Listening(service.base) as stream:
                (before,) = put_reports(url, [A])
                stream.until(lambda: bool(stream.news))
                cluster.stop()
                time.sleep(1)
                # Who comes back now is not sent away, which would end a browser's stream for good.
                with Listening(service.base, last=stream.events[0].id) as returned:
                    time.sleep(1)
                    assert not stream.ended
                    cluster.start()
                    (after,) = put_reports(url, [A])
                    both = [("created", before), ("created", after)]
                    stream.until(lambda: len(stream.news) == 2)
                    returned.until(lambda: len(returned.news) == 2)
                    time.sleep(0.5)
                    assert stream.heard == both
                    assert returned.heard == both
                    assert len(stream.comments) > 2
    finally:
        cluster.remove()


def put_categories(url):
    import asyncio

    from geo.store.database import create_engine

    async def put():
        engine = create_engine(url)
        async with engine.begin() as conn:
            await builders.categories(conn)
        await engine.dispose()

    asyncio.run(put())
