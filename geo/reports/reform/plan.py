"""What a reform would do, told before it is done: nothing is written."""

from collections.abc import Sequence, Set
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from geo.reports.reform.apply import named_set
from geo.reports.reform.moves import follows, is_told
from geo.reports.reform.open import OpenReports, read_open
from geo.reports.reform.pointing import Pointing, pointing
from geo.store import reforms as store
from geo.store.database import AsyncConnection
from geo.wards.directory import Ward, WardDirectory
from geo.wards.reform.fates import Fates, fates
from geo.wards.reform.mapping import (
    Disagreement,
    Line,
    disagreements,
    refuse_unknown,
)
from geo.wards.reform.scope import Scope, refuse_half_a_city
from geo.wards.reform.shares import Shares, shares


@dataclass(frozen=True)
class Pair:
    """An old ward and a new one that share ground or reports.

    `area_m2` is common, `of_old` and `of_new` its shares; of the `open` reports `moving` are told
    of another ward and `renewed` get the new version of what people know as the same; `ambiguous`
    have a circle of accuracy that touches another new ward, `newly_ambiguous` touched none before.
    """

    old: Ward
    new: Ward
    area_m2: float
    of_old: float
    of_new: float
    open: int = 0
    moving: int = 0
    renewed: int = 0
    ambiguous: int = 0
    newly_ambiguous: int = 0

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "from": _brief(self.old),
            "to": _brief(self.new),
            "area_m2": round(self.area_m2, 1),
            "share_of_from": round(self.of_old, 4),
            "share_of_to": round(self.of_new, 4),
            "open": self.open,
            "moving": self.moving,
            "renewed": self.renewed,
            "ambiguous": self.ambiguous,
            "newly_ambiguous": self.newly_ambiguous,
        }


@dataclass(frozen=True)
class Plan:
    """What a reform would do.

    `before` and `after` are positions in `wards.wards`, those that `shares` counts by: neighbours
    that go on are in both. `replaced` are the wards that end, `replacing` those of the set, and
    `going_on` the city's others. `outside` is the number of open reports per old ward that lie in
    no ward any more, `first` of those in none until now per new ward. `state` is that of the
    reform, None before it was asked for.
    """

    set_name: str
    in_force_on: date
    state: str | None
    wards: WardDirectory
    before: tuple[int, ...]
    after: tuple[int, ...]
    replaced: tuple[int, ...]
    replacing: tuple[int, ...]
    going_on: tuple[int, ...]
    shares: Shares
    pairs: tuple[Pair, ...]
    fates: Fates
    outside: tuple[tuple[Ward, int], ...]
    first: tuple[tuple[Ward, int], ...]
    pointing: Pointing
    mapped: bool
    disagreements: tuple[Disagreement, ...]

    def total(self, what: str) -> int:
        """The sum of `open`, `moving`, … over all pairs."""
        return sum(getattr(pair, what) for pair in self.pairs)

    def as_json(self) -> dict[str, Any]:
        """For `--json`; lists are plurals."""
        counts = ("open", "moving", "renewed", "ambiguous", "newly_ambiguous")
        return {
            "set": self.set_name,
            "in_force_on": self.in_force_on.isoformat(),
            "state": self.state,
            "totals": {
                **{name: self.total(name) for name in counts},
                "outside": sum(n for _, n in self.outside),
                "first": sum(n for _, n in self.first),
                "wards_before": len(self.replaced),
                "wards_after": len(self.replacing),
                "wards_going_on": len(self.going_on),
                "lost_m2": round(float(self.shares.lost_m2.sum()), 1),
                "gained_m2": round(float(self.shares.gained_m2.sum()), 1),
                "slivers_m2": round(self.shares.dropped_common_m2, 1),
            },
            "pairs": [pair.as_json() for pair in self.pairs],
            **self.fates.as_json(),
            "outsides": [{**_brief(ward), "open": n} for ward, n in self.outside],
            "firsts": [{**_brief(ward), "open": n} for ward, n in self.first],
            "lost": self._alone(self.before, self.shares.lost_m2),
            "gained": self._alone(self.after, self.shares.gained_m2),
            **self.pointing.as_json(),
            "mapping": self.mapped,
            "disagreements": [
                {**asdict(one), "sentence": one.sentence()} for one in self.disagreements
            ],
        }

    def _alone(self, positions: Sequence[int], area_m2: Any) -> list[dict[str, Any]]:
        return [
            {**_brief(self.wards.wards[positions[k]]), "area_m2": round(float(area_m2[k]), 1)}
            for k in np.argsort(-area_m2, kind="stable").tolist()
            if area_m2[k] > 0
        ]


async def plan(
    conn: AsyncConnection,
    set_name: str,
    *,
    snap_m: float,
    mapping: Sequence[Line] | None = None,
    partial: bool = False,
) -> Plan:
    """What the reform to a ward set would do to the open reports as they are now.

    Raises `NotFound` for an unknown set; `RefusedReform` for a set of half a city, and for a
    mapping that names wards which are not there.
    """
    ward_set = await named_set(conn, set_name)
    reform = await store.of_set(conn, ward_set.id)
    wards = await WardDirectory.load(conn)
    scope = Scope.of(wards, ward_set.id, ward_set.valid_from)
    partial = partial or (reform is not None and reform.partial)
    refuse_half_a_city(wards, scope, rest_goes_on=partial or ward_set.correction)
    reports = await read_open(conn, wards, scope, snap_m)
    eve = scope.day - timedelta(days=1)
    held = set(reports.old[reports.moving].tolist()) - {-1}
    before = tuple(i for i in scope.affected if wards.wards[i].in_force(eve) or i in held)
    after = tuple(sorted((*scope.new, *scope.going_on)))
    at_last = [i for i in before if wards.wards[i].in_force(eve)]
    if mapping is not None:
        refuse_unknown(mapping, _names(wards, at_last), _names(wards, after))
    overlay = shares(wards.polygons[list(before)], wards.polygons[list(after)])
    told = fates(wards, before, after, overlay)
    return Plan(
        set_name=set_name,
        in_force_on=ward_set.valid_from,
        state=reform.state if reform is not None else None,
        wards=wards,
        before=before,
        after=after,
        replaced=tuple(i for i in scope.ended if wards.wards[i].in_force(eve)),
        replacing=scope.new,
        going_on=scope.left_out,
        shares=overlay,
        pairs=_pairs(wards, before, after, overlay, reports),
        fates=told,
        outside=_per_ward(wards, reports.old[reports.outside]),
        first=_per_ward(wards, reports.new[reports.old < 0]),
        pointing=await pointing(conn, wards, scope),
        mapped=mapping is not None,
        disagreements=_disagreements(
            mapping, wards, before, after, overlay, set(at_last) & set(scope.ended)
        ),
    )


def _names(wards: WardDirectory, positions: Sequence[int]) -> dict[str, str]:
    return {wards.wards[i].code: wards.wards[i].name for i in positions}


def _pairs(
    wards: WardDirectory,
    before: Sequence[int],
    after: Sequence[int],
    overlay: Shares,
    reports: OpenReports,
) -> tuple[Pair, ...]:
    ground = {
        (before[i], after[j]): (float(area), float(old), float(new))
        for i, j, area, old, new in zip(
            overlay.old, overlay.new, overlay.area_m2, overlay.of_old, overlay.of_new, strict=True
        )
    }
    counts = _counts(wards, reports)
    found = [
        Pair(
            wards.wards[old],
            wards.wards[new],
            *ground.get((old, new), (0.0, 0.0, 0.0)),
            **counts.get((old, new), {}),
        )
        # A ward that goes on beside its own reports is no pair.
        for old, new in dict.fromkeys((*ground, *counts))
        if old != new
    ]
    return tuple(sorted(found, key=lambda p: (p.old.code, -p.of_old, p.new.code)))


def _counts(wards: WardDirectory, reports: OpenReports) -> dict[tuple[int, int], dict[str, int]]:
    """Counts of a `Pair` by positions of old and new ward."""
    there = np.flatnonzero((reports.new >= 0) & (reports.old >= 0))
    ambiguous = np.zeros(len(reports), dtype=bool)
    ambiguous[list(reports.others)] = True
    # One number for what decides whether people are told.
    key = np.column_stack([reports.old, reports.new, reports.organisation])[there]
    met, back = np.unique(key, axis=0, return_inverse=True)
    back = back.reshape(-1)
    n = len(met)
    totals = np.bincount(back, minlength=n).tolist()
    unsure = np.bincount(back, ambiguous[there], n).astype(int).tolist()
    newly = np.bincount(back, (ambiguous & ~reports.was_ambiguous)[there], n).astype(int).tolist()
    found: dict[tuple[int, int], dict[str, int]] = {}
    for (old, new, organisation), total, some, fresh in zip(
        met.tolist(), totals, unsure, newly, strict=True
    ):
        was, now = wards.wards[old], wards.wards[new]
        told = old != new and is_told(was, now, organisation, follows(was, organisation))
        row = found.setdefault(
            (old, new),
            dict.fromkeys(("open", "moving", "renewed", "ambiguous", "newly_ambiguous"), 0),
        )
        row["open"] += total
        row["moving" if told else "renewed"] += total
        row["ambiguous"] += some
        row["newly_ambiguous"] += fresh
    return found


def _per_ward(wards: WardDirectory, positions: Any) -> tuple[tuple[Ward, int], ...]:
    met, n = np.unique(positions, return_counts=True)
    return tuple((wards.wards[i], k) for i, k in zip(met.tolist(), n.tolist(), strict=True))


def _disagreements(
    mapping: Sequence[Line] | None,
    wards: WardDirectory,
    before: Sequence[int],
    after: Sequence[int],
    overlay: Shares,
    ending: Set[int],
) -> tuple[Disagreement, ...]:
    """`ending` are the wards that must be in the file: not the neighbours that go on."""
    if mapping is None:
        return ()
    drawn = {
        (wards.wards[before[i]].code, wards.wards[after[j]].code): float(share)
        for i, j, share in zip(overlay.old, overlay.new, overlay.of_old, strict=True)
    }
    return tuple(disagreements(mapping, drawn, [wards.wards[i].code for i in sorted(ending)]))


def _brief(ward: Ward) -> dict[str, str]:
    return {"code": ward.code, "name": ward.name, "kind": ward.kind}
