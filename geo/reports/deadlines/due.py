"""When something promised is due, with the pauses in between taken out.

A pause is a stretch `[begin, end)` in which the report waited for somebody else. It is measured by
the promise's own clock: a working clock loses nothing by a pause over a weekend. What was due
before a pause began stays so, and is late for good.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from geo.reports.deadlines.clock import Clock

WARNED_AT: Final = 0.8
"""The part of the time promised after which the desk is warned."""

Pause = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Promise:
    """`amount` of time by `clock`."""

    amount: timedelta
    clock: Clock

    def due(self, start: datetime, pauses: Iterable[Pause] = ()) -> datetime:
        """When it is due for what began at `start`; `pauses` in any order."""
        return self._passed(self.amount, start, pauses)

    def warn(self, start: datetime, pauses: Iterable[Pause] = ()) -> datetime:
        """When four fifths of it have passed."""
        return self._passed(self.amount * WARNED_AT, start, pauses)

    def used(self, start: datetime, end: datetime, pauses: Iterable[Pause] = ()) -> timedelta:
        """How much of the time counts from `start` to `end`."""
        used, at = timedelta(), start
        for begin, over in _apart(pauses):
            used += self.clock.between(at, min(begin, end))
            at = max(at, over)
        return used + self.clock.between(at, end)

    def _passed(self, amount: timedelta, start: datetime, pauses: Iterable[Pause]) -> datetime:
        left, at = amount, start
        for begin, over in _apart(pauses):
            used = self.clock.between(at, begin)
            if used >= left:
                break
            left -= used
            at = max(at, over)
        return self.clock.after(at, left)


def _apart(pauses: Iterable[Pause]) -> list[Pause]:
    """In order, those that overlap made one."""
    apart: list[Pause] = []
    for begin, end in sorted(pauses):
        if apart and begin <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(apart[-1][1], end))
        elif end > begin:
            apart.append((begin, end))
    return apart
