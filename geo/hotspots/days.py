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
        message = f"must be of the years 1000 to 2999; it is of {as_of.year}"
        raise Invalid(
            f"the day that a window ends with {message}",
            errors=[{"field": "as_of", "message": message}],
        )
    if not 7 <= days <= 3660:
        raise Invalid(f"a window must be 7 to 3660 days long; it is {days}")
    until = datetime.combine(as_of + timedelta(days=1), time(), zone)
    since = datetime.combine(as_of + timedelta(days=1 - days), time(), zone)
    return Period(since, until)


def starts(period: Period, zone: tzinfo) -> list[datetime]:
    """When each day of a window begins. Where clocks are changed, days are not 24 h long."""
    first, end = (t.astimezone(zone).date() for t in (period.since, period.until))
    days = (first + timedelta(days=i) for i in range((end - first).days))
    return [datetime.combine(day, time(), zone) for day in days]


def not_ahead(as_of: date, zone: tzinfo) -> None:
    """Raise `Invalid` on a day that has not begun: what is said of it would be of no reports."""
    today = datetime.now(zone).date()
    if as_of > today:
        raise Invalid.of("as_of", f"must not lie ahead; today is {today}")
