"""What a correction changes, for programs and for people."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Corrected:
    """A ward whose ground changes, in m²; `common_share` of its joint ground (before or after) is
    common."""

    code: str
    name: str
    before_m2: float
    gained_m2: float
    lost_m2: float
    common_share: float

    @property
    def moved_m2(self) -> float:
        """All ground that came or went."""
        return self.gained_m2 + self.lost_m2


@dataclass(frozen=True, slots=True)
class Correction:
    """The corrected wards, the neighbours that follow, and the ground at the city's edge in m²:
    `to_nobody_m2` was a corrected ward's and is in no ward, `from_nobody_m2` the other way round.
    """

    city: str
    corrected: tuple[Corrected, ...]
    neighbours: tuple[Corrected, ...]
    to_nobody_m2: float
    from_nobody_m2: float

    def as_json(self) -> dict[str, Any]:
        """For `--json`; lists are plurals."""
        return asdict(self)

    def lines(self) -> Iterator[str]:
        """The same in sentences."""
        for what, wards in (("corrected", self.corrected), ("neighbour", self.neighbours)):
            for one in sorted(wards, key=lambda ward: -ward.moved_m2):
                yield (
                    f"{what} {one.code} {one.name}: {one.gained_m2:,.2f} m² gained, "
                    f"{one.lost_m2:,.2f} m² lost, {one.common_share:.2%} common"
                )
        if self.to_nobody_m2 >= 0.01:
            yield f"given up at the city's edge, in no ward now: {self.to_nobody_m2:,.2f} m²"
        if self.from_nobody_m2 >= 0.01:
            yield f"gained where no ward of the city was: {self.from_nobody_m2:,.2f} m²"
