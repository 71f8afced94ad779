"""The demo city as a whole: wards, streets, facilities, reports, from one seed and one moment."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import shapely

from geo import crs
from geo.demo import facilities, planted, reports, streets, terrain, units, wards
from geo.demo.wiggle import Wiggle
from geo.facilities.load import Facility

SEED = 2025
REPORTS = 40_000
WARD_SET = "demo-hcmc"
SOURCE = (
    "Approximate shapes drawn by Pinward's demo around the real centres of today's units "
    "(names, codes and centres: vietnamadminunits, MIT). Not for any real decision."
)


@dataclass(frozen=True)
class City:
    """Everything of the demo; `people` is a guess per ward, used to spread the reports."""

    wards: list[wards.Ward]
    people: npt.NDArray[np.float64]
    streets: streets.Streets
    facilities: list[Facility]
    reports: reports.Reports
    hotspots: list[planted.Hotspot]


def build(now: datetime, n_reports: int = REPORTS, seed: int = SEED) -> City:
    """The city with `n_reports` of the twelve months up to `now`; equal arguments, equal city.

    Raises `UnreadableFile` when the package with the real names is not installed.
    """
    # A stream each: another number of reports does not move the streets.
    seeds = np.random.SeedSequence(seed).spawn(4)
    for_land, for_streets, for_facilities, for_reports = map(np.random.default_rng, seeds)
    all_units, sites = units.units(), units.sites()
    wiggle = Wiggle(for_land, sites.points_m)
    ground = terrain.draw(wiggle)
    drawn = wards.draw(all_units, sites, ground, wiggle)
    shapes_m = shapely.transform(np.array([w.shape for w in drawn]), _to_metres)
    people = streets.population(shapes_m)
    codes = np.array([u.code for u in all_units])
    laid = streets.lay(for_streets, shapes_m, codes, people, sites, ground)
    founded = facilities.found(for_facilities, all_units, people, laid, shapes_m, WARD_SET)
    made, hotspots = reports.made(for_reports, n_reports, now, all_units, shapes_m, people, laid)
    return City(drawn, people, laid, founded, made, hotspots)


def _to_metres(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    x, y, _ = crs.to_metres(points[:, 0], points[:, 1], terrain.EPSG)
    return np.column_stack([x, y])
