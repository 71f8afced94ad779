"""Wards as a file gives them, before they are in the database."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

Objects = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class WardFeature:
    """One ward: texts in NFC, `name` without its kind ("Bến Thành"), `place` in the file."""

    code: str
    name: str
    name_en: str | None
    kind: str
    place: str


@dataclass(frozen=True, slots=True)
class WardFile:
    """The wards of one source: `polygons` (n,) shapely (Multi)Polygons, WGS 84 lon/lat, 2-D.

    Polygons may be invalid or overlap: `geo.wards.check` tells. `notes` are what was mended in
    reading (names brought to NFC and the like), for people; `crs` is what the source was in and
    `fields` which of its columns were read as code, name, name_en and kind.
    """

    source: str
    wards: tuple[WardFeature, ...]
    polygons: Objects
    notes: tuple[str, ...] = ()
    crs: str = ""
    fields: Mapping[str, str | None] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.wards)

    def with_polygons(self, polygons: Objects) -> "WardFile":
        """The same wards with other shapes."""
        return replace(self, polygons=polygons)
