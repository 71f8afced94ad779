"""What a run writes of one category: its hotspots, hexagons and beginnings as rows."""

from dataclasses import dataclass, field
from datetime import date, tzinfo
from typing import Any, Final

import numpy as np
import shapely

from geo.hotspots import answer, beginnings, words
from geo.hotspots.beginnings import Beginning, Ground
from geo.hotspots.hexes import found as hexagons
from geo.hotspots.hexes import grid
from geo.hotspots.hexes.found import Tally
from geo.hotspots.trend import histories
from geo.hotspots.window import Plane, Reports
from geo.period import Period
from geo.store import hotspot_answers as store
from geo.store import hotspot_inputs as inputs
from geo.store.database import AnyRow, AsyncConnection
from geo.store.organisations import ward_names
from geo.wards.directory import Ward

# From the middle of the cell in which the public sees a blurred report to its corners.
BLUR_M: Final = 110.0
# Schools and clinics within so many metres are told.
NEAR_M: Final = 300.0
NEAR_KINDS: Final = ("school", "kindergarten", "university", "clinic", "hospital")


@dataclass(frozen=True, slots=True)
class Shared:
    """What all categories of a run look at that are told or, if `hidden`, that are not;
    `categories` is how many it tests, `tallies` are of `planes`, in their order."""

    as_of: date
    period: Period
    zone: tzinfo
    reports: Reports
    planes: list[Plane]
    tallies: list[Tally]
    categories: int
    ground: Ground
    hidden: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said of one category: rows as `hotspots` holds them, dormant ones among them, as
    `hotspot_hexagons` and `hotspot_beginnings` do. `ended` maps ids that are over to the id they
    went into."""

    category: str
    n_reports: int
    n_left_out: int
    hotspots: list[dict[str, Any]] = field(repr=False)
    hexagons: list[dict[str, Any]] = field(repr=False)
    beginnings: list[dict[str, Any]] = field(repr=False)
    n_events: int = 0
    ended: dict[str, str | None] = field(default_factory=dict)
    unchanged: bool = False

    @property
    def seen(self) -> list[dict[str, Any]]:
        """The hotspots that are there."""
        return [spot for spot in self.hotspots if spot["seen"] != "dormant"]


async def make(
    conn: AsyncConnection, shared: Shared, category: AnyRow, before: AnyRow | None
) -> Answer:
    """Find what is to be said of a category, going on from its answer `before`; writes nothing."""
    reports, as_of, period = shared.reports, shared.as_of, shared.period
    found = answer.spots(shared.planes, category.number, shared.categories)
    remembered = await store.remembered(conn, before.id) if before else []
    known = await store.given_ids(conn, as_of) if found else set()
    told = await store.remembered_of(conn, category.code, as_of)
    matches = answer.identities(
        category.code, as_of, period, reports, found, remembered, known, told
    )
    born = {row.id: row.born_on for row in (*told, *remembered)}
    chosen = [found[each.index] for each in matches.hotspots]
    past = await histories.of(conn, category, chosen, period, shared.zone)
    near = await inputs.surroundings(
        conn,
        [spot.shape for spot in chosen],
        [spot.middle for spot in chosen],
        as_of,
        NEAR_KINDS,
        NEAR_M,
    )
    rows = [
        answer.columns(
            spot,
            reports,
            period,
            born.get(each.id, as_of),
            id=each.id,
            seen=each.kind,
            parents=list(each.parents),
            likeness=each.likeness,
            ward_code=around.ward_code,
            near=around.near,
            said=words.say(_facts(category, spot, period, around)),
            **history,
        )
        for each, spot, around, history in zip(matches.hotspots, chosen, near, past, strict=True)
    ]
    asleep = [row for row in remembered if row.id in matches.dormant]
    dormant = [{**row, "seen": "dormant"} for row in store.columns_of(asleep)]
    of_it = reports.category == category.number
    counted = reports.counted(hidden=shared.hidden)
    return Answer(
        category.code,
        n_reports=int((of_it & counted).sum()),
        n_left_out=int((of_it & ~counted).sum()),
        hotspots=rows + dormant,
        hexagons=_hexagons(shared, category),
        beginnings=await _beginnings(conn, shared, category),
        n_events=sum(int((plane.around.kinds == category.number).sum()) for plane in shared.planes),
        ended=matches.ended,
    )


async def same_past(
    conn: AsyncConnection, category: AnyRow, as_of: date, period: Period, zone: tzinfo
) -> bool:
    """Whether the months before the window still are what the stored answer was told from."""
    kept = await store.remembered_of(conn, category.code, as_of)
    return await histories.same(conn, category, kept, period, zone)


async def stored(conn: AsyncConnection, category: AnyRow, as_of: date) -> Answer:
    """What is said already."""
    kept = await store.answer_of(conn, category.code, as_of)
    return Answer(
        category.code,
        kept.n_reports,
        kept.n_left_out,
        hotspots=store.columns_of(await store.remembered(conn, kept.id)),
        hexagons=await store.hexagons_of(conn, kept.id),
        beginnings=await store.beginnings_of(conn, kept.id),
        unchanged=True,
    )


def _facts(category: AnyRow, spot: answer.Spot, period: Period, around: AnyRow) -> words.Facts:
    ward = None
    if around.ward_vi:
        ward = _names(around.ward_vi, around.ward_en, around.ward_kind)
    # Of blurred reports nobody may say a street, nor what is next to it.
    blurred = category.visibility == "blurred"
    return words.Facts(
        category={"vi": category.name_vi, "en": category.name_en},
        people=spot.found.people,
        events=spot.found.events,
        expected=spot.found.expected,
        p_value=spot.found.p_value,
        radius_m=spot.radius_m + (BLUR_M if blurred else 0),
        area_m2=float(spot.shape_m.area),
        days=round(period.days),
        ward=ward,
        street=None if blurred else around.street,
        near=[] if blurred else around.near,
    )


def _hexagons(shared: Shared, category: AnyRow) -> list[dict[str, Any]]:
    rows = []
    for each in hexagons.find_in(shared.tallies, category.number):
        epsg = shared.planes[each.plane].epsg
        number = np.array([each.number])
        q, r = (int(axis[0]) for axis in grid.axial(number))
        (shape,) = grid.polygons(number, epsg)
        said = words.InHexagon(
            category={"vi": category.name_vi, "en": category.name_en},
            people=each.people,
            events=each.events,
            expected=each.expected,
            q_value=each.q_value,
            area_m2=grid.AREA_M2,
            days=round(shared.period.days),
        )
        rows.append(
            {
                "epsg": epsg,
                "q": q,
                "r": r,
                "n": each.people,
                "events": each.events,
                "events_all": each.n,
                "expected": answer.short(each.expected),
                "relative_risk": answer.short(each.relative_risk),
                "risk_low": answer.short(each.risk_low),
                "risk_high": answer.short(each.risk_high),
                "q_value": answer.short(each.q_value),
                "said": words.say_hexagon(said),
                "geom": shapely.to_wkt(shape, rounding_precision=-1),
            }
        )
    return rows


async def _beginnings(
    conn: AsyncConnection, shared: Shared, category: AnyRow
) -> list[dict[str, Any]]:
    by_code = {ward.code: ward for ward in shared.ground.wards}
    rows = []
    for one in beginnings.begun(shared.ground, category.number, shared.categories):
        codes = list(one.wards)
        if one.shape is None:
            shape = await inputs.union_of_wards(conn, codes, shared.as_of)
        else:
            shape = one.shape
            codes = [each for each in shared.ground.wards_at([one.middle]) if each]
        rows.append(
            {
                "level": one.level,
                "since": one.since,
                "observed": one.observed,
                "expected": answer.short(one.expected),
                "relative_risk": answer.short(one.relative_risk),
                "p_value": answer.short(one.p_value),
                "radius_m": round(one.radius_m, 1),
                "ward_codes": codes,
                "said": words.say_began(_began(category, one, [by_code[code] for code in codes])),
                "geom": shapely.to_wkt(shape, rounding_precision=-1),
            }
        )
    return rows


def _began(category: AnyRow, one: Beginning, wards: list[Ward]) -> words.Began:
    return words.Began(
        category={"vi": category.name_vi, "en": category.name_en},
        since=one.since,
        observed=one.observed,
        expected=one.expected,
        p_value=one.p_value,
        radius_m=one.radius_m + beginnings.SQUARE_M / 2 if one.level == "square" else None,
        wards=[_names(ward.name, ward.name_en or ward.name, ward.kind) for ward in wards],
    )


def _names(vi: str, en: str, kind: str) -> dict[str, str]:
    return {"vi": ward_names(vi, kind)[0], "en": ward_names(en, kind)[1]}
