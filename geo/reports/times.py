"""Local times of a named zone → UTC, many at once; and how times are written."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt

from geo.errors import Invalid

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_STEP = timedelta(days=3)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rfc3339(value: datetime) -> str:
    """`2026-01-31T00:00:00Z`, whatever zone the aware `value` is in."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


class LocalZone:
    """A zone's rules over some years, as arrays: `to_utc` places a million local times at once.

    Where clocks go back an hour comes twice: the first is taken. Where they go forward an hour does
    not exist: it is read as if the clocks had not moved yet. Both are told apart by masks. These
    are `zoneinfo`'s own rules for `fold=0`.
    """

    def __init__(self, name: str, first_year: int, last_year: int) -> None:
        """Rules of the years from `first_year` to `last_year`; raises `Invalid` on no such zone."""
        zone = named_zone(name)
        changes = _changes(zone, max(first_year - 1, 1), min(last_year + 1, 9998))
        before = _offset(zone, datetime(max(first_year - 1, 1), 1, 1, tzinfo=UTC))
        offsets = np.array([before, *(offset for _, offset in changes)], dtype=np.int64)
        at = np.array([at for at, _ in changes], dtype=np.int64)
        # In local seconds, a change takes effect where both clocks have passed it …
        self._settled = at + np.maximum(offsets[:-1], offsets[1:])
        # … and between the two readings local times are in doubt.
        self._doubt_from = at + np.minimum(offsets[:-1], offsets[1:])
        self._forward = offsets[1:] > offsets[:-1]
        self._offsets = offsets
        self._at = at

    def offset_at(self, utc_s: Ints) -> Ints:
        """Seconds that the wall clock is ahead of UTC at these UTC seconds."""
        found: Ints = self._offsets[np.searchsorted(self._at, utc_s, side="right")]
        return found

    def to_utc(self, local_s: Ints) -> tuple[Ints, Bools, Bools]:
        """Local wall-clock seconds → `(utc_s, ambiguous, nonexistent)`.

        `local_s` counts seconds from 1970-01-01T00:00:00 as the wall clock reads; all arrays have
        one length.
        """
        settled = np.searchsorted(self._settled, local_s, side="right")
        # The next change is the only one this time can be in doubt about.
        coming = np.minimum(settled, len(self._settled) - 1)
        in_doubt = np.zeros(local_s.shape, dtype=bool)
        forward = np.zeros(local_s.shape, dtype=bool)
        if len(self._settled):
            in_doubt = (settled < len(self._settled)) & (local_s >= self._doubt_from[coming])
            forward = self._forward[coming]
        return local_s - self._offsets[settled], in_doubt & ~forward, in_doubt & forward


def named_zone(name: str) -> ZoneInfo:
    """The IANA zone of this name; raises `Invalid`."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(
            f"there is no time zone {name!r}; zones are named like Asia/Ho_Chi_Minh"
        ) from None


def _offset(zone: ZoneInfo, at: datetime) -> int:
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def _changes(zone: ZoneInfo, first_year: int, last_year: int) -> list[tuple[int, int]]:
    """Changes of the offset as `(utc_s, offset_s after)`: found in steps, then to the second.

    No zone has changed and changed back within a step.
    """
    found = []
    day = datetime(first_year, 1, 1, tzinfo=UTC)
    end = datetime(last_year + 1, 1, 1, tzinfo=UTC)
    offset = _offset(zone, day)
    while day < end:
        next_day = day + _STEP
        after = _offset(zone, next_day)
        if after != offset:
            low, high = day, next_day
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) // 2
                middle = middle.replace(microsecond=0)
                if _offset(zone, middle) == offset:
                    low = middle
                else:
                    high = middle
            found.append((int((high - _EPOCH).total_seconds()), after))
            offset = after
        day = next_day
    return found
