"""Whatever is imported, applied, broken off and undone, in any order: reports are in the wards
that PostGIS finds, and nothing is lost or told twice.

The small city is drawn anew by each reform, from cells of a grid, with codes that are used again.
`PINWARD_STORIES=150` tries more of them.
"""

import asyncio
import json
import os
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

import builders
from geo.errors import Conflict, NotFound
from geo.reports.bulk import bulk_insert
from geo.reports.reform import moves
from geo.reports.reform.apply import apply, due
from geo.reports.reform.plan import plan
from geo.reports.reform.undo import undo
from geo.store import reforms as store
from geo.store.database import create_engine
from geo.wards.features import WardFeature, WardFile
from geo.wards.importing import import_wards

SNAP_M = 250.0
COLUMNS, ROWS, CELL = 6, 4, 0.01
CODES = [f"9{n:04d}" for n in range(1, 10)]
NAMES = ["Bến Thử", "Chợ Nhỏ", "Đa Mẫu", "Tân Mẫu", "Thạnh Mẫu", "Vĩnh Thử", "Hòa Thử", "An Mẫu"]
FIRST_DAY, EVERY = date(2021, 1, 1), timedelta(days=100)
# Before the city had any ward.
LONG_AGO = 9000
BATCH = 3

# A report is where it was taken in, or where the last reform left it: one that is applied, or one
# that was broken off or undone and keeps it as moved. It was taken in under the sets known then: by
# its own day when it is seen first, later by the first day of the ward it had (:taken_in).
EXPECTED = """
WITH day AS (
    SELECT r.id, greatest(
        coalesce(
            CAST(CAST(:taken_in AS jsonb) ->> r.source_id AS date),
            CAST(timezone('Asia/Ho_Chi_Minh', r.created_at) AS date)
        ),
        (SELECT max(in_force_on) FROM reforms WHERE state = 'applied'),
        (SELECT max(f.in_force_on) FROM reform_moves AS m JOIN reforms AS f ON f.id = m.reform_id
            WHERE m.report_id = r.id)
    ) AS day
    FROM reports AS r
)
SELECT r.source_id, r.ward_id, o.id AS expected, r.organisation_id, o.organisation_id AS answers
FROM reports AS r
JOIN day ON day.id = r.id
LEFT JOIN LATERAL (
    SELECT w.id, w.organisation_id FROM wards AS w
    WHERE w.valid @> day.day AND ST_Covers(w.geom, r.geom) ORDER BY w.code LIMIT 1
) AS o ON true
WHERE r.status <> 'closed'
"""
# Of reforms that were in force after the ward had begun, the last says where a place is today.
TODAY = """
SELECT r.source_id, coalesce(rt.ward_id, wt.today_id, r.ward_id) AS today,
    coalesce(o.id, r.ward_id) AS expected
FROM reports AS r
LEFT JOIN wards AS own ON own.id = r.ward_id
LEFT JOIN reports_today AS rt ON rt.report_id = r.id
LEFT JOIN wards_today AS wt ON wt.ward_id = r.ward_id
LEFT JOIN LATERAL (
    SELECT w.id FROM wards AS w
    WHERE w.valid @> (
        SELECT max(f.in_force_on) FROM reforms AS f
        WHERE f.state = 'applied' AND f.in_force_on > coalesce(lower(own.valid), '-infinity')
    ) AND ST_Covers(w.geom, r.geom) ORDER BY w.code LIMIT 1
) AS o ON true
"""
STANDING = """
SELECT source_id, ward_id, ward_match, ward_distance_m, ambiguous_with, organisation_id, reasons,
    status, due_at
FROM reports ORDER BY source_id
"""
TAKEN_IN = """
SELECT r.source_id, coalesce(lower(w.valid), date '1900-01-01') AS day
FROM reports AS r
LEFT JOIN wards AS w ON w.id = coalesce(
    (SELECT coalesce(m.old_ward_id, 0) FROM reform_moves AS m JOIN reforms AS f
        ON f.id = m.reform_id WHERE m.report_id = r.id ORDER BY f.begun_at, f.id LIMIT 1),
    r.ward_id
)
"""
HALF_TOLD = """
SELECT count(*) FROM reform_moves AS m
LEFT JOIN report_events AS e ON e.id = m.event_id AND e.report_id = m.report_id
    AND e.kind = 'moved'
WHERE m.event_id IS NOT NULL AND e.id IS NULL
"""
MOVED_EVENTS = "SELECT count(*) FROM report_events WHERE kind = 'moved'"


class BrokenOff(Exception):
    """As if the process had been killed between two batches."""


def redrawn(seeds, codes, names, name):
    """A set of wards: each cell of the grid belongs to the nearest of `seeds`."""
    wards, polygons = [], []
    x, y = np.divmod(np.arange(COLUMNS * ROWS), ROWS)
    at = np.array(seeds)
    far = np.abs(x[:, None] - x[at]) + np.abs(y[:, None] - y[at])
    owner = far.argmin(axis=1)
    for k in range(len(seeds)):
        west, south = builders.WEST + CELL * x[owner == k], builders.SOUTH + CELL * y[owner == k]
        polygons.append(shapely.union_all(shapely.box(west, south, west + CELL, south + CELL)))
        wards.append(WardFeature(codes[k], names[k % len(names)], None, "ward", f"feature {k}"))
    return WardFile(name, tuple(wards), np.array(polygons, dtype=object))


class City:
    """What happens, and what must be true after each step."""

    def __init__(self, engine):
        self.engine = engine
        self.today = FIRST_DAY - timedelta(days=50)
        self.sets = []
        self.n = 0
        self.closed = {}
        self.due_at = {}
        self.taken_in = {}
        self.early = set()

    async def rows(self, query, **values):
        async with self.engine.connect() as conn:
            return (await conn.execute(text(query), values)).all()

    async def scalar(self, query):
        return (await self.rows(query))[0][0]

    async def drawn_anew(self, seeds, codes, names):
        name = f"set-{len(self.sets)}"
        day = FIRST_DAY + EVERY * len(self.sets)
        async with self.engine.begin() as conn:
            file = redrawn(seeds, codes, names, name)
            await import_wards(conn, file, name=name, valid_from=day, city="Thành phố Thử")
        self.sets.append(name)

    async def time_goes_by(self, days):
        self.today += timedelta(days=days)

    async def reported(self, place, days_ago, status):
        lon, lat = builders.WEST + place[0] * CELL / 2, builders.SOUTH + place[1] * CELL / 2
        day = self.today - timedelta(days=days_ago)
        self.n += 1
        if days_ago == LONG_AGO:
            self.early.add(f"{self.n:04d}")
        else:
            day = max(day, builders.VALID_FROM)
        row = {
            "category": "drainage.flooding",
            "lon": lon,
            "lat": lat,
            "text": "Ngập",
            "status": status,
            "created_at": datetime.combine(day, time(5), UTC),
            "source": "test",
            "source_id": f"{self.n:04d}",
        }
        async with self.engine.begin() as conn:
            await bulk_insert(conn, [row], snap_m=SNAP_M)
            applied = [each.set_name for each in await store.in_force(conn)]
        # As an import of a file does: what came late follows the reforms that are in force.
        for name in reversed(applied):
            await self._applied(name)

    async def closed_one(self, which):
        await self._touched(which, "closed")

    async def begun_one(self, which):
        await self._touched(which, "in_progress")

    async def _touched(self, which, status):
        async with self.engine.begin() as conn:
            await conn.execute(
                text(
                    "UPDATE reports SET status = :status WHERE source_id = :id AND"
                    " status <> 'closed'"
                ),
                {"status": status, "id": f"{which % max(self.n, 1) + 1:04d}"},
            )

    async def applied(self, which):
        await self._applied(self._set(which))

    async def _applied(self, name, exactly=None):
        before = await self.scalar(MOVED_EVENTS)
        try:
            done = await apply(self.engine, name, today=self.today, snap_m=SNAP_M)
        except Conflict:
            # It was broken off while it was undone: that is to end first.
            assert name in [row.set_name for row in await self.rows(_BEING_UNDONE)]
            return
        except NotFound:
            assert name == "none"
            return
        assert (done.outside, done.left) == (0, 0)
        assert await self.scalar(MOVED_EVENTS) == before + done.moved.moved
        if exactly is not None and done.state == "applied":
            assert (done.moved.moved, done.moved.renewed) == exactly
        again = await apply(self.engine, name, today=self.today, snap_m=SNAP_M)
        assert (again.moved.moved, again.moved.renewed) == (0, 0)

    async def planned_and_applied(self, which):
        name = self._set(which)
        if name == "none":
            return
        standing = await self.rows(STANDING)
        async with self.engine.connect() as conn:
            told = await plan(conn, name, snap_m=SNAP_M)
        assert await self.rows(STANDING) == standing
        first = sum(n for _, n in told.first)
        await self._applied(name, (told.total("moving") + first, told.total("renewed")))

    async def undone(self, which):
        await self._undone(self._set(which))

    async def _undone(self, name):
        before = await self.scalar(MOVED_EVENTS)
        standing = await self.rows(STANDING)
        try:
            done = await undo(self.engine, name, snap_m=SNAP_M)
        except (Conflict, NotFound):
            assert await self.rows(STANDING) == standing
            return
        assert await self.scalar(MOVED_EVENTS) == before + done.restored.moved

    async def there_and_back(self, which):
        """Applied where it is not yet, and undone at once: all is as it was."""
        name = self._set(which)
        if name in [row.set_name for row in await self.rows(_REFORMED)]:
            return
        standing = await self.rows(STANDING)
        await self._applied(name)
        await self.undone(which)
        assert await self.rows(STANDING) == standing

    async def worked(self):
        """What the worker does every few minutes."""
        async with self.engine.connect() as conn:
            todo = await due(conn, self.today)
        for verb, name in todo:
            if verb == "undo":
                await self._undone(name)
            else:
                await self._applied(name)

    async def broken_off(self, which, after, undoing):
        """Applied or undone until the batch `after`; goes on some other time."""
        verb = "restore" if undoing else "move"
        real, left = getattr(store, verb), [after]

        async def until(*args):
            if not left[0]:
                raise BrokenOff
            left[0] -= 1
            return await real(*args)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(store, verb, until)
            try:
                if undoing:
                    await undo(self.engine, self._set(which), snap_m=SNAP_M)
                else:
                    await apply(self.engine, self._set(which), today=self.today, snap_m=SNAP_M)
            except* (Conflict, NotFound, BrokenOff):
                pass

    def _set(self, which):
        return self.sets[which % len(self.sets)] if self.sets else "none"

    async def check(self):
        standing = await self.rows(STANDING)
        assert len(standing) == self.n
        assert {row.source_id for row in standing if row.ward_id is None} <= self.early
        for row in await self.rows(EXPECTED, taken_in=json.dumps(self.taken_in)):
            assert row.ward_id == row.expected, row
            assert row.organisation_id == row.answers, row
        for row in await self.rows(TAKEN_IN):
            self.taken_in.setdefault(row.source_id, row.day.isoformat())
        assert await self.scalar(HALF_TOLD) == 0
        for row in standing:
            assert row.due_at == self.due_at.setdefault(row.source_id, row.due_at)
            if row.status == "closed":
                assert row.ward_id == self.closed.setdefault(row.source_id, row.ward_id)
        states = {row.state for row in await self.rows("SELECT state FROM reforms")}
        if not states & {"applying", "undoing"}:
            for row in await self.rows(TODAY):
                assert row.today == row.expected, row


_REFORMED = (
    "SELECT s.name AS set_name FROM reforms AS r JOIN ward_sets AS s ON s.id = r.set_id"
    " WHERE r.state <> 'undone'"
)
_BEING_UNDONE = f"{_REFORMED} AND r.state = 'undoing'"

which = st.integers(0, 3)
places = st.tuples(st.integers(0, 2 * COLUMNS), st.integers(0, 2 * ROWS))
step = st.one_of(
    st.tuples(
        st.just("drawn_anew"),
        st.lists(st.integers(0, COLUMNS * ROWS - 1), min_size=1, max_size=7, unique=True),
        st.permutations(CODES),
        st.permutations(NAMES),
    ),
    st.tuples(st.just("time_goes_by"), st.sampled_from([1, 60, 120])),
    st.tuples(
        st.just("reported"),
        places,
        st.sampled_from([0, 0, 30, 150, 400, LONG_AGO]),
        st.sampled_from([None, "in_progress", "closed"]),
    ),
    st.tuples(st.just("closed_one"), st.integers(0, 30)),
    st.tuples(st.just("begun_one"), st.integers(0, 30)),
    st.tuples(st.just("applied"), which),
    st.tuples(st.just("planned_and_applied"), which),
    st.tuples(st.just("undone"), which),
    st.tuples(st.just("there_and_back"), which),
    st.tuples(st.just("worked")),
    st.tuples(st.just("broken_off"), which, st.integers(0, 3), st.booleans()),
)
# Every story begins with reports all over the city, and a reform of it.
beginning = st.tuples(
    st.lists(places, min_size=8, max_size=16),
    st.lists(st.integers(0, COLUMNS * ROWS - 1), min_size=2, max_size=6, unique=True),
    st.permutations(CODES),
    st.permutations(NAMES),
)


@settings(
    max_examples=int(os.environ.get("PINWARD_STORIES", "12")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(beginning=beginning, steps=st.lists(step, min_size=4, max_size=14))
def test_after_any_sequence_every_report_is_in_the_ward_that_postgis_finds(
    clone, city_template, monkeypatch, beginning, steps
):
    monkeypatch.setattr(moves, "BATCH", BATCH)
    url = clone(city_template)

    async def story():
        engine = create_engine(url, pool_size=5)
        try:
            city = City(engine)
            first, *drawn = beginning
            for n, place in enumerate(first):
                days_ago = LONG_AGO if n % 4 == 0 else 0
                await city.reported(place, days_ago, "closed" if n % 3 == 0 else None)
            await city.drawn_anew(*drawn)
            await city.time_goes_by(60)
            await city.check()
            for name, *arguments in steps:
                await getattr(city, name)(*arguments)
                await city.check()
        finally:
            await engine.dispose()

    asyncio.run(story())
