"""A filter's period of time, cut into the parts that the pyramid keeps."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from geo.store.tables.reports import CREATED_FROM, CREATED_UNTIL
from tiles.pyramid.packing import ALL_PERIODS, HOUR_US, PERIOD_HOURS

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
# Beyond any period: 16 days fit 32,767 times into 1,400 years. Ends are cut to `CREATED_FROM` and
# `CREATED_UNTIL`, which lie between: an end before ALL_PERIODS would count that row too.
_FIRST, _LAST = ALL_PERIODS + 1, 32767


def microseconds(at: datetime) -> int:
    """Microseconds since 2000-01-01 UTC, as facts keep them."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def moment(us: int) -> datetime:
    """The time of so many microseconds since 2000-01-01 UTC."""
    return _EPOCH + timedelta(microseconds=us)


def _cut(at: datetime) -> datetime:
    return min(max(at, CREATED_FROM), CREATED_UNTIL)


@dataclass(frozen=True, slots=True)
class Span:
    """`since <= at < until`, each None where it is open."""

    since: datetime | None
    until: datetime | None

    @property
    def always(self) -> bool:
        """Whether it leaves nothing out."""
        return self.since is None and self.until is None

    @property
    def us(self) -> tuple[int | None, int | None]:
        """The ends in microseconds, cut to when reports can be from."""
        return (
            None if self.since is None else microseconds(_cut(self.since)),
            None if self.until is None else microseconds(_cut(self.until)),
        )

    @property
    def hours(self) -> tuple[int | None, int | None]:
        """First whole hour inside, and the hour after the last; the first may be past the last."""
        since, until = self.us
        return (
            None if since is None else -(-since // HOUR_US),
            None if until is None else until // HOUR_US,
        )

    @property
    def whole_periods(self) -> tuple[int, int]:
        """First and last period that lie inside; the first may be past the last."""
        first, end = self.hours
        return (
            _FIRST if first is None else -(-first // PERIOD_HOURS),
            _LAST if end is None else end // PERIOD_HOURS - 1,
        )

    @property
    def cut_periods(self) -> dict[int, tuple[int, int]]:
        """Periods of which only some hours lie inside: which hours, from and up to."""
        first, end = self.hours
        found: dict[int, tuple[int, int]] = {}
        if first is not None and end is not None and first >= end:
            return found
        for edge in (first, end):
            if edge is None or edge % PERIOD_HOURS == 0:
                continue
            period = edge // PERIOD_HOURS
            begins = period * PERIOD_HOURS
            found[period] = (
                0 if first is None else max(0, first - begins),
                PERIOD_HOURS if end is None else min(PERIOD_HOURS, end - begins),
            )
        return found

    @property
    def broken_hours(self) -> list[tuple[datetime, datetime]]:
        """What is left of hours that lie inside only in part, as half-open periods of time."""
        since, until = self.us
        first, end = self.hours
        if since is not None and until is not None:
            assert first is not None
            assert end is not None
            if since >= until:
                return []
            if first > end:
                return [(moment(since), moment(until))]
        found = []
        if since is not None and first is not None and since < first * HOUR_US:
            found.append((moment(since), moment(first * HOUR_US)))
        if until is not None and end is not None and end * HOUR_US < until:
            found.append((moment(end * HOUR_US), moment(until)))
        return found
