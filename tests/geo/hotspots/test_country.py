"""A country in blocks says what one machine says, to the last label, whatever dies on the way."""

import os
import signal
import threading
import time

import countries
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from geo.errors import Invalid, NotReady, TaskFailed, UnreadableFile
from geo.hotspots import answer
from geo.hotspots.country import pool
from geo.hotspots.country.block import cluster
from geo.hotspots.country.blocks import Block, Box, Cut, around, inside, places
from geo.hotspots.country.merge import merge
from geo.hotspots.country.run import Job, clusters, labels
from geo.hotspots.country.significance import CityJob, hotspots
from geo.hotspots.country.sources import Parquet, Stored
from geo.hotspots.dbscan import cored, dbscan
from geo.hotspots.window import planes

EPS_M, MIN_POINTS, SIDE_M = 20.0, 5, 500.0


@pytest.fixture(scope="module")
def machines(tmp_path_factory):
    with countries.machines(tmp_path_factory.mktemp("machines")) as made:
        yield made


def in_blocks(points, eps_m, min_points, side_m):
    """(n,) labels of points cut into blocks, in this process."""
    job = Job("City", "all", Cut.of(points, side_m), eps_m, min_points, side_m)
    rows, found = labels(clusters([job]))
    assert rows.tolist() == list(range(len(points)))
    return found


# Steps of one metre on a small board, where blocks are 4 m and more: points lie on the borders of
# blocks, exactly eps apart, on one spot, and equally near to cores of several blocks.
boards = st.lists(st.tuples(st.integers(0, 24), st.integers(0, 24)), max_size=80)
moved = st.sampled_from([0.0, -12.0, -7.25, 1e6 + 1 / 3, -1e9, 1e11])


@settings(max_examples=300, deadline=None)
@given(
    boards,
    st.sampled_from([1.0, 2.0, 2.5, 5.0]),
    st.integers(1, 6),
    st.sampled_from([2.0, 2.3, 4.0, 20.0]),
    moved,
    st.sampled_from([1.0, 0.1, 1 / 3]),
)
@example([(x, 0) for x in range(25)], 1.0, 2, 2.0, 0.0, 1.0)
def test_blocks_say_what_one_machine_says(cells, eps, min_points, sides, move, scale):
    points = np.array(cells, dtype=np.float64).reshape(-1, 2) * scale + move
    eps_m = eps * scale
    wanted = dbscan(points, eps_m, min_points)
    found = in_blocks(points, eps_m, min_points, eps_m * sides)
    assert found.dtype == wanted.dtype
    assert found.tolist() == wanted.tolist()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([40.0, 41.7, 150.0, 600.0, 1e5]))
def test_a_city_in_blocks_smaller_than_its_clusters(seed, side_m):
    points = countries.points(seed)
    wanted = dbscan(points, EPS_M, MIN_POINTS)
    assert wanted.max() > 5
    assert in_blocks(points, EPS_M, MIN_POINTS, side_m).tolist() == wanted.tolist()


def test_a_border_point_between_two_blocks_goes_where_the_kernel_sends_it():
    # Point 0 lies 3 m from the core of either heap, in a block of its own; the western heap's core
    # is the lower x, but the eastern heap comes first.
    west, east = [(7.0, 5.0)] + [(5.0, 5.0)] * 3, [(13.0, 5.0)] + [(15.0, 5.0)] * 3
    points = np.array([(10.0, 5.0), *east, *west])
    wanted = dbscan(points, 3.0, 4)
    assert wanted.tolist() == [0, 1, 1, 1, 1, 0, 0, 0, 0]
    for side_m in (6.0, 7.0, 9.9, 10.0):
        assert in_blocks(points, 3.0, 4, side_m).tolist() == wanted.tolist()


def test_no_neighbour_is_lost_to_rounding_at_a_blocks_edge():
    rng = np.random.default_rng(0)
    for _ in range(5000):
        column = int(rng.integers(-3000, 3000) if rng.random() < 0.3 else rng.integers(2**39))
        side_m = float(rng.choice([1e-3, 0.1, 1 / 3, 99.9, 20_000.0, rng.uniform(0.1, 1000)]))
        eps_m = side_m * float(rng.choice([0.5, 0.4999, 1 / 3, 0.01]))
        x = column * side_m
        for _ in range(rng.integers(3)):
            x = float(np.nextafter(x, -np.inf))
        home = _home(x, side_m)
        for way in (-1, 1):
            at = x
            for hops in (1, 2):
                at = _farthest(at, eps_m, way)
                assert around(home, side_m, eps_m, hops).holds(np.array([[at, 0.0]]))[0]
                there = _home(at, side_m)
                if hops == 1 and there != home:
                    assert not inside(there, side_m, eps_m).holds(np.array([[at, side_m / 2]]))[0]


def _home(x, side_m):
    return Block(int(places(np.array([[x, 0.0]]), side_m)[0, 0]), 0)


def _farthest(start, eps_m, way):
    """The farthest number that way which is still a neighbour by the kernel's arithmetic."""
    near = start
    far = np.nextafter(start + way * eps_m * (1 + 1e-9), way * np.inf)
    while (between := near + (far - near) / 2) not in (near, far):
        if (between - start) ** 2 <= eps_m * eps_m:
            near = between
        else:
            far = between
    return near


def test_a_block_holds_few_more_points_than_its_own():
    points = np.random.default_rng(1).uniform(0, 1000, (20_000, 2))
    cut = Cut.of(points, 100.0)
    rows, seen = cut.load(around(Block(4, 4), 100.0, 5.0, 2))
    assert (points[rows] == seen).all()
    inside = (points >= 390).all(axis=1) & (points <= 510).all(axis=1)
    assert sorted(rows.tolist()) == np.flatnonzero(inside).tolist()


def test_a_block_tells_no_more_than_its_border():
    points = np.random.default_rng(1).uniform(-50, 150, (20_000, 2))
    strip = cluster(np.arange(20_000), points, Block(0, 0), 100.0, 2.0, 3).strip
    assert len(strip.lowest) < 50
    assert 0 < len(strip.own_rows) < 20_000 * (100**2 - 96**2) / 200**2 * 1.2
    assert 0 < len(strip.seen_rows) < 20_000 * (104**2 - 100**2) / 200**2 * 1.2


def test_cores_are_marked_as_counted():
    points = countries.points(3)
    found, core = cored(points, EPS_M, MIN_POINTS)
    near = ((points[:, None] - points[None]) ** 2).sum(-1) <= EPS_M**2
    assert core.tolist() == (near.sum(1) >= MIN_POINTS).tolist()
    assert found.tolist() == dbscan(points, EPS_M, MIN_POINTS).tolist()


def test_a_point_that_is_told_differently_to_two_blocks_is_no_quiet_mistake():
    points = np.array([(float(x), 1.0) for x in range(12)])
    cut = Cut.of(points, 6.0)
    seen = [(block, *cut.load(around(block, 6.0, 1.0, 2))) for block in (Block(0, 0), Block(1, 0))]
    strips = [cluster(rows, at, block, 6.0, 1.0, 2).strip for block, rows, at in seen]
    assert merge(strips)[0].tolist() == merge(strips)[1].tolist() == [0]
    block, rows, at = seen[1]
    gone = cluster(rows[rows != 6], at[rows != 6], block, 6.0, 1.0, 2).strip
    with pytest.raises(Invalid, match="row 6 is a core for the block beside"):
        merge([strips[0], gone])
    doubled = cluster(rows * 0 + 6, at, block, 6.0, 1.0, 2).strip
    with pytest.raises(Invalid, match="row 6 is two points"):
        merge([strips[0], doubled])


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e30])
def test_a_point_in_no_block_is_refused_by_name(bad):
    with pytest.raises(Invalid, match="point 1 is"):
        places(np.array([[0.0, 0.0], [0.0, bad]]), 100.0)


def test_blocks_must_hold_their_halo():
    with pytest.raises(Invalid, match="side_m must be finite and at least twice eps_m"):
        Job("City", "all", Stored("nowhere"), 50.0, 5, 99.0)


def test_points_come_from_files(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    points = countries.points(5)
    wanted = dbscan(points, EPS_M, MIN_POINTS).tolist()
    table = pa.table({"row": np.arange(len(points)), "x_m": points[:, 0], "y_m": points[:, 1]})
    parquet.write_table(table, tmp_path / "points.parquet", row_group_size=700)
    folder = tmp_path / "cut"
    for source in (
        Parquet(tmp_path / "points.parquet"),
        countries.stored(folder, points, SIDE_M),
    ):
        rows, found = labels(clusters([Job("C", "all", source, EPS_M, MIN_POINTS, SIDE_M)]))
        assert rows.tolist() == list(range(len(points)))
        assert found.tolist() == wanted
    with pytest.raises(Invalid, match=r"cut into blocks of 500.0 m, not 400"):
        Stored(folder).blocks(400.0)
    parquet.write_table(table.drop_columns(["x_m"]), tmp_path / "narrow.parquet")
    with pytest.raises(UnreadableFile, match="has no column x_m"):
        Parquet(tmp_path / "narrow.parquet").blocks(SIDE_M)
    with pytest.raises(UnreadableFile, match="nowhere holds no points"):
        Stored(tmp_path / "nowhere").load(Box(0, 0, 1, 1))


def jobs_of(folder, cities=3, **changed):
    """(jobs, wanted labels by city) of some cities of 25 blocks."""
    made, wanted = [], {}
    for seed in range(cities):
        points = countries.points(seed)
        city = f"Tỉnh {seed}"
        source = countries.stored(folder / str(seed), points, SIDE_M)
        made.append(Job(city, "flooding", source, EPS_M, MIN_POINTS, SIDE_M))
        wanted[city] = dbscan(points, EPS_M, MIN_POINTS).tolist()
    return made, wanted


def by_city(parts):
    """(labels by city, ids of the processes that made them), of parts kept `with_pid`."""
    found, pids = {}, set()
    for part in parts:
        pid, rows, own = part.kept
        pids.add(pid)
        found.setdefault(part.job.city, []).append((rows, own))
    told = {}
    for city, kept in found.items():
        rows = np.concatenate([rows for rows, _ in kept])
        own = np.concatenate([own for _, own in kept])
        assert sorted(rows.tolist()) == list(range(len(rows)))
        told[city] = own[np.argsort(rows)].tolist()
    return told, pids


def test_two_workers_say_what_one_machine_says(machines, tmp_path):
    jobs, wanted = jobs_of(tmp_path)
    told = []
    parts = clusters(
        jobs,
        keep=countries.with_pid,
        scheduler=machines.scheduler,
        tell=lambda done, known: told.append((done, known)),
    )
    found, pids = by_city(parts)
    assert found == wanted
    assert pids == set(machines.workers)
    known = sum(len(job.source.blocks(SIDE_M)) for job in jobs)
    assert told[-1] == (known, known)
    assert told == sorted(told)
    assert all(done <= so_far for done, so_far in told)
    here, pids = by_city(clusters(jobs, keep=countries.with_pid))
    assert here == wanted
    assert pids == {os.getpid()}


def test_no_more_is_asked_for_than_is_told(machines, tmp_path):
    jobs, _ = jobs_of(tmp_path, cities=4)
    drawn = []
    ended = dict.fromkeys((job.city for job in jobs), 0)

    def ask():
        for job in jobs:
            # All jobs begun before are done when the next is asked for.
            assert all(ended[each.city] == len(each.source.blocks(SIDE_M)) for each in drawn)
            drawn.append(job)
            yield job

    for part in clusters(ask(), scheduler=machines.scheduler, in_flight=1):
        ended[part.job.city] += 1
    assert len(drawn) == 4


def test_a_worker_killed_in_the_middle_changes_nothing(tmp_path):
    jobs, wanted = jobs_of(tmp_path / "points", cities=2)
    waits, go = tmp_path / "waits", tmp_path / "go"
    waits.mkdir()
    # Blocks are clustered in the order of columns and rows: much is done when these are asked for.
    jobs = [
        Job(job.city, job.category, countries.Held(job.source, 1700.0, waits, go), *_how(job))
        for job in jobs
    ]
    killed = []
    with countries.machines(tmp_path) as made:

        def kill():
            until = time.monotonic() + 60
            while not (waiting := list(waits.iterdir())):
                assert time.monotonic() < until
                time.sleep(0.01)
            killed.append(int(waiting[0].name))
            os.kill(killed[0], signal.SIGKILL)
            made.workers[killed[0]].wait()
            go.touch()

        killer = threading.Thread(target=kill)
        killer.start()
        parts = clusters(jobs, keep=countries.with_pid, scheduler=made.scheduler)
        found, pids = by_city(parts)
        killer.join()
    assert found == wanted
    assert pids == set(made.workers) - set(killed)


def _how(job):
    return job.eps_m, job.min_points, job.side_m


@pytest.mark.parametrize("many", [True, False])
def test_an_error_names_city_category_and_block(machines, tmp_path, many):
    (job,), _ = jobs_of(tmp_path / "points", cities=1)
    tally = tmp_path / "tally"
    tally.mkdir()
    source = countries.Broken(job.source, 1400.0, 1000, tally)
    broken = Job(job.city, job.category, source, *_how(job))
    with pytest.raises(TaskFailed, match=r"Tỉnh 0, flooding, block \([34], .*disk is on fire"):
        list(clusters([broken], scheduler=machines.scheduler if many else None))
    if many:
        # The workers live on.
        assert list(clusters([job], scheduler=machines.scheduler))


def test_a_task_that_fails_once_is_tried_again(machines, tmp_path):
    (job,), wanted = jobs_of(tmp_path / "points", cities=1)
    tally = tmp_path / "tally"
    tally.mkdir()
    source = countries.Broken(job.source, 1400.0, 1, tally)
    shaky = Job(job.city, job.category, source, *_how(job))
    _, found = labels(clusters([shaky], scheduler=machines.scheduler))
    assert found.tolist() == wanted[job.city]
    assert len(list(tally.iterdir())) == 1


def test_points_in_memory_are_not_sent_about(machines):
    job = Job("C", "all", Cut.of(countries.points(1), SIDE_M), EPS_M, MIN_POINTS, SIDE_M)
    with pytest.raises(Invalid, match="sent with every task"):
        list(clusters([job], scheduler=machines.scheduler))


def test_without_scheduler_or_workers_it_says_what_to_start(tmp_path, monkeypatch):
    monkeypatch.setattr(pool, "_WAIT_S", 1.0)
    with pytest.raises(NotReady, match="Start one with `dask scheduler`"):
        list(clusters([], scheduler="tcp://127.0.0.1:9"))
    with (
        countries.machines(tmp_path, workers=0) as made,
        pytest.raises(NotReady, match=f"start some with `dask worker {made.scheduler}`"),
    ):
        list(clusters([], scheduler=made.scheduler))


def plain(found):
    """What is told of a city, to be compared."""
    return {
        category: [
            (
                [getattr(one.spot.found, name) for name in ("people", "events", "expected")],
                [getattr(one.spot.found, name) for name in ("p_value", "scale_m", "label")],
                one.spot.rows.tolist(),
                one.numbers.tolist(),
                one.spot.shape.wkt,
                one.spot.middle,
            )
            for one in spots
        ]
        for category, spots in found.items()
    }


def test_every_citys_hotspots_are_those_of_one_machine(machines):
    jobs = [CityJob(f"Tỉnh {seed}", countries.Drawn(seed)) for seed in range(3)]
    told = []
    many = dict(
        hotspots(
            jobs,
            scheduler=machines.scheduler,
            in_flight=1,
            tell=lambda done, known: told.append((done, known)),
        )
    )
    assert told == [(1, 1), (2, 2), (3, 3)]
    here = dict(hotspots(jobs))
    for job in jobs:
        reports = job.source.reports()
        alone = answer.spots(planes(reports, hidden=False), 3, 5)
        (one,) = many[job.city][3]
        assert set(range(40)) & set(one.spot.rows.tolist())
        assert [spot.rows.tolist() for spot in alone] == [one.spot.rows.tolist()]
        assert alone[0].found.p_value == one.spot.found.p_value
        assert one.numbers.tolist() == reports.number[one.spot.rows].tolist()
        assert plain(many[job.city]) == plain(here[job.city])
