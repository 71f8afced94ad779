"""What is promised for a category on a day: the city's rules in force, else what is shipped.

A rule is for a category, for its family, or for all (`*`); the nearest of those that is in force on
the local day of the report counts, for good: a rule that changes later promises nothing anew, but
where the report gets another category.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from geo.errors import Invalid
from geo.reports.deadlines.clock import VIETNAM_HOURS, CalendarClock, Clock, Span, WorkingClock
from geo.reports.deadlines.due import Pause, Promise
from geo.reports.deadlines.workdays import Workdays
from geo.reports.events import Words, words

ALL_OTHERS: Final = "*"
FIRST_REPLY, RESOLVE = "first_reply", "resolve"

_NAMES: Final = {
    FIRST_REPLY: ("trả lời lần đầu", "first reply"),
    RESOLVE: ("xử lý xong", "result"),
}
_SHIPPED: Final = {FIRST_REPLY: ("first_reply_h", 1), RESOLVE: ("resolve_days", 24)}


@dataclass(frozen=True, slots=True)
class Rule:
    """`amount` of time by `clock` ("working" or "calendar"), from `since` (None: ever) until before
    `until` (None: for good), local days of the city; `source` is what it follows from."""

    category: str
    promise: str
    amount: timedelta
    clock: str
    since: date | None = None
    until: date | None = None
    source: str = ""

    def in_force(self, day: date) -> bool:
        """Whether it counts for what is reported on this day."""
        return (self.since is None or self.since <= day) and (
            self.until is None or day < self.until
        )


@dataclass(frozen=True, slots=True)
class Term:
    """One promise of a report, and how it is said to people."""

    promise: Promise
    said: Words

    def due(self, start: datetime, pauses: Iterable[Pause] = ()) -> datetime:
        """When it is due (`geo.reports.deadlines.due`)."""
        return self.promise.due(start, pauses)


@dataclass(frozen=True)
class Deadlines:
    """All that a process knows of promises. `rules` in any order."""

    timezone: str
    rules: Sequence[Rule] = ()
    works: Workdays = field(default_factory=Workdays)
    hours: Sequence[Span] = VIETNAM_HOURS
    working: WorkingClock = field(init=False, repr=False, compare=False)
    _clocks: dict[str, Clock] = field(init=False, repr=False, compare=False)
    _ruled: dict[tuple[str, str], list[Rule]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        working = WorkingClock(ZoneInfo(self.timezone), self.works, self.hours)
        ruled: dict[tuple[str, str], list[Rule]] = {}
        for rule in self.rules:
            ruled.setdefault((rule.category, rule.promise), []).append(rule)
        object.__setattr__(self, "working", working)
        clocks: dict[str, Clock] = {"working": working, "calendar": CalendarClock()}
        object.__setattr__(self, "_clocks", clocks)
        object.__setattr__(self, "_ruled", ruled)

    def of(
        self,
        promise: str,
        category: str,
        family: str | None,
        shipped: Mapping[str, Any],
        created_at: datetime,
        promised: Mapping[str, Any] | None = None,
    ) -> Term | None:
        """What is promised a report of this category and family; None: nothing.

        `shipped` are the category's own `{first_reply_h, resolve_days}`, which are calendar time.
        `promised`: by a rule of routing to this report, which wins: seconds by promise, `clock` and
        `source` (`reports.promised`).
        """
        if promised and promised.get(promise):
            amount = timedelta(seconds=promised[promise])
            return self.term(promise, amount, promised["clock"], promised.get("source", ""))
        day = created_at.astimezone(ZoneInfo(self.timezone)).date()
        for name in (category, family, ALL_OTHERS):
            for rule in self._ruled.get((name or "", promise), ()):
                if rule.in_force(day):
                    return self.term(promise, rule.amount, rule.clock, rule.source)
        key, hours = _SHIPPED[promise]
        if not shipped.get(key):
            return None
        return self.term(promise, timedelta(hours=hours * shipped[key]), "calendar")

    def term(self, promise: str, amount: timedelta, clock: str, source: str = "") -> Term:
        """A promise by one of the two clocks; raises `Invalid` on another."""
        if clock not in self._clocks:
            raise Invalid.of("clock", "must be `working` or `calendar`")
        vi, en = _said(amount, working=clock == "working")
        name_vi, name_en = _NAMES[promise]
        by_vi, by_en = (f" theo {source}", f" by {source}") if source else ("", "")
        said = words(f"Thời hạn {name_vi}: {vi}{by_vi}.", f"Time for the {name_en}: {en}{by_en}.")
        return Term(Promise(amount, self._clocks[clock]), said)


def _said(amount: timedelta, *, working: bool) -> tuple[str, str]:
    hours = amount / timedelta(hours=1)
    if not working and hours >= 48 and hours % 24 == 0:
        days = int(hours // 24)
        return f"{days} ngày", f"{days} days"
    shown = f"{hours:g}"
    plural = "" if shown == "1" else "s"
    if working:
        return f"{shown} giờ làm việc", f"{shown} working hour{plural}"
    return f"{shown} giờ", f"{shown} hour{plural}"
