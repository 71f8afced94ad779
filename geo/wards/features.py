"""Wards as a file gives them, before they are in the database."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

Objects = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class WardFeature:
    """One ward: texts in NFC, `name` without its kind ("Bến Thành"), `place` in the file.

    A code or name that the source does not have is empty; `geo.wards.check` lists them.
    """

    code: str
    name: str
    name_en: str | None
    kind: str
    place: str


@dataclass(frozen=True, slots=True)
class WardFile:
    """The wards of one source: `polygons` (n,) shapely (Multi)Polygons, WGS 84 lon/lat, 2-D.

    Polygons may be invalid, codes missing or double: `geo.wards.check` tells. `crs` is what the
    source was in, `fields` the fields it was read from, `not_nfc` positions of names that it has
    in another form. `notes` are what was mended in reading, for people.
    """

    source: str
    wards: tuple[WardFeature, ...]
    polygons: Objects
    notes: tuple[str, ...] = ()
    crs: str = ""
    fields: Mapping[str, str | None] = field(default_factory=dict)
    not_nfc: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.wards)

    def with_polygons(self, polygons: Objects) -> "WardFile":
        """The same wards with other shapes."""
        return replace(self, polygons=polygons)
