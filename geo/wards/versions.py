"""Which wards of a new set are wards known already under the same code."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from geo.store.database import AnyRow
from geo.wards.features import WardFile
from geo.wards.fields import plain

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

SAME_SHARE = 0.5
"""Two versions of a code are the same ward when they bear one name, or when this share of their
joint ground is common: else the code was given to another ward (26737 was Đa Kao, is Tân Định)."""


@dataclass(frozen=True, slots=True)
class Version:
    """What a ward of a set takes over from the version of its code before (else after) it."""

    same_as: int | None = None
    organisation_id: int | None = None


def versions(
    file: WardFile,
    valid_from: date,
    known: Sequence[AnyRow],
    common: tuple[Places, Places, Floats],
    areas: tuple[Floats, Floats],
) -> list[Version]:
    """For each ward of the file what it takes over.

    `known` are the wards whose ground the file touches; `common` (known, ward of the file, common
    area) and `areas` (of the known, of the file's) are in one unit. A committee is taken over by
    the same name and kind. Names are compared without marks: "Hòa" and "Hoà" are one.
    """
    shared = {(int(i), int(j)): float(area) for i, j, area in zip(*common, strict=True)}
    by_code: dict[str, list[int]] = {}
    for i, row in enumerate(known):
        by_code.setdefault(row.code, []).append(i)
    found = []
    for j, ward in enumerate(file.wards):
        place = _neighbour(by_code.get(ward.code, ()), known, valid_from)
        if place is None:
            found.append(Version())
            continue
        row, both = known[place], shared.get((place, j), 0.0)
        one_name = row.name_plain == plain(ward.name)
        same = one_name or both >= SAME_SHARE * (areas[0][place] + areas[1][j] - both)
        found.append(
            Version(
                same_as=(row.same_as or row.id) if same else None,
                organisation_id=row.organisation_id if one_name and row.kind == ward.kind else None,
            )
        )
    return found


def _neighbour(places: Sequence[int], known: Sequence[AnyRow], valid_from: date) -> int | None:
    """The version in force just before a day, else the first one after it."""
    before = [i for i in places if known[i].valid_from < valid_from]
    if before:
        return max(before, key=lambda i: known[i].valid_from)
    return min(places, key=lambda i: known[i].valid_from, default=None)
