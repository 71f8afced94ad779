"""While a reform is applied by its command, the service takes in reports, looks up and draws.

The command is held half-way by locks on rows, so that what is asked meanwhile is asked in the
middle of it, however quick the machine is.
"""

import itertools
import random
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest
from conftest import serving
from drawn import decoded
from holding import until
from reforming import (
    ELSEWHERE,
    SET,
    draw_anew,
    query,
    reported,
    rows_held,
    running,
    store,
    until_held,
)

import builders
from builders import SIDE, SOUTH, WEST
from geo.reports.reform.moves import BATCH
from tiles.address import cell_of, tile_of

N = 2_000
NEW = {"90002": "Phía Nam", "90003": "Đa Mẫu", "90007": "Phía Bắc"}
OLD = dict(zip(builders.CODES, builders.NAMES, strict=True))

# Reports in no ward, in one that is not where they are, or that came after the new wards were known
# and are in an old one.
ASTRAY = """
SELECT r.code, r.ward_id FROM reports r
WHERE NOT EXISTS (
    SELECT FROM wards w WHERE w.id = r.ward_id AND ST_Covers(w.geom, r.geom)
    AND (w.valid @> CAST(%s AS date) OR (w.valid @> CAST(%s AS date) AND r.created_at < %s))
)
"""
MOVED = "SELECT count(*) FROM reform_moves"


class Citizens:
    """What many do at once until the block ends, and what they were answered."""

    def __init__(self, service, tracked):
        self._service = service
        self._tracked = tracked
        self._done = threading.Event()
        self.failed = []
        self.sent, self.looked_up, self.read, self.tiles = [], [], [], []

    @contextmanager
    def at_it(self):
        doing = [self._send, self._send, self._look_up, self._read, self._draw]
        threads = [threading.Thread(target=self._again, args=(n, do)) for n, do in enumerate(doing)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._done.set()
            for thread in threads:
                thread.join()

    def until_more(self, n=10):
        """Until each of them was answered `n` times more, asked from now on."""
        all_of_them = (self.sent, self.looked_up, self.read, self.tiles)
        before = [len(each) for each in all_of_them]
        until(
            lambda: (
                self.failed or all(len(e) > b + n for e, b in zip(all_of_them, before, strict=True))
            ),
            60,
        )

    def _again(self, n, do: Callable):
        chance = random.Random(n)
        try:
            with httpx.Client(base_url=self._service.base, timeout=30) as http:
                while not self._done.is_set():
                    do(http, chance)
                    time.sleep(0.01)
        except Exception as error:
            self.failed.append(error)

    def _send(self, http, chance):
        lon, lat = _a_place(chance)
        answer = http.post("/api/v1/reports", json=builders.a_report(lon=lon, lat=lat))
        assert answer.status_code == 201, answer.text
        self.sent.append(answer.json()["ward"])

    def _look_up(self, http, chance):
        lon, lat = _a_place(chance)
        answer = http.get("/api/v1/wards/at", params={"lon": lon, "lat": lat})
        assert answer.status_code == 200, answer.text
        self.looked_up.append(answer.json())

    def _read(self, http, chance):
        code = chance.choice(self._tracked)
        answer = http.get(f"/api/v1/reports/{code}")
        assert answer.status_code == 200, answer.text
        self.read.append((code, answer.json()["properties"]["ward"]))

    def _draw(self, http, chance):
        cell = cell_of(*([part] for part in _a_place(chance)))[0]
        x, y = tile_of(int(cell), 13)
        # Each filter is a tile of its own, made now.
        since = f"2024-06-01T00:00:{chance.random() * 59:09.6f}Z"
        answer = http.get(f"/tiles/reports/13/{x}/{y}.mvt", params={"since": since})
        assert answer.status_code == 200, answer.text
        self.tiles.append(decoded(answer.content))


def _a_place(chance):
    """Somewhere in the city, a few metres at least from its edge."""
    return (
        WEST + SIDE * 3 * chance.uniform(0.001, 0.999),
        SOUTH + SIDE * 2 * chance.uniform(0.001, 0.999),
    )


@pytest.fixture
def days():
    """The first day of the new wards, which is today where the city is, and the day before."""
    today = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).date()
    return today, today - timedelta(days=1)


def test_nobody_is_refused_or_without_a_ward_while_a_reform_is_under_way(city_url, tmp_path, days):
    store(city_url, reported(N))
    codes = [code for (code,) in query(city_url, "SELECT code FROM reports ORDER BY id")]
    with serving(city_url, tmp_path) as service:
        citizens = Citizens(service, codes[:: N // 50])
        draw_anew(city_url, days[0])
        lon, lat = builders.middle(0)
        here = f"/api/v1/wards/at?lon={lon}&lat={lat}"
        until(lambda: service.http.get(here).json()["name"] == "Phía Nam")
        [(known,)] = query(city_url, "SELECT now()")

        def right():
            assert citizens.failed == []
            assert query(city_url, ASTRAY, *days, known) == []

        held = [codes[k] for k in range(N // 2, N, BATCH)]
        with (
            citizens.at_it(),
            rows_held(city_url, held) as release,
            running(city_url, tmp_path, "apply", "--to", SET) as process,
        ):
            until_held(city_url, process, 1)
            for _ in itertools.repeat(None, 3):
                citizens.until_more()
                right()
            [(half,)] = query(city_url, MOVED)
            assert N // 2 - BATCH <= half <= N // 2
            release()
            while process.poll() is None:
                right()
            said, _ = process.communicate()
            assert process.returncode == 0
            citizens.until_more()
            right()
    assert f"{SET}: " in said
    assert query(city_url, MOVED) == [(N,)]
    assert query(city_url, ELSEWHERE, days[0]) == []
    assert query(city_url, "SELECT count(*) FROM reports") == [(N + len(citizens.sent),)]
    assert {(ward["code"], ward["name"]) for ward in citizens.sent} == NEW.items()
    assert {(ward["code"], ward["name"]) for ward in citizens.looked_up} == NEW.items()
    assert all(tile["reports"] for tile in citizens.tiles)
    _read_once_moved_never_back(citizens)


def _read_once_moved_never_back(citizens):
    """Each report was told in its old ward, then in its new one, and both were seen."""
    told = {}
    for code, ward in citizens.read:
        name = ward["code"], ward["name"]
        assert name in OLD.items() or name in NEW.items()
        if not told.get(code) or told[code][-1] != name:
            told.setdefault(code, []).append(name)
    assert all(len(names) <= 2 for names in told.values())
    moved = [names for names in told.values() if len(names) == 2]
    assert moved
    assert all(a in OLD.items() and b in NEW.items() for a, b in moved)
