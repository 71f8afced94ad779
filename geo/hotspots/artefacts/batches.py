"""Reports that came in as a batch: their places are real, their times are the import's."""

from datetime import UTC, datetime, tzinfo

import numpy as np
import numpy.typing as npt

from geo.hotspots.artefacts.artefact import Artefact, Numbers, column, vi

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
DAY_US = 86_400 * SECOND_US

FEWEST_A_SECOND = 30
FEWEST_A_MINUTE = 60
# Times the middle of the channel's busy minutes. A storm fills the hotline's minutes to a few
# times the usual, for hours; a batch to the speed of a program.
LEAST_HASTE = 20.0
# Two minutes of a batch with a pause between them are one batch.
_PAUSE_MINUTES = 5
FEWEST_AT_ONE_TIME = 30
FEWEST_DAYS = 5


def bulk_imports(
    at_us: npt.ArrayLike, channels: npt.ArrayLike, zone: tzinfo = UTC
) -> list[Artefact]:
    """Batches by the times of their reports, the fullest first.

    `at_us` are (n,) int64 microseconds since 1970 UTC, `channels` (n,) whole numbers. A batch is 30
    or more reports of one channel in one second, or 60 in a minute and twenty times the channel's
    middle busy minute; minutes near each other are one batch. Reports of one channel that all bear
    the same time of day to the microsecond, 30 or more on five days or more and twenty times what
    such a minute of the day gets else, have lost their time of day. Nothing is left out of
    hotspots, since the places are real. `zone` is that of the times in the sentences. Raises
    `Invalid` on unequal lengths.
    """
    n = len(np.atleast_1d(np.asarray(at_us)))
    at, channel = column("at_us", at_us, n), column("channels", channels, n)
    found = []
    for one in np.unique(channel):
        members = np.flatnonzero(channel == one).astype(np.int64)
        dated = _without_time(at[members])
        if len(dated):
            found.append(_dated(members[dated]))
            members = np.delete(members, dated)
        found += _hasty(at, members, zone)
    return sorted(found, key=lambda each: (-each.n, int(each.members[0])))


def _without_time(at: Numbers) -> npt.NDArray[np.intp]:
    """Positions of the reports that share the channel's commonest time of day, if too many do."""
    if len(at) < FEWEST_AT_ONE_TIME:
        return np.empty(0, dtype=np.intp)
    _, which, n = np.unique(at % DAY_US, return_inverse=True, return_counts=True)
    top = int(np.argmax(n))
    same = np.flatnonzero(which == top)
    days = len(np.unique(at[same] // DAY_US))
    others = len(at) - len(same)
    usual = others / (DAY_US // MINUTE_US)
    few = len(same) < max(FEWEST_AT_ONE_TIME, LEAST_HASTE * usual) or days < FEWEST_DAYS
    return np.empty(0, dtype=np.intp) if few else same


def _hasty(at: Numbers, members: Numbers, zone: tzinfo) -> list[Artefact]:
    if len(members) < FEWEST_A_SECOND:
        return []
    members = members[np.argsort(at[members], kind="stable")]
    seconds, a_second = np.unique(at[members] // SECOND_US, return_counts=True)
    minutes, a_minute = np.unique(at[members] // MINUTE_US, return_counts=True)
    fast = a_minute >= max(FEWEST_A_MINUTE, LEAST_HASTE * float(np.median(a_minute)))
    crowded = np.unique(seconds[a_second >= FEWEST_A_SECOND] // 60)
    hasty = minutes[fast | np.isin(minutes, crowded)]
    if not len(hasty):
        return []
    starts = np.flatnonzero(np.diff(hasty, prepend=hasty[0] - 10 * _PAUSE_MINUTES) > _PAUSE_MINUTES)
    of_minute = at[members] // MINUTE_US
    inside = np.isin(of_minute, hasty)
    batch = np.searchsorted(hasty[starts], of_minute[inside], side="right")
    return [
        _batch(np.sort(members[inside][batch == k]), int(hasty[starts[k - 1]]) * MINUTE_US, zone)
        for k in range(1, len(starts) + 1)
    ]


def _batch(members: Numbers, since_us: int, zone: tzinfo) -> Artefact:
    when = datetime.fromtimestamp(since_us / SECOND_US, zone)
    n = len(members)
    return Artefact(
        kind="bulk_import",
        members=members,
        left_out=members[:0],
        lon=None,
        lat=None,
        why_vi=f"{vi(n)} phản ánh được nhập cùng lúc từ {when:%H:%M %d/%m/%Y} ({when:%Z}): đó là "
        "giờ nhập dữ liệu, không phải giờ người dân báo.",
        why_en=f"{n:,} reports were entered as one batch from {when:%H:%M on %d %b %Y} "
        f"({when:%Z}): the time is that of the import, not of the people who reported.",
    )


def _dated(members: Numbers) -> Artefact:
    n = len(members)
    return Artefact(
        kind="bulk_import",
        members=members,
        left_out=members[:0],
        lon=None,
        lat=None,
        why_vi=f"{vi(n)} phản ánh có cùng một giờ trong ngày: dữ liệu nhập vào chỉ có ngày, "
        "không có giờ.",
        why_en=f"{n:,} reports bear the same time of day: the data imported had a date and no "
        "time.",
    )
