"""Artefacts: what looks like a hotspot and is a habit of recording. Named, never just dropped.

Four kinds: a point that stands for "no address known", one person reporting the same again and
again, coordinates that were rounded to a grid, and reports that came in as a batch. The first three
must not make hotspots; a batch has real places, only its times are not to be trusted.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from geo import crs
from geo.errors import Invalid
from geo.hotspots.artefacts.artefact import METRES_A_DEGREE, Artefact, Numbers, Places, column, vi
from geo.hotspots.artefacts.batches import bulk_imports
from geo.hotspots.artefacts.gridded import coarse_grids
from geo.hotspots.dbscan import dbscan

__all__ = ["Artefact", "bulk_imports", "coarse_grids", "default_points", "left_out", "one_sender"]

# A pile smaller than this does no harm that the tests of hotspots would not withstand.
FEWEST_ON_A_POINT = 50
# Boston's default point: 144 categories of 151 expected in so many reports drawn from the whole
# city, 13 times the reports of its neighbourhood. The next piles there, real places all: at most
# 0.65 of the categories, and fewer reports than around them.
LEAST_CATEGORIES = 8
FEWEST_CATEGORIES = 3
LEAST_VARIETY = 0.6
LEAST_STEEPNESS = 3.0
AROUND_M = 300.0
SMEARED_M = 15.0
# Of one category three times its part of the city and some more: real trouble, in which a few
# reports of everything else would hide it.
MOST_OF_ONE, SOME_MORE = 3.0, 5

FEWEST_OF_A_SENDER = 10
SAME_PLACE_M = 25.0
# Whoever reports from so many squares of 500 m is a desk or a shared phone, not a neighbour.
MOST_SQUARES = 25
SQUARE_M = 500.0


def default_points(
    lon: npt.ArrayLike, lat: npt.ArrayLike, categories: npt.ArrayLike
) -> list[Artefact]:
    """Exact points that a source gives to reports whose place it does not know, the fullest first.

    `lon`, `lat` are (n,) WGS 84 degrees, `categories` (n,) whole numbers from 0, of all reports of
    the period. A pile of 50 or more on one point, or with so many within some 15 m where a source
    blurs it by a few metres, is one when it is unlike a real place in both ways: it holds most of
    the categories that as many reports from all over the city would (a block of flats or a flooded
    junction has its own few), and at least three times the reports of the 300 m around it. A pile
    that is some metres wide must not be mostly of one category, too: nobody shall be able to hide
    a trouble by reporting everything else there. Raises `Invalid` on columns of unequal length.
    """
    places = Places.of(lon, lat)
    kinds = column("categories", categories, len(places.which))
    _, kinds = np.unique(kinds, return_inverse=True)
    share = np.bincount(kinds) / max(len(kinds), 1)
    # A young city may have fewer categories than that; one or two of them are no variety.
    least = max(FEWEST_CATEGORIES, min(LEAST_CATEGORIES, len(share)))
    around = _Around(places)

    def default(members: Numbers, exact: bool) -> Artefact | None:
        n = len(members)
        variety = len(np.unique(kinds[members]))
        expected = float((1.0 - (1.0 - share) ** n).sum())
        if variety < max(least, LEAST_VARIETY * expected):
            return None
        of_one = np.bincount(kinds[members], minlength=len(share))
        if not exact and (of_one > MOST_OF_ONE * n * share + SOME_MORE).any():
            return None
        which = places.which[members]
        middle = float(np.median(places.lon[which])), float(np.median(places.lat[which]))
        near = around.count(*middle) - n
        if n < LEAST_STEEPNESS * max(near, 1):
            return None
        return _default_point(middle, members, variety, near, exact)

    found = [each for pile in _piles(places) if (each := default(pile, True))]
    rest = np.flatnonzero(~left_out(found, len(kinds))).astype(np.int64)
    found += [each for pile in _smeared(places, rest) if (each := default(pile, False))]
    return sorted(found, key=lambda each: (-each.n, int(each.members[0])))


def one_sender(
    lon: npt.ArrayLike,
    lat: npt.ArrayLike,
    senders: npt.ArrayLike,
    categories: npt.ArrayLike,
    at: npt.ArrayLike,
) -> list[Artefact]:
    """Where one sender reported the same thing at the same place ten times or more.

    `senders` are (n,) whole numbers, -1 for unknown, by whatever key the caller has; `categories`
    (n,) whole numbers, `at` (n,) times of any one unit. The same place is a group of reports of
    which one has ten within 25 m. Each such sender counts once: `left_out` are all but the first
    report. A key seen in more than 25 squares of 500 m is taken for a desk's, not a person's.
    The fullest come first. Raises `Invalid` on columns of unequal length.
    """
    places = Places.of(lon, lat)
    total = len(places.which)
    who = column("senders", senders, total)
    kinds = column("categories", categories, total)
    times = np.asarray(at)
    if times.shape != (total,):
        raise Invalid(f"at must be one time a report, {total}; it has the shape {times.shape}")
    known = np.flatnonzero(who >= 0)
    if len(known) < FEWEST_OF_A_SENDER:
        return []
    order = known[np.lexsort((kinds[known], who[known]))]
    fresh = (np.diff(who[order], prepend=-2) != 0) | (np.diff(kinds[order], prepend=-1) != 0)
    group = np.cumsum(fresh) - 1
    many = np.bincount(group)[group] >= FEWEST_OF_A_SENDER
    chosen, group = order[many], group[many]
    if not len(chosen):
        return []
    keep = ~np.isin(who[chosen], _desks(places, who, np.unique(who[chosen])))
    chosen = chosen[keep]
    if not len(chosen):
        return []
    where = places.which[chosen]
    x_m, y_m, _ = crs.to_metres(places.lon[where], places.lat[where])
    # One call for all groups: each on a stretch of its own, farther from the next than any two
    # of its reports are from each other.
    _, group = np.unique(group[keep], return_inverse=True)
    stretch_m = float(np.ptp(x_m)) + 10 * SAME_PLACE_M
    apart = np.column_stack([x_m - x_m.min() + group * stretch_m, y_m - y_m.min()])
    labels = dbscan(apart, SAME_PLACE_M, FEWEST_OF_A_SENDER)
    found = [
        _one_sender(places, members, times[members])
        for members in map(np.sort, _by_label(labels, chosen))
    ]
    return sorted(found, key=lambda each: (-each.n, int(each.members[0])))


def left_out(artefacts: Iterable[Artefact], n: int) -> npt.NDArray[np.bool_]:
    """(n,) mask of the reports that no hotspot may be built on."""
    mask = np.zeros(n, dtype=bool)
    for each in artefacts:
        mask[each.left_out] = True
    return mask


class _Around:
    """How many reports lie within 300 m of a point."""

    def __init__(self, places: Places) -> None:
        self._order = np.argsort(places.lat, kind="stable")
        self._lat = places.lat[self._order]
        self._lon = places.lon[self._order]
        self._n = places.n[self._order]

    def count(self, lon: float, lat: float) -> int:
        half = AROUND_M / METRES_A_DEGREE
        low, high = np.searchsorted(self._lat, [lat - half, lat + half])
        band = slice(int(low), int(high))
        north_m = (self._lat[band] - lat) * METRES_A_DEGREE
        east_m = (self._lon[band] - lon) * METRES_A_DEGREE * np.cos(np.radians(lat))
        return int(self._n[band][north_m**2 + east_m**2 <= AROUND_M**2].sum())


def _piles(places: Places) -> list[Numbers]:
    """The reports of each exact point that holds enough of them."""
    full = np.flatnonzero(places.n >= FEWEST_ON_A_POINT)
    rank = np.full(len(places.n), -1, dtype=np.int64)
    rank[full] = np.arange(len(full))
    return _by_label(rank[places.which], np.arange(len(places.which), dtype=np.int64))


def _smeared(places: Places, rest: Numbers) -> list[Numbers]:
    """The same of piles a few metres wide, among the reports `rest`."""
    if len(rest) < FEWEST_ON_A_POINT:
        return []
    which = places.which[rest]
    # Mercator: true in every direction, too wide by 1 / cos(latitude), which is no matter here.
    lat = np.clip(places.lat[which], -85.0, 85.0)
    y = np.degrees(np.arctanh(np.sin(np.radians(lat))))
    points_m = np.column_stack([places.lon[which], y]) * METRES_A_DEGREE
    piles = _by_label(dbscan(points_m, SMEARED_M, FEWEST_ON_A_POINT), rest)
    return [pile for pile in piles if _width_m(places, pile) <= 4 * SMEARED_M]


def _by_label(labels: Numbers, rows: Numbers) -> list[Numbers]:
    """The rows of each label from 0, ascending."""
    order = np.argsort(labels, kind="stable")
    order = order[labels[order] >= 0]
    parts = np.split(rows[order], np.flatnonzero(np.diff(labels[order])) + 1)
    return [part for part in parts if len(part)]


def _width_m(places: Places, members: Numbers) -> float:
    lat = places.lat[places.which[members]]
    east = np.ptp(places.lon[places.which[members]]) * np.cos(np.radians(lat[0]))
    return float(max(np.ptp(lat), east) * METRES_A_DEGREE)


def _default_point(
    middle: tuple[float, float], members: Numbers, variety: int, near: int, exact: bool
) -> Artefact:
    n = len(members)
    where_vi, where_en = ("đúng một điểm", "on exactly one point")
    if not exact:
        where_vi, where_en = ("cách nhau vài mét", "within a few metres")
    return Artefact(
        kind="default_location",
        members=members,
        left_out=members,
        lon=round(middle[0], 7),
        lat=round(middle[1], 7),
        why_vi=f"Có lẽ là vị trí mặc định: {vi(n)} phản ánh thuộc {variety} loại nằm {where_vi}, "
        f"trong khi cả vùng {AROUND_M:.0f} m xung quanh chỉ có {vi(near)}. Hệ thống nguồn thường "
        "ghi điểm này khi không rõ địa chỉ.",
        why_en=f"Likely a default location: {n:,} reports of {variety} categories lie {where_en}, "
        f"and only {near:,} in the {AROUND_M:.0f} m around. A source tends to give this point when "
        "it does not know the address.",
    )


def _desks(places: Places, who: Numbers, suspects: Numbers) -> Numbers:
    """Those of the senders that report from too many squares, of any category, to be one person."""
    theirs = np.flatnonzero(np.isin(who, suspects))
    at = places.which[theirs]
    x_m, y_m, _ = crs.to_metres(places.lon[at], places.lat[at])
    squares = np.column_stack([who[theirs], x_m // SQUARE_M, y_m // SQUARE_M]).astype(np.int64)
    sender, n = np.unique(np.unique(squares, axis=0)[:, 0], return_counts=True)
    return np.asarray(sender[n > MOST_SQUARES])


def _one_sender(places: Places, members: Numbers, times: npt.NDArray[np.generic]) -> Artefact:
    first = int(np.argmin(times))
    n = len(members)
    which = places.which[members]
    return Artefact(
        kind="one_sender",
        members=members,
        left_out=np.delete(members, first),
        lon=round(float(np.median(places.lon[which])), 7),
        lat=round(float(np.median(places.lat[which])), 7),
        why_vi=f"{vi(n)} phản ánh cùng loại, cùng một nội dung, gửi qua cùng một kênh tại cùng một "
        "chỗ: có lẽ của một người. Khi tìm điểm nóng, các phản ánh này chỉ tính là một.",
        why_en=f"{n:,} reports of the same category with the same text came through the same "
        "channel at the same place: probably one person's. In the search for hotspots they count "
        "as one.",
    )
