"""Hotspots of a whole country: each city is a run of its own, so each is a task of its own.

p is corrected for the points, scales and categories of the city's own run (docs/decisions.md, 36),
so no city needs another's reports. All categories of a city are one task: they share its
`Neighbourhood`, and making that takes longer than to test all of them in it; a task for each
category would make it again, or be sent some hundred bytes a report.
"""

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from geo.hotspots import answer
from geo.hotspots.country.blocks import Ints
from geo.hotspots.country.pool import IN_FLIGHT, RETRIES, Tell, named, nobody, pool
from geo.hotspots.country.sources import City
from geo.hotspots.window import categories_of, planes

# Compiled loops over all processors must not run twice at a time in one process.
_ALONE = threading.Lock()


@dataclass(frozen=True, slots=True)
class CityJob:
    """A city's reports, whose hotspots are asked for."""

    city: str
    source: City

    @property
    def name(self) -> str:
        """The city."""
        return self.city


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """A hotspot with the numbers of its reports, those of `spot.rows` in their order."""

    spot: answer.Spot
    numbers: Ints


def hotspots(
    jobs: Iterable[CityJob],
    *,
    scheduler: str | None = None,
    in_flight: int = IN_FLIGHT,
    retries: int = RETRIES,
    tell: Tell = nobody,
) -> Iterator[tuple[str, dict[int, list[Told]]]]:
    """(city, hotspots by category number), the most significant first; cities in any order.

    What a run on one machine finds (`geo.hotspots.answer.spots`), before identity and trend, which
    need the answers before. `scheduler` and the others as in `geo.hotspots.country.run.clusters`;
    `tell(done, known)` counts cities. Raises `TaskFailed`, `NotReady`.
    """
    if scheduler is None:
        for done, job in enumerate(jobs, 1):
            yield job.city, _find(job)
            tell(done, done)
        return
    with pool(scheduler, retries) as workers:
        asked = workers.each(
            jobs, lambda job: workers.submit("find", job, _find, job), None, in_flight, tell
        )
        for job, _, found in asked:
            yield job.city, found


def _find(job: CityJob) -> dict[int, list[Told]]:
    with named(job.name):
        reports = job.source.reports()
        with _ALONE:
            found = {}
            for hidden in (False, True) if reports.hidden else (False,):
                where = planes(reports, hidden=hidden)
                looked_at = categories_of(where)
                asked = looked_at & reports.hidden if hidden else looked_at
                for category in sorted(asked):
                    spots = answer.spots(where, category, len(looked_at))
                    found[category] = [Told(spot, reports.number[spot.rows]) for spot in spots]
            return found
