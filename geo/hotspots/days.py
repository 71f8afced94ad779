"""The days that a run looks at. Apart from the rest: who only asks for a run need not load it."""

from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final

from geo.errors import Invalid
from geo.period import Period

DAYS: Final = 90


def window(as_of: date, zone: tzinfo, days: int = DAYS) -> Period:
    """The `days` days that end with the day `as_of`, days as the city's clock has them."""
    # Reports are of these years; near the calendar's own ends there is no day before, or after.
    if not 1000 <= as_of.year <= 2999:
        raise Invalid(f"a window must end in the years 1000 to 2999; it ends in {as_of.year}")
    if not 7 <= days <= 3660:
        raise Invalid(f"a window must be 7 to 3660 days long; it is {days}")
    until = datetime.combine(as_of + timedelta(days=1), time(), zone)
    since = datetime.combine(as_of + timedelta(days=1 - days), time(), zone)
    return Period(since, until)
