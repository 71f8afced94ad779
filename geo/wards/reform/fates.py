"""What becomes of wards in a reform: split, merged, renamed, or a code that means another ward."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from geo.wards.directory import Ward, WardDirectory
from geo.wards.reform.mapping import SMALLEST_SHARE
from geo.wards.reform.shares import Shares

SAME_GROUND = 0.98
"""Wards that share so much of their joint ground are drawn as the same."""


@dataclass(frozen=True)
class Part:
    """A ward at the other end, and the share of the ward's area that it has or gives."""

    ward: Ward
    share: float


@dataclass(frozen=True)
class Fates:
    """Old wards by what becomes of them, and new ones by what they are made of.

    `same`: the same ground, code and name. `renamed`: the same ground and code, another name;
    `recoded`: the same ground, another code. `split`: each with the new wards it goes to; `merged`:
    new wards with the old ones they are made of (shares are of the old wards' area). `reused`:
    codes that name another ward than before, old and new. `ended` have no ground in any new ward.
    """

    same: tuple[tuple[Ward, Ward], ...]
    renamed: tuple[tuple[Ward, Ward], ...]
    recoded: tuple[tuple[Ward, Ward], ...]
    split: tuple[tuple[Ward, tuple[Part, ...]], ...]
    merged: tuple[tuple[Ward, tuple[Part, ...]], ...]
    reused: tuple[tuple[Ward, Ward], ...]
    ended: tuple[Ward, ...]

    def as_json(self) -> dict[str, Any]:
        """For `--json`; lists are plurals."""
        return {
            "same": len(self.same),
            "renames": [_change(*pair) for pair in self.renamed],
            "recodes": [_change(*pair) for pair in self.recoded],
            "splits": [_parts(ward, "into", parts) for ward, parts in self.split],
            "merges": [_parts(ward, "of", parts) for ward, parts in self.merged],
            "reused_codes": [_change(*pair) for pair in self.reused],
            "ends": [{"code": ward.code, "name": ward.name} for ward in self.ended],
        }


def fates(
    wards: WardDirectory, before: Sequence[int], after: Sequence[int], overlay: Shares
) -> Fates:
    """What becomes of the wards at the positions `before`, which `overlay` lays under `after`."""
    into: dict[int, list[tuple[int, float]]] = {i: [] for i in before}
    of: dict[int, list[tuple[int, float]]] = {j: [] for j in after}
    same, renamed, recoded = [], [], []
    for i, j, of_old, of_both in zip(
        overlay.old.tolist(),
        overlay.new.tolist(),
        overlay.of_old.tolist(),
        overlay.of_both.tolist(),
        strict=True,
    ):
        old, new = before[i], after[j]
        if of_old >= SMALLEST_SHARE:
            into[old].append((new, of_old))
            of[new].append((old, of_old))
        if of_both >= SAME_GROUND and old != new:
            was, now = wards.wards[old], wards.wards[new]
            if was.code != now.code:
                recoded.append((was, now))
            elif (was.name_plain, was.kind) != (now.name_plain, now.kind):
                renamed.append((was, now))
            else:
                same.append((was, now))
    by_code = {wards.wards[i].code: wards.wards[i] for i in before}
    reused = [
        (by_code[ward.code], ward)
        for ward in (wards.wards[j] for j in after)
        if ward.code in by_code and not _one(by_code[ward.code], ward)
    ]
    return Fates(
        same=tuple(same),
        renamed=tuple(renamed),
        recoded=tuple(recoded),
        split=tuple(
            (wards.wards[i], _listed(wards, parts)) for i, parts in into.items() if len(parts) > 1
        ),
        merged=tuple(
            (wards.wards[j], _listed(wards, parts)) for j, parts in of.items() if len(parts) > 1
        ),
        reused=tuple(reused),
        ended=tuple(wards.wards[i] for i, parts in into.items() if not parts),
    )


def _one(old: Ward, new: Ward) -> bool:
    """Whether both are versions of one ward."""
    return (old.same_as or old.id) == (new.same_as or new.id)


def _listed(wards: WardDirectory, parts: Sequence[tuple[int, float]]) -> tuple[Part, ...]:
    found = [Part(wards.wards[i], share) for i, share in parts]
    return tuple(sorted(found, key=lambda part: (-part.share, part.ward.code)))


def _change(old: Ward, new: Ward) -> dict[str, Any]:
    return {
        "from": {"code": old.code, "name": old.name},
        "to": {"code": new.code, "name": new.name},
    }


def _parts(ward: Ward, how: str, parts: Sequence[Part]) -> dict[str, Any]:
    return {
        "code": ward.code,
        "name": ward.name,
        how: [
            {"code": part.ward.code, "name": part.ward.name, "share": round(part.share, 4)}
            for part in parts
        ],
    }
