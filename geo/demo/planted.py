"""The demo's planted hotspots: a dozen places of which one knows that something is wrong there.

Tests ask whether the hotspots found are these. A place is a street of a ward that really bears
the name; the street, and what happens there, are made up.
"""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import shapely

from geo.demo.places import Places
from geo.demo.profiles import PROFILES
from geo.demo.rhythm import Calendar, Rhythm, Times
from geo.demo.streets import Streets

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Plan:
    """`n` reports of `category` in ward `code`, from `first_day` to `last_day` days before now."""

    title: str
    category: str
    code: str
    n: int
    radius_m: float
    first_day: int
    last_day: int = 0


@dataclass(frozen=True)
class Hotspot:
    """A planted hotspot: its middle in WGS 84 degrees; all its reports lie within `radius_m`."""

    title: str
    category: str
    ward_code: str
    lon: float
    lat: float
    radius_m: float
    n: int
    since: datetime
    until: datetime


PLANS: tuple[Plan, ...] = (
    Plan("Ngập khi mưa, Thạnh Mỹ Tây", "drainage.flooding", "26956", 70, 110.0, 80),
    Plan("Ngập khi mưa, Hiệp Bình", "drainage.flooding", "26809", 62, 120.0, 80),
    Plan("Ngập triều, Phú Thuận", "drainage.flooding", "27484", 54, 110.0, 80),
    Plan("Ngập khi mưa, Bình Đông", "drainage.flooding", "27424", 48, 100.0, 80),
    Plan("Mất đèn cả tuyến, Thủ Đức", "lighting.lamp_out", "26824", 58, 150.0, 24),
    Plan("Mất đèn cả tuyến, Tân Hưng", "lighting.lamp_out", "27475", 40, 130.0, 40, 6),
    Plan("Bãi rác tự phát, Vĩnh Lộc", "waste.dumping", "27601", 46, 60.0, 75),
    Plan("Bãi rác tự phát, Bình Hưng", "waste.dumping", "27619", 38, 60.0, 60),
    Plan("Phố karaoke, Gò Vấp", "noise.karaoke", "26884", 64, 90.0, 85),
    Plan("Phố karaoke, Bình Hưng Hoà", "noise.karaoke", "27439", 52, 80.0, 85),
    Plan("Quán bar, Sài Gòn", "noise.business", "26740", 44, 70.0, 85),
    Plan("Ổ gà, An Phú Đông", "traffic.pothole", "26767", 36, 120.0, 70),
    Plan("Chợ tự phát, Chợ Lớn", "street.vendors", "27343", 40, 70.0, 80),
    Plan("Công trình đêm, An Khánh", "noise.construction", "27094", 42, 80.0, 50),
    Plan("Vỡ đường ống, Tân Sơn Hoà", "water.leak", "26977", 44, 500.0, 5),
    Plan("Đua xe, Vũng Tàu", "order.gathering", "26506", 34, 90.0, 60),
)


@dataclass(frozen=True)
class Sown:
    """The reports of one plan: where, on which street, and when (UTC)."""

    plan: Plan
    middle_m: Floats
    points_m: Floats
    street: int
    times: Times


def sow(
    rng: np.random.Generator,
    plan: Plan,
    streets: Streets,
    places: Places,
    calendar: Calendar,
    codes: npt.NDArray[np.str_],
) -> Sown:
    """Put a plan on a fitting street of its ward: a low one for water, a main one for traffic."""
    profile = PROFILES[plan.category]
    street = _street(plan, streets, codes)
    # Twice the diameter is enough; what lies outside the radius is drawn again nearer.
    middle = places.beside(rng, np.array([street]), "street")[0]
    points = _around(rng, plan, streets, street, middle)
    rhythm = profile.rhythm
    if "triều" in plan.title:
        rhythm = Rhythm("tide", tide=0.9)
    times = calendar.spread(rng, plan.n, rhythm, plan.first_day, plan.last_day)
    return Sown(plan, middle, points, street, times)


def _street(plan: Plan, streets: Streets, codes: npt.NDArray[np.str_]) -> int:
    here = np.flatnonzero(codes[streets.ward] == plan.code)
    long_enough = here[streets.length_m[here] >= 1.2 * plan.radius_m]
    here = long_enough if len(long_enough) else here
    if plan.category.startswith("drainage"):
        return int(here[np.argmax(streets.lowness[here])])
    if plan.category.startswith(("traffic", "order")):
        return int(here[np.argmax(streets.main[here] * 1e6 + streets.length_m[here])])
    return int(here[np.argmax(streets.length_m[here])])


def _around(
    rng: np.random.Generator, plan: Plan, streets: Streets, street: int, middle: Floats
) -> Floats:
    """Points along the street and at the houses beside it, at most the radius from `middle`."""
    line = streets.lines[street]
    at_m = shapely.line_locate_point(line, shapely.Point(middle))
    reach = rng.uniform(-1.0, 1.0, plan.n) * plan.radius_m * 0.9
    along = np.clip((at_m + reach) / streets.length_m[street], 0.0, 1.0)
    offset = rng.normal(0.0, 9.0, plan.n)
    points = streets.beside(np.full(plan.n, street), along, offset)
    away = points - middle
    distance = np.hypot(away[:, 0], away[:, 1])
    shrink = np.minimum(1.0, 0.98 * plan.radius_m / np.maximum(distance, 1e-9))
    return np.asarray(middle + away * shrink[:, None])
