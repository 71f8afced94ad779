"""What the demo's reports are about: how often, when, where and how long they take.

The shares of infrastructure (traffic, lighting, power, telecom: 31 %), noise (18 %) and public
order (11 %) are those the city's hotline reported; the rest is shared out by guess.
"""

from dataclasses import dataclass
from typing import Literal

from geo.demo.rhythm import Rhythm

Where = Literal["street", "main", "lamp", "low", "venue", "home", "stop", "rural"]


@dataclass(frozen=True)
class Profile:
    """`share` of all reports in per cent, `days` the median time until it is resolved.

    `where`: along any street, along main roads, at a lamp, at low ground, at one of the venues,
    at a home, at a bus stop, or away from the core. `echoes` is how likely others report it too.
    """

    share: float
    rhythm: Rhythm
    where: Where
    days: float
    echoes: float = 0.04


_OFFICE = Rhythm("office", "working")
_DAY = Rhythm("day")
_MORNING = Rhythm("morning")
_RUSH = Rhythm("rush", "working")
_DARK = Rhythm("dark")
_DARK_WET = Rhythm("dark", year="wet", rain=0.25)
_PARTY = Rhythm("night", "weekend", "new_year")
_NIGHT = Rhythm("night", "weekend")
_WORKS = Rhythm("works")
_RAIN = Rhythm("storm", year="rain", rain=0.96)
_AFTER_RAIN = Rhythm("day", year="wet", rain=0.5)
_STORM = Rhythm("storm", year="wet", rain=0.6)
_HEAT = Rhythm("day", year="hot", rain=0.12)

PROFILES: dict[str, Profile] = {
    "traffic.pothole": Profile(4.4, Rhythm("rush", year="wet", rain=0.2), "main", 5.0, 0.06),
    "traffic.signal_fault": Profile(2.2, _RUSH, "main", 0.6, 0.12),
    "traffic.sign_damaged": Profile(1.3, _DAY, "main", 6.0),
    "traffic.markings": Profile(0.7, _OFFICE, "main", 11.0),
    "traffic.sidewalk": Profile(1.6, _OFFICE, "street", 10.0),
    "traffic.bridge": Profile(0.4, _DAY, "main", 4.0),
    "traffic.obstruction": Profile(1.6, _RUSH, "main", 0.4, 0.1),
    "lighting.lamp_out": Profile(7.2, _DARK_WET, "lamp", 2.6, 0.16),
    "lighting.pole_damaged": Profile(0.8, _DAY, "lamp", 1.2),
    "lighting.flickering": Profile(0.9, _DARK, "lamp", 4.0, 0.08),
    "lighting.lit_by_day": Profile(0.5, _DAY, "lamp", 4.0),
    "lighting.dark_place": Profile(0.8, _DARK, "street", 25.0),
    "drainage.flooding": Profile(4.6, _RAIN, "low", 0.7, 0.2),
    "drainage.blocked_drain": Profile(1.7, _AFTER_RAIN, "low", 3.0),
    "drainage.open_manhole": Profile(1.1, _DAY, "street", 1.0, 0.08),
    "drainage.odour": Profile(0.8, Rhythm("day", year="hot"), "low", 5.0),
    "drainage.canal": Profile(0.5, _OFFICE, "low", 14.0),
    "power.outage": Profile(2.8, _HEAT, "home", 0.25, 0.22),
    "power.fallen_line": Profile(1.4, _STORM, "street", 0.4, 0.08),
    "power.leakage": Profile(0.5, _AFTER_RAIN, "street", 0.4),
    "power.pole_damaged": Profile(0.5, _DAY, "street", 2.0),
    "telecom.loose_cable": Profile(2.3, Rhythm("day", year="wet", rain=0.2), "street", 2.2, 0.06),
    "telecom.pole_damaged": Profile(0.6, _DAY, "street", 5.0),
    "telecom.open_chamber": Profile(0.4, _DAY, "street", 1.5),
    "telecom.no_service": Profile(0.9, _DAY, "home", 2.0, 0.08),
    "trees.fallen": Profile(1.1, _STORM, "street", 0.4, 0.1),
    "trees.dangerous": Profile(0.9, _DAY, "street", 3.0),
    "trees.pruning": Profile(0.8, _OFFICE, "street", 9.0),
    "trees.dead": Profile(0.3, _OFFICE, "street", 12.0),
    "trees.park": Profile(0.5, Rhythm("day", "weekend"), "street", 10.0),
    "water.leak": Profile(1.7, _MORNING, "street", 1.4, 0.1),
    "water.outage": Profile(1.3, Rhythm("morning", year="hot"), "home", 0.5, 0.18),
    "water.quality": Profile(0.8, Rhythm("morning", year="hot"), "home", 2.0),
    "water.hydrant": Profile(0.2, _DAY, "main", 2.5),
    "waste.dumping": Profile(3.0, _MORNING, "venue", 2.5, 0.08),
    "waste.missed_collection": Profile(2.6, _MORNING, "home", 1.4, 0.1),
    "waste.bin_full": Profile(0.8, Rhythm("morning", "weekend"), "main", 2.0),
    "waste.rubble": Profile(0.9, _MORNING, "venue", 5.0),
    "waste.dead_animal": Profile(0.4, _MORNING, "street", 0.6),
    "waste.dirty_street": Profile(0.6, _MORNING, "street", 2.0),
    "noise.karaoke": Profile(8.6, _PARTY, "venue", 0.5, 0.08),
    "noise.construction": Profile(3.2, _WORKS, "venue", 1.6, 0.06),
    "noise.business": Profile(2.8, _NIGHT, "venue", 1.5, 0.05),
    "noise.factory": Profile(0.9, _DAY, "venue", 9.0),
    "noise.neighbours": Profile(2.5, _NIGHT, "home", 0.7),
    "construction.no_permit": Profile(1.4, _OFFICE, "home", 12.0),
    "construction.unsafe_site": Profile(0.6, _OFFICE, "venue", 1.5),
    "construction.materials": Profile(1.0, _OFFICE, "street", 3.0),
    "construction.road_works": Profile(0.8, _RUSH, "main", 6.0, 0.06),
    "construction.damage": Profile(0.4, _OFFICE, "home", 15.0),
    "street.encroachment": Profile(1.8, Rhythm("day", "weekend"), "venue", 5.0),
    "street.parking": Profile(1.5, _DAY, "street", 0.6),
    "street.vendors": Profile(1.0, Rhythm("rush"), "venue", 3.0),
    "street.advertising": Profile(0.4, _OFFICE, "street", 10.0),
    "street.abandoned_vehicle": Profile(0.3, _OFFICE, "street", 12.0),
    "bus.skipped_stop": Profile(1.1, _RUSH, "stop", 4.0),
    "bus.late": Profile(1.0, _RUSH, "stop", 4.0),
    "bus.conduct": Profile(0.6, _RUSH, "stop", 7.0),
    "bus.stop_damaged": Profile(0.3, _DAY, "stop", 10.0),
    "environment.air": Profile(1.1, _DAY, "home", 7.0, 0.06),
    "environment.burning": Profile(0.7, Rhythm("dark", year="hot"), "rural", 0.5),
    "environment.discharge": Profile(0.4, _DAY, "low", 8.0),
    "environment.livestock": Profile(0.3, _DAY, "rural", 10.0),
    "health.food_safety": Profile(0.35, _DAY, "main", 3.0),
    "health.mosquitoes": Profile(0.3, Rhythm("day", year="wet"), "home", 3.0),
    "health.stray_animals": Profile(0.25, _DAY, "street", 1.0),
    "health.outbreak": Profile(0.05, _DAY, "home", 1.0),
    "health.clinic": Profile(0.05, _OFFICE, "main", 8.0),
    "order.gathering": Profile(6.0, _NIGHT, "main", 0.4, 0.08),
    "order.theft": Profile(2.2, _NIGHT, "home", 3.0),
    "order.begging": Profile(1.2, _DAY, "main", 2.0),
    "order.gambling": Profile(0.7, Rhythm("day", "weekend"), "venue", 4.0),
    "order.drugs": Profile(0.5, _NIGHT, "home", 4.0),
    "order.violence": Profile(0.4, _NIGHT, "home", 0.5),
    "other.services": Profile(0.5, _OFFICE, "main", 5.0),
    "other.suggestion": Profile(0.3, _OFFICE, "street", 10.0),
    "other.general": Profile(0.3, _OFFICE, "street", 6.0),
}
