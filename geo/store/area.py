"""A box in degrees as a filter: what lies in it, also across the antimeridian."""

import math
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, or_

from geo.errors import Invalid


@dataclass(frozen=True, slots=True)
class Bbox:
    """`west,south,east,north` in WGS 84 degrees, edges included.

    `west > east` crosses the antimeridian (RFC 7946, section 5.2). Raises `Invalid` on numbers that
    are not finite, out of range, or with south above north.
    """

    west: float
    south: float
    east: float
    north: float

    def __post_init__(self) -> None:
        numbers = (self.west, self.south, self.east, self.north)
        if not all(math.isfinite(number) for number in numbers):
            raise Invalid("bbox must be four finite numbers: west,south,east,north")
        if max(abs(self.west), abs(self.east)) > 180 or max(abs(self.south), abs(self.north)) > 90:
            raise Invalid(
                "bbox must be degrees, west and east within ±180, south and north within ±90; "
                "the order is west,south,east,north"
            )
        if self.south > self.north:
            raise Invalid(f"bbox: south ({self.south}) lies above north ({self.north})")

    @classmethod
    def parse(cls, text: str) -> "Bbox":
        """From `106.6,10.7,106.7,10.8`; raises `Invalid`."""
        try:
            # float() alone would also take 1_06 and digits of other scripts.
            if not text.isascii() or "_" in text:
                raise ValueError
            west, south, east, north = (float(part) for part in text.split(","))
        except ValueError:
            raise Invalid("bbox must be four numbers: west,south,east,north") from None
        return cls(west, south, east, north)

    @property
    def parts(self) -> tuple[tuple[float, float, float, float], ...]:
        """One or (across the antimeridian) two boxes with west <= east."""
        if self.west <= self.east:
            return ((self.west, self.south, self.east, self.north),)
        return (
            (self.west, self.south, 180.0, self.north),
            (-180.0, self.south, self.east, self.north),
        )

    def holds(self, lon: float, lat: float) -> bool:
        """Whether a point, in degrees, lies in the box or on its edge."""
        return any(
            west <= lon <= east and south <= lat <= north for west, south, east, north in self.parts
        )

    def meets(self, west: float, south: float, east: float, north: float) -> bool:
        """Whether a box, in degrees with west <= east, has a point in common with this one."""
        return any(
            left <= east and right >= west and bottom <= north and top >= south
            for left, bottom, right, top in self.parts
        )

    def touches(self, geometry: ColumnElement[object], margin: float = 0.0) -> ColumnElement[bool]:
        """Condition: the EPSG:4326 `geometry` has a point in common with the box.

        A GiST index on a plain column is used. `margin` widens the box by so many degrees.
        """
        return or_(
            *(
                func.ST_Intersects(
                    geometry,
                    func.ST_MakeEnvelope(
                        west - margin, south - margin, east + margin, north + margin, 4326
                    ),
                )
                for west, south, east, north in self.parts
            )
        )
