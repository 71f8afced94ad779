"""On which days the city's offices work: the state's holidays, make-up Saturdays, the city's own.

Public holidays of Vietnam (Tết with the days the government grants, and the Saturdays worked for
bridge days) are those of the `holidays` library; a city adds days off and days worked, which win.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import holidays

_SATURDAY: Final = 5


@dataclass(frozen=True)
class Workdays:
    """`works(day)` for the country's (ISO 3166-1 alpha-2; "" for none) and the city's own days."""

    country: str = "VN"
    off: Collection[date] = frozenset()
    worked: Collection[date] = frozenset()
    _known: holidays.HolidayBase | None = field(init=False, repr=False, compare=False, default=None)
    # Each day is asked for again and again, by each report that is due some days later.
    _told: dict[date, bool] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        if self.country:
            found = holidays.country_holidays(self.country, language="vi")
            object.__setattr__(self, "_known", found)

    def __call__(self, day: date) -> bool:
        """Whether the offices work on this local day."""
        told = self._told.get(day)
        if told is None:
            told = self._told[day] = self._works(day)
        return told

    def _works(self, day: date) -> bool:
        if day in self.worked:
            return True
        if day in self.off:
            return False
        if self._known is None:
            return day.weekday() < _SATURDAY
        return self._known.is_working_day(day)

    def why_off(self, day: date) -> str | None:
        """The holiday's name, in Vietnamese; None for weekends and days that are worked."""
        return None if self(day) or self._known is None else self._known.get(day)
