"""Wards as a file gives them, before they are in the database."""

from dataclasses import dataclass

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

    `notes` are what was mended in reading (names brought to NFC and the like), for people.
    """

    source: str
    wards: tuple[WardFeature, ...]
    polygons: Objects
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.wards)
