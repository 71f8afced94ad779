"""Which wards a reform concerns: those of its set, and those that were there before."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import shapely

from geo.errors import RefusedReform
from geo.wards.directory import WardDirectory

Ints = npt.NDArray[np.int64]

WHOLE_SHARE = 0.95
"""A set that covers this share of its city is a reform of the whole city."""

# Wider than any distance that a report outside all wards is given to the nearest one (in degrees).
_NEAR = 0.005


@dataclass(frozen=True, slots=True)
class Scope:
    """Positions in `WardDirectory.wards`, of one reform.

    `new` are the wards of the set. `ended` are older wards on its ground or beside it that are no
    longer in force on `day`; `going_on` older ones there that still are. `city` are the wards that
    were in force the day before in the cities concerned.
    """

    day: date
    new: tuple[int, ...]
    ended: tuple[int, ...]
    going_on: tuple[int, ...]
    city: tuple[int, ...]

    @property
    def affected(self) -> tuple[int, ...]:
        """The wards whose reports may change theirs."""
        return tuple(sorted((*self.ended, *self.going_on)))

    @property
    def left_out(self) -> tuple[int, ...]:
        """The wards of the cities concerned that do not end with the reform."""
        ended = set(self.ended)
        return tuple(i for i in self.city if i not in ended)

    @classmethod
    def of(cls, wards: WardDirectory, set_id: int, day: date) -> "Scope":
        """The scope of a set that comes into force on a day."""
        new = [i for i, ward in enumerate(wards.wards) if ward.set_id == set_id]
        older = [i for i, ward in enumerate(wards.wards) if ward.valid_from < day]
        near = _near(wards, older, new)
        elsewhere = _ended_by_others(wards, near, set_id, day)
        near = [i for i in near if i not in elsewhere]
        ended: list[int] = []
        going_on: list[int] = []
        for i in near:
            until = wards.wards[i].valid_to
            (ended if until is not None and until <= day else going_on).append(i)
        before = day - timedelta(days=1)
        at_last = [i for i in near if wards.wards[i].in_force(before)]
        # A neighbouring city's wards lie beside the set, too; its cities are those it replaces.
        replaced = [i for i in at_last if i in set(ended)] or at_last
        cities = {wards.wards[i].city for i in replaced}
        city = [
            i for i in older if wards.wards[i].city in cities and wards.wards[i].in_force(before)
        ]
        return cls(day, tuple(new), tuple(ended), tuple(going_on), tuple(city))


def _near(wards: WardDirectory, older: list[int], new: list[int]) -> list[int]:
    if not older or not new:
        return []
    tree = shapely.STRtree(wards.polygons[older])
    _, found = tree.query(wards.polygons[new], predicate="dwithin", distance=_NEAR)
    return sorted({older[k] for k in found.tolist()})


def _ended_by_others(wards: WardDirectory, near: list[int], set_id: int, day: date) -> set[int]:
    """Wards that end on a day by another set that begins then: it covers more of them.

    A country's reform comes into force in all its cities on one day.
    """
    begun = [i for i, ward in enumerate(wards.wards) if ward.valid_from == day]
    ending = [i for i in near if wards.wards[i].valid_to == day]
    mine = np.array([wards.wards[i].set_id == set_id for i in begun], dtype=bool)
    if mine.all() or not ending:
        return set()
    was, now = wards.polygons[ending], wards.polygons[begun]
    i, j = shapely.STRtree(now).query(was, predicate="intersects")
    area = shapely.area(shapely.intersection(was[i], now[j]))
    whose = np.where(mine[j], area, -area)
    return {ending[k] for k in np.flatnonzero(np.bincount(i, whose, len(ending)) < 0).tolist()}


def refuse_half_a_city(wards: WardDirectory, scope: Scope, *, rest_goes_on: bool) -> None:
    """Raise `RefusedReform`, listing what is left out, when a set covers only part of its city.

    With `rest_goes_on` the other wards are meant to: it was said, or the set is a correction.
    """
    left_out = scope.left_out
    if rest_goes_on or not left_out:
        return
    share = _covered_share(wards, scope)
    if share >= WHOLE_SHARE:
        return
    named = [f"  {wards.wards[i].code} {wards.wards[i].name}" for i in left_out]
    raise RefusedReform(
        "\n".join(
            [
                f"the set covers {share:.0%} of its city; of its {len(scope.city)} wards "
                f"{len(left_out)} would go on beside it:",
                *named,
                "Import the whole city as one set, or say --partial if they are meant to go on "
                "(a survey's fix is imported with --correction, and needs no word).",
            ]
        ),
        left_out=[wards.wards[i].code for i in left_out],
    )


def _covered_share(wards: WardDirectory, scope: Scope) -> float:
    """How much of the city's ground before the set covers (in square degrees, as a share)."""
    before, new = wards.polygons[list(scope.city)], wards.polygons[list(scope.new)]
    area = float(shapely.area(before).sum())
    i, j = shapely.STRtree(new).query(before, predicate="intersects")
    common = float(shapely.area(shapely.intersection(before[i], new[j])).sum())
    return common / area if area else 1.0
