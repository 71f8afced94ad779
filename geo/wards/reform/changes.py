"""What a comparison of two ward sets found, for programs, for a map, and for people."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geo.wards.features import Objects
from geo.wards.findings import counted

DECIMALS = 7
"""Of degrees: a centimetre."""

_SAID_AT_MOST = 20


@dataclass(frozen=True, slots=True)
class Piece:
    """Ground that differs; `shape` in WGS 84.

    `change`: "moved" from one ward to another, "renamed" or "recoded" with its whole ward, "lost"
    (in no ward of the new set; `to_*` are None), "gained" (in none of the old; `from_*` are None).
    """

    change: str
    from_code: str | None
    from_name: str | None
    to_code: str | None
    to_name: str | None
    area_m2: float
    share_of_from: float | None
    share_of_to: float | None
    shape: BaseGeometry

    def properties(self) -> dict[str, Any]:
        """All but the shape, for GeoJSON and `--json`."""
        names = (name for name in self.__dataclass_fields__ if name != "shape")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class Pair:
    """A ward before and a ward after; `common_share` of their joint ground is common."""

    from_code: str
    from_name: str
    to_code: str
    to_name: str
    common_share: float


@dataclass(frozen=True, slots=True)
class Alone:
    """A ward that is in one of the sets only."""

    code: str
    name: str
    area_m2: float


@dataclass(frozen=True, slots=True)
class Differences:
    """What `after` changes against `before` (names of their sources), the largest first.

    `same` counts the wards that kept code, name and ground, `changed` those that kept code and name
    and have other ground. `renamed`: same code, other name (or kind), at least `SAME_SHARE` of the
    joint ground common; `reused`: same code, other name, less. `recoded`: same ground, other code.
    `only_before`, `only_after`: codes of one set that are not recoded. `dropped_m2` are slivers.
    """

    before: str
    after: str
    wards_before: int
    wards_after: int
    same: int
    changed: tuple[Pair, ...]
    renamed: tuple[Pair, ...]
    recoded: tuple[Pair, ...]
    reused: tuple[Pair, ...]
    only_before: tuple[Alone, ...]
    only_after: tuple[Alone, ...]
    pieces: tuple[Piece, ...]
    dropped_m2: float

    def area_m2(self, change: str) -> float:
        """The ground of all pieces of one `Piece.change`."""
        return round(sum(piece.area_m2 for piece in self.pieces if piece.change == change), 1)

    @property
    def differ(self) -> bool:
        """Whether anything differs but slivers."""
        named = self.renamed or self.reused or self.only_before or self.only_after
        return bool(self.pieces or named)

    def as_json(self) -> dict[str, Any]:
        """One object whose lists are plurals, without shapes."""
        lists = ("changed", "renamed", "recoded", "reused", "only_before", "only_after")
        return {
            "before": self.before,
            "after": self.after,
            "wards_before": self.wards_before,
            "wards_after": self.wards_after,
            "differ": self.differ,
            "same": self.same,
            "moved_m2": self.area_m2("moved"),
            "lost_m2": self.area_m2("lost"),
            "gained_m2": self.area_m2("gained"),
            "dropped_m2": self.dropped_m2,
            **{name: [asdict(one) for one in getattr(self, name)] for name in lists},
            "pieces": [piece.properties() for piece in self.pieces],
        }

    def as_geojson(self) -> dict[str, Any]:
        """A FeatureCollection of the pieces, WGS 84, `DECIMALS` decimals, rings as in RFC 7946."""
        shapes = np.empty(len(self.pieces), dtype=object)
        shapes[:] = [_rounded(piece.shape) for piece in self.pieces]
        return {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "properties": piece.properties(),
                    "geometry": shapely.geometry.mapping(shape),
                }
                for piece, shape in zip(
                    self.pieces, shapely.orient_polygons(shapes, exterior_cw=False), strict=True
                )
            ],
        }

    def lines(self, at_most: int = _SAID_AT_MOST) -> Iterator[str]:
        """The same in sentences, `at_most` of each sort."""
        yield (
            f"{self.after} ({self.wards_after} wards) against "
            f"{self.before} ({self.wards_before} wards)"
        )
        sorts: Mapping[str, tuple[Any, ...]] = {
            "same code and name, other ground": self.changed,
            "renamed": self.renamed,
            "same ground under another code": self.recoded,
            "code reused for other ground": self.reused,
            f"only in {self.before}": self.only_before,
            f"only in {self.after}": self.only_after,
        }
        yield f"{self.same:6} {'ward' if self.same == 1 else 'wards'} the same"
        for what, found in sorts.items():
            yield f"{len(found):6} {what}"
        for change in ("moved", "lost", "gained"):
            n = sum(piece.change == change for piece in self.pieces)
            yield f"{counted(n, 'piece')} {change}, {_size(self.area_m2(change))}"
        yield f"slivers left out: {_size(self.dropped_m2)}"
        pairs = {"renamed": self.renamed, "recoded": self.recoded, "code reused": self.reused}
        for what, some in pairs.items():
            yield from (f"  {what}: {_arrow(one)}" for one in some[:at_most])
            yield from _more(len(some), at_most)
        for piece in self.pieces[:at_most]:
            yield f"  {piece.change}: {_arrow(piece)}, {_size(piece.area_m2)}"
        yield from _more(len(self.pieces), at_most)


def _rounded(shape: BaseGeometry) -> BaseGeometry:
    """The shape on a grid of `DECIMALS`, valid still (mere rounding may cross edges)."""
    grid = 10.0**-DECIMALS
    fine = shapely.set_precision(shape, grid)
    parts: Objects = shapely.get_parts(fine)
    polygons = parts[shapely.get_type_id(parts) == 3].tolist()
    # Grid places are multiples of the grid only to the last bit.
    found = shapely.transform(
        shapely.MultiPolygon(polygons), lambda xy: np.round(xy, DECIMALS), include_z=False
    )
    return found.geoms[0] if len(polygons) == 1 else found


def _arrow(one: Piece | Pair) -> str:
    from_ = f"{one.from_code} {one.from_name}" if one.from_code else "no ward"
    to = f"{one.to_code} {one.to_name}" if one.to_code else "no ward"
    return f"{from_} → {to}"


def _size(area_m2: float) -> str:
    return f"{area_m2 / 1e6:,.2f} km²" if area_m2 >= 1e5 else f"{area_m2:,.0f} m²"


def _more(n: int, at_most: int) -> Iterator[str]:
    if n > at_most:
        yield f"  … and {n - at_most} more"
