"""How near and how many make a hotspot, fixed per category: data, never estimated from a run.

Fixed, so that two runs can be compared. The distances are what one cause reaches: a flooded stretch
of street is longer than a rubbish heap; a feeder pillar feeds the lamps of a few hundred metres.
The counts are per 90 days, for the default period of a run. They are this version's judgement, not
a test of chance.
"""

from dataclasses import dataclass
from typing import Final

from geo.errors import Invalid


@dataclass(frozen=True, slots=True)
class Scale:
    """DBSCAN's two parameters: metres, and reports within them (the report itself included)."""

    eps_m: float
    min_points: int

    def __post_init__(self) -> None:
        if not 1.0 <= self.eps_m <= 5000.0:
            raise Invalid(f"eps_m must be 1 to 5000 metres; it is {self.eps_m}")
        if not 2 <= self.min_points <= 100_000:
            raise Invalid(f"min_points must be 2 to 100000; it is {self.min_points}")


DEFAULT: Final = Scale(eps_m=100.0, min_points=6)

# A category's own scale, else its family's, else the default.
SCALES: Final[dict[str, Scale]] = {
    "traffic": Scale(80.0, 6),
    "lighting": Scale(120.0, 6),
    "drainage": Scale(100.0, 6),
    "drainage.flooding": Scale(120.0, 8),
    "power": Scale(150.0, 6),
    "telecom": Scale(150.0, 6),
    "trees": Scale(120.0, 6),
    "water": Scale(120.0, 6),
    "waste": Scale(80.0, 8),
    "noise": Scale(80.0, 8),
    "construction": Scale(80.0, 6),
    "street": Scale(80.0, 8),
    "bus": Scale(80.0, 6),
}


def scale_of(category: str, family: str) -> Scale:
    """The scale of a category whose family is `family`."""
    return SCALES.get(category) or SCALES.get(family) or DEFAULT
