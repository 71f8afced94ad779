"""Two clocks for deadlines: one that never stops, and one that runs while the offices work.

Both are asked the same: when `amount` has passed since a moment, and how much has passed between
two. All datetimes are aware; answers are UTC. In between the working clock counts whole
microseconds of the city's local time, so that `between(start, after(start, amount)) == amount`
exactly.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from geo.errors import Invalid

Span = tuple[time, time]
VIETNAM_HOURS: Final[tuple[Span, ...]] = ((time(7, 30), time(11, 30)), (time(13), time(17)))
"""Eight hours a day, as the city's offices keep them; a city with others says so."""

_MICRO: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1)
# Nobody is promised anything later than that; a calendar in which nobody ever works ends here.
_LONGEST: Final = 20 * 366


class Clock(Protocol):
    """Something by which time passes."""

    def after(self, start: datetime, amount: timedelta) -> datetime:
        """The first moment by which `amount` (>= 0) has passed since `start`."""

    def between(self, start: datetime, end: datetime) -> timedelta:
        """How much passes from `start` to `end`; nothing where `end` is earlier."""


class CalendarClock:
    """Never stops."""

    def after(self, start: datetime, amount: timedelta) -> datetime:
        """`start` and `amount`."""
        return start.astimezone(UTC) + amount

    def between(self, start: datetime, end: datetime) -> timedelta:
        """From the one to the other."""
        return max(end - start, timedelta())


@dataclass(frozen=True)
class WorkingClock:
    """Runs in `hours` of the local days of `timezone` that `works` says are worked on.

    `hours` are in order and do not overlap; `(time(22), time(0))` ends at midnight.
    """

    timezone: ZoneInfo
    works: Callable[[date], bool]
    hours: Sequence[Span] = VIETNAM_HOURS
    # of a day: [(begin, end, worked before it)] in microseconds since its midnight
    _spans: list[tuple[int, int, int]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        spans, worked = [], 0
        for begin, end in self.hours:
            first, last = _micros(begin), _micros(end) or _DAY // _MICRO
            if last <= first:
                raise Invalid(f"working hours end before they begin: {begin}-{end}")
            spans.append((first, last, worked))
            worked += last - first
        if not spans or any(one[1] > other[0] for one, other in pairwise(spans)):
            raise Invalid("working hours must be given in order, and one at least")
        object.__setattr__(self, "_spans", spans)

    @property
    def a_day(self) -> timedelta:
        """How long one day's work is."""
        first, last, before = self._spans[-1]
        return (before + last - first) * _MICRO

    def after(self, start: datetime, amount: timedelta) -> datetime:
        """The first moment by which `amount` was worked since `start`: at the end of a day rather
        than at the beginning of the next. Raises `Invalid` where nobody works for twenty years."""
        if amount <= timedelta():
            return start.astimezone(UTC)
        local = start.astimezone(self.timezone)
        day = local.date()
        left = amount // _MICRO + (self._worked_by(_of_day(local)) if self.works(day) else 0)
        a_day = self.a_day // _MICRO
        for _ in range(_LONGEST):
            if self.works(day):
                if left <= a_day:
                    return self._moment(day, left)
                left -= a_day
            day += _DAY
        raise Invalid(f"nobody works for long enough after {start}: see the city's working days")

    def between(self, start: datetime, end: datetime) -> timedelta:
        """What is worked from `start` to `end`; days are counted one by one."""
        if end <= start:
            return timedelta()
        first, last = start.astimezone(self.timezone), end.astimezone(self.timezone)
        days = (last.date() - first.date()).days
        whole = sum(self.works(first.date() + step * _DAY) for step in range(days))
        worked = whole * (self.a_day // _MICRO)
        if self.works(first.date()):
            worked -= self._worked_by(_of_day(first))
        if self.works(last.date()):
            worked += self._worked_by(_of_day(last))
        return worked * _MICRO

    def _worked_by(self, of_day: int) -> int:
        for first, last, before in reversed(self._spans):
            if of_day > first:
                return before + min(of_day, last) - first
        return 0

    def _moment(self, day: date, worked: int) -> datetime:
        # The last span that begins with less than that behind it.
        place = bisect_left([before for _, _, before in self._spans], worked) - 1
        first, _, before = self._spans[place]
        wall = datetime.combine(day, time()) + (first + worked - before) * _MICRO
        return wall.replace(tzinfo=self.timezone).astimezone(UTC)


def _micros(of_day: time) -> int:
    return (datetime.combine(date.min, of_day) - datetime.min) // _MICRO


def _of_day(local: datetime) -> int:
    return _micros(local.time())
