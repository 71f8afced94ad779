"""Clusters of a whole country: a task for each city x category x block, on one machine or many.

The labels are those of one machine to the last: `geo.hotspots.dbscan` over all points of a city and
category, in the order of their rows.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geo.errors import Invalid
from geo.hotspots.country.block import Clustered, Strip, cluster
from geo.hotspots.country.blocks import SIDE_M, Block, Cut, Ints, around, checked_side
from geo.hotspots.country.merge import merge
from geo.hotspots.country.pool import IN_FLIGHT, RETRIES, Pool, Tell, named, nobody, pool
from geo.hotspots.country.sources import Source

if TYPE_CHECKING:
    from distributed import Future

Keep = Callable[[Ints, Ints], Any]


@dataclass(frozen=True, slots=True)
class Job:
    """One city's points of one category, and how they are clustered; as `geo.hotspots.dbscan`.

    `side_m` is the side of a block, at least 2 `eps_m`: a worker holds the points of as many blocks
    as it has threads. Raises `Invalid` where it is smaller.
    """

    city: str
    category: str
    source: Source
    eps_m: float
    min_points: int
    side_m: float = SIDE_M

    def __post_init__(self) -> None:
        checked_side(self.side_m, self.eps_m)

    @property
    def name(self) -> str:
        """City and category."""
        return f"{self.city}, {self.category}"


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """What was kept of a block's own points."""

    job: Job
    block: Block
    kept: Any


def both(rows: Ints, labels: Ints) -> tuple[Ints, Ints]:
    """Keeps all: the block's rows and the labels of these."""
    return rows, labels


def clusters(
    jobs: Iterable[Job],
    *,
    keep: Keep = both,
    scheduler: str | None = None,
    in_flight: int = IN_FLIGHT,
    retries: int = RETRIES,
    tell: Tell = nobody,
) -> Iterator[Part]:
    """Cluster each job's points, block by block, in any order of blocks and jobs.

    `keep(rows, labels)`, (n,) int64 each, is called where the block is, with its own points and
    their final labels: what it answers comes back, so that 50 million labels need not. `scheduler`
    is the address of Dask's; without one this process does the same, one task after the other.
    Jobs begin while less than `in_flight` tasks are on their way; a failed task is tried `retries`
    times more, one whose worker died is done by another. `tell(done, known)` counts blocks.

    Raises `TaskFailed`, which names city, category and block, and `NotReady` without a scheduler or
    workers.
    """
    if scheduler is None:
        yield from _here(jobs, keep, tell)
        return
    with pool(scheduler, retries) as workers:

        def survey(job: Job) -> "Future[Any]":
            if isinstance(job.source, Cut):
                raise Invalid(
                    f"{job.name}: points in memory would be sent with every task; `save` them "
                    "where the workers see them, and give `sources.Stored(folder)`"
                )
            return workers.submit("survey", job, _survey, job)

        def finish(job: Job, blocks: list[Block]) -> "list[tuple[Block, Future[Any]]]":
            return _finished(workers, job, blocks, keep)

        for job, block, kept in workers.each(jobs, survey, finish, in_flight, tell):
            yield Part(job, block, kept)


def labels(parts: Iterable[Part]) -> tuple[Ints, Ints]:
    """(rows, labels), rows ascending, of all parts of one job, of which `both` were kept."""
    kept = [part.kept for part in parts]
    none = np.empty(0, dtype=np.int64)
    rows = np.concatenate([none, *(each for each, _ in kept)])
    found = np.concatenate([none, *(each for _, each in kept)])
    order = np.argsort(rows)
    return rows[order], found[order]


def _here(jobs: Iterable[Job], keep: Keep, tell: Tell) -> Iterator[Part]:
    done = 0
    for job in jobs:
        blocks = _survey(job)
        clustered = [_cluster(job, block, None) for block in blocks]
        numbers = _merge(job, [each.strip for each in clustered])
        for i, block in enumerate(blocks):
            yield Part(job, block, _finish(job, block, clustered[i], numbers, i, keep))
            tell(done + i + 1, done + len(blocks))
        done += len(blocks)


def _finished(
    workers: Pool, job: Job, blocks: list[Block], keep: Keep
) -> "list[tuple[Block, Future[Any]]]":
    if not blocks:
        return []
    n = len(blocks)
    # One thread a task: the workers' processors are taken by other tasks.
    clustered = workers.map("cluster", job, _cluster, [job] * n, blocks, [1] * n)
    strips = workers.map("strip", job, _strip, clustered)
    numbers = workers.submit("merge", job, _merge, job, strips)
    kept = workers.map(
        "finish", job, _finish, [job] * n, blocks, clustered, [numbers] * n, range(n), [keep] * n
    )
    return list(zip(blocks, kept, strict=True))


def _survey(job: Job) -> list[Block]:
    with named(f"{job.name}: finding its blocks"):
        return job.source.blocks(job.side_m)


def _cluster(job: Job, block: Block, threads: int | None) -> Clustered:
    with named(f"{job.name}, block {tuple(block)}"):
        rows, points = job.source.load(around(block, job.side_m, job.eps_m, 2))
        if points.shape != (len(rows), 2):
            raise Invalid(f"the source gave {len(rows)} rows, but points of shape {points.shape}")
        return cluster(rows, points, block, job.side_m, job.eps_m, job.min_points, threads)


def _strip(clustered: Clustered) -> Strip:
    return clustered.strip


def _merge(job: Job, strips: list[Strip]) -> list[Ints]:
    with named(f"{job.name}: merging its blocks"):
        return merge(strips)


def _finish(
    job: Job, block: Block, clustered: Clustered, numbers: list[Ints], i: int, keep: Keep
) -> Any:
    with named(f"{job.name}, block {tuple(block)}"):
        # Noise is -1, so the last.
        return keep(clustered.rows, np.append(numbers[i], -1)[clustered.labels])
