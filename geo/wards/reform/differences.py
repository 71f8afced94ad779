"""What differs between two ward sets: which wards, and which ground, by how much.

Wards are told apart by code and name, ground by the overlay of `geo.wards.reform.shares`.
"""

import unicodedata
from collections.abc import Iterator

import numpy as np
from shapely.geometry.base import BaseGeometry

from geo.wards.features import WardFeature, WardFile
from geo.wards.reform.changes import Alone, Differences, Pair, Piece
from geo.wards.reform.shares import Shares, shares
from geo.wards.versions import SAME_SHARE

SAME_GROUND_SHARE = 0.9
"""Wards of two codes and two names are one when this share of their joint ground is common; when
the name is the same too, `geo.wards.versions.SAME_SHARE` is enough."""

# Acute, grave, hook, tilde, dot below: the tones of Vietnamese.
_TONES = "\u0301\u0300\u0309\u0303\u0323"


def differences(before: WardFile, after: WardFile) -> Differences:
    """What `after` changes against `before`; codes must be unique in each."""
    found = shares(before.polygons, after.polygons)
    pieces = tuple(sorted(_pieces(before, after, found), key=lambda piece: -piece.area_m2))
    touched_before = {p.from_code for p in pieces if p.change in ("moved", "lost")}
    touched_after = {p.to_code for p in pieces if p.change in ("moved", "gained")}
    place = {ward.code: j for j, ward in enumerate(after.wards)}
    common = dict(
        zip(zip(found.old.tolist(), found.new.tolist(), strict=True), found.of_both, strict=True)
    )
    sorts: dict[str, list[Pair]] = {"changed": [], "renamed": [], "recoded": [], "reused": []}
    same = 0
    for i, ward in enumerate(before.wards):
        j = place.get(ward.code)
        if j is None:
            continue
        share = float(common.get((i, j), 0.0))
        pair = _pair(ward, after.wards[j], share)
        if not _one_name(ward, after.wards[j]):
            sorts["renamed" if share >= SAME_SHARE else "reused"].append(pair)
        elif ward.code in touched_before or ward.code in touched_after:
            sorts["changed"].append(pair)
        else:
            same += 1
    for (i, j), share in common.items():
        if _recoded(before.wards[i], after.wards[j], share):
            sorts["recoded"].append(_pair(before.wards[i], after.wards[j], float(share)))
    gone = {pair.from_code for pair in sorts["recoded"]} | set(place)
    known = {pair.to_code for pair in sorts["recoded"]} | {ward.code for ward in before.wards}
    return Differences(
        before=before.source,
        after=after.source,
        wards_before=len(before),
        wards_after=len(after),
        same=same,
        **{name: tuple(sorted(pairs, key=_least_common)) for name, pairs in sorts.items()},
        only_before=_alone(before, gone, found.old_m2.tolist()),
        only_after=_alone(after, known, found.new_m2.tolist()),
        pieces=pieces,
        dropped_m2=round(found.dropped_common_m2 + found.dropped_alone_m2, 1),
    )


def _pieces(before: WardFile, after: WardFile, found: Shares) -> Iterator[Piece]:
    for k, (i, j) in enumerate(zip(found.old.tolist(), found.new.tolist(), strict=True)):
        old, new = before.wards[i], after.wards[j]
        share = float(found.of_both[k])
        if old.code == new.code and _one_name(old, new):
            continue
        change = "moved"
        if old.code == new.code and share >= SAME_SHARE:
            change = "renamed"
        elif _recoded(old, new, share):
            change = "recoded"
        yield _piece(
            change, old, new, found.area_m2[k], found.of_old[k], found.of_new[k], found.common[k]
        )
    for i in np.flatnonzero(found.lost_m2).tolist():
        area = found.lost_m2[i]
        share = area / found.old_m2[i]
        yield _piece("lost", before.wards[i], None, area, share, None, found.lost[i])
    for j in np.flatnonzero(found.gained_m2).tolist():
        area = found.gained_m2[j]
        share = area / found.new_m2[j]
        yield _piece("gained", None, after.wards[j], area, None, share, found.gained[j])


def _piece(
    change: str,
    old: WardFeature | None,
    new: WardFeature | None,
    area_m2: float,
    of_old: float | None,
    of_new: float | None,
    shape: BaseGeometry,
) -> Piece:
    return Piece(
        change=change,
        from_code=old.code if old else None,
        from_name=old.name if old else None,
        to_code=new.code if new else None,
        to_name=new.name if new else None,
        area_m2=round(float(area_m2), 1),
        share_of_from=None if of_old is None else round(float(of_old), 6),
        share_of_to=None if of_new is None else round(float(of_new), 6),
        shape=shape,
    )


def _pair(old: WardFeature, new: WardFeature, share: float) -> Pair:
    return Pair(old.code, old.name, new.code, new.name, round(share, 6))


def _recoded(old: WardFeature, new: WardFeature, share: float) -> bool:
    least = SAME_SHARE if _one_name(old, new) else SAME_GROUND_SHARE
    return old.code != new.code and share >= least


def _one_name(old: WardFeature, new: WardFeature) -> bool:
    """Whether two wards are called the same; a kind that a source does not tell ("other") fits."""
    kinds = {old.kind, new.kind} - {"other"}
    return len(kinds) < 2 and _spelled(old.name) == _spelled(new.name)


def _spelled(name: str) -> str:
    """A name whichever vowel its tones are written on: "Hòa" and "Hoà" are one."""
    words = []
    for word in unicodedata.normalize("NFD", name.casefold()).split():
        tones = "".join(c for c in word if c in _TONES)
        words.append("".join(c for c in word if c not in _TONES) + tones)
    return " ".join(words)


def _alone(file: WardFile, known: set[str], areas: list[float]) -> tuple[Alone, ...]:
    return tuple(
        Alone(ward.code, ward.name, round(area, 1))
        for ward, area in zip(file.wards, areas, strict=True)
        if ward.code not in known
    )


def _least_common(pair: Pair) -> tuple[float, str]:
    return pair.common_share, pair.from_code
