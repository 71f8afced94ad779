"""Where the demo's reports lie: along streets, at lamps, in dips, at venues, at homes."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geo.demo.profiles import Where
from geo.demo.streets import Streets

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Distance between lamps, and between bus stops, along a street.
LAMP_M = 35.0
_STOP_M = 380.0
_VENUES = 900
# How a phone's idea of where it is scatters around the truth.
_GPS_M = 4.0


@dataclass(frozen=True)
class Spots:
    """`points_m` (n, 2) in UTM 48N and the number of the street each lies on."""

    points_m: Floats
    street: Ints


class Places:
    """Draws places for one city; how eagerly each ward reports is drawn once."""

    def __init__(self, rng: np.random.Generator, streets: Streets, people: Floats) -> None:
        self._streets = streets
        self._density = people
        eager = rng.lognormal(0.0, 0.3, len(people))
        self._ward_weight = people * eager
        # Each street has its dip, where water stands.
        self._dip = rng.uniform(0.15, 0.85, len(streets.lines))
        self._venues: dict[str, tuple[Spots, Floats]] = {}

    def draw(self, rng: np.random.Generator, n: int, where: Where, topic: str) -> Spots:
        """`n` places; venues are kept by `topic`, so that the same ones come up again."""
        if where == "venue":
            return self._at_venues(rng, n, topic)
        street = self._pick_streets(rng, n, where)
        return Spots(self._on(rng, street, where), street)

    def beside(self, rng: np.random.Generator, street: Ints, where: Where) -> Floats:
        """Points of this kind on the given streets."""
        return self._on(rng, street, where)

    def _pick_streets(self, rng: np.random.Generator, n: int, where: Where) -> Ints:
        streets = self._streets
        factor = np.where(streets.main, 1.0, 1.4)
        if where in ("main", "stop"):
            factor = np.where(streets.main, 3.0, 0.35)
        elif where == "home":
            factor = np.where(streets.main, 0.3, 1.8)
        elif where == "lamp":
            factor = np.where(streets.main, 1.0, 1.0)
        weight = factor * streets.length_m
        in_ward = np.bincount(streets.ward, weight, minlength=len(self._ward_weight))
        weight = weight / in_ward[streets.ward] * self._ward_weight[streets.ward]
        if where == "low":
            # across wards too: the low ones report floods, the high ones hardly any
            weight = weight * (0.02 + np.clip(streets.lowness, 0.0, 1.0) ** 3)
        elif where == "rural":
            in_core = np.isin(streets.ward, np.argsort(self._crowding())[-90:])
            weight = weight * np.where(in_core, 0.1, 1.0)
        sums = np.cumsum(weight)
        picked = np.searchsorted(sums, rng.random(n) * sums[-1], side="right")
        return np.asarray(picked, dtype=np.int64)

    def _crowding(self) -> Floats:
        length = np.bincount(
            self._streets.ward, self._streets.length_m, minlength=len(self._ward_weight)
        )
        return self._density / np.maximum(length, 1.0)

    def _on(self, rng: np.random.Generator, street: Ints, where: Where) -> Floats:
        n, length = len(street), self._streets.length_m[street]
        along = rng.uniform(0.02, 0.98, n)
        offset = rng.normal(0.0, 3.0, n)
        if where == "lamp":
            lamp = np.floor(along * length / LAMP_M)
            along = np.clip((lamp + 0.5) * LAMP_M / length, 0.0, 1.0)
            # lamps stand on alternate sides
            offset = np.where(lamp % 2 == 0, 5.0, -5.0) + rng.normal(0.0, 1.0, n)
        elif where == "low":
            dip = self._dip[street] + rng.normal(0.0, 40.0, n) / length
            along = np.where(rng.random(n) < 0.6, np.clip(dip, 0.02, 0.98), along)
        elif where == "stop":
            along = np.clip((np.floor(along * length / _STOP_M) + 0.4) * _STOP_M / length, 0, 1)
            offset = np.full(n, 6.0)
        elif where in ("home", "rural"):
            reach = 45.0 if where == "home" else 160.0
            offset = rng.choice([-1.0, 1.0], n) * rng.uniform(8.0, reach, n)
        points = self._streets.beside(street, along, offset)
        return points + rng.normal(0.0, _GPS_M, (n, 2))

    def _at_venues(self, rng: np.random.Generator, n: int, topic: str) -> Spots:
        """Half at places that are reported again and again, half anywhere at home."""
        if topic not in self._venues:
            street = self._pick_streets(rng, _VENUES, "street")
            spots = Spots(self._on(rng, street, "home"), street)
            fame = 1.0 / np.sqrt(np.arange(1, _VENUES + 1))
            self._venues[topic] = (spots, fame / fame.sum())
        spots, fame = self._venues[topic]
        known = rng.random(n) < 0.45
        street = self._pick_streets(rng, n, "home")
        points = self._on(rng, street, "home")
        venue = rng.choice(_VENUES, int(known.sum()), p=fame)
        street[known] = spots.street[venue]
        # The neighbours report from where they lie awake.
        points[known] = spots.points_m[venue] + rng.normal(0.0, 22.0, (len(venue), 2))
        return Spots(points, street)
