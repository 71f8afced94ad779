"""The class of a trend: exact tests, against the rule that counts significant steps.

Simulated hotspots of known classes (`simulated_series`), judged by both in one run. The yardstick
is the rule of Emerging Hot Spot Analysis (ArcGIS), programmed from its description: each step is
hot or not, a place is persistent, intensifying or diminishing if at least 90 % of its steps are
hot, and a Mann-Kendall test says which of them. Measured is how many series get a wrong class.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import simulated_series as simulated
from scipy import stats

from geo.hotspots.trend.classes import classify

# Of each class, and of each case of the notes.
EACH = 200
NOTED = 60
BACKGROUND = 2.0
EXCESSES = {3: 0.81, 6: 0.97, 10: 0.97}
OTHERS = 20.0
STEADY = 1000


def measure(
    url: str, each: int = EACH, noted: int = NOTED, steady: int = STEADY
) -> list[dict[str, Any]]:
    ours(np.arange(24), 1.0)  # compiled before anything is timed
    rows = [_row(excess, aim, each, noted) for excess, aim in EXCESSES.items()]
    return [*rows, _steady(steady)]


def ours(counts: simulated.Ints, background: float, seed: int = 0) -> str | None:
    exposure = np.full(len(counts), background)
    rng = np.random.default_rng(seed)
    return classify(counts, exposure, background=1.0, rng=rng, counted=False).name


def theirs(counts: simulated.Ints, background: float) -> str | None:
    """The class by the share of hot steps, its eight patterns told in our five words.

    A step is hot if it and the one before hold more reports than chance explains at 5 % (one step
    back is what the tool takes as a neighbour in time). "Consecutive" is new, "historical" (hot
    nine times in ten, but not now) diminishing.
    """
    pairs = counts + np.concatenate([[0], counts[:-1]])
    due = background * np.minimum(np.arange(len(counts)) + 1, 2)
    hot = stats.poisson.sf(pairs - 1, due) <= 0.05
    if not hot.any():
        return None
    if hot.mean() < 0.9:
        first = int(np.argmax(hot))
        return "new" if hot[first:].all() else "sporadic"
    if not hot[-1]:
        return "diminishing"
    trend = stats.kendalltau(np.arange(len(counts)), counts)
    if not trend.pvalue <= 0.05:
        return "persistent"
    return "intensifying" if trend.statistic > 0 else "diminishing"


def wrong(
    rule: Callable[[simulated.Ints, float], str | None], each: int, background: float, excess: float
) -> dict[str, float]:
    """The part of each class that gets another, of the same series for every rule."""
    missed = dict.fromkeys(simulated.NAMES, 0)
    for name, counts in simulated.series(np.random.default_rng(2026), each, background, excess):
        missed[name] += rule(counts, background) != name
    return {name: n / each for name, n in missed.items()}


def _wrong_counted(each: int, excess: float) -> float:
    rng = np.random.default_rng(7)
    made = list(simulated.against_others(rng, each, BACKGROUND, excess, OTHERS))
    odds = BACKGROUND / OTHERS
    return sum(
        classify(counts, others, background=odds, rng=np.random.default_rng(0)).name != name
        for name, counts, others in made
    ) / len(made)


def _row(excess: int, aim: float, each: int, noted: int) -> dict[str, Any]:
    began = time.perf_counter()
    by_class = wrong(ours, each, BACKGROUND, excess)
    between = time.perf_counter()
    rule = wrong(theirs, each, BACKGROUND, excess)
    ended = time.perf_counter()
    all_ours, all_theirs = (sum(by.values()) / len(by) for by in (by_class, rule))
    others = [
        f"{1 - sum(wrong(ours, noted, b, excess).values()) / 5:.2f} of {b:.0f}" for b in (1.0, 4.0)
    ]
    classes = ", ".join(f"{name} {1 - part:.2f}" for name, part in by_class.items())
    right, counted = 1 - all_ours, 1 - _wrong_counted(noted, excess)
    return {
        "what": f"trend of {5 * each:,} hotspots, {excess} more a month than {BACKGROUND:.0f}",
        "against": "the rule of 90 % of steps (Emerging Hot Spot Analysis)",
        "ours_s": between - began,
        "theirs_s": ended - between,
        "ours_wrong": all_ours,
        "theirs_wrong": all_theirs,
        "ratio": all_theirs / max(all_ours, 0.5 / (5 * each)),
        "aim": f"<= {1 - aim:.0%} wrong",
        "note": f"right {right:.2f} against {1 - all_theirs:.2f}: {classes}; on a background "
        f"{', '.join(others)}; {counted:.2f} if told from {OTHERS:.0f} other reports a month whose "
        f"number doubles; {(between - began) / (5 * each) * 1e3:.1f} ms each",
    }


def _steady(each: int) -> dict[str, Any]:
    """Places whose rate never changes: any class but persistent is a false trend."""
    rng = np.random.default_rng(11)
    made = [
        rng.poisson(BACKGROUND * times, simulated.PERIODS)
        for times in (1, 2, 5)
        for _ in range(each)
    ]
    began = time.perf_counter()
    by_us = [ours(counts, BACKGROUND, i) for i, counts in enumerate(made)]
    between = time.perf_counter()
    by_them = [theirs(counts, BACKGROUND) for counts in made]
    ended = time.perf_counter()
    false_ours, false_theirs = (
        sum(name not in (None, "persistent") for name in found) / len(made)
        for found in (by_us, by_them)
    )
    told = ", ".join(
        f"{times} times the background: {_false(by_us[k * each : (k + 1) * each]):.3f}"
        for k, times in enumerate((1, 2, 5))
    )
    return {
        "what": f"false trends of {len(made):,} steady places",
        "against": "the rule of 90 % of steps (Emerging Hot Spot Analysis)",
        "ours_s": between - began,
        "theirs_s": ended - between,
        "ours_wrong": false_ours,
        "theirs_wrong": false_theirs,
        "ratio": false_theirs / max(false_ours, 0.5 / len(made)),
        "aim": "<= 5 % wrong",
        "note": told,
    }


def _false(found: list[str | None]) -> float:
    return sum(name not in (None, "persistent") for name in found) / len(found)
