"""The compiled part of the scan: the likelihood ratio, the observed reports, many replicas at once.

Counts of several replicas lie side by side in one 64-bit word, 16 bits each (32 where a window
holds more than 32,767 reports), so one addition adds them all. The threshold comparison is an
addition too: where a count reaches its threshold, count + 2**(bits - 1) - threshold sets the
highest bit of its part of the word. The ratio itself, with its logarithms, is worked out only
behind such a bit.
"""

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from geo.hotspots.scan.circles import BLOCK, Circles

Ints = npt.NDArray[np.int64]
Narrow = npt.NDArray[np.uint32]
Words = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]

GROUP: Final = 8  # windows at most that are counted in one go
WORDS: Final = 4  # words of replicas a window: 16 replicas of 16 bits, 8 of 32
# Thresholds are kept for these likelihood ratios (logarithms); the largest ratio of a replica that
# nothing began in is mostly between 6 and 12.
LEVEL_STEP: Final = 0.5
LEVELS: Final = 29
_ROW_BITS: Final = 13


class Margins(NamedTuple):
    """What every replica has in common with the observed reports."""

    sizes: Ints  # (places + 1,) reports of each place on all days; the last is 0
    windows: Ints  # (windows,) reports of all places on the last 1, 2, … days
    n: int
    shift: int  # a circle's total, shifted right by it, is its row of the thresholds
    # (levels, rows + 1, windows) 2**(bits - 1) less the least count whose ratio reaches the level;
    # 0 where none does. The last row is for blocks in which no circle ends.
    room: Narrow


class Peaks(NamedTuple):
    """The best circle and window of each centre."""

    ratio: Floats  # (centres,), 0 where no circle holds more than expected
    edge: Ints  # the farthest place, -1 where none
    window: Ints  # days less 1, -1 where none


@njit(cache=True)
def ratio(c: int | np.int64, product: int | np.int64, n: int) -> float:
    """Logarithm of the likelihood ratio of `c` of `n` reports where `product / n` are expected: 0
    unless more came (Kulldorff 2005: Poisson, given the total)."""
    if c * n <= product:
        return 0.0
    mu = product / n
    inside = c * math.log(c / mu)
    return max(0.0, inside + (n - c) * math.log1p((mu - c) / (n - mu))) if c < n else inside


@njit(cache=True)
def higher(c: int | np.int64, product: int | np.int64, n: int, best: float) -> float:
    """The larger one of `best` and the ratio; without a logarithm where that is plain.

    With u = c/mu - 1 and v = (c - mu)/(n - mu) the ratio is mu·((1+u)ln(1+u) - u) plus
    (n-mu)·((1-v)ln(1-v) + v), at most mu·u²/2 + (n-mu)·v².
    """
    if c * n <= product:
        return best
    mu = product / n
    over = c - mu
    if over * over * (0.5 / mu + 1.0 / (n - mu)) <= best * (1.0 - 1e-9):
        return best
    return max(best, ratio(c, product, n))


def margins(sizes: Ints, windows: Ints, largest: int, bits: int) -> Margins:
    """Margins with their thresholds, for circles of at most `largest` reports."""
    n = int(sizes.sum())
    shift = max(0, largest.bit_length() - _ROW_BITS)
    room = np.zeros((LEVELS, (largest >> shift) + 2, len(windows)), np.uint32)
    _thresholds(room, windows, n, shift, 1 << (bits - 1))
    return Margins(np.append(sizes, 0), windows, n, shift, room)


@njit(nogil=True, cache=True)
def _thresholds(room: Narrow, windows: Ints, n: int, shift: int, cap: int) -> None:
    for level in range(room.shape[0]):
        # A little below, since the sums are rounded.
        least = level * LEVEL_STEP * (1.0 - 1e-9)
        for w in range(len(windows)):
            c = 1
            for row in range(room.shape[1] - 1):
                # The row's smallest circle. A larger one needs more, so `c` only ever grows.
                product = max(1, row << shift) * windows[w]
                while c <= windows[w] and (c * n <= product or ratio(c, product, n) < least):
                    c += 1
                if c > windows[w]:
                    break
                room[level, row, w] = np.uint32(cap - c)


@njit(nogil=True, cache=True)
def peaks(around: Circles, margins: Margins, recent: Ints) -> Peaks:
    """The best circle and window of each centre.

    `recent` is (places + 1, windows), the observed reports. Of equal ratios the smaller circle
    counts, then the shorter window.
    """
    centres = len(around.start) - 1
    best = np.zeros(centres)
    edge = np.full(centres, -1, np.int64)
    window = np.full(centres, -1, np.int64)
    held = np.empty(len(margins.windows), np.int64)
    for i in range(centres):
        held[:] = 0
        total = 0
        for b in range(around.start[i], around.start[i + 1]):
            for k in range(BLOCK):
                place = around.near[b, k]
                total += margins.sizes[place]
                for w in range(len(held)):
                    held[w] += recent[place, w]
                if not around.ends[b] >> k & 1:
                    continue
                for w in range(len(held)):
                    found = higher(held[w], total * margins.windows[w], margins.n, best[i])
                    if found > best[i]:
                        best[i], edge[i], window[i] = found, place, w
    return Peaks(best, edge, window)


def field(places: int, windows: int) -> Words:
    """Room for a batch of replicas: (groups, places + 1, windows of a group · WORDS).

    Few windows a group keep its counts in the processor's cache; those behind the last of
    `windows` stay 0.
    """
    groups = -(-windows // GROUP)
    return np.zeros((groups, places + 1, -(-windows // groups) * WORDS), np.uint64)


@njit(nogil=True, cache=True)
def fill(field: Words, replica: int, bits: int, places: Ints, ages: Ints) -> None:
    """Put one replica's reports into a `field`, each into the window of age + 1 days only."""
    lanes = 64 // bits
    one = np.uint64(1) << np.uint64(replica % lanes * bits)
    word = replica // lanes
    group = field.shape[2] // WORDS
    for i in range(len(places)):
        field[ages[i] // group, places[i], ages[i] % group * WORDS + word] += one


@njit(nogil=True, cache=True)
def lengthen(field: Words, windows: int) -> None:
    """Add to each window of a filled `field` what lies in the shorter ones."""
    group = field.shape[2] // WORDS
    for w in range(1, windows):
        new, old = w % group * WORDS, (w - 1) % group * WORDS
        for place in range(field.shape[1]):
            for q in range(WORDS):
                field[w // group, place, new + q] += field[(w - 1) // group, place, old + q]


@njit(nogil=True, cache=True)
def replicate(around: Circles, margins: Margins, field: Words, bits: int, best: Floats) -> None:
    """Raise `best`, the largest ratio of each replica in `field`, by the circles `around`."""
    words = field.shape[2]
    ones = np.uint64(0)
    for lane in range(64 // bits):
        ones |= np.uint64(1) << np.uint64(lane * bits)
    high = ones << np.uint64(bits - 1)
    held = np.empty(words, np.uint64)
    room = np.zeros(words, np.uint64)
    level = min(int(best.min() / LEVEL_STEP), LEVELS - 1)
    for group in range(len(field)):
        first = group * (words // WORDS)
        windows = min(words // WORDS, len(margins.windows) - first)
        counts = field[group]
        for i in range(len(around.start) - 1):
            held[:] = np.uint64(0)
            for b in range(around.start[i], around.start[i + 1]):
                for w in range(windows):
                    spread = np.uint64(margins.room[level, around.row[b], first + w]) * ones
                    for q in range(WORDS):
                        room[w * WORDS + q] = spread
                p0, p1 = counts[around.near[b, 0]], counts[around.near[b, 1]]
                p2, p3 = counts[around.near[b, 2]], counts[around.near[b, 3]]
                p4, p5 = counts[around.near[b, 4]], counts[around.near[b, 5]]
                p6, p7 = counts[around.near[b, 6]], counts[around.near[b, 7]]
                hit = np.uint64(0)
                # One straight loop over all words: the compiler makes it vector instructions. It
                # compares the block's last count with what its first, smallest circle needs.
                for j in range(words):
                    new = held[j] + (
                        ((p0[j] + p1[j]) + (p2[j] + p3[j])) + ((p4[j] + p5[j]) + (p6[j] + p7[j]))
                    )
                    held[j] = new
                    hit |= new + room[j]
                if hit & high:
                    _look(around, b, margins, counts, first, level, bits, high, held, room, best)
                    level = min(int(best.min() / LEVEL_STEP), LEVELS - 1)


@njit(nogil=True, cache=True)
def _look(
    around: Circles,
    b: int,
    margins: Margins,
    counts: Words,
    first: int,
    level: int,
    bits: int,
    high: np.uint64,
    held: Words,
    room: Words,
    best: Floats,
) -> None:
    """Each circle of a block, from the last, with its own thresholds; logarithms where reached.

    `held` are the counts behind the block; `room` is overwritten.
    """
    lanes = 64 // bits
    mask = (np.uint64(1) << np.uint64(bits)) - np.uint64(1)
    ones = high >> np.uint64(bits - 1)
    here = held.copy()
    total = around.total[b]
    for k in range(BLOCK - 1, -1, -1):
        place = around.near[b, k]
        if around.ends[b] >> k & 1:
            for w in range(min(len(held) // WORDS, len(margins.windows) - first)):
                spread = np.uint64(margins.room[level, total >> margins.shift, first + w]) * ones
                for q in range(WORDS):
                    room[w * WORDS + q] = spread
            hit = np.uint64(0)
            for j in range(len(here)):
                hit |= here[j] + room[j]
            for j in range(len(here) if hit & high else 0):
                over = here[j] + room[j] & high
                for lane in range(lanes if over else 0):
                    at = np.uint64(lane * bits)
                    if over >> (at + np.uint64(bits - 1)) & np.uint64(1):
                        c = np.int64(here[j] >> at & mask)
                        product = total * margins.windows[first + j // WORDS]
                        replica = j % WORDS * lanes + lane
                        best[replica] = higher(c, product, margins.n, best[replica])
        less = counts[place]
        for j in range(len(here)):
            here[j] -= less[j]
        total -= margins.sizes[place]
