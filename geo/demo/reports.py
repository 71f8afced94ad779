"""The demo's reports: forty thousand in twelve months, with the planted hotspots among them."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import shapely

from geo import crs
from geo.demo import moves, planted, texts
from geo.demo.moves import Moves
from geo.demo.places import Places
from geo.demo.profiles import PROFILES
from geo.demo.rhythm import Calendar, Times, utc
from geo.demo.streets import Streets
from geo.demo.terrain import EPSG
from geo.demo.units import Unit

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_CODES = np.array(sorted(PROFILES))
# About every twelfth report says what somebody else has said already.
_ECHOES = 0.085
# Of the reports in categories that people have ideas about: those that are one.
_IDEAS = 0.3
_CHANNELS, _CHANNEL_SHARES = ("web", "app", "hotline"), (0.42, 0.34, 0.24)


@dataclass(frozen=True)
class Reports:
    """One row a report, oldest first; all arrays and lists of one length.

    `lon lat` WGS 84 degrees; `created` UTC milliseconds; `parent` the row it repeats, or -1.
    """

    lon: Floats
    lat: Floats
    accuracy_m: Floats
    category: npt.NDArray[np.str_]
    idea: npt.NDArray[np.bool_]
    text: list[str]
    channel: npt.NDArray[np.str_]
    created: Times
    parent: Ints
    moves: Moves

    def __len__(self) -> int:
        return len(self.text)


def made(
    rng: np.random.Generator,
    n: int,
    now: datetime,
    units: tuple[Unit, ...],
    shapes_m: npt.NDArray[np.object_],
    people: Floats,
    streets: Streets,
) -> tuple[Reports, list[planted.Hotspot]]:
    """`n` reports of the year up to `now`, and the hotspots planted among them.

    With few reports the planted hotspots shrink to a third of them at most.
    """
    calendar = Calendar(rng, now)
    places = Places(rng, streets, people)
    codes = np.array([u.code for u in units])
    sown = [planted.sow(rng, p, streets, places, calendar, codes) for p in _plans(n)]
    n_sown = sum(s.plan.n for s in sown)
    n_echoes = int(_ECHOES * (n - n_sown))
    category, points, street, times = _background(rng, n - n_sown - n_echoes, places, calendar)
    category = np.concatenate([category, *[np.full(s.plan.n, s.plan.category) for s in sown]])
    points = np.concatenate([points, *[s.points_m for s in sown]])
    street = np.concatenate([street, *[np.full(s.plan.n, s.street) for s in sown]])
    times = np.concatenate([times, *[s.times for s in sown]])
    parent = np.full(len(times), -1)
    chosen, later = _echoes(rng, n_echoes, category, times, utc(now))
    category = np.concatenate([category, category[chosen]])
    points = np.concatenate([points, points[chosen] + rng.normal(0.0, 7.0, (n_echoes, 2))])
    street = np.concatenate([street, street[chosen]])
    times = np.concatenate([times, later])
    parent = np.concatenate([parent, chosen])

    order = np.argsort(times, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    parent = np.where(parent[order] >= 0, rank[parent[order]], -1)
    category, street, times = category[order], street[order], times[order]
    points = _ashore(points[order], street, streets, shapes_m)
    idea = _ideas(rng, category, parent)
    lon, lat = crs.to_degrees(points[:, 0], points[:, 1], EPSG)
    days = np.array([PROFILES[c].days for c in category])
    reports = Reports(
        lon=np.round(lon, 6),
        lat=np.round(lat, 6),
        accuracy_m=np.round(rng.lognormal(np.log(11.0), 0.5, len(order)), 1),
        category=category,
        idea=idea,
        text=_texts(rng, category, idea, parent, street, streets, units),
        channel=rng.choice(_CHANNELS, len(order), p=_CHANNEL_SHARES),
        created=times,
        parent=parent,
        moves=moves.live(rng, times, days, parent, utc(now)),
    )
    return reports, [_told(s) for s in sown]


def _plans(n: int) -> list[planted.Plan]:
    total = sum(p.n for p in planted.PLANS)
    if total * 3 <= n:
        return list(planted.PLANS)
    kept: list[planted.Plan] = []
    for plan in planted.PLANS:
        if (sum(p.n for p in kept) + plan.n) * 3 <= n:
            kept.append(plan)
    return kept


def _background(
    rng: np.random.Generator, n: int, places: Places, calendar: Calendar
) -> tuple[npt.NDArray[np.str_], Floats, Ints, Times]:
    share = np.array([PROFILES[c].share for c in _CODES])
    counts = rng.multinomial(n, share / share.sum())
    points, street, times = [], [], []
    for code, count in zip(_CODES, counts, strict=True):
        profile = PROFILES[code]
        spots = places.draw(rng, int(count), profile.where, code)
        points.append(spots.points_m)
        street.append(spots.street)
        times.append(calendar.draw(rng, int(count), profile.rhythm))
    return (
        np.repeat(_CODES, counts),
        np.concatenate(points),
        np.concatenate(street),
        np.concatenate(times),
    )


def _echoes(
    rng: np.random.Generator,
    n: int,
    category: npt.NDArray[np.str_],
    times: Times,
    now: np.datetime64,
) -> tuple[Ints, Times]:
    """Whom `n` further people repeat, and when: within hours of what passes, days of what stays."""
    weight = np.array([PROFILES[c].echoes for c in category])
    parent = rng.choice(len(category), n, p=weight / weight.sum()).astype(np.int64)
    days = np.array([PROFILES[c].days for c in category[parent]])
    wait = rng.exponential(np.minimum(0.4 * days, 1.5)) * 86_400_000
    # What would come after now comes between the first report and now.
    left = (now - times[parent]).astype(np.int64)
    wait = np.where(wait < left, wait, rng.random(n) * left)
    return parent, times[parent] + wait.astype("timedelta64[ms]")


def _ideas(
    rng: np.random.Generator, category: npt.NDArray[np.str_], parent: Ints
) -> npt.NDArray[np.bool_]:
    """Citizens' proposals: every report of that category, and some in place of others."""
    kinds = sorted(texts.templates()["ideas"])
    repeated = np.zeros(len(category), dtype=bool)
    repeated[parent[parent >= 0]] = True
    free = (parent < 0) & ~repeated & np.isin(category, kinds)
    turned = free & (rng.random(len(category)) < _IDEAS)
    turned |= category == "other.suggestion"
    return turned


def _ashore(
    points: Floats, street: Ints, streets: Streets, shapes_m: npt.NDArray[np.object_]
) -> Floats:
    """Points that fell into the water or across the city's border move onto their street."""
    # half a metre inside, so that writing six decimals does not carry a point out again
    dry, _ = shapely.STRtree(shapely.buffer(shapes_m, -0.5)).query(
        shapely.points(points), predicate="intersects"
    )
    wet = np.ones(len(points), dtype=bool)
    wet[dry] = False
    line = streets.lines[street[wet]]
    nearest_m = shapely.line_locate_point(line, shapely.points(points[wet]))
    # not the very ends: they lie on the ward's border
    share = np.clip(nearest_m / streets.length_m[street[wet]], 0.1, 0.9)
    points = points.copy()
    points[wet] = streets.at(street[wet], share)
    return points


def _texts(
    rng: np.random.Generator,
    category: npt.NDArray[np.str_],
    idea: npt.NDArray[np.bool_],
    parent: Ints,
    street: Ints,
    streets: Streets,
    units: tuple[Unit, ...],
) -> list[str]:
    ward = streets.ward[street]
    order = np.argsort(streets.ward, kind="stable")
    start = np.searchsorted(streets.ward[order], np.arange(len(units) + 1))
    near = order[
        start[ward] + (rng.random(len(ward)) * (start[ward + 1] - start[ward])).astype(np.int64)
    ]
    called = [f"{u.kind.lower()} {u.name}" for u in units]
    return texts.write(
        rng,
        category.tolist(),
        idea.tolist(),
        [streets.names[s] for s in street],
        [streets.names[s] for s in near],
        [called[w] for w in ward],
        parent.tolist(),
    )


def _told(sown: planted.Sown) -> planted.Hotspot:
    lon, lat = crs.to_degrees(sown.middle_m[:1], sown.middle_m[1:], EPSG)
    since, until = (t.astype("datetime64[ms]").item() for t in (sown.times.min(), sown.times.max()))
    return planted.Hotspot(
        title=sown.plan.title,
        category=sown.plan.category,
        ward_code=sown.plan.code,
        lon=round(float(lon[0]), 6),
        lat=round(float(lat[0]), 6),
        radius_m=sown.plan.radius_m,
        n=sown.plan.n,
        since=since.replace(tzinfo=UTC),
        until=until.replace(tzinfo=UTC),
    )
