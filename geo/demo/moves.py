"""What became of the demo's reports: when each was assigned, worked on, resolved, closed.

Vectorised: one row a report, one column a step; a step that never comes is NaT.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Times = npt.NDArray[np.datetime64]

# Steps in the order they are taken; the status of a report is its last step before now.
STEPS = (
    *("received", "assigned", "in_progress", "waiting", "resumed"),
    *("resolved", "closed", "rejected", "duplicate", "withdrawn"),
)
_NEVER = np.datetime64("NaT", "ms")
# What happens to a report that nobody had sent before: shares of all.
_REJECTED, _WITHDRAWN, _STUCK, _PAUSED = 0.03, 0.006, 0.012, 0.05
# Of the reports that repeat another, the share that the desk noticed.
_MERGED = 0.7


@dataclass(frozen=True)
class Moves:
    """`at` (n, len(STEPS)) UTC milliseconds, NaT for steps not taken by now; `status` (n,)."""

    at: Times
    status: npt.NDArray[np.str_]

    def step(self, name: str) -> Times:
        """The column of a step."""
        return self.at[:, STEPS.index(name)]


def live(
    rng: np.random.Generator,
    created: Times,
    days: Floats,
    parent: Ints,
    now: np.datetime64,
) -> Moves:
    """The steps of reports made at `created`, usually resolved within about `days` days.

    `parent` is the number of the report that a row repeats, or -1.
    """
    n = len(created)
    chance = rng.random(n)
    at = np.full((n, len(STEPS)), _NEVER, dtype="datetime64[ms]")

    def put(step: str, rows: npt.NDArray[np.bool_], when: Times) -> None:
        at[rows, STEPS.index(step)] = when[rows]

    everyone = np.ones(n, dtype=bool)
    put("received", everyone, created)
    # The hotline forwards within five minutes; what comes at night waits for the morning shift.
    assigned = created + _minutes(rng.lognormal(np.log(4.0), 0.8, n))
    seen = assigned + _days(0.3 * days * rng.lognormal(0.0, 0.6, n) + 0.01)
    resolved = seen + _days(0.7 * days * rng.lognormal(0.0, 0.75, n) + 0.01)
    closed = resolved + _days(rng.uniform(0.6, 4.0, n))

    rejected = chance < _REJECTED
    withdrawn = ~rejected & (chance < _REJECTED + _WITHDRAWN)
    stuck = ~rejected & ~withdrawn & (chance < _REJECTED + _WITHDRAWN + _STUCK)
    paused = ~rejected & ~withdrawn & (chance > 1.0 - _PAUSED)
    merged = (parent >= 0) & (rng.random(n) < _MERGED)
    usual = ~(rejected | withdrawn | merged)

    put("assigned", ~withdrawn, assigned)
    put("rejected", rejected & ~merged, assigned + _days(rng.uniform(0.1, 2.0, n)))
    put("withdrawn", withdrawn & ~merged, created + _minutes(rng.uniform(3.0, 90.0, n)))
    put("duplicate", merged, assigned + _minutes(rng.uniform(5.0, 300.0, n)))
    # Half of the forgotten ones were never looked at.
    put("in_progress", usual & ~(stuck & (rng.random(n) < 0.5)), seen)
    pause = (resolved - seen) * 0.2
    longer = _days(rng.uniform(2.0, 9.0, n))
    waits = usual & paused
    put("waiting", waits, seen + pause)
    put("resumed", waits & ~stuck, seen + pause + longer)
    resolved = np.where(waits, resolved + longer, resolved)
    closed = np.where(waits, closed + longer, closed)
    put("resolved", usual & ~stuck, resolved)
    put("closed", usual & ~stuck, closed)

    at[at > now] = _NEVER
    return Moves(at, _status(at))


def _status(at: Times) -> npt.NDArray[np.str_]:
    # Steps are in order of time within a row, so the last one taken is the rightmost.
    taken = ~np.isnat(at)
    last = at.shape[1] - 1 - np.argmax(taken[:, ::-1], axis=1)
    names = np.array([("in_progress" if s == "resumed" else s) for s in STEPS])
    return np.asarray(names[last])


def _minutes(minutes: Floats) -> npt.NDArray[np.timedelta64]:
    return (minutes * 60_000).astype("timedelta64[ms]")


def _days(days: Floats) -> npt.NDArray[np.timedelta64]:
    return (days * 86_400_000).astype("timedelta64[ms]")
