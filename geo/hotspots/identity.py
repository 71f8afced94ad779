"""The same hotspot keeps its id from run to run, though reports come and go and hulls move.

Two sightings are compared over the time both windows share: a report that left because the window
moved on says nothing about the place. Their *likeness* is the mean of two Jaccard indices, of the
shared reports and of the footprints, or that of the footprints alone where the shared time holds
too few reports. Of likeness 0.5 on, an id goes on, the likest pair first. What is left may still
lie within another by more than half: several old ones within one new are a merge, several new ones
within one old a split; both name their parents, and the oldest id survives.

A hotspot not found is dormant, and keeps its id for two windows (two lengths of the run's window,
so that it does not matter how often runs are made). One that enters needs p <= 0.05, one that was
there in the run before stays up to 0.20: so that nothing blinks from night to night.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import shapely

from geo.errors import Invalid

ENTER: Final = 0.05
STAY: Final = 0.20
SAME: Final = 0.5
# Below this many reports one that is withdrawn or merged would decide.
FEWEST_REPORTS: Final = 5
DORMANT_WINDOWS: Final = 2

# Crockford's base 32: no I, L, O or U, which are misread or misheard.
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH: Final = 8

Window = tuple[float, float]
Reports = npt.NDArray[np.int64]
Kind = Literal["kept", "returned", "merged", "split", "new"]


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """A hotspot as one run saw it.

    `reports` are (n,) int64 report numbers, each once, `at_days` (n,) when they were made, in days
    of any one clock; `footprint` is a valid polygon in metres around them, of one plane for all
    runs; `window` is the run's period `(since, until)`, half-open, in days of that clock. Raises
    `Invalid` on unequal lengths, repeated reports, or a window or footprint that is none.
    """

    reports: Reports
    at_days: npt.NDArray[np.float64]
    footprint: shapely.Geometry
    window: Window

    def __post_init__(self) -> None:
        if self.reports.shape != self.at_days.shape or self.reports.ndim != 1:
            raise Invalid(
                "reports and at_days must be one number each for every report; they have the "
                f"shapes {self.reports.shape} and {self.at_days.shape}"
            )
        if len(np.unique(self.reports)) != len(self.reports):
            raise Invalid("reports must name each report once; one is there twice")
        if not self.window[0] < self.window[1]:
            raise Invalid(f"a window must end after it begins; it is {self.window}")
        if not shapely.is_valid(self.footprint) or not shapely.area(self.footprint) > 0:
            raise Invalid("a footprint must be a valid polygon with an area; mend it beforehand")


@dataclass(frozen=True, slots=True, eq=False)
class Previous:
    """A hotspot that has an id: its last sighting, and the day of its first, for "the oldest".

    `dormant` says that the run before did not find it.
    """

    id: str
    seen: Sighting
    born_days: float
    dormant: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Current:
    """What a run found and has no id yet: with the lowest of its reports' codes, and its p."""

    seen: Sighting
    lowest_code: str
    p_value: float


@dataclass(frozen=True, slots=True)
class Matched:
    """One hotspot of the run: `index` into `current`, its id, where that comes from.

    `parents` are the ids that went into a merge (its own among them) or that a split came from.
    `likeness` compares it with the sighting whose id it bears, and is None for a new id.
    """

    index: int
    id: str
    kind: Kind
    parents: tuple[str, ...] = ()
    likeness: float | None = None


@dataclass(frozen=True, slots=True)
class Matches:
    """A run's identities. `hotspots` are in the order of `current`, those left out missing.

    `left_out`: indices of candidates too weak to enter. `dormant`: ids to remember. `ended`: ids
    that are over, each with the id it went into, or None if it was not found for two windows.
    """

    hotspots: list[Matched]
    left_out: list[int]
    dormant: list[str]
    ended: dict[str, str | None]


@dataclass(frozen=True, slots=True)
class _Pair:
    old: int
    new: int
    likeness: float
    old_in_new: float
    new_in_old: float


def match(
    previous: Sequence[Previous],
    current: Sequence[Current],
    *,
    category: str,
    as_of: date,
    window: Window,
    known: Collection[str] = (),
) -> Matches:
    """Who is who among the hotspots of one category.

    `previous` are the living and dormant hotspots before this run, `current` what it found, with
    p up to 0.20; `window` is this run's period in days. `known` are ids that were ever given
    (those of `previous` are known anyway), except by an earlier run as of the same day, which this
    one replaces. The answer depends on no order of either list. Raises `Invalid` when two of
    `previous` bear one id.
    """
    taken = {old.id for old in previous}
    if len(taken) != len(previous):
        raise Invalid("two previous hotspots bear one id; give each once, by its last sighting")
    alive = [i for i, new in enumerate(current) if new.p_value <= STAY]
    strong = [i for i in alive if current[i].p_value <= ENTER]
    living = [i for i, old in enumerate(previous) if not old.dormant]
    asleep = [i for i, old in enumerate(previous) if old.dormant and _remembered(old, window)]
    pairs = _pairs(previous, current, living, alive)
    heirs = _heirs(pairs, previous, current)
    # The dormant come second: they must not take an id from what was there yesterday.
    free = sorted(set(strong) - set(heirs.values()))
    woken = _pairs(previous, current, asleep, free)
    heirs |= _heirs(woken, previous, current)
    likeness = {(pair.old, pair.new): pair.likeness for pair in pairs + woken}

    found: dict[int, Matched] = {}
    ended: dict[str, str | None] = {}
    for i in sorted(set(heirs.values())):
        into = [k for k, heir in heirs.items() if heir == i]
        into.sort(key=lambda k: (previous[k].born_days, previous[k].id))
        oldest = previous[into[0]]
        ids = tuple(previous[k].id for k in into)
        kind: Kind = "merged" if len(ids) > 1 else "returned" if oldest.dormant else "kept"
        like = round(likeness[into[0], i], 4)
        found[i] = Matched(i, oldest.id, kind, ids if kind == "merged" else (), like)
        ended |= dict.fromkeys(ids[1:], oldest.id)
    taken |= set(known)
    for i in sorted(set(strong) - set(found), key=lambda i: (current[i].lowest_code, i)):
        parents = sorted(
            (previous[pair.old].born_days, previous[pair.old].id)
            for pair in pairs
            if pair.new == i and pair.new_in_old > SAME
        )
        fresh = new_id(category, as_of, current[i].lowest_code, taken)
        taken.add(fresh)
        found[i] = Matched(
            i, fresh, "split" if parents else "new", tuple(name for _, name in parents)
        )
    unseen = [old for k, old in enumerate(previous) if k not in heirs]
    ended |= {old.id: None for old in unseen if not _remembered(old, window)}
    return Matches(
        hotspots=[found[i] for i in sorted(found)],
        left_out=[i for i in range(len(current)) if i not in found],
        dormant=sorted(old.id for old in unseen if old.id not in ended),
        ended=ended,
    )


def keep_told(
    made: Matches, same: Matches, told: Collection[str], before: Collection[str]
) -> Matches:
    """`made`, with the ids that were told of the same day before.

    `same` compares the same `current` with those `told`; `before` are the ids that `made` goes on
    from. An id that the days before do not know of may have gone on to later days already: it stays
    with its hotspot, and where a day before, made later, has another for it, that one went into it.
    """
    names = {one.index: one.id for one in same.hotspots if one.id in told and one.id not in before}
    into = {one.id: names[one.index] for one in made.hotspots if one.index in names}
    ended = {old: into.get(heir, heir) if heir else None for old, heir in made.ended.items()}
    hotspots = []
    for one in made.hotspots:
        name = names.get(one.index, one.id)
        if name == one.id:
            hotspots.append(one)
        elif one.id in before:
            ended[one.id] = name
            parents = (*(one.parents or (one.id,)), name)
            hotspots.append(replace(one, id=name, kind="merged", parents=parents))
        else:
            hotspots.append(replace(one, id=name))
    return replace(made, hotspots=hotspots, ended=ended)


def new_id(category: str, as_of: date, lowest_code: str, known: Collection[str] = ()) -> str:
    """An id such as `H-7K3M-9QXV`, of what it names alone: the same answer in every rerun.

    In the rare case that it is among `known` already, the next one of the same series is taken.
    """
    for attempt in range(1000):
        said = "\0".join((category, as_of.isoformat(), lowest_code, str(attempt)))
        number = int.from_bytes(hashlib.blake2b(said.encode(), digest_size=8).digest(), "big")
        letters = "".join(_ALPHABET[number >> 5 * k & 31] for k in range(_LENGTH))
        if (made := f"H-{letters[:4]}-{letters[4:]}") not in known:
            return made
    raise Invalid("no id is free for a new hotspot; `known` holds a thousand of one series")


def _remembered(old: Previous, window: Window) -> bool:
    return window[1] - old.seen.window[1] <= DORMANT_WINDOWS * (window[1] - window[0])


def _pairs(
    previous: Sequence[Previous], current: Sequence[Current], old: list[int], new: list[int]
) -> list[_Pair]:
    """Every pair whose footprints meet. (A shared report lies in both, so no other pair can.)"""
    if not old or not new:
        return []
    tree = shapely.STRtree([current[i].seen.footprint for i in new])
    left, right = tree.query([previous[k].seen.footprint for k in old], predicate="intersects")
    return [
        _pair(old[a], new[b], previous[old[a]].seen, current[new[b]].seen)
        for a, b in zip(left.tolist(), right.tolist(), strict=True)
    ]


def _pair(k: int, i: int, old: Sighting, new: Sighting) -> _Pair:
    since = max(old.window[0], new.window[0])
    until = min(old.window[1], new.window[1])
    before = old.reports[(old.at_days >= since) & (old.at_days < until)]
    after = new.reports[(new.at_days >= since) & (new.at_days < until)]
    shared = len(np.intersect1d(before, after, assume_unique=True))
    together = len(before) + len(after) - shared
    area_m2 = float(shapely.area(shapely.intersection(old.footprint, new.footprint)))
    old_m2, new_m2 = float(shapely.area(old.footprint)), float(shapely.area(new.footprint))
    likeness = area_m2 / (old_m2 + new_m2 - area_m2)
    if together >= FEWEST_REPORTS:
        likeness = (likeness + shared / together) / 2
    return _Pair(
        old=k,
        new=i,
        likeness=likeness,
        old_in_new=shared / len(before) if len(before) >= FEWEST_REPORTS else area_m2 / old_m2,
        new_in_old=shared / len(after) if len(after) >= FEWEST_REPORTS else area_m2 / new_m2,
    )


def _heirs(
    pairs: list[_Pair], previous: Sequence[Previous], current: Sequence[Current]
) -> dict[int, int]:
    """Which of `current` each of `previous` goes on in; several may go on in one: a merge."""

    def key(pair: _Pair, overlap: float) -> tuple[float, float, str, str, float]:
        old, new = previous[pair.old], current[pair.new]
        west_m = float(shapely.bounds(new.seen.footprint)[0])
        return (-overlap, old.born_days, old.id, new.lowest_code, west_m)

    heirs: dict[int, int] = {}
    claimed: set[int] = set()
    for pair in sorted(pairs, key=lambda pair: key(pair, pair.likeness)):
        if pair.likeness >= SAME and pair.old not in heirs and pair.new not in claimed:
            heirs[pair.old] = pair.new
            claimed.add(pair.new)
    for pair in sorted(pairs, key=lambda pair: key(pair, pair.old_in_new)):
        if pair.old_in_new > SAME and pair.old not in heirs:
            heirs[pair.old] = pair.new
            claimed.add(pair.new)
    # What fell apart into pieces that are each less than half of it: the likest bears its id.
    for pair in sorted(pairs, key=lambda pair: key(pair, pair.likeness)):
        if pair.new_in_old > SAME and pair.old not in heirs and pair.new not in claimed:
            heirs[pair.old] = pair.new
            claimed.add(pair.new)
    return heirs
